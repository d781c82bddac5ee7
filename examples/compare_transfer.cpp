// What pretraining is worth when labels are few: methods × labels on Fashion-MNIST and on digits that it draws itself,
// mean ± standard deviation over seeds, and the paired 95 % interval against the same net from scratch, as Markdown
// tables. A last table compares ways to fine-tune one and the same pretrained net.
//
// Short run: --quick

#include <graft/graft.hpp>

#include <chrono>
#include <map>

#include "drawn_digits.hpp"
#include "pretraining_recipes.hpp"

using example::Labeled, example::PretrainingRecipe, example::Trunk, graft::Index, graft::Tensor;

namespace {

constexpr const char* kUsage =
    "compare_transfer [--data NAME] [--seeds N] [--labels N] [--pretrainings N] [--epochs N] [--only TEXT] [--tuning] "
    "[--validate] [--quick]\n"
    "  --data NAME       fashion, digits, or both (default)\n"
    "  --seeds N         choices of the labelled pictures, 0, 1 … (default 10)\n"
    "  --labels N        one number of labels in place of 100, 500 and 2000\n"
    "  --pretrainings N  every method pretrains N times; seed s takes number s mod N (default 2)\n"
    "  --epochs N        unit of pretraining effort (default 10)\n"
    "  --only TEXT       the rows from scratch, and those whose name has TEXT in it\n"
    "  --tuning          the table of ways to fine-tune, too\n"
    "  --validate        scores on pictures set aside for choosing hyperparameters, with seeds from 1000 on\n"
    "  --quick           few pictures, two seeds: for a first look";

struct Effort {
  long seeds = 10, pretrainings = 2;
  Index epochs = 10, unlabelled = 55000, test = 10000, digits = 20000;
  std::vector<Index> labels = {100, 500, 2000};
  std::uint64_t first_seed = 0;
  bool validate = false;
};

struct DataSet {
  std::string name;
  Tensor<float> unlabelled;  // and the labels of those that a seed chooses
  Tensor<float> labels;
  Labeled test;
  bool mirror;  // a mirrored picture shows the same
};

Tensor<float> rows(const Tensor<float>& x, Index first, Index last) { return Tensor<float>(x.rows(first, last)); }

DataSet fashion(const Effort& effort) {
  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  // The first 5,000 are for choosing hyperparameters.
  const Index last = 5000 + effort.unlabelled;
  DataSet result{"Fashion-MNIST", rows(data.x_train, 5000, last), rows(data.y_train, 5000, last), {}, true};
  if (effort.validate) result.test = {rows(data.x_train, 0, 5000), rows(data.y_train, 0, 5000)};
  else result.test = {rows(data.x_test, 0, effort.test), rows(data.y_test, 0, effort.test)};
  return result;
}

DataSet drawn(const Effort& effort) {
  auto train = example::draw_digits(effort.digits, 1);
  auto test = example::draw_digits(std::min<Index>(effort.test, 5000), effort.validate ? 3 : 2);
  return {"drawn digits", std::move(train.x), std::move(train.y), {std::move(test.x), std::move(test.y)}, false};
}

/// The labelled pictures that a seed chooses.
Labeled choose(const DataSet& data, Index count, std::uint64_t seed) {
  return example::choose_labeled(data.unlabelled, data.labels, 0, data.labels.size(), count, seed * 7919 + 17);
}

/// As many steps whatever the number of labels; a net from scratch gets all of them in one go.
Index epochs_for(Index labels, Index steps) { return std::max<Index>(1, steps * 32 / labels); }

double score(const graft::Model<float>& model, const Labeled& test) {
  return model.evaluate(test.x, test.y, {.batch_size = 250})[1];
}

using Tuning = graft::FineTuneOptions<float>;

// The best of 3e-4, 1e-3, 2e-3 and 4e-3 but for noise, for a conv net from scratch with 500 labels (--validate).
constexpr double kLearningRate = 2e-3;

/// The labelled training of one net, and its accuracy on pictures that no training saw.
double train_on_labels(const Trunk& trunk, bool pretrained, const Labeled& train, const Labeled& test, Index steps,
                       Tuning options = {}) {
  const auto model =
      graft::reuse_layers<float>(trunk, {graft::Dense(10, {.activation = "softmax", .name = "head"})}, {.drop_top = 0})
          .model;
  model.compile({.optimizer = graft::Adam({.learning_rate = kLearningRate}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .lints = {.silence = {"all"}}});
  const Index epochs = epochs_for(train.y.size(), steps);
  if (!pretrained) {
    model.fit(train.x, train.y, {.epochs = epochs, .verbose = graft::Verbose::silent});
  } else {
    options.head.epochs = std::max<Index>(1, epochs / 4);
    options.head.learning_rate = 1e-2;  // a linear model, and few steps
    options.tuning.epochs = epochs - epochs / 4;
    options.tuning.learning_rate = kLearningRate;
    // The unlabelled pictures were changed for the pretraining, or are drawings of another kind.
    options.keep_bn_frozen = false;
    options.verbose = graft::Verbose::silent;
    graft::fine_tune<float>(model, {train.x, train.y}, options);
  }
  return score(model, test);
}

std::string cell(const graft::ScoreSummary& scores) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f ± %.1f", 100 * scores.mean, 100 * scores.sd);
  return text;
}
std::string cell(const graft::TransferReport& report) {
  char text[128];
  std::snprintf(text, sizeof text, " (%+.1f; %+.1f to %+.1f)", 100 * report.difference.mean, 100 * report.low,
                100 * report.high);
  return cell(report.recipe) + text;
}

// Scores of every row at every number of labels, one for each seed.
class Table {
 public:
  Table(std::string head, const Effort& effort) : effort_(effort) {
    std::printf("\n| %s |", head.c_str());
    for (const Index count : effort.labels) std::printf(" %ld labels |", long(count));
    std::printf(" pretraining |\n| --- |");
    for (std::size_t i = 0; i < effort.labels.size(); ++i) std::printf(" --- |");
    std::printf(" --- |\n");
  }

