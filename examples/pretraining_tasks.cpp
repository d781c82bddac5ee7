// The calls of docs/pretraining_tasks.md, compiled and run: restricted Boltzmann machines, greedy stacks, siamese
// twins, triplets, SimCLR, rotation and masked tokens, on small data that it draws itself.
//
// Short run:

#include <graft/graft.hpp>

#include <cstdio>

namespace {

// Pictures of 8 x 8 with a bright bar, at one of four heights: which one is the label.
struct Bars {
  graft::Tensor<float> x{{240, 8, 8}}, y{{240}};

  explicit Bars(std::uint64_t seed) {
    graft::Rng rng(seed);
    for (graft::Index i = 0; i < 240; ++i) {
      const graft::Index label = rng.below(4);
      y[i] = static_cast<float>(label);
      for (graft::Index j = 0; j < 64; ++j) {
        x[i * 64 + j] = static_cast<float>(0.3 * rng.uniform() + (j / 16 == label ? 0.6 : 0.0));
      }
    }
  }
};

// Sequences of 12 tokens that count in a circle of 8.
graft::Tensor<float> circles() {
  graft::Tensor<float> x({200, 12});
  graft::Rng rng(std::uint64_t{3});
  for (graft::Index i = 0; i < 200; ++i) {
    const graft::Index start = rng.below(8), length = 6 + rng.below(7);
    for (graft::Index t = 0; t < length; ++t) x[i * 12 + t] = static_cast<float>(1 + (start + t) % 8);
  }
  return x;
}

graft::Sequential<float> make_trunk() {
  return graft::Sequential(
      {graft::Flatten({.input_shape = graft::Shape{8, 8}}), graft::Dense(32, {.activation = "relu"})});
}

}  // namespace

int main() {
  graft::set_random_seed(1);
  const Bars bars(1), few_bars(2);
  const auto &x_unlabeled = bars.x, &y_cheap = bars.y;
  const auto x_train = few_bars.x.rows(0, 40), y_train = few_bars.y.rows(0, 40);
  {
    // README: begin
    graft::RBM<> rbm(64, 16, {.seed = 1});
    auto history = rbm.fit(x_unlabeled, {.batch_size = 32, .epochs = 10, .gibbs = {.k = 1}});
    std::printf("%.4f\n", history["reconstruction_error"].back());
    graft::Dense layer = rbm.to_dense("features");  // sigmoid(x W + c)
    // README: end
    std::printf("%s\n", layer.name().c_str());
  }
  {
    // README: begin
    auto stack = graft::pretrain_rbm_stack<float>(x_unlabeled, {32, 16}, {.seed = 1});
    auto model =
        graft::reuse_layers<float>(stack.model, {graft::Dense(4, {.activation = "softmax"})}, {.drop_top = 0}).model;
    auto report = graft::fine_tune(model, {x_train, y_train}, {.loss = "sparse_categorical_crossentropy"});
    // README: end
    std::puts(report.text.c_str());
  }
  {
    // README: begin
    auto stack = graft::greedy_pretrain<float>(
        x_unlabeled, {graft::autoencoder_step(32, {.noise = 0.1, .epochs = 5}), graft::autoencoder_step(16)},
        {.front = {graft::Flatten()}});
    // README: end
    std::printf("%s\n", stack.model.output_shape().str().c_str());
  }
  const auto trunk = make_trunk();
  {
    // README: begin
    auto labelled = graft::Dataset<>::from_tensors(x_unlabeled, y_cheap);
    auto twins = graft::siamese_model<float>(trunk);  // (a, b) -> |trunk(a) - trunk(b)|, one set of variables
    twins.compile({.optimizer = "adam", .loss = graft::ContrastiveLoss({.margin = 1.0})});
    twins.fit(graft::pair_dataset(labelled, {.seed = 1}).batch(32), {.epochs = 3});

    auto triplets = graft::triplet_model<float>(trunk);
    triplets.compile({.optimizer = "adam", .loss = graft::TripletLoss()});
    triplets.fit(graft::triplet_dataset(labelled, {.seed = 1}).batch(32), {.epochs = 3});

    trunk.compile({.optimizer = "adam", .loss = graft::TripletSemiHardLoss({.margin = 0.5})});
    trunk.fit(graft::balanced_batches(labelled, 4, 8, {.seed = 1}), {.epochs = 3});
    // README: end
  }
  {
    // README: begin
    graft::Sequential augmentation({graft::Reshape({8, 8, 1}, {.input_shape = graft::Shape{8, 8}}),
                                    graft::RandomTranslation(0.0, 0.3),
                                    graft::RandomBrightness(0.1, {.value_range = {0, 1}}), graft::Reshape({8, 8})});
    graft::pretrain_simclr<float>(trunk, x_unlabeled, augmentation, {.epochs = 5, .batch_size = 64});
    graft::pretrain_siamese<float>(trunk, x_unlabeled, augmentation, {.epochs = 5});
    graft::pretrain_rotation<float>(trunk, x_unlabeled, {.epochs = 5});
    // README: end
  }
  const auto texts = circles();
  {
    // README: begin
    graft::Sequential reader({graft::Embedding(10, 16, {.mask_zero = true, .input_length = 12}),
                              graft::Bidirectional(graft::GRU(16, {.return_sequences = true}))});
    graft::Sequential guesser({reader, graft::Dense(10, {.activation = "softmax"})});
    guesser.compile({.optimizer = "adam", .loss = graft::SparseCategoricalCrossentropy({.ignore_class = -1})});
    auto masked = graft::mask_tokens(graft::Dataset<>::from_tensors(texts), 10, 9, {.seed = 1});  // 10 tokens, 9 hides
    guesser.fit(masked.batch(32), {.epochs = 3});
    // README: end
  }
  return 0;
}
