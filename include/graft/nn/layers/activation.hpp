#pragma once

#include "graft/nn/layers/activation_layer.hpp"

namespace graft {

struct ActivationOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ActivationImpl final : public detail::ActivationLayerImpl<Scalar> {
  using Base = detail::ActivationLayerImpl<Scalar>;

 public:
  GRAFT_COLD ActivationImpl(ActivationFunction function, const ActivationOptions& options)
      : Base("Activation", options, std::move(function)) {}
  std::string_view class_name() const override { return "Activation"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["activation"] = this->function().config();
    return config;
  }
};

/// y = activation(x): `Activation("selu")`.
template <class Scalar = float>
class Activation : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Activation(ActivationFunction activation, const ActivationOptions& options = {})
      : Layer<Scalar>(new ActivationImpl<Scalar>(std::move(activation), options)) {}

  GRAFT_COLD static Activation from_config(const Config& config) {
    ActivationOptions options;
    detail::read_base(config, options);
    return Activation(ActivationFunction::from_config(config.at("activation")), options);
  }
};

}  // namespace graft
