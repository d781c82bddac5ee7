#pragma once

#include <cmath>
#include <optional>

#include "graft/core/array_like.hpp"
#include "graft/core/random.hpp"
#include "graft/data/batches.hpp"
#include "graft/models/sequential.hpp"
#include "graft/nn/layers/dense.hpp"
#include "graft/transfer/pretraining/rbm_parts.hpp"

namespace graft {

struct RBMOptions {
  VisibleUnits visible_units = VisibleUnits::bernoulli;
  double initial_stddev = 0.01;              ///< of the weights at the beginning; biases begin at 0
  std::optional<Index> seed = std::nullopt;  ///< of everything random in it; none: of set_random_seed
};

/// Arguments of contrastive divergence.
struct GibbsOptions {
  Index k = 1;  ///< steps of Gibbs sampling
  /// The visible units of the chain are drawn; false: their probabilities (means) go on, which has less noise and is no
  /// longer a sample of the model. The hidden units are always drawn.
  bool sample_visible = true;
};

struct RBMFitOptions {
  Index batch_size = 32;
  Index epochs = 1;
  GibbsOptions gibbs = {};
  bool persistent =
      false;  ///< the chains go on from batch to batch (PCD, Tieleman 2008), one for each sample of a batch
  double learning_rate = 0.05;
  double initial_momentum = 0.5;  ///< in the first momentum_epochs epochs
  double momentum = 0.9;
  Index momentum_epochs = 5;
  double weight_decay = 2e-4;  ///< of the weights, not of the biases
  bool shuffle = true;
  Verbose verbose = Verbose::automatic;
};

/// A restricted Boltzmann machine: visible units v, hidden units h of 0 and 1, and the energy
///
///     E(v, h) = -b v - c h - v W h                  Bernoulli-Bernoulli, v of 0 and 1
///     E(v, h) = |v - b|^2 / 2 - c h - v W h         Gaussian-Bernoulli, v of any numbers, standardised to variance 1
///
/// so that p(h = 1 | v) = sigmoid(c + v W), and p(v = 1 | h) = sigmoid(b + W h) or v | h ~ N(b + W h, 1). Bernoulli
/// units also take probabilities, numbers from 0 to 1 such as grey levels. Trained by contrastive divergence (Hinton
/// 2002; the defaults are those of his guide of 2010), without labels; then it becomes a layer:
///
///     graft::RBM<> rbm(784, 256);
///     rbm.fit(x, {.epochs = 10});
///     graft::Sequential model({rbm.to_dense(), graft::Dense(10, {.activation = "softmax"})});
///
/// Copying it copies the weights. Results do not depend on the number of threads.
template <class Scalar = float>
class RBM {
 public:
  using View = TensorView<const Scalar>;

  /// Throws ConfigError for less than one unit.
  GRAFT_COLD RBM(Index visible, Index hidden, const RBMOptions& options = {})
      : options_(options),
        key_(options.seed ? Rng(static_cast<std::uint64_t>(*options.seed)).split() : next_random_key()) {
    if (visible < 1 || hidden < 1) {
      fail<ConfigError>("RBM", "visible and hidden units of at least 1",
                        std::to_string(visible) + " and " + std::to_string(hidden));
    }
    if (!(options.initial_stddev >= 0 && options.initial_stddev < 1e6)) {
      fail<ConfigError>("RBM", "initial_stddev of at least 0", text::number("%g", options.initial_stddev));
    }
    weights_ = RBMWeights<Scalar>(visible, hidden);
    const RandomKey key = key_.fold(0);
    for (Index i = 0; i < weights_.kernel.size(); ++i) {
      weights_.kernel[i] = static_cast<Scalar>(options.initial_stddev * key.normal(static_cast<std::uint64_t>(i)));
    }
  }

  Index visible() const { return weights_.kernel.dim(0); }
  Index hidden() const { return weights_.kernel.dim(1); }
  VisibleUnits visible_units() const { return options_.visible_units; }
  /// W (visible, hidden), b (visible,), c (hidden,).
  const RBMWeights<Scalar>& weights() const { return weights_; }
  /// Throws ShapeError.
  GRAFT_COLD void set_weights(RBMWeights<Scalar> weights) {
    const Index v = visible(), h = hidden();
    if (!(weights.kernel.shape() == Shape{v, h}) || !(weights.visible_bias.shape() == Shape{v}) ||
        !(weights.hidden_bias.shape() == Shape{h})) {
      fail<ShapeError>("RBM set_weights", Shape{v, h}.str() + ", " + Shape{v}.str() + ", " + Shape{h}.str(),
                       weights.kernel.shape().str() + ", " + weights.visible_bias.shape().str() + ", " +
                           weights.hidden_bias.shape().str());
    }
    weights_ = std::move(weights);
  }

