#pragma once

#include "graft/nn/layers/extremum.hpp"

namespace graft {

using MaximumOptions = MergeOptions;

template <class Scalar>
class MaximumImpl final : public detail::ExtremumImpl<Scalar, true> {
 public:
  GRAFT_COLD explicit MaximumImpl(const MaximumOptions& options)
      : detail::ExtremumImpl<Scalar, true>("Maximum", options) {}
  std::string_view class_name() const override { return "Maximum"; }
};

/// The largest of its inputs, element by element: `Maximum()({a, b})`. Of equal ones the first gets the gradient, as
/// with TensorFlow. Shapes are broadcast behind the batch: missing axes are put right behind it, and axes of size 1 are
/// repeated. Throws ShapeError for inputs that do not fit.
template <class Scalar = float>
class Maximum : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Maximum(const MaximumOptions& options = {}) : Layer<Scalar>(new MaximumImpl<Scalar>(options)) {}

  GRAFT_COLD static Maximum from_config(const Config& config) { return Maximum(detail::read_merge_options(config)); }
};

}  // namespace graft
