#pragma once

#include "graft/nn/layers/linear_merge.hpp"

namespace graft {

using AddOptions = MergeOptions;

template <class Scalar>
class AddImpl final : public detail::LinearMergeImpl<Scalar> {
 public:
  GRAFT_COLD explicit AddImpl(const AddOptions& options) : detail::LinearMergeImpl<Scalar>("Add", options) {}
  std::string_view class_name() const override { return "Add"; }

 protected:
  Scalar factor(std::size_t, std::size_t) const override { return Scalar(1); }
};

/// The sum of its inputs: `Add()({a, b})`. Shapes are broadcast behind the batch: missing axes are put
/// right behind it, and axes of size 1 are repeated. Throws ShapeError for inputs that do not fit.
template <class Scalar = float>
class Add : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Add(const AddOptions& options = {}) : Layer<Scalar>(new AddImpl<Scalar>(options)) {}

  GRAFT_COLD static Add from_config(const Config& config) { return Add(detail::read_merge_options(config)); }
};

}  // namespace graft