  /// p(h = 1 | v): (n, hidden) for (n, …) of `visible` numbers each. Throws ShapeError.
  GRAFT_COLD Tensor<Scalar> transform(const ArrayLike<Scalar>& x) const {
    const View v = samples("transform", x);
    auto h = Tensor<Scalar>::uninitialized({v.dim(0), hidden()});
    hidden_probabilities(v.data(), v.dim(0), h.data());
    return h;
  }
  /// What the machine makes of the data: the mean of v given p(h | v), (n, visible).
  GRAFT_COLD Tensor<Scalar> reconstruct(const ArrayLike<Scalar>& x) const {
    const Tensor<Scalar> h = transform(x);
    auto v = Tensor<Scalar>::uninitialized({h.dim(0), visible()});
    visible_means(h.data(), h.dim(0), v.data());
    return v;
  }
  /// Mean over samples and units of (v - reconstruct(v))^2. It falls while CD works, but is not what CD minimises.
  GRAFT_COLD double reconstruction_error(const ArrayLike<Scalar>& x) const {
    const Tensor<Scalar> made = reconstruct(x);
    return detail::mean_square(samples("reconstruction_error", x).data(), made.data(), made.size());
  }
  /// F(v) = -log sum_h exp(-E(v, h)) of each sample, (n,): -log p(v) but for log Z.
  GRAFT_COLD Tensor<Scalar> free_energy(const ArrayLike<Scalar>& x) const {
    const View v = samples("free_energy", x);
    const Index n = v.dim(0);
    Tensor<Scalar> inputs({n, hidden()}), energy({n});
    detail::affine(v.data(), n, weights_.kernel, false, weights_.hidden_bias, false, inputs.data());
    for (Index i = 0; i < n; ++i) {
      double sum = 0;
      for (Index j = 0; j < visible(); ++j) {
        const double x_j = static_cast<double>(v[i * visible() + j]), b = static_cast<double>(weights_.visible_bias[j]);
        sum += gaussian() ? (x_j - b) * (x_j - b) / 2 : -b * x_j;
      }
      for (Index j = 0; j < hidden(); ++j) sum -= detail::softplus(static_cast<double>(inputs[i * hidden() + j]));
      energy[i] = static_cast<Scalar>(sum);
    }
    return energy;
  }

  /// An estimate of the gradient of the mean log-likelihood of the samples: statistics of the data less those after k
  /// steps of Gibbs sampling that begin at the data. With k large it is an unbiased sample of the gradient.
  GRAFT_COLD RBMWeights<Scalar> contrastive_divergence(const ArrayLike<Scalar>& x, const GibbsOptions& gibbs = {},
                                                       RandomKey key = next_random_key()) const {
    check(gibbs);
    const View v = samples("contrastive_divergence", x);
    detail::RBMBuffers<Scalar> work(v.dim(0), visible(), hidden());
    RBMWeights<Scalar> gradient(visible(), hidden());
    gradient_of(v, gibbs, false, key, work, gradient);
    return gradient;
  }

  /// v after `steps` of Gibbs sampling from the given samples: (n, visible).
  GRAFT_COLD Tensor<Scalar> gibbs(const ArrayLike<Scalar>& x, Index steps, RandomKey key = next_random_key()) const {
    const View v = samples("gibbs", x);
    detail::RBMBuffers<Scalar> work(v.dim(0), visible(), hidden());
    hidden_probabilities(v.data(), v.dim(0), work.h.data());
    walk({.k = steps}, v.dim(0), key, work);
    return work.v;
  }

  /// Trains on samples (n, …) of `visible` numbers each; a second call goes on. The history has "reconstruction_error",
  /// the mean over the epoch of (v - v')^2, v' the first reconstruction (with persistent chains: the mean of v given
  /// p(h | v)). Throws ShapeError; DataError for numbers that are not finite, or not from 0 to 1 for Bernoulli units,
  /// and for a training that diverged, with its step; ConfigError for options out of range.
  GRAFT_COLD History fit(const ArrayLike<Scalar>& x, const RBMFitOptions& options = {});

  /// The layer that computes p(h | v): Dense with sigmoid, W and c, for inputs (batch, visible).
  GRAFT_COLD Dense<Scalar> to_dense(const std::string& name = {}) const {
    Dense<Scalar> dense(hidden(), {.activation = "sigmoid", .name = name, .input_shape = Shape{visible()}});
    const Shape input{Shape::kUnknown, visible()};
    dense.impl().ensure_built({&input, 1});
    Tensor<Scalar> kernel = weights_.kernel, bias = weights_.hidden_bias;
    kernel.set_origin(Origin::trained);
    bias.set_origin(Origin::trained);
    dense.set_weights({std::move(kernel), std::move(bias)});
    return dense;
  }

 private:
  bool gaussian() const { return options_.visible_units == VisibleUnits::gaussian; }

  GRAFT_COLD View samples(const char* what, const ArrayLike<Scalar>& x) const {
    const View v = x.view();
    const Index n = x.samples();
    if (n < 1 || v.size() != n * visible()) {
      fail<ShapeError>(std::string("RBM ") + what, "samples of " + std::to_string(visible()) + " numbers",
                       v.shape().str());
    }
    return v.reshaped({n, visible()});
  }

  GRAFT_COLD static void check(const GibbsOptions& gibbs) {
    if (gibbs.k < 1) fail<ConfigError>("RBM", "k of at least 1", std::to_string(gibbs.k));
  }

