#pragma once

#include "graft/nn/layers/activation_layer.hpp"

namespace graft {

struct ThresholdedReLUOptions {
  double theta = 1.0;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ThresholdedReLUImpl final : public detail::ActivationLayerImpl<Scalar> {
  using Base = detail::ActivationLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit ThresholdedReLUImpl(const ThresholdedReLUOptions& options)
      : Base("ThresholdedReLU", options, activations::threshold(options.theta, 0)) {
    if (!(options.theta >= 0)) fail<ConfigError>(this->where(), "theta of at least 0", std::to_string(options.theta));
  }
  std::string_view class_name() const override { return "ThresholdedReLU"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["theta"] = this->function().params().threshold;
    return config;
  }
};

/// x if x > theta, else 0 (Konda et al. 2014). Keras 3 does not have it any more. Throws ConfigError for theta < 0.
template <class Scalar = float>
class ThresholdedReLU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ThresholdedReLU(const ThresholdedReLUOptions& options = {})
      : Layer<Scalar>(new ThresholdedReLUImpl<Scalar>(options)) {}

  GRAFT_COLD static ThresholdedReLU from_config(const Config& config) {
    ThresholdedReLUOptions options;
    detail::read(config, "theta", options.theta);
    detail::read_base(config, options);
    return ThresholdedReLU(options);
  }
};

}  // namespace graft
