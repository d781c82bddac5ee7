#pragma once

#include <vector>

#include "graft/nn/layers/activation_layer.hpp"

namespace graft {

struct SoftmaxOptions {
  std::vector<int> axis = {-1};  ///< one axis or several
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class SoftmaxImpl final : public detail::ActivationLayerImpl<Scalar> {
  using Base = detail::ActivationLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit SoftmaxImpl(const SoftmaxOptions& options)
      : Base("Softmax", options, activations::softmax(options.axis)) {
    if (options.axis.empty()) fail<ConfigError>(this->where(), "at least one axis", "none");
  }
  std::string_view class_name() const override { return "Softmax"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["axis"] = detail::axes_config(this->function().axes());
    return config;
  }
};

/// exp(x) / sum of exp(x) along an axis, or along several together.
template <class Scalar = float>
class Softmax : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Softmax(const SoftmaxOptions& options = {}) : Layer<Scalar>(new SoftmaxImpl<Scalar>(options)) {}

  GRAFT_COLD static Softmax from_config(const Config& config) {
    SoftmaxOptions options;
    options.axis = detail::read_axes(config.find_set("axis"));
    detail::read_base(config, options);
    return Softmax(options);
  }
};

}  // namespace graft
