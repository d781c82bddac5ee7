#pragma once

#include <algorithm>
#include <cmath>

#include "graft/nn/regularizers/regularizer.hpp"

namespace graft {

namespace detail {

class KLSparsity final : public RegularizerOf<KLSparsity> {
 public:
  GRAFT_COLD KLSparsity(double weight, double target) : weight_(weight), target_(target) {
    if (!std::isfinite(weight)) {
      fail<ConfigError>("regularizer KLDivergenceRegularizer", "a finite weight", std::to_string(weight));
    }
    if (!(target > 0 && target < 1)) {
      fail<ConfigError>("regularizer KLDivergenceRegularizer", "a target above 0 and below 1", std::to_string(target));
    }
  }
  GRAFT_COLD Config config() const override {
    return Config::object({{"class_name", "KLDivergenceRegularizer"},
                           {"config", Config::object({{"weight", weight_}, {"target", target_}})}});
  }

  template <class Scalar>
  double evaluate(TensorView<const Scalar> w, TensorView<Scalar> gradient, Scalar scale) const {
    const Index units = w.rank() > 0 ? w.shape().back() : 1, rows = units > 0 ? w.size() / units : 0;
    if (rows == 0) return 0;
    constexpr double kEpsilon = 1e-7;
    double total = 0;
    double means[kBlock];
    for (Index first = 0; first < units; first += kBlock) {
      const Index count = std::min(kBlock, units - first);
      std::fill_n(means, count, 0.0);
      for (Index row = 0; row < rows; ++row) {
        for (Index j = 0; j < count; ++j) means[j] += static_cast<double>(w[row * units + first + j]);
      }
      for (Index j = 0; j < count; ++j) {
        const double mean = means[j] / static_cast<double>(rows);
        const double on = std::clamp(mean, kEpsilon, 1.0), off = std::clamp(1 - mean, kEpsilon, 1.0);
        total += target_ * std::log(target_ / on) + (1 - target_) * std::log((1 - target_) / off);
        // Where a mean is cut off it has no slope.
        const double slope = (off == 1 - mean ? (1 - target_) / off : 0) - (on == mean ? target_ / on : 0);
        means[j] = static_cast<double>(scale) * weight_ * slope / static_cast<double>(rows);
      }
      for (Index row = 0; gradient && row < rows; ++row) {
        for (Index j = 0; j < count; ++j) gradient[row * units + first + j] += static_cast<Scalar>(means[j]);
      }
    }
    return weight_ * total;
  }

 private:
  static constexpr Index kBlock = 64;

  double weight_, target_;
};

}  // namespace detail

/// Sparse activity: weight * sum over the units (last axis) of KL(target || m), m being the mean of the unit's outputs
/// over all samples, KL(t || m) = t log(t / m) + (1 - t) log((1 - t) / (1 - m)), means kept 1e-7 from 0 and 1. An
/// activity regularizer for outputs between 0 and 1, of a sigmoid layer (Ng, Sparse autoencoder, 2011). Not in Keras;
/// the config is that of the class of this name in "Hands-On Machine Learning". Throws ConfigError for a target outside
/// (0, 1).
class KLDivergenceRegularizer : public Regularizer {
 public:
  GRAFT_COLD explicit KLDivergenceRegularizer(double weight = 0.05, double target = 0.1)
      : Regularizer(std::make_shared<detail::KLSparsity>(weight, target)) {}
};

}  // namespace graft
