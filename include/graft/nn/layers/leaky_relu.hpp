#pragma once

#include "graft/nn/layers/activation_layer.hpp"

namespace graft {

struct LeakyReLUOptions {
  double alpha = 0.3;  ///< Keras 3: negative_slope
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class LeakyReLUImpl final : public detail::ActivationLayerImpl<Scalar> {
  using Base = detail::ActivationLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit LeakyReLUImpl(const LeakyReLUOptions& options)
      : Base("LeakyReLU", options, activations::leaky_relu(options.alpha)) {
    if (!(options.alpha >= 0)) fail<ConfigError>(this->where(), "alpha of at least 0", std::to_string(options.alpha));
  }
  std::string_view class_name() const override { return "LeakyReLU"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["alpha"] = this->function().params().alpha;
    return config;
  }
};

/// x if x >= 0, else alpha * x (Maas et al. 2013). Keras's default is 0.3; 0.01 and 0.2 are usual.
template <class Scalar = float>
class LeakyReLU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit LeakyReLU(const LeakyReLUOptions& options = {})
      : Layer<Scalar>(new LeakyReLUImpl<Scalar>(options)) {}

  GRAFT_COLD static LeakyReLU from_config(const Config& config) {
    LeakyReLUOptions options;
    detail::read(config, "alpha", options.alpha);
    detail::read(config, "negative_slope", options.alpha);
    detail::read_base(config, options);
    return LeakyReLU(options);
  }
};

}  // namespace graft
