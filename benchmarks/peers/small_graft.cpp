// What a user's first file looks like: benchmarks/compare measures how long the compiler takes over it. small_torch.cpp
// is its twin.

#include <cstdio>

#include "graft/graft.hpp"

int main() {
  graft::set_random_seed(42);
  graft::Tensor<float> x({1000, 20});
  std::vector<int> y(1000);
  graft::Rng rng(1);
  for (graft::Index i = 0; i < 1000; ++i) {
    for (graft::Index j = 0; j < 20; ++j) x[i * 20 + j] = static_cast<float>(rng.uniform(-1, 1));
    y[static_cast<std::size_t>(i)] = x[i * 20] > 0 ? 1 : 0;
  }
  graft::Sequential model({graft::Dense(32, {.activation = "relu", .input_shape = graft::Shape{20}}),
                           graft::Dense(2, {.activation = "softmax"})});
  model.compile({.optimizer = graft::SGD({.learning_rate = 0.1}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  model.fit(x, y, {.epochs = 5});
  std::printf("accuracy %.3f\n", model.evaluate(x, y)[1]);
  model.save("small.h5");
}
