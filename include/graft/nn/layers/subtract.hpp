#pragma once

#include "graft/nn/layers/linear_merge.hpp"

namespace graft {

using SubtractOptions = MergeOptions;

template <class Scalar>
class SubtractImpl final : public detail::LinearMergeImpl<Scalar> {
 public:
  GRAFT_COLD explicit SubtractImpl(const SubtractOptions& options)
      : detail::LinearMergeImpl<Scalar>("Subtract", options, 2) {}
  std::string_view class_name() const override { return "Subtract"; }

 protected:
  Scalar factor(std::size_t input, std::size_t) const override { return input == 0 ? Scalar(1) : Scalar(-1); }
};

/// Input 0 minus input 1: `Subtract()({a, b})`. Shapes are broadcast behind the batch: missing axes are put
/// right behind it, and axes of size 1 are repeated. Throws ShapeError for inputs that do not fit,
/// and unless there are two.
template <class Scalar = float>
class Subtract : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Subtract(const SubtractOptions& options = {})
      : Layer<Scalar>(new SubtractImpl<Scalar>(options)) {}

  GRAFT_COLD static Subtract from_config(const Config& config) { return Subtract(detail::read_merge_options(config)); }
};

}  // namespace graft
