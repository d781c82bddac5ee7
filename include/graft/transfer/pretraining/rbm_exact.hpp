#pragma once

#include <limits>

#include "graft/transfer/pretraining/rbm.hpp"

namespace graft {

// What contrastive divergence only estimates, computed by going through all 2^hidden states of the hidden units: for
// tiny machines, to see what the training does.

namespace detail {

inline constexpr Index kMostHiddenStates = 20;  // of units: a million states

/// Calls visit(log weight, h, means of v given h) for every state of the hidden units, where the weight is
/// sum_v exp(-E(v, h)).
template <class Scalar, class Visit>
GRAFT_COLD void for_each_hidden_state(const RBM<Scalar>& rbm, const Visit& visit) {
  const Index nv = rbm.visible(), nh = rbm.hidden();
  if (nh > kMostHiddenStates) {
    fail<ConfigError>("exact likelihood of an RBM", "at most " + std::to_string(kMostHiddenStates) + " hidden units",
                      std::to_string(nh));
  }
  const auto& w = rbm.weights();
  const bool gaussian = rbm.visible_units() == VisibleUnits::gaussian;
  std::vector<double> h(static_cast<std::size_t>(nh)), means(static_cast<std::size_t>(nv));
  for (std::uint64_t state = 0; state < std::uint64_t{1} << nh; ++state) {
    double log_weight = gaussian ? static_cast<double>(nv) * 0.9189385332046727 : 0;  // log sqrt(2 pi)
    for (Index j = 0; j < nh; ++j) {
      h[static_cast<std::size_t>(j)] = static_cast<double>(state >> j & 1);
      log_weight += h[static_cast<std::size_t>(j)] * static_cast<double>(w.hidden_bias[j]);
    }
    for (Index i = 0; i < nv; ++i) {
      const double b = static_cast<double>(w.visible_bias[i]);
      double input = b;
      for (Index j = 0; j < nh; ++j) {
        input += h[static_cast<std::size_t>(j)] * static_cast<double>(w.kernel[i * nh + j]);
      }
      log_weight += gaussian ? (input * input - b * b) / 2 : softplus(input);
      means[static_cast<std::size_t>(i)] = gaussian ? input : 1 / (1 + std::exp(-input));
    }
    visit(log_weight, h, means);
  }
}

}  // namespace detail

/// log Z. Throws ConfigError for more than 20 hidden units.
template <class Scalar>
GRAFT_COLD double log_partition(const RBM<Scalar>& rbm) {
  double most = -std::numeric_limits<double>::infinity(), sum = 0;
  detail::for_each_hidden_state(rbm, [&](double log_weight, const auto&, const auto&) {
    if (log_weight > most) {
      sum = sum * std::exp(most - log_weight) + 1;
      most = log_weight;
    } else {
      sum += std::exp(log_weight - most);
    }
  });
  return most + std::log(sum);
}

/// Mean log p(v) of the samples, in nats.
template <class Scalar>
GRAFT_COLD double log_likelihood(const RBM<Scalar>& rbm, const ArrayLike<Scalar>& x) {
  const Tensor<Scalar> energy = rbm.free_energy(x);
  double sum = 0;
  for (const Scalar e : energy) sum -= static_cast<double>(e);
  return sum / static_cast<double>(energy.size()) - log_partition(rbm);
}

/// The gradient of log_likelihood: statistics of the data less those that the model expects.
template <class Scalar>
GRAFT_COLD RBMWeights<Scalar> log_likelihood_gradient(const RBM<Scalar>& rbm, const ArrayLike<Scalar>& x) {
  const Index nv = rbm.visible(), nh = rbm.hidden();
  const Tensor<Scalar> h_data = rbm.transform(x);
  RBMWeights<Scalar> gradient(nv, nh);
  detail::statistics(x.view().data(), h_data.data(), h_data.dim(0), Scalar(1) / static_cast<Scalar>(h_data.dim(0)),
                     false, gradient);
  const double log_z = log_partition(rbm);
  std::vector<double> kernel(static_cast<std::size_t>(nv * nh)), v(static_cast<std::size_t>(nv)),
      h(static_cast<std::size_t>(nh));
  detail::for_each_hidden_state(rbm, [&](double log_weight, const auto& state, const auto& means) {
    const double p = std::exp(log_weight - log_z);
    for (std::size_t i = 0; i < v.size(); ++i) {
      v[i] += p * means[i];
      for (std::size_t j = 0; j < h.size(); ++j) kernel[i * h.size() + j] += p * means[i] * state[j];
    }
    for (std::size_t j = 0; j < h.size(); ++j) h[j] += p * state[j];
  });
  const auto subtract = [](const std::vector<double>& expected, Tensor<Scalar>& from) {
    for (Index i = 0; i < from.size(); ++i) from[i] -= static_cast<Scalar>(expected[static_cast<std::size_t>(i)]);
  };
  subtract(kernel, gradient.kernel);
  subtract(v, gradient.visible_bias);
  subtract(h, gradient.hidden_bias);
  return gradient;
}

}  // namespace graft
