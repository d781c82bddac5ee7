// Transfer learning on a folder of pictures, the whole practice: a pretrained base, a new head trained on its features,
// then, if wanted, augmentation and fine-tuning of the base's top layers; from scratch for comparison. Prints the test
// accuracy and writes report.html: the curves, the confusion matrix, and the worst mistakes.
//
//     transfer_images pictures --base mobilenet_v2 --weights mobilenet_v2_…_no_top.h5 --fine-tune 10 --augment
//
// Pictures lie in one folder for each class. Those of a class, in the order of their names, are split: the first for
// training, the rest for testing. Without a folder the program draws one and pretrains a small base of its own.
//
// Short run: --quick

#include <graft/graft.hpp>

#include <algorithm>
#include <numeric>

#include "drawn_pictures.hpp"
#include "picture_bases.hpp"

using graft::Index, graft::Model, graft::Dataset;

namespace {

constexpr const char* kUsage =
    "transfer_images DIR --base NAME|FILE [options]   or   transfer_images --quick\n"
    "  --base NAME      a network: mobilenet, mobilenet_v2, vgg16, resnet50, efficientnet_b0, squeezenet …\n"
    "  --base FILE      or a model file of Keras\n"
    "  --weights FILE   of the network, without its top (Keras's own file, or any that fits)\n"
    "  --cut LAYER      of a model file: the layer whose output the features are (default: the one below the last)\n"
    "  --size N         pictures become N x N (default: what the base was made for, else 224)\n"
    "  --alpha A        width of a mobilenet (default 1)\n"
    "  --mode MODE      preprocessing: tf, caffe, torch, identity, unit (default: that of the network; of a file: tf)\n"
    "  --train N        pictures of each class for training (default: two thirds)\n"
    "  --epochs N       of the head (default 60)\n"
    "  --l2 R           the head's L2 penalty (default: features / (3 pictures); 0.01 with --scratch)\n"
    "  --fine-tune N    then trains the base's top N layers with weights at 1/100 of the rate\n"
    "  --tune-epochs N  for that long (default 5)\n"
    "  --augment        flips, turns and zooms the training pictures, a new way in every epoch\n"
    "  --scratch        the same net from random weights, for comparison\n"
    "  --features FILE  where the features of the frozen base are kept (default: in memory)\n"
    "  --report FILE    (default report.html)\n"
    "  --seeds N        repeat with N random seeds (default 1)\n"
    "  --quick          draws pictures and pretrains a base, all small: shows that it works";

struct Settings {
  Index epochs, fine_tune, tune_epochs;
  bool augment, scratch;
  std::optional<double> l2;
  std::string features;
};

struct Outcome {
  double accuracy = 0;
  std::vector<std::pair<std::string, graft::History>> phases;
  graft::Tensor<float> scores;
};

/// The new layers: class probabilities of features.
graft::Symbol<float> head(graft::Symbol<float> features, Index classes, double l2) {
  // Features come in any scale: the head begins by standardising them.
  auto x = graft::BatchNormalization({.momentum = 0.9, .name = "head_norm"})(features);
  x = graft::Dropout(0.2, {.name = "head_dropout"})(x);
  return graft::Dense(classes, {.activation = "softmax", .kernel_regularizer = graft::L2(l2), .name = "head"})(x);
}

/// Augmentation if wanted, base, head: one model.
Model<float> assemble(const Model<float>& base, Index classes, const Settings& settings, double l2) {
  const auto pictures = graft::Input(base.input_shape().without_batch());
  auto x = pictures;
  if (settings.augment) {
    x = graft::RandomFlip("horizontal")(x);
    x = graft::RandomRotation(0.04)(x);
    x = graft::RandomZoom(0.1)(x);
  }
  // BatchNormalization of a pretrained base stays at inference, also where it is unfrozen.
  x = settings.scratch ? base(x) : base(x, {.training = false});
  return {pictures, head(x, classes, l2)};
}

void compile(const Model<float>& model, double learning_rate) {
  model.compile({.optimizer = graft::Adam({.learning_rate = learning_rate}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
}

/// The more features there are for each picture, the smaller their weights have to be. For standardised features this
/// is the normal prior under which the logits have a variance of 1.5 (MacKay 1992, "A practical Bayesian framework").
double prior_penalty(Index features, Index pictures) {
  return static_cast<double>(features) / (3.0 * static_cast<double>(pictures));
}

Outcome train(const Model<float>& base, const example::PictureSplit& data, const Settings& settings) {
  constexpr double kRate = 1e-3;
  Outcome outcome;
  const Index classes = static_cast<Index>(data.class_names.size());
  const Index features = base.output_shape()[1];
  const double l2 = settings.l2 ? *settings.l2 : settings.scratch ? 0.01 : prior_penalty(features, data.train_size);
  const auto model = assemble(base, classes, settings, l2);
  const auto fit = [&](const char* phase, Index epochs, bool cached) {
    if (epochs == 0) return;
    const auto history = model.fit(data.train, {.epochs = epochs,
                                                .verbose = graft::Verbose::silent,
                                                .validation_data = data.test,
                                                .cache_frozen_prefix = cached,
                                                .cache_file = cached ? settings.features : ""});
    if (history.cached_layers > 0) {
      std::printf("%s: %ld frozen layers ran once instead of once an epoch\n", phase, long(history.cached_layers));
    }
    std::printf("%s: %ld epochs, accuracy %.4f, of the test pictures %.4f\n", phase, long(epochs),
                history["accuracy"].back(), history["val_accuracy"].back());
    std::fflush(stdout);
    outcome.phases.emplace_back(phase, history);
  };
  if (settings.scratch) {
    compile(model, kRate);
    fit("from scratch", settings.epochs, false);
    // So few steps do not move the moving statistics to where they belong.
    graft::reestimate_batch_norm(model, data.train);
  } else {
    base.set_trainable(false);
    compile(model, kRate);
    fit("head", settings.epochs, !settings.augment);
    if (settings.fine_tune > 0) {
      graft::unfreeze_top(base, settings.fine_tune);
      compile(model, kRate / 100);
      fit("fine-tuning", settings.tune_epochs, !settings.augment);
    }
  }
  outcome.accuracy = model.evaluate(data.test)[1];
  outcome.scores = model.predict(data.test);
  return outcome;
}

/// Every wrong answer's picture, the surest first.
std::vector<graft::ReportPicture> worst_mistakes(const example::PictureSplit& data, const graft::Tensor<float>& scores,
                                                 std::size_t most) {
  struct Mistake {
    std::size_t picture;
    Index predicted;
    float score;
  };
  const Index classes = scores.dim(1);
  std::vector<Mistake> mistakes;
  for (std::size_t i = 0; i < data.test_labels.size(); ++i) {
    const float* row = scores.data() + static_cast<Index>(i) * classes;
    const Index predicted = std::max_element(row, row + classes) - row;
    if (predicted != data.test_labels[i]) mistakes.push_back({i, predicted, row[predicted]});
  }
  std::sort(mistakes.begin(), mistakes.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  mistakes.resize(std::min(mistakes.size(), most));
  std::vector<graft::ReportPicture> pictures;
  for (const Mistake& mistake : mistakes) {
    const auto image = graft::load_img(data.test_paths[mistake.picture], {.target_size = {{170, 170}}});
    const auto name = [&](Index label) { return data.class_names[static_cast<std::size_t>(label)]; };
    char caption[200];
    std::snprintf(caption, sizeof caption, "%s, taken for %s (%.3f)", name(data.test_labels[mistake.picture]).c_str(),
                  name(mistake.predicted).c_str(), static_cast<double>(mistake.score));
    pictures.push_back({graft::encode_png(image, {.scale = false}), caption});
  }
  return pictures;
}

void write_report(const std::string& path, const std::string& title, const example::PictureSplit& data,
                  const Outcome& outcome) {
  char line[200];
  std::snprintf(line, sizeof line, "%.2f %% of %zu test pictures are right.", 100 * outcome.accuracy,
                data.test_labels.size());
  graft::HtmlReport report(title);
  report.paragraph(line);
  report.heading("Training").curves(outcome.phases);
  report.heading("Confusion matrix of the test pictures");
  report.confusion_matrix(
      graft::confusion_matrix(data.test_labels, outcome.scores, static_cast<Index>(data.class_names.size())),
      data.class_names);
  report.heading("The worst mistakes").pictures(worst_mistakes(data, outcome.scores, 20));
  report.save(path);
  std::printf("%s\n", path.c_str());
}

int transfer(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  example::BaseRequest request = example::base_request(arguments);
  const Index per_class = static_cast<Index>(arguments.number("--train", 0));
  Settings settings{.epochs = arguments.count("--epochs", 60),
                    .fine_tune = static_cast<Index>(arguments.number("--fine-tune", quick ? 2 : 0)),
                    .tune_epochs = arguments.count("--tune-epochs", 5),
                    .augment = arguments.flag("--augment"),
                    .scratch = arguments.flag("--scratch"),
                    .l2 = {},
                    .features = arguments.text("--features", "")};
  if (const double l2 = arguments.number("--l2", -1); l2 >= 0) settings.l2 = l2;
  const std::string report = arguments.text("--report", "report.html");
  const long seeds = arguments.count("--seeds", 1);
  std::string folder;
  example::ScratchFolder drawn;
  if (quick) {
    arguments.finish();
    const auto task = example::draw_task(drawn.path(), 24);
    folder = task.folder;
    request.base = task.base;
    request.mode = "unit";
  } else {
    folder = arguments.finish(1)[0];
  }

  std::vector<double> accuracies;
  for (long seed = 0; seed < seeds; ++seed) {
    graft::set_random_seed(static_cast<std::uint64_t>(42 + seed));
    auto base = example::make_base(request);
    const auto data = example::split_pictures(folder, per_class, base);
    if (settings.scratch) base.model = graft::clone_model(base.model);
    const Outcome outcome = train(base.model, data, settings);
    accuracies.push_back(outcome.accuracy);
    std::printf("seed %ld: test accuracy %.4f\n", 42 + seed, outcome.accuracy);
    if (seed == 0) write_report(report, request.base + " on " + folder, data, outcome);
  }
  if (seeds > 1) std::printf("test accuracy over %ld seeds: %s\n", seeds, example::statistics(accuracies).c_str());
  if (quick) return accuracies[0] > 0.6 ? 0 : 1;  // three shapes: chance is a third
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, transfer); }
