#pragma once

#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

struct ActivityRegularizationOptions {
  double l1 = 0.0;
  double l2 = 0.0;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ActivityRegularizationImpl final : public detail::ViewLayerImpl<Scalar> {
  using Base = detail::ViewLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit ActivityRegularizationImpl(const ActivityRegularizationOptions& options)
      : Base("ActivityRegularization", options), l1_(options.l1), l2_(options.l2) {
    this->activity_regularizer_ = L1L2(l1_, l2_);
  }
  std::string_view class_name() const override { return "ActivityRegularization"; }
  bool supports_masking() const override { return true; }

  /// Not a view: its output is where the penalty enters, and has a gradient of its own.
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.in_place = needs.can_add = true;
    return needs;
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["l1"] = l1_;
    config["l2"] = l2_;
    return config;
  }

 private:
  double l1_, l2_;
};

/// y = x; adds l1 * sum |y| + l2 * sum y², divided by the batch size, to the loss.
template <class Scalar = float>
class ActivityRegularization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ActivityRegularization(const ActivityRegularizationOptions& options = {})
      : Layer<Scalar>(new ActivityRegularizationImpl<Scalar>(options)) {}

  GRAFT_COLD static ActivityRegularization from_config(const Config& config) {
    ActivityRegularizationOptions options;
    detail::read(config, "l1", options.l1);
    detail::read(config, "l2", options.l2);
    detail::read_base(config, options);
    return ActivityRegularization(options);
  }
};

}  // namespace graft
