#pragma once

#include <cmath>

#include "graft/core/random.hpp"
#include "graft/core/tensor.hpp"
#include "graft/core/text.hpp"
#include "graft/kernels/gemm.hpp"

namespace graft {

/// What the visible units of an RBM are.
enum class VisibleUnits {
  bernoulli,  ///< 0 or 1, or a probability
  gaussian    ///< any number, of variance 1
};

/// The numbers of an RBM, or a gradient for them.
template <class Scalar = float>
struct RBMWeights {
  RBMWeights() = default;
  RBMWeights(Index visible, Index hidden) : kernel({visible, hidden}), visible_bias({visible}), hidden_bias({hidden}) {}

  Tensor<Scalar> kernel, visible_bias, hidden_bias;
};

// What an RBM is computed with: matrix products, sigmoid, and random numbers that depend on their key alone.
namespace detail {

/// What a batch of an RBM needs.
template <class Scalar>
struct RBMBuffers {
  RBMBuffers(Index n, Index visible, Index hidden)
      : v({n, visible}), made({n, visible}), h({n, hidden}), h_data({n, hidden}) {}
  Tensor<Scalar> v, made;    ///< of the chain; the reconstruction
  Tensor<Scalar> h, h_data;  ///< of the chain; given the data
};

/// to = from W + bias, or from W^T + bias; of it the sigmoid, if wanted.
template <class Scalar>
void affine(const Scalar* from, Index n, const Tensor<Scalar>& kernel, bool transposed, const Tensor<Scalar>& bias,
            bool sigmoid, Scalar* to) {
  kernels::GemmDesc desc;
  desc.m = n;
  desc.n = bias.size();
  desc.k = kernel.size() / bias.size();
  desc.trans_b = transposed ? kernels::Transpose::yes : kernels::Transpose::no;
  if (sigmoid) desc.activation = kernels::ActivationParams{.kind = kernels::ActivationKind::sigmoid};
  kernels::gemm<Scalar>(desc, {from, kernel.data(), to, bias.data()});
}

inline double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

/// Probabilities become 0 or 1.
template <class Scalar>
void draw_bits(RandomKey key, Index n, Scalar* x) {
  parallel_for(0, n, 16384, [&](Index from, Index to) {
    for (Index i = from; i < to; ++i) {
      x[i] = key.uniform(static_cast<std::uint64_t>(i)) < static_cast<double>(x[i]) ? Scalar(1) : Scalar(0);
    }
  });
}

template <class Scalar>
void add_noise(RandomKey key, Index n, Scalar* x) {
  parallel_for(0, n, 4096, [&](Index from, Index to) {
    for (Index i = from; i < to; ++i) x[i] += static_cast<Scalar>(key.normal(static_cast<std::uint64_t>(i)));
  });
}

/// factor * (v^T h, sum v, sum h), which for both kinds of visible units is the gradient of -E up to a constant that
/// the two phases share; overwrites or adds.
template <class Scalar>
void statistics(const Scalar* v, const Scalar* h, Index n, Scalar factor, bool add, RBMWeights<Scalar>& to) {
  kernels::GemmDesc desc;
  desc.m = to.visible_bias.size(), desc.n = to.hidden_bias.size(), desc.k = n;
  desc.trans_a = kernels::Transpose::yes;
  desc.alpha = static_cast<float>(factor);
  desc.accumulate = add;
  kernels::gemm<Scalar>(desc, {v, h, to.kernel.data()});
  const auto sums = [&](const Scalar* rows, Tensor<Scalar>& into) {
    if (!add) into.fill(0);
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < into.size(); ++j) into[j] += factor * rows[i * into.size() + j];
    }
  };
  sums(v, to.visible_bias);
  sums(h, to.hidden_bias);
}

/// velocity = momentum * velocity + rate * (gradient - decay * weights); weights += velocity. Biases do not decay.
template <class Scalar>
void step(double rate, double momentum, double decay, const RBMWeights<Scalar>& gradient, RBMWeights<Scalar>& velocity,
          RBMWeights<Scalar>& weights) {
  const auto move = [&](const Tensor<Scalar>& g, Tensor<Scalar>& v, Tensor<Scalar>& w, double d) {
    const auto r = static_cast<Scalar>(rate), m = static_cast<Scalar>(momentum), shrink = static_cast<Scalar>(d);
    v.vector() = m * v.vector() + r * (g.vector() - shrink * w.vector());
    w.vector() += v.vector();
  };
  move(gradient.kernel, velocity.kernel, weights.kernel, decay);
  move(gradient.visible_bias, velocity.visible_bias, weights.visible_bias, 0);
  move(gradient.hidden_bias, velocity.hidden_bias, weights.hidden_bias, 0);
}

template <class Scalar>
double mean_square(const Scalar* a, const Scalar* b, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>(a[i] - b[i]) * static_cast<double>(a[i] - b[i]);
  return sum / static_cast<double>(n);
}

template <class Scalar>
GRAFT_COLD void check_visible(const TensorView<const Scalar>& x, bool gaussian) {
  for (Index i = 0; i < x.size(); ++i) {
    if (gaussian ? std::isfinite(x[i]) : x[i] >= 0 && x[i] <= 1) continue;
    fail<DataError>("RBM fit", gaussian ? "finite numbers" : "numbers from 0 to 1, as Bernoulli units are",
                    text::number("%g", static_cast<double>(x[i])) + " in sample " + std::to_string(i / x.dim(1)),
                    gaussian ? "" : "Scale the data, or use visible_units = VisibleUnits::gaussian.");
  }
}

template <class Options>
GRAFT_COLD void check_rbm_options(const Options& o) {
  const auto check = [](bool good, const char* expected, double received) {
    if (!good) fail<ConfigError>("RBM fit", expected, text::number("%g", received));
  };
  check(o.batch_size >= 1, "batch_size of at least 1", static_cast<double>(o.batch_size));
  check(o.epochs >= 0, "epochs of at least 0", static_cast<double>(o.epochs));
  check(o.learning_rate > 0 && o.learning_rate < 1e6, "a learning_rate above 0", o.learning_rate);
  check(o.momentum >= 0 && o.momentum < 1, "momentum in [0, 1)", o.momentum);
  check(o.initial_momentum >= 0 && o.initial_momentum < 1, "initial_momentum in [0, 1)", o.initial_momentum);
  check(o.weight_decay >= 0 && o.weight_decay < 1e6, "weight_decay of at least 0", o.weight_decay);
}

}  // namespace detail
}  // namespace graft
