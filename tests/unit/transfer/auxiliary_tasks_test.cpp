#include "support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using test::kSilent;

namespace {

Sequential<float> small_trunk(Index features) {
  return Sequential(
      {Dense(16, {.activation = "tanh", .input_shape = Shape{features}}), Dense(8, {.activation = "tanh"})});
}

// Numbers around one of three centres, and which one.
test::Task clouds(Index samples, std::uint64_t seed) {
  test::Task task{Tensor<float>({samples, 4}), Tensor<float>({samples})};
  Rng rng(seed);
  for (Index i = 0; i < samples; ++i) {
    task.y[i] = static_cast<float>(i % 3);
    for (Index j = 0; j < 4; ++j) {
      task.x[i * 4 + j] = static_cast<float>(0.3 * rng.normal() + (j == i % 3 ? 1.0 : 0.0));
    }
  }
  return task;
}

// Share of samples whose nearest other one is of the same class.
double nearest_is_same(const Tensor<float>& z, const Tensor<float>& y) {
  Index good = 0;
  const auto m = z.matrix();
  for (Index i = 0; i < z.dim(0); ++i) {
    Index best = -1;
    for (Index j = 0; j < z.dim(0); ++j) {
      if (j == i) continue;
      if (best < 0 || (m.row(i) - m.row(j)).squaredNorm() < (m.row(i) - m.row(best)).squaredNorm()) best = j;
    }
    good += y[i] == y[best];
  }
  return static_cast<double>(good) / static_cast<double>(z.dim(0));
}

}  // namespace

TEST_CASE("R-45: greedy pretraining: earlier layers are bit-identical while a later one trains, and are unrolled") {
  set_random_seed(1);
  const auto task = test::octants(200, 6, 2);
  std::vector<Layer<float>> made;
  std::vector<std::vector<Tensor<float>>> after;  // weights of each layer as its own step left them
  const auto watched = [&](GreedyStep<float> step) -> GreedyStep<float> {
    return [&, step](const Tensor<float>& features) {
      std::vector<std::vector<Tensor<float>>> before;
      for (const auto& layer : made) before.push_back(layer.get_weights());
      auto trained = step(features);
      for (std::size_t i = 0; i < made.size(); ++i) {
        CHECK(test::same(made[i].get_weights(), before[i]));
        CHECK(test::same(made[i].get_weights(), after[i]));
      }
      made.push_back(trained.layers[0]);
      after.push_back(made.back().get_weights());
      return trained;
    };
  };
  const RBMOptions gaussian{.visible_units = VisibleUnits::gaussian, .seed = 1};
  const RBMFitOptions rbm_fit{.epochs = 3, .learning_rate = 0.01, .verbose = kSilent};
  const auto stack = greedy_pretrain<float>(
      task.x, {watched(autoencoder_step(12, {.epochs = 3})), watched(rbm_step<float>(10, gaussian, rbm_fit)),
               watched(autoencoder_step(5, {.noise = 0.1, .epochs = 3}))});
  REQUIRE(made.size() == 3);
  CHECK(stack.model.output_shape() == Shape{-1, 5});
  CHECK(stack.model.layers().size() == 3);
  for (Index i = 0; i < 3; ++i) {
    CHECK(stack.model.layers()[i] == made[static_cast<std::size_t>(i)]);
    CHECK(stack.model.layers()[i].class_name() == "Dense");
    CHECK(test::same(stack.model.layers()[i].get_weights(), after[static_cast<std::size_t>(i)]));
    CHECK(stack.model.layers()[i].trainable());
  }
  CHECK(stack.histories[0].contains("loss"));
  CHECK(stack.histories[1].contains("reconstruction_error"));
  // It learns to give back what it sees, and all of it can be fine-tuned.
  CHECK(stack.histories[0]["loss"].back() < stack.histories[0]["loss"].front());
  const auto model = reuse_layers<float>(stack.model, {Dense(4, {.activation = "softmax"})}, {.drop_top = 0}).model;
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.fit(task.x, task.y, {.epochs = 1, .verbose = kSilent});
  CHECK_FALSE(test::same(model.layers()[0].get_weights(), after[0]));
}

