#pragma once

#include "graft/nn/layers/normalized_rows.hpp"

namespace graft {

struct UnitNormalizationOptions {
  std::vector<int> axis = {-1};  ///< one axis or several
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class UnitNormalizationImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit UnitNormalizationImpl(const UnitNormalizationOptions& options)
      : LayerImpl<Scalar>("UnitNormalization", options), axis_(options.axis) {
    detail::check_axes(axis_, this->where());
  }
  std::string_view class_name() const override { return "UnitNormalization"; }
  bool supports_masking() const override { return true; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    (void)detail::mark_sample_axes(inputs[0], axis_, this->where());
    return inputs[0];
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    return rows_of(inputs[0]).template needs<Scalar>(use, use.input_gradients);
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    rows_of(args.x().shape()).template forward<Scalar>(args, nullptr, nullptr);
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (args.dx()) rows_of(args.dy().shape()).template backward<Scalar>(args, nullptr, nullptr, nullptr);
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["axis"] = detail::axes_config(axis_);
    return config;
  }

 private:
  detail::NormalizedRows rows_of(const Shape& shape) const {
    const auto chosen = detail::mark_sample_axes(shape, axis_, this->name());
    return {kernels::RowNormKind::unit, 1e-12, shape, chosen};
  }

  std::vector<int> axis_;
};

/// y = x / max(L2 norm of x along the axes, 1e-12), by default along the last axis. Throws ConfigError for bad axes.
template <class Scalar = float>
class UnitNormalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit UnitNormalization(const UnitNormalizationOptions& options = {})
      : Layer<Scalar>(new UnitNormalizationImpl<Scalar>(options)) {}

  GRAFT_COLD static UnitNormalization from_config(const Config& config) {
    UnitNormalizationOptions options;
    options.axis = detail::read_axes(config.find_set("axis"));
    detail::read_base(config, options);
    return UnitNormalization(options);
  }
};

}  // namespace graft