  void hidden_probabilities(const Scalar* v, Index n, Scalar* h) const {
    detail::affine(v, n, weights_.kernel, false, weights_.hidden_bias, true, h);
  }
  void visible_means(const Scalar* h, Index n, Scalar* v) const {
    detail::affine(h, n, weights_.kernel, true, weights_.visible_bias, !gaussian(), v);
  }

  // k steps h -> v -> h from work.h = p(h | v), which it leaves behind, with its v.
  void walk(const GibbsOptions& gibbs, Index n, RandomKey key, detail::RBMBuffers<Scalar>& work) const {
    for (Index step = 0; step < gibbs.k; ++step) {
      const RandomKey now = key.fold(static_cast<std::uint64_t>(step));
      detail::draw_bits(now.fold(0), n * hidden(), work.h.data());
      visible_means(work.h.data(), n, work.v.data());
      if (gibbs.sample_visible) {
        if (gaussian()) detail::add_noise(now.fold(1), n * visible(), work.v.data());
        else detail::draw_bits(now.fold(1), n * visible(), work.v.data());
      }
      hidden_probabilities(work.v.data(), n, work.h.data());
    }
  }

  // Overwrites `gradient`; returns the sum of the squared errors of the reconstruction.
  double gradient_of(const View& v, const GibbsOptions& gibbs, bool persistent, RandomKey key,
                     detail::RBMBuffers<Scalar>& work, RBMWeights<Scalar>& gradient) const;

  RBMOptions options_;
  RandomKey key_;
  std::uint64_t epochs_done_ = 0;
  RBMWeights<Scalar> weights_;
};

template <class Scalar>
double RBM<Scalar>::gradient_of(const View& v, const GibbsOptions& gibbs, bool persistent, RandomKey key,
                                detail::RBMBuffers<Scalar>& work, RBMWeights<Scalar>& gradient) const {
  const Index n = v.dim(0);
  hidden_probabilities(v.data(), n, work.h_data.data());
  detail::statistics(v.data(), work.h_data.data(), n, Scalar(1) / static_cast<Scalar>(n), false, gradient);
  visible_means(work.h_data.data(), n, work.made.data());
  const double error = detail::mean_square(v.data(), work.made.data(), v.size()) * static_cast<double>(v.size());
  // Persistent chains are where the last batch left them; a short last batch moves the first of them.
  if (persistent) hidden_probabilities(work.v.data(), n, work.h.data());
  else std::copy_n(work.h_data.data(), n * hidden(), work.h.data());
  walk(gibbs, n, key, work);
  detail::statistics(work.v.data(), work.h.data(), n, Scalar(-1) / static_cast<Scalar>(n), true, gradient);
  return error;
}

template <class Scalar>
GRAFT_COLD History RBM<Scalar>::fit(const ArrayLike<Scalar>& x, const RBMFitOptions& options) {
  check(options.gibbs);
  detail::check_rbm_options(options);
  const View data = samples("fit", x);
  detail::check_visible(data, gaussian());
  const Index n = data.dim(0), batch = std::min(options.batch_size, n), steps = (n + batch - 1) / batch;
  detail::RBMBuffers<Scalar> work(batch, visible(), hidden());
  RBMWeights<Scalar> gradient(visible(), hidden()), velocity(visible(), hidden());
  if (options.persistent) {
    // Chains begin at samples of the data.
    for (Index i = 0; i < batch; ++i) {
      const Index from =
          static_cast<Index>(key_.fold(1).uniform(static_cast<std::uint64_t>(i)) * static_cast<double>(n));
      std::copy_n(data.data() + from * visible(), visible(), work.v.data() + i * visible());
    }
  }
  BatchReader<Scalar> reader(data, batch);
  SampleOrder order(n);
  History history;
  ProgressLine progress(options.verbose, steps);
  for (Index epoch = 0; epoch < options.epochs; ++epoch) {
    progress.begin_epoch(epoch, options.epochs);
    const RandomKey key = key_.fold(2 + epochs_done_++);
    if (options.shuffle) order.shuffle(key.fold(0));
    const double momentum = epoch < options.momentum_epochs ? options.initial_momentum : options.momentum;
    double error = 0;
    for (Index step = 0; step < steps; ++step) {
      const Index first = step * batch, count = std::min(batch, n - first);
      const View rows{reader.read(order, first, first + count), {count, visible()}};
      error += gradient_of(rows, options.gibbs, options.persistent, key.fold(1 + static_cast<std::uint64_t>(step)),
                           work, gradient);
      detail::step(options.learning_rate, momentum, options.weight_decay, gradient, velocity, weights_);
      if (!std::isfinite(error)) {
        fail<DataError>(
            "RBM fit", "finite numbers",
            text::number("%g", error) + " in step " + std::to_string(step) + " of epoch " + std::to_string(epoch),
            "The training diverged: lower the learning_rate, and standardise Gaussian inputs.");
      }
    }
    Logs logs;
    logs.set("reconstruction_error", error / static_cast<double>(data.size()));
    history.append(epoch, logs);
    progress.end_epoch(logs);
  }
  return history;
}

}  // namespace graft
