// Pretraining on text: a small net learns to guess hidden words (Embedding with mask_zero, Bidirectional GRU), from
// texts without labels. Then its layers are reused to tell, from few labelled pieces of 24 words, which text a piece is
// from, against the same net from scratch. The texts are the licences that every Debian system has; any text files do.
//
// The exit status is 0 when pretraining gained on average, else 1; a quick run only shows that it runs.
//
// Short run: --quick

#include <graft/graft.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "common.hpp"

namespace {

constexpr const char* kUsage =
    "masked_tokens [--labels N] [--seeds N] [--epochs N] [--folder DIR] [--quick]\n"
    "  --labels N    labelled pieces of each text (default 5)\n"
    "  --seeds N     repeat with N random seeds, 42, 43 … (default 5)\n"
    "  --epochs N    of the pretraining (default 30)\n"
    "  --folder DIR  where the texts are (default /usr/share/common-licenses)\n"
    "  --quick       one seed, one epoch: for a first look";

using graft::Index, graft::Tensor;
constexpr auto kSilent = graft::Verbose::silent;
constexpr Index kWords = 24, kStep = 6;                 // of a piece; from one piece to the next
constexpr Index kPadding = 0, kUnknown = 1, kMask = 2;  // the words begin at 3
constexpr const char* kTexts[] = {"Apache-2.0", "Artistic", "CC0-1.0", "GFDL-1.3", "GPL-3", "MPL-2.0"};
constexpr const char* kMoreTexts[] = {"GPL-1", "GPL-2", "LGPL-2.1", "LGPL-3", "MPL-1.1"};  // never with labels

std::vector<std::string> words_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw example::UsageError("cannot read " + path + ". To get the data: apt install base-files");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words(1);
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) words.back() += static_cast<char>(c | 0x20);
    else if (!words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

struct Pieces {
  std::vector<float> words, text;

  Index count() const { return static_cast<Index>(text.size()); }
  Tensor<float> x() const { return Tensor<float>({count(), kWords}, words); }
  Tensor<float> y() const { return Tensor<float>({count()}, text); }
  void add(const std::vector<Index>& from, std::size_t first, std::size_t last, float label) {
    for (; first + kWords <= last; first += kStep) {
      for (std::size_t i = first; i < first + kWords; ++i) words.push_back(static_cast<float>(from[i]));
      text.push_back(label);
    }
  }
  Pieces chosen(const std::vector<Index>& which) const {
    Pieces result;
    for (const Index i : which) {
      result.words.insert(result.words.end(), words.begin() + i * kWords, words.begin() + (i + 1) * kWords);
      result.text.push_back(text[static_cast<std::size_t>(i)]);
    }
    return result;
  }
};

/// The last quarter of each text is for testing; pieces of the rest, and of the texts without labels, are for training.
struct Corpus {
  Index vocabulary = 3;
  Pieces train, test, unlabeled;

  explicit Corpus(const std::string& folder) {
    std::vector<std::vector<std::string>> texts;
    for (const char* name : kTexts) texts.push_back(words_of(folder + "/" + name));
    for (const char* name : kMoreTexts) texts.push_back(words_of(folder + "/" + name));
    std::map<std::string, Index> count, number;
    for (const auto& text : texts) {
      for (const auto& word : text) ++count[word];
    }
    for (const auto& [word, times] : count) number[word] = times >= 5 ? vocabulary++ : kUnknown;
    for (std::size_t t = 0; t < texts.size(); ++t) {
      std::vector<Index> numbers;
      for (const auto& word : texts[t]) numbers.push_back(number[word]);
      const bool labelled = t < std::size(kTexts);
      const std::size_t end = labelled ? numbers.size() * 3 / 4 : numbers.size();
      unlabeled.add(numbers, 0, end, 0);
      if (!labelled) continue;
      train.add(numbers, 0, end, static_cast<float>(t));
      test.add(numbers, end, numbers.size(), static_cast<float>(t));
    }
  }

  /// `each` pieces of every text.
  Pieces labelled(Index each, std::uint64_t seed) const {
    graft::Rng rng(seed);
    std::vector<Index> which;
    for (std::size_t t = 0; t < std::size(kTexts); ++t) {
      std::vector<Index> of_text;
      for (Index i = 0; i < train.count(); ++i) {
        if (train.text[static_cast<std::size_t>(i)] == static_cast<float>(t)) of_text.push_back(i);
      }
      for (Index k = 0; k < each; ++k) {
        which.push_back(of_text[static_cast<std::size_t>(rng.below(static_cast<Index>(of_text.size())))]);
      }
    }
    return train.chosen(which);
  }
};

graft::Sequential<float> make_trunk(Index vocabulary) {
  return graft::Sequential({graft::Embedding(vocabulary, 32, {.mask_zero = true, .input_length = kWords}),
                            graft::Bidirectional(graft::GRU(32, {.return_sequences = true}))});
}

/// Guesses hidden words; returns the share of them that it finds in pieces of the test texts.
double pretrain(const graft::Sequential<float>& trunk, const Corpus& corpus, Index epochs) {
  const graft::Sequential model({trunk, graft::Dense(corpus.vocabulary, {.activation = "softmax"})});
  model.compile({.optimizer = graft::Adam({.learning_rate = 3e-3}),
                 .loss = graft::SparseCategoricalCrossentropy({.ignore_class = -1}),
                 .lints = {.print = false}});
  const auto x = corpus.unlabeled.x(), unseen = corpus.test.x();
  const auto masked = graft::mask_tokens(graft::Dataset<>::from_tensors(x), corpus.vocabulary, kMask, {.seed = 1});
  model.fit(masked.shuffle(x.dim(0), {.seed = 1}).batch(64), {.epochs = epochs, .verbose = kSilent});

  const auto hidden = graft::mask_tokens(graft::Dataset<>::from_tensors(unseen), corpus.vocabulary, kMask,
                                         {.mask_share = 1, .random_share = 0, .seed = 2})
                          .batch(unseen.dim(0))
                          .first();
  const auto guesses = model.predict(hidden.x[0], {.batch_size = 64});
  Index right = 0, all = 0;
  for (Index i = 0; i < hidden.y[0].size(); ++i) {
    if (hidden.y[0][i] < 0) continue;
    const float* p = guesses.data() + i * corpus.vocabulary;
    right += std::max_element(p, p + corpus.vocabulary) - p == static_cast<Index>(hidden.y[0][i]);
    ++all;
  }
  return static_cast<double>(right) / static_cast<double>(all);
}

/// Accuracy on the test pieces after training with few labels.
double classify(const graft::Sequential<float>& trunk, const Pieces& few, const Corpus& corpus, bool pretrained) {
  const graft::Sequential model({trunk, graft::GlobalAveragePooling1D(),
                                 graft::Dense(static_cast<Index>(std::size(kTexts)), {.activation = "softmax"})});
  const auto fit = [&](bool trunk_trains, Index epochs) {
    trunk.set_trainable(trunk_trains);
    model.compile({.optimizer = graft::Adam({.learning_rate = 3e-3}),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"},
                   .lints = {.print = false}});
    model.fit(few.x(), few.y(), {.batch_size = 16, .epochs = epochs, .verbose = kSilent});
  };
  if (pretrained) fit(false, 20);
  fit(true, 20);
  return model.evaluate(corpus.test.x(), corpus.test.y(), {.batch_size = 64})[1];
}

int run(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const Index labels = arguments.count("--labels", 5), epochs = arguments.count("--epochs", quick ? 1 : 30);
  const long seeds = arguments.count("--seeds", quick ? 1 : 5);
  const Corpus corpus(arguments.text("--folder", "/usr/share/common-licenses"));
  arguments.finish();
  std::printf("%ld texts, %ld words, %ld pieces without labels, %ld to test with\n", long(std::size(kTexts)),
              long(corpus.vocabulary), long(corpus.unlabeled.count()), long(corpus.test.count()));
  std::vector<double> scratch, pretrained;
  for (long seed = 42; seed < 42 + seeds; ++seed) {
    const Pieces few = corpus.labelled(labels, static_cast<std::uint64_t>(seed));
    graft::set_random_seed(static_cast<std::uint64_t>(seed));
    scratch.push_back(classify(make_trunk(corpus.vocabulary), few, corpus, false));
    const auto trunk = make_trunk(corpus.vocabulary);
    const double guessed = pretrain(trunk, corpus, epochs);
    pretrained.push_back(classify(trunk, few, corpus, true));
    std::printf("seed %ld: %.1f %% of hidden words guessed; from scratch %.4f, pretrained %.4f\n", seed, 100 * guessed,
                scratch.back(), pretrained.back());
    std::fflush(stdout);
  }
  double gain = 0;
  for (std::size_t i = 0; i < scratch.size(); ++i) {
    gain += (pretrained[i] - scratch[i]) / static_cast<double>(scratch.size());
  }
  std::printf(
      "\nWhich of %ld texts? Test accuracy with %ld labelled pieces of each, mean ± standard deviation over "
      "%ld seed%s:\nfrom scratch %s, pretrained %s, gain %+.4f\n",
      long(std::size(kTexts)), long(labels), seeds, seeds == 1 ? " (which proves nothing)" : "s",
      example::statistics(scratch).c_str(), example::statistics(pretrained).c_str(), gain);
  return quick || gain > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, run); }
