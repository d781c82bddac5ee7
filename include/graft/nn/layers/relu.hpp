#pragma once

#include <limits>

#include "graft/nn/layers/activation_layer.hpp"

namespace graft {

struct ReLUOptions {
  double max_value = std::numeric_limits<double>::infinity();  ///< Keras's None: no limit
  double negative_slope = 0.0;
  double threshold = 0.0;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ReLUImpl final : public detail::ActivationLayerImpl<Scalar> {
  using Base = detail::ActivationLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit ReLUImpl(const ReLUOptions& options)
      : Base("ReLU", options, activations::relu(options.negative_slope, options.max_value, options.threshold)) {
    check("max_value", options.max_value);
    check("negative_slope", options.negative_slope);
    check("threshold", options.threshold);
  }
  std::string_view class_name() const override { return "ReLU"; }
  GRAFT_COLD Config config() const override {
    const auto& params = this->function().params();
    Config config = Base::config();
    const bool limited = params.max_value < std::numeric_limits<double>::infinity();
    config["max_value"] = limited ? Config(params.max_value) : Config();
    config["negative_slope"] = params.alpha;
    config["threshold"] = params.threshold;
    return config;
  }

 private:
  GRAFT_COLD void check(const char* what, double value) const {
    if (!(value >= 0)) fail<ConfigError>(this->where(), std::string(what) + " of at least 0", std::to_string(value));
  }
};

/// max_value if x >= max_value; x if x >= threshold; else negative_slope * (x - threshold).
template <class Scalar = float>
class ReLU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ReLU(const ReLUOptions& options = {}) : Layer<Scalar>(new ReLUImpl<Scalar>(options)) {}

  GRAFT_COLD static ReLU from_config(const Config& config) {
    ReLUOptions options;
    detail::read(config, "max_value", options.max_value);
    detail::read(config, "negative_slope", options.negative_slope);
    detail::read(config, "threshold", options.threshold);
    detail::read_base(config, options);
    return ReLU(options);
  }
};

}  // namespace graft
