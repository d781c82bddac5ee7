#include <map>

#include "tests/support/catch.hpp"
#include "tests/support/counting_allocator.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::same;

namespace {

const Shape kPicture{5, 4, 2};
constexpr Index kSamples = 50;
constexpr Index kEpochs = 2;

struct NoOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

/// What came by in training, by (how often this sample was seen before, its number): passes input 0 on, takes the
/// number from input 1.
using Seen = std::map<std::pair<Index, Index>, std::vector<float>>;

class RecorderImpl final : public LayerImpl<float> {
 public:
  explicit RecorderImpl(Seen& seen) : LayerImpl<float>("Recorder", NoOptions{}), seen_(seen) {}
  std::string_view class_name() const override { return "Recorder"; }
  void forward(const ForwardArgs<float>& args) const override {
    std::copy_n(args.x().data(), args.x().size(), args.y().data());
    if (!args.use.training) return;
    const Index each = args.x().size() / args.x().dim(0);
    for (Index i = 0; i < args.x().dim(0); ++i) {
      const auto number = static_cast<Index>(args.x(1)[i]);
      const float* from = args.x().data() + i * each;
      seen_[{counts_[number]++, number}] = std::vector<float>(from, from + each);
    }
  }
  void backward(const BackwardArgs<float>& args) const override {
    if (args.dx(0)) std::copy_n(args.dy().data(), args.dy().size(), args.dx(0).data());
    if (args.dx(1)) std::fill_n(args.dx(1).data(), args.dx(1).size(), 0.0f);
  }

 private:
  Seen& seen_;
  mutable std::map<Index, Index> counts_;
};

struct Recorder : Layer<float> {
  explicit Recorder(Seen& seen) : Layer<float>(new RecorderImpl(seen)) {}
};

struct How {
  Index batch_size = 8;
  bool shuffle = true;
  int threads = 1;
  std::uint64_t seed = 3;
};

/// What training shows of every sample in every epoch behind the layers of `middle`.
Seen shown(const std::vector<Layer<float>>& middle, const How& how, const Shape& sample = kPicture) {
  Seen seen;
  const auto picture = Input(sample), number = Input({1});
  auto x = picture;
  for (const auto& layer : middle) x = layer(x);
  x = Recorder(seen)({x, number});
  const Model<float> model({picture, number}, {Dense(1)(Flatten()(x))});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  Tensor<float> pictures(sample.with_batch(kSamples)), numbers({kSamples, 1}), y({kSamples, 1});
  Rng rng(11);
  for (float& value : pictures.view().span()) value = static_cast<float>(rng.uniform());
  for (Index i = 0; i < kSamples; ++i) numbers[i] = static_cast<float>(i);
  set_random_seed(how.seed);
  set_num_threads(how.threads);
  model.fit({pictures, numbers}, y,
            {.batch_size = how.batch_size, .epochs = kEpochs, .verbose = Verbose::silent, .shuffle = how.shuffle});
  set_num_threads(1);
  return seen;
}

std::map<std::string, std::vector<Layer<float>>> random_layers() {
  return {
      {"RandomFlip", {RandomFlip()}},
      {"RandomRotation and RandomZoom", {RandomRotation(0.2), RandomZoom(0.3)}},
      {"Dropout", {Dropout(0.4)}},
      {"Dropout of columns", {Dropout(0.4, {.noise_shape = Shape{-1, 1, -1, 1}})}},
      {"SpatialDropout2D", {SpatialDropout2D(0.4)}},
      {"GaussianNoise", {GaussianNoise(0.5)}},
      {"GaussianDropout, AlphaDropout", {GaussianDropout(0.5), AlphaDropout(0.2)}},
      {"RReLU", {Rescaling(2, {.offset = -1}), RReLU()}},
      {"TimeDistributed", {TimeDistributed(Dropout(0.5))}},
  };
}

}  // namespace

TEST_CASE("Random streams: what a sample gets depends on seed, epoch and sample, not on batches, order or threads") {
  for (const auto& [name, layers] : random_layers()) {
    CAPTURE(name);
    const Seen seen = shown(layers, {});
    REQUIRE(seen.size() == static_cast<std::size_t>(kSamples * kEpochs));
    CHECK(seen == shown(layers, {.batch_size = 32}));
    CHECK(seen == shown(layers, {.batch_size = 50, .shuffle = false}));
    CHECK(seen == shown(layers, {.batch_size = 1, .shuffle = false}));
    CHECK(seen == shown(layers, {.batch_size = 13, .threads = 3}));
    CHECK(seen != shown(layers, {.seed = 4}));
    Index again = 0;
    for (Index i = 0; i < kSamples; ++i) again += seen.at({0, i}) == seen.at({1, i});
    CHECK(again < kSamples / 2);  // another epoch, other numbers; two flips agree now and then
  }
}

