#pragma once

#include "graft/nn/layers/extremum.hpp"

namespace graft {

using MinimumOptions = MergeOptions;

template <class Scalar>
class MinimumImpl final : public detail::ExtremumImpl<Scalar, false> {
 public:
  GRAFT_COLD explicit MinimumImpl(const MinimumOptions& options)
      : detail::ExtremumImpl<Scalar, false>("Minimum", options) {}
  std::string_view class_name() const override { return "Minimum"; }
};

/// The smallest of its inputs, element by element: `Minimum()({a, b})`. Of equal ones the first gets the gradient, as
/// with TensorFlow. Shapes are broadcast behind the batch: missing axes are put right behind it, and axes of size 1 are
/// repeated. Throws ShapeError for inputs that do not fit.
template <class Scalar = float>
class Minimum : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Minimum(const MinimumOptions& options = {}) : Layer<Scalar>(new MinimumImpl<Scalar>(options)) {}

  GRAFT_COLD static Minimum from_config(const Config& config) { return Minimum(detail::read_merge_options(config)); }
};

}  // namespace graft