TEST_CASE("R-45: stacks of autoencoders and of RBMs on pictures") {
  set_random_seed(1);
  Tensor<float> pictures({60, 4, 4});
  Rng rng(5);
  for (Index i = 0; i < 60; ++i) {
    for (Index j = 0; j < 16; ++j) pictures[i * 16 + j] = j / 4 == i % 4 || rng.uniform() < 0.05 ? 1.f : 0.f;
  }
  const auto encoders = pretrain_autoencoder_stack<float>(
      pictures, {8, 4},
      {.output_activation = "sigmoid", .epochs = 40, .batch_size = 10, .optimizer = Adam({.learning_rate = 0.01})});
  CHECK(encoders.model.predict(pictures).shape() == Shape{60, 4});
  CHECK(encoders.histories[0]["loss"].back() < 0.6 * encoders.histories[0]["loss"].front());
  const auto rbms = pretrain_rbm_stack<float>(
      pictures, {8, 4}, {.seed = 1}, {.batch_size = 10, .epochs = 100, .learning_rate = 0.1, .verbose = kSilent});
  CHECK(rbms.model.predict(pictures).shape() == Shape{60, 4});
  CHECK(rbms.histories[0]["reconstruction_error"].back() < 0.5 * rbms.histories[0]["reconstruction_error"].front());
  CHECK(rbms.model.layers().size() == 3);
  CHECK_THROWS_AS(greedy_pretrain<float>(pictures, {}), ConfigError);
  CHECK_THROWS_WITH(greedy_pretrain<float>(pictures, {autoencoder_step(3)}), ContainsSubstring("Flatten"));
  const GreedyStep<float> nothing = [](const Tensor<float>&) { return TrainedLayers<float>{}; };
  CHECK_THROWS_AS(greedy_pretrain<float>(pictures, {nothing}), ConfigError);
}

TEST_CASE("R-47: siamese twins have one set of variables, and both sides move it") {
  set_random_seed(2);
  const auto embedding = small_trunk(4);
  const auto twins = siamese_model<float>(embedding);
  CHECK(twins.weights().size() == embedding.weights().size());
  CHECK(twins.count_params() == embedding.count_params());
  const auto data = clouds(12, 1);
  const Tensor<float> a = data.x.rows(0, 6), b = data.x.rows(6, 12), same({6}, {1.f, 0.f, 1.f, 0.f, 0.f, 1.f});
  // d(a, b) = d(b, a) = |f(a) - f(b)|
  const auto d = twins.predict({a, b}), back = twins.predict({b, a});
  const auto za = embedding.predict(a), zb = embedding.predict(b);
  for (Index i = 0; i < 6; ++i) {
    CHECK(d[i] == Approx((za.matrix().row(i) - zb.matrix().row(i)).norm()));
    CHECK(d[i] == back[i]);
  }
  CHECK(twins.predict({a, a})[0] < 1e-3f);

  // A step of SGD with rate 1 is the gradient of the loss over both uses: against finite differences.
  twins.compile({.optimizer = SGD({.learning_rate = 1.0}), .loss = ContrastiveLoss({.margin = 2.0})});
  const auto before = embedding.get_weights();
  const auto loss_at = [&](std::size_t w, Index i, float by) {
    auto weights = before;
    weights[w][i] += by;
    embedding.set_weights(weights);
    return twins.test_on_batch({a, b}, same)[0];
  };
  std::vector<std::array<double, 3>> differences;
  for (std::size_t w = 0; w < before.size(); ++w) {
    for (Index i = 0; i < before[w].size(); i += 5) {
      const double slope = (loss_at(w, i, 1e-2f) - loss_at(w, i, -1e-2f)) / 2e-2;
      differences.push_back({static_cast<double>(w), static_cast<double>(i), slope});
    }
  }
  embedding.set_weights(before);
  twins.train_on_batch({a, b}, same);
  const auto after = embedding.get_weights();
  for (const auto& [w, i, slope] : differences) {
    const auto wi = static_cast<std::size_t>(w);
    const auto at = static_cast<Index>(i);
    CHECK(static_cast<double>(before[wi][at] - after[wi][at]) == Approx(slope).epsilon(0.02).margin(2e-3));
  }
  CHECK_THROWS_AS(siamese_model<float>(Sequential({Reshape({2, 2}, {.input_shape = Shape{4}})})), ShapeError);
}

