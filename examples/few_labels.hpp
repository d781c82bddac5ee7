#pragma once

#include <graft/graft.hpp>

#include "common.hpp"

// Fashion-MNIST with few labels: what the pretraining examples share. Pixels are 0 … 1.
namespace example {

struct FewLabels {
  graft::FashionMnist<float> data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  graft::Index first = 5000;  ///< the pictures before it are left for choosing settings

  /// The pictures without their labels: all, or the first `count`.
  graft::Tensor<float> unlabeled(graft::Index count) const {
    return data.x_train.rows(first, std::min(first + count, data.x_train.dim(0)));
  }
};

struct Labeled {
  graft::Tensor<float> x, y;
};

/// `count` different ones of the samples first … last - 1, as many of each class as of any other.
inline Labeled choose_labeled(const graft::Tensor<float>& x, const graft::Tensor<float>& y, graft::Index first,
                              graft::Index last, graft::Index count, std::uint64_t seed) {
  Labeled chosen{graft::Tensor<float>({count, 28, 28}), graft::Tensor<float>({count})};
  graft::Rng rng(seed);
  std::vector<graft::Index> order;
  for (graft::Index i = first; i < last; ++i) order.push_back(i);
  for (std::size_t i = order.size() - 1; i > 0; --i) {
    std::swap(order[i], order[static_cast<std::size_t>(rng.below(static_cast<graft::Index>(i) + 1))]);
  }
  std::vector<graft::Index> left(10, (count + 9) / 10);
  graft::Index n = 0;
  for (const graft::Index i : order) {
    if (n == count) break;
    if (left[static_cast<std::size_t>(y[i])]-- <= 0) continue;
    std::copy_n(x.data() + i * 784, 784, chosen.x.data() + n * 784);
    chosen.y[n++] = y[i];
  }
  if (n < count) throw UsageError("--labels: there are not so many pictures of each class");
  return chosen;
}

/// Accuracy on (x, y) of a trunk with a new head that was trained with few labels: a pretrained one first under the
/// head alone, then all of it; a fresh one all at once, for as many epochs. The trunk is trained, too.
inline double accuracy_with(const graft::Model<float>& trunk, const Labeled& labeled, const graft::Tensor<float>& x,
                            const graft::Tensor<float>& y, bool pretrained, double learning_rate = 1e-3) {
  constexpr graft::Index kHeadEpochs = 10, kEpochs = 30;
  const graft::Sequential<float> model({trunk, graft::Dense(10, {.activation = "softmax"})});
  const auto fit = [&](bool trunk_trains, graft::Index epochs) {
    trunk.set_trainable(trunk_trains);
    model.compile({.optimizer = graft::Adam({.learning_rate = learning_rate}),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"},
                   .lints = {.print = false}});
    model.fit(labeled.x, labeled.y, {.epochs = epochs, .verbose = graft::Verbose::silent, .cache_frozen_prefix = true});
  };
  if (pretrained) fit(false, kHeadEpochs);
  fit(true, kEpochs);
  return model.evaluate(x, y, {.batch_size = 256})[1];
}

/// Mean difference of two lists of the same seeds.
inline double mean_gain(const std::vector<double>& from, const std::vector<double>& to) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) sum += to[i] - from[i];
  return sum / static_cast<double>(from.size());
}

/// What a program with these options does.
struct PretrainArguments {
  long seeds;
  graft::Index labels, epochs, pictures;

  PretrainArguments(Arguments& arguments, bool quick, long usual_epochs)
      : seeds(arguments.count("--seeds", quick ? 1 : 3)),
        labels(arguments.count("--labels", quick ? 100 : 500)),
        epochs(arguments.count("--epochs", quick ? 1 : usual_epochs)),
        pictures(quick ? 2000 : 55000) {}
};

}  // namespace example
