#pragma once

#include "graft/nn/layers/activation_layer.hpp"

namespace graft {

struct ELUOptions {
  double alpha = 1.0;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ELUImpl final : public detail::ActivationLayerImpl<Scalar> {
  using Base = detail::ActivationLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit ELUImpl(const ELUOptions& options) : Base("ELU", options, activations::elu(options.alpha)) {}
  std::string_view class_name() const override { return "ELU"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["alpha"] = this->function().params().alpha;
    return config;
  }
};

/// x if x > 0, else alpha * (exp(x) - 1) (Clevert et al. 2015).
template <class Scalar = float>
class ELU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ELU(const ELUOptions& options = {}) : Layer<Scalar>(new ELUImpl<Scalar>(options)) {}

  GRAFT_COLD static ELU from_config(const Config& config) {
    ELUOptions options;
    detail::read(config, "alpha", options.alpha);
    detail::read_base(config, options);
    return ELU(options);
  }
};

}  // namespace graft