TEST_CASE("R-47: siamese pretraining, triplets and mined triplets pull classes together") {
  const auto data = clouds(120, 1), unseen = clouds(60, 2);
  const auto labelled = Dataset<float>::from_tensors(data.x, data.y);
  const auto distances = [&](const Model<float>& trunk) {
    const auto z = trunk.predict(unseen.x);
    double same = 0, other = 0;
    for (Index i = 0; i + 3 < 60; ++i) {
      same += (z.matrix().row(i) - z.matrix().row(i + 3)).norm();
      other += (z.matrix().row(i) - z.matrix().row(i + 1)).norm();
    }
    return other / same;
  };
  set_random_seed(3);
  const auto fresh = small_trunk(4), pairs = small_trunk(4), triplets = small_trunk(4), hard = small_trunk(4),
             semi_hard = small_trunk(4);
  const double before = distances(fresh);
  const auto history = pretrain_siamese<float>(
      pairs, labelled,
      {.epochs = 20, .batch_size = 16, .optimizer = Adam({.learning_rate = 0.01}), .projection = 4, .seed = 1},
      {.seed = 1});
  CHECK(history["loss"].back() < 0.3 * history["loss"].front());
  CHECK(distances(pairs) > 1.3 * before);

  const auto model = triplet_model<float>(triplets);
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = TripletLoss()});
  model.fit(triplet_dataset(labelled, {.seed = 1}).batch(16), {.epochs = 20, .verbose = kSilent});
  CHECK(distances(triplets) > 1.3 * before);

  for (const auto& [trunk, loss] :
       {std::pair{hard, "triplet_hard_loss"}, std::pair{semi_hard, "triplet_semi_hard_loss"}}) {
    INFO(loss);
    trunk.compile({.optimizer = Adam({.learning_rate = 0.005}), .loss = loss});
    trunk.fit(balanced_batches(labelled, 3, 6, {.seed = 1}), {.epochs = 40, .verbose = kSilent});
    CHECK(distances(trunk) > 1.3 * before);
    CHECK(nearest_is_same(trunk.predict(unseen.x), unseen.y) > 0.95);
  }
}

TEST_CASE("R-47: SimCLR and siamese views learn what noise does not change, without labels") {
  // What counts is in the first three numbers; the fourth is different in every view.
  const auto data = clouds(128, 1), unseen = clouds(90, 2);
  auto x = data.x;
  for (Index i = 0; i < 128; ++i) x[i * 4 + 3] = 0;
  const Adam fast({.learning_rate = 0.005});
  const Sequential noise({GaussianNoise(0.3, {.input_shape = Shape{4}})});
  set_random_seed(4);
  const auto trunk = small_trunk(4);
  const auto history = pretrain_simclr<float>(
      trunk, x, noise, {.epochs = 30, .batch_size = 32, .optimizer = fast, .projection = 8, .seed = 1});
  // Guessing among 63 others costs log 63 = 4.14.
  CHECK(history["loss"].front() < std::log(63.0) + 0.3);
  CHECK(history["loss"].back() < history["loss"].front() - 0.3);
  CHECK(nearest_is_same(trunk.predict(unseen.x), unseen.y) > 0.9);

  const auto twins = small_trunk(4);
  const auto siamese = pretrain_siamese<float>(
      twins, x, noise, {.epochs = 20, .batch_size = 32, .optimizer = fast, .projection = 8, .seed = 1});
  CHECK(siamese["loss"].back() < 0.9 * siamese["loss"].front());
  set_random_seed(4);
  const auto again = small_trunk(4);
  pretrain_simclr<float>(again, x, noise,
                         {.epochs = 30, .batch_size = 32, .optimizer = fast, .projection = 8, .seed = 1});
  CHECK(test::same(again.get_weights(), trunk.get_weights()));

  CHECK_THROWS_WITH(pretrain_simclr<float>(trunk, x, noise, {.batch_size = 1}),
                    ContainsSubstring("at least 2 pictures"));
  CHECK_THROWS_AS(pretrain_simclr<float>(trunk, x, noise, {.batch_size = 200}), DataError);
}