  /// `run(seed number, labels)` gives a score. `against`: a row of before, or empty.
  template <class Run>
  void row(const std::string& name, const std::string& against, double pretraining, const Run& run) {
    std::printf("| %s |", name.c_str());
    for (const Index count : effort_.labels) {
      std::vector<double> scores;
      for (long s = 0; s < effort_.seeds; ++s) {
        graft::set_random_seed(effort_.first_seed + static_cast<std::uint64_t>(s) + 1);
        scores.push_back(run(s, count));
      }
      const auto base = scores_.find({against, count});
      if (base == scores_.end() || effort_.seeds < 2)
        std::printf(" %s |", cell(graft::summarize_scores(scores)).c_str());
      else std::printf(" %s |", cell(graft::compare_scores(scores, base->second)).c_str());
      scores_[{name, count}] = scores;
      std::fflush(stdout);
    }
    if (pretraining > 0) std::printf(" %.0f s |\n", pretraining);
    else std::printf(" – |\n");
    std::fflush(stdout);
  }

 private:
  const Effort& effort_;
  std::map<std::pair<std::string, Index>, std::vector<double>> scores_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void compare_pretraining(const DataSet& data, const Labeled& other, const Effort& effort, const std::string& only) {
  std::printf("\n%s: %ld pictures without labels, %ld to test\n", data.name.c_str(), long(data.unlabelled.dim(0)),
              long(data.test.y.size()));
  Table table(data.name, effort);
  const Index steps = effort.epochs > 1 ? 600 : 60;
  const auto pretraining = [&](Index epochs) {
    return example::PretrainingData{data.unlabelled, data.labels, data.mirror, other, epochs};
  };
  for (const PretrainingRecipe& recipe : example::pretraining_recipes()) {
    const bool pretrained = !recipe.against.empty();
    if (pretrained && recipe.name.find(only) == std::string::npos) continue;
    std::vector<Trunk> trunks;
    const auto start = std::chrono::steady_clock::now();
    for (long p = 0; pretrained && p < std::min(effort.pretrainings, effort.seeds); ++p) {
      graft::set_random_seed(effort.first_seed + 100 + static_cast<std::uint64_t>(p));
      trunks.push_back(recipe.make_trunk(pretraining(effort.epochs)));
    }
    const double each = pretrained ? seconds_since(start) / static_cast<double>(trunks.size()) : 0;
    table.row(recipe.name, recipe.against, each, [&](long s, Index count) {
      const Labeled train = choose(data, count, effort.first_seed + static_cast<std::uint64_t>(s));
      const Trunk trunk =
          pretrained ? trunks[static_cast<std::size_t>(s) % trunks.size()] : recipe.make_trunk(pretraining(0));
      return train_on_labels(trunk, pretrained, train, data.test, steps);
    });
  }
}

/// Ways to fine-tune a conv net that learned the labels of another data set.
void compare_tuning(const DataSet& data, const Labeled& other, const Effort& effort) {
  graft::set_random_seed(effort.first_seed + 100);
  const Trunk trunk = example::conv_trunk();
  const Trunk source = example::learn_other_labels(trunk, other, effort.epochs);
  const auto fisher = graft::fisher_information<float>(source, other.x, other.y, {.samples = 500});
  // By assignment: g++ 12 takes designated options of types that may throw for uninitialised.
  const auto with = [](const std::function<void(Tuning&)>& set) {
    Tuning options;
    set(options);
    return options;
  };
  const std::vector<std::pair<std::string, Tuning>> ways = {
      {"head alone", with([](Tuning& t) { t.strategy = graft::Strategy::feature_extraction; })},
      {"everything (the default)", with([](Tuning&) {})},
      {"discriminative rates", with([](Tuning& t) { t.discriminative_decay = 2.6; })},
      {"gradual unfreezing, slanted rates", with([](Tuning& t) {
         t.gradual_unfreezing = true;
         t.slanted_triangular = graft::SlantedTriangularOptions();
       })},
      {"LP-FT", with([](Tuning& t) { t.lp_ft = graft::LpFt(); })},
      {"L2-SP", with([](Tuning& t) { t.l2_sp = graft::L2SP(); })},
      {"EWC", with([&](Tuning& t) {
         t.ewc = graft::EWC<float>{fisher, 10};
       })},
      {"LoRA, rank 4", with([](Tuning& t) { t.lora = graft::Lora<float>{.rank = 4}; })},
      {"BitFit", with([](Tuning& t) { t.bitfit = true; })},
      {"EMA", with([](Tuning& t) { t.ema = graft::Ema(); })},
      {"WiSE-FT, half and half", with([](Tuning& t) { t.wise_ft = graft::WiseFt(); })},
  };
  Table table("ways to fine-tune, " + data.name, effort);
  const Index steps = effort.epochs > 1 ? 600 : 60;
  for (const auto& [name, options] : ways) {
    table.row(name, ways[1].first, 0, [&, &tuning = options](long s, Index count) {
      const Labeled train = choose(data, count, effort.first_seed + static_cast<std::uint64_t>(s));
      return train_on_labels(trunk, true, train, data.test, steps, tuning);
    });
  }
}

int compare(example::Arguments& arguments) {
  Effort effort;
  if (arguments.flag("--quick")) {
    effort.seeds = 2, effort.pretrainings = 1, effort.epochs = 1;
    effort.unlabelled = 1000, effort.test = 500, effort.digits = 1000;
    effort.labels = {100};
  }
  effort.validate = arguments.flag("--validate");
  if (effort.validate) effort.first_seed = 1000;
  effort.seeds = arguments.count("--seeds", effort.seeds);
  effort.pretrainings = arguments.count("--pretrainings", effort.pretrainings);
  effort.epochs = arguments.count("--epochs", effort.epochs);
  if (const Index labels = arguments.count("--labels", 1); labels > 1) effort.labels = {labels};
  const std::string which = arguments.text("--data", "both"), only = arguments.text("--only", "");
  const bool tuning = arguments.flag("--tuning");
  arguments.finish();
  if (which != "both" && which != "fashion" && which != "digits")
    throw example::UsageError("--data: fashion, digits or both");

  const auto start = std::chrono::steady_clock::now();
  const DataSet clothes = fashion(effort), digits = drawn(effort);
  const Labeled some_clothes{rows(clothes.unlabelled, 0, std::min(effort.unlabelled, effort.digits)),
                             rows(clothes.labels, 0, std::min(effort.unlabelled, effort.digits))};
  const Labeled some_digits{digits.unlabelled, digits.labels};
  std::printf(
      "Test accuracy in %%, mean ± standard deviation over %ld seeds; in brackets what is gained over the same net\n"
      "from scratch (in the last table, over the second row), and its paired 95 %% interval.\n",
      effort.seeds);
  if (which != "digits") compare_pretraining(clothes, some_digits, effort, only);
  if (which != "fashion") compare_pretraining(digits, some_clothes, effort, only);
  if (tuning)
    compare_tuning(which == "digits" ? digits : clothes, which == "digits" ? some_clothes : some_digits, effort);
  std::printf("\n%.0f s\n", seconds_since(start));
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, compare); }
