#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "graft/models/model.hpp"

// Weights and inputs that depend on their position alone, so that a network's outputs can be compared without a file of
// its weights: the formulas of the golden data's README.
namespace golden {

/// A number in [-1, 1) for element `e` of weight `i`.
inline double formula_number(std::uint64_t i, std::uint64_t e) {
  std::uint64_t z = (i + 1) * 0x9E3779B97F4A7C15u + (e + 1) * 0xBF58476D1CE4E5B9u;
  z ^= z >> 30;
  z *= 0xBF58476D1CE4E5B9u;
  z ^= z >> 27;
  z *= 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-52 - 1;
}

struct FormulaOptions {
  double kernel_gain = 1, head_factor = 1;
};

inline void fill_formula(graft::Tensor<float>& value, const std::string& name, std::uint64_t i, double kernel_gain) {
  const graft::Shape& shape = value.shape();
  const auto fill = [&](double base, double factor, bool absolute = false) {
    for (graft::Index e = 0; e < value.size(); ++e) {
      const double u = formula_number(i, static_cast<std::uint64_t>(e));
      value[e] = static_cast<float>(base + factor * (absolute ? std::abs(u) : u));
    }
  };
  if (name == "kernel" || name == "depthwise_kernel" || name == "pointwise_kernel") {
    const bool depthwise = shape.rank() == 4 && shape[3] == 1;
    const graft::Index fan_in = depthwise ? shape[0] * shape[1] : shape.product(0, shape.rank() - 1);
    fill(0, std::sqrt(kernel_gain / static_cast<double>(fan_in)));
  } else if (name == "gamma" || name.compare(0, 8, "variable") == 0) {
    fill(1, 0.1);
  } else if (name == "moving_variance" || name == "variance") {
    fill(1, 0.5, true);
  } else if (name != "count") {
    fill(0, 0.1);  // beta, bias, moving_mean, mean
  }
}

inline void set_formula_weights(const graft::Model<float>& model, const FormulaOptions& options) {
  const auto weights = model.weights();
  std::size_t head = weights.size();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    fill_formula(weights[i]->mutable_value(), weights[i]->name(), i, options.kernel_gain);
    if (weights[i]->name() == "kernel") head = i;
  }
  if (head == weights.size()) return;
  graft::Tensor<float>& kernel = weights[head]->mutable_value();
  for (graft::Index e = 0; e < kernel.size(); ++e) kernel[e] *= static_cast<float>(options.head_factor);
}

inline graft::Tensor<float> formula_input(const graft::Shape& shape, double scale, double offset) {
  auto x = graft::Tensor<float>::uninitialized(shape);
  for (graft::Index e = 0; e < x.size(); ++e) {
    x[e] = static_cast<float>(offset + scale * formula_number(1000000, static_cast<std::uint64_t>(e)));
  }
  return x;
}

}  // namespace golden