TEST_CASE("R-47: rotation prediction: a picture with a bright corner says how it is turned") {
  set_random_seed(5);
  Tensor<float> pictures({64, 6, 6, 1});
  Rng rng(6);
  for (Index i = 0; i < 64; ++i) {
    for (Index j = 0; j < 36; ++j) pictures[i * 36 + j] = static_cast<float>(0.5 * rng.uniform());
    for (const Index j : {0, 1, 6}) pictures[i * 36 + j] += 1.f;
  }
  const Sequential trunk({Flatten({.input_shape = Shape{6, 6, 1}}), Dense(16, {.activation = "relu"})});
  const auto history = pretrain_rotation<float>(
      trunk, pictures, {.epochs = 30, .batch_size = 32, .optimizer = Adam({.learning_rate = 0.005}), .seed = 1});
  CHECK(history["accuracy"].front() < 0.8);
  CHECK(history["accuracy"].back() > 0.99);
  CHECK(trunk.layers().size() == 2);
}

TEST_CASE("R-48: masked-token prediction with Embedding(mask_zero) learns the order of the tokens") {
  // Tokens 1 … 8 follow each other in a circle; 9 is the mask, 0 the padding.
  constexpr Index kTime = 10, kVocabulary = 10, kMask = 9;
  Tensor<float> x({300, kTime});
  Rng rng(7);
  for (Index i = 0; i < 300; ++i) {
    const Index start = rng.below(8), length = 6 + rng.below(5);
    for (Index t = 0; t < length; ++t) x[i * kTime + t] = static_cast<float>(1 + (start + t) % 8);
  }
  const auto masked = mask_tokens(Dataset<float>::from_tensors(x), kVocabulary, kMask, {.seed = 1});
  Index hidden = 0, chosen = 0, total = 0, kept = 0;
  Index sample = 0;
  for (const auto& s : masked) {
    for (Index t = 0; t < kTime; ++t) {
      const float truth = x[sample * kTime + t], target = s.y[0][t], shown = s.x[0][t];
      if (truth == 0) {
        CHECK(target == -1.f);
        CHECK(shown == 0.f);
        continue;
      }
      ++total;
      if (target == -1.f) {
        CHECK(shown == truth);
        continue;
      }
      CHECK(target == truth);
      CHECK(shown != 0.f);
      ++chosen;
      hidden += shown == kMask;
      kept += shown == truth;
    }
    ++sample;
  }
  CHECK(static_cast<double>(chosen) / static_cast<double>(total) == Approx(0.15).margin(0.025));
  CHECK(static_cast<double>(hidden) / static_cast<double>(chosen) == Approx(0.82).margin(0.06));
  CHECK(static_cast<double>(kept) / static_cast<double>(chosen) == Approx(0.11).margin(0.05));

  set_random_seed(8);
  const Sequential model({Embedding(kVocabulary, 12, {.mask_zero = true, .input_length = kTime}),
                          Bidirectional(GRU(16, {.return_sequences = true})),
                          Dense(kVocabulary, {.activation = "softmax"})});
  model.compile(
      {.optimizer = Adam({.learning_rate = 0.01}), .loss = SparseCategoricalCrossentropy({.ignore_class = -1})});
  const auto history = model.fit(masked.batch(32), {.epochs = 30, .verbose = kSilent});
  CHECK(history["loss"].back() < 0.4 * history["loss"].front());
  // One hidden token of a sequence that it has not seen.
  Index right = 0;
  for (Index i = 0; i < 40; ++i) {
    Tensor<float> one({1, kTime});
    const Index start = i % 8, at = 1 + i % 7;
    for (Index t = 0; t < 9; ++t) one[t] = static_cast<float>(1 + (start + t) % 8);
    const auto truth = static_cast<Index>(one[at]);
    one[at] = kMask;
    const auto y = model.predict(one);
    const float* p = y.data() + at * kVocabulary;
    right += std::max_element(p, p + kVocabulary) - p == truth;
  }
  CHECK(right >= 36);

  const auto data = Dataset<float>::from_tensors(x);
  CHECK_THROWS_AS(mask_tokens(data, kVocabulary, 0), ConfigError);
  CHECK_THROWS_AS(mask_tokens(data, kVocabulary, 10), ConfigError);
  CHECK_THROWS_AS(mask_tokens(data, kVocabulary, kMask, {.probability = 2}), ConfigError);
  CHECK_THROWS_AS(mask_tokens(data, kVocabulary, kMask, {.mask_share = 0.8, .random_share = 0.3}), ConfigError);
  CHECK_THROWS_WITH(mask_tokens(data, 5, 4).batch(300).first(), ContainsSubstring("tokens from 0 to 4"));
}
