#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "graft/nn/regularizers/regularizer.hpp"

namespace graft {

namespace detail {

class OrthogonalPenalty final : public RegularizerOf<OrthogonalPenalty> {
 public:
  GRAFT_COLD OrthogonalPenalty(double factor, std::string mode) : factor_(factor), mode_(std::move(mode)) {
    if (mode_ != "rows" && mode_ != "columns") {
      fail<ConfigError>("regularizer OrthogonalRegularizer", "mode rows or columns", "\"" + mode_ + "\"");
    }
  }
  GRAFT_COLD Config config() const override {
    return Config::object(
        {{"class_name", "OrthogonalRegularizer"}, {"config", Config::object({{"factor", factor_}, {"mode", mode_}})}});
  }

  template <class Scalar>
  GRAFT_COLD double evaluate(TensorView<const Scalar> w, TensorView<Scalar> gradient, Scalar scale) const {
    if (w.rank() != 2) fail<ShapeError>("OrthogonalRegularizer", "weights of two dimensions", w.shape().str());
    const bool rows = mode_ == "rows";
    const Index count = rows ? w.dim(0) : w.dim(1), length = rows ? w.dim(1) : w.dim(0);
    if (count < 2) return 0;
    const Index vector_step = rows ? length : 1, element_step = rows ? 1 : count;
    std::vector<double> unit(static_cast<std::size_t>(count * length)), norms(static_cast<std::size_t>(count));
    for (Index v = 0; v < count; ++v) {
      double squares = 0;
      for (Index i = 0; i < length; ++i) {
        const double x = static_cast<double>(w[v * vector_step + i * element_step]);
        unit[static_cast<std::size_t>(v * length + i)] = x;
        squares += x * x;
      }
      const double norm = std::sqrt(std::max(squares, 1e-12));
      norms[static_cast<std::size_t>(v)] = norm;
      for (Index i = 0; i < length; ++i) unit[static_cast<std::size_t>(v * length + i)] /= norm;
    }
    const double weight = factor_ / (static_cast<double>(count) * static_cast<double>(count - 1) / 2);
    double total = 0;
    std::vector<double> slope(static_cast<std::size_t>(length));
    for (Index v = 0; v < count; ++v) {
      const double* own = unit.data() + v * length;
      std::fill(slope.begin(), slope.end(), 0.0);
      for (Index o = 0; o < count; ++o) {
        if (o == v) continue;
        const double* other = unit.data() + o * length;
        double dot = 0;
        for (Index i = 0; i < length; ++i) dot += own[i] * other[i];
        if (o > v) total += std::abs(dot);
        const double sign = dot > 0 ? 1 : dot < 0 ? -1 : 0;
        for (Index i = 0; i < length; ++i) slope[static_cast<std::size_t>(i)] += sign * other[i];
      }
      if (!gradient) continue;
      double along = 0;  // the part of the slope that only changes the length, which the norm takes out
      for (Index i = 0; i < length; ++i) along += slope[static_cast<std::size_t>(i)] * own[i];
      const double step = static_cast<double>(scale) * weight / norms[static_cast<std::size_t>(v)];
      for (Index i = 0; i < length; ++i) {
        gradient[v * vector_step + i * element_step] +=
            static_cast<Scalar>(step * (slope[static_cast<std::size_t>(i)] - along * own[i]));
      }
    }
    return weight * total;
  }

 private:
  double factor_;
  std::string mode_;
};

}  // namespace detail

/// factor * mean |cosine| over all pairs of rows (mode "rows") or columns: 0 when they are orthogonal (Keras).
class OrthogonalRegularizer : public Regularizer {
 public:
  GRAFT_COLD explicit OrthogonalRegularizer(double factor = 0.01, std::string mode = "rows")
      : Regularizer(std::make_shared<detail::OrthogonalPenalty>(factor, std::move(mode))) {}
};

}  // namespace graft
