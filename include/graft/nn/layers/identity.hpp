#pragma once

#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

struct IdentityOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class IdentityImpl final : public detail::ViewLayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit IdentityImpl(const IdentityOptions& options)
      : detail::ViewLayerImpl<Scalar>("Identity", options) {}
  std::string_view class_name() const override { return "Identity"; }
  bool supports_masking() const override { return true; }
};

/// y = x
template <class Scalar = float>
class Identity : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Identity(const IdentityOptions& options = {})
      : Layer<Scalar>(new IdentityImpl<Scalar>(options)) {}

  GRAFT_COLD static Identity from_config(const Config& config) {
    IdentityOptions options;
    detail::read_base(config, options);
    return Identity(options);
  }
};

}  // namespace graft