TEST_CASE("Random streams: recurrent and attention dropout belong to the sample, too") {
  const Shape sequence{6, 3};
  // Weights that are drawn once and shared by all runs.
  const std::vector<std::vector<Layer<float>>> all{
      {LSTM(4, {.dropout = 0.3, .return_sequences = true, .trainable = false})},
      {GRU(4, {.recurrent_dropout = 0.3, .trainable = false})},
  };
  for (const auto& layers : all) {
    const Seen seen = shown(layers, {}, sequence);
    CHECK(seen == shown(layers, {.batch_size = 1, .shuffle = false}, sequence));
    CHECK(seen != shown(layers, {.seed = 4}, sequence));
  }
  const auto attention = [](Index batch_size, bool shuffle) {
    Seen seen;
    const auto x = Input({6, 3}), number = Input({1});
    const auto y = Recorder(seen)({Attention({.dropout = 0.5})({x, x}), number});
    const Model<float> model({x, number}, {Dense(1)(Flatten()(y))});
    model.compile({.optimizer = "sgd", .loss = "mse"});
    Tensor<float> data({kSamples, 6, 3}), numbers({kSamples, 1}), target({kSamples, 1});
    Rng rng(12);
    for (float& value : data.view().span()) value = static_cast<float>(rng.normal());
    for (Index i = 0; i < kSamples; ++i) numbers[i] = static_cast<float>(i);
    set_random_seed(3);
    model.fit({data, numbers}, target,
              {.batch_size = batch_size, .epochs = 1, .verbose = Verbose::silent, .shuffle = shuffle});
    return seen;
  };
  CHECK(attention(8, true) == attention(32, false));
}

TEST_CASE(
    "Random streams: two layers of one model draw different numbers, and what a batch shares changes every step") {
  const Seen first = shown({GaussianNoise(1)}, {});
  // The second layer's noise lies on top of the first's: were it the same, the noise would have doubled.
  const Seen both = shown({GaussianNoise(1), GaussianNoise(1)}, {});
  Index doubled = 0;
  const Seen plain = shown({}, {});
  for (const auto& [key, picture] : first) {
    const float once = picture[0] - plain.at(key)[0], twice = both.at(key)[0] - plain.at(key)[0];
    doubled += std::abs(twice - 2 * once) < 1e-3f;
  }
  CHECK(doubled < 5);

  // One mask for the whole batch: every batch has one of its own.
  const Seen shared = shown({Dropout(0.5, {.noise_shape = Shape{1, 5, 4, 2}})}, {.batch_size = 10, .shuffle = false});
  const auto mask = [&](Index i) {
    std::vector<bool> kept;
    for (const float value : shared.at({0, i})) kept.push_back(value != 0);
    return kept;
  };
  CHECK(mask(0) == mask(9));
  CHECK(mask(10) == mask(19));
  CHECK(mask(0) != mask(10));
}

TEST_CASE("Random streams: a head with dropout trains to the same bits over a cached prefix") {
  const auto task = test::octants(60, 6, 2);
  const auto trained = [&](bool cached) {
    const auto model =
        Sequential({Dense(16, {.activation = "selu", .input_shape = Shape{6}}), Dropout(0.3),
                    Dense(8, {.activation = "selu"}), Dropout(0.5), Dense(4, {.activation = "softmax"})});
    Rng rng(5);
    for (const auto& weight : model.weights()) {
      for (float& value : weight->mutable_value().view().span()) value = static_cast<float>(rng.uniform(-0.5, 0.5));
    }
    model.layers()[0].set_trainable(false);
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
    set_random_seed(4);
    const auto history = model.fit(
        task.x, task.y, {.batch_size = 16, .epochs = 3, .verbose = Verbose::silent, .cache_frozen_prefix = cached});
    CHECK(history.cached_layers == (cached ? 1 : 0));
    return model.get_weights();
  };
  CHECK(same(trained(false), trained(true)));
}
