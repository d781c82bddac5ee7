#pragma once

#include "graft/nn/layers/linear_merge.hpp"

namespace graft {

using AverageOptions = MergeOptions;

template <class Scalar>
class AverageImpl final : public detail::LinearMergeImpl<Scalar> {
 public:
  GRAFT_COLD explicit AverageImpl(const AverageOptions& options)
      : detail::LinearMergeImpl<Scalar>("Average", options) {}
  std::string_view class_name() const override { return "Average"; }

 protected:
  Scalar factor(std::size_t, std::size_t count) const override { return Scalar(1) / static_cast<Scalar>(count); }
};

/// The mean of its inputs: `Average()({a, b})`. Shapes are broadcast behind the batch: missing axes are put
/// right behind it, and axes of size 1 are repeated. Throws ShapeError for inputs that do not fit.
template <class Scalar = float>
class Average : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Average(const AverageOptions& options = {}) : Layer<Scalar>(new AverageImpl<Scalar>(options)) {}

  GRAFT_COLD static Average from_config(const Config& config) { return Average(detail::read_merge_options(config)); }
};

}  // namespace graft
