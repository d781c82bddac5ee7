#pragma once

#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

struct ReshapeOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ReshapeImpl final : public detail::ViewLayerImpl<Scalar> {
  using Base = detail::ViewLayerImpl<Scalar>;

 public:
  GRAFT_COLD ReshapeImpl(const Shape& target, const ReshapeOptions& options)
      : Base("Reshape", options), target_(target) {
    int open = 0;
    for (const Index dim : target) open += dim == Shape::kUnknown;
    if (open > 1) fail<ConfigError>(this->where(), "at most one -1 in target_shape", target.str());
  }
  std::string_view class_name() const override { return "Reshape"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.rank() == 0) fail<ShapeError>(this->where(), "an input with a batch dimension", input.str());
    detail::require_known_sample(input, this->where());
    const Index size = input.product(1, input.rank());
    Shape result = target_.with_batch(input[0]);
    Index rest = 1;
    int open = 0;
    for (int axis = 1; axis < result.rank(); ++axis) {
      if (result[axis] == Shape::kUnknown) open = axis;
      else rest *= result[axis];
    }
    if (open && rest && size % rest == 0) result[open] = size / rest;
    else if (open || rest != size) {
      fail<ShapeError>(this->where(), std::to_string(size) + " numbers a sample, from input " + input.str(),
                       "target_shape " + target_.str());
    }
    return result;
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    Config& target = config["target_shape"] = Config::array();
    for (const Index dim : target_) target.push_back(dim);
    return config;
  }

 private:
  Shape target_;
};

/// (batch, …) → (batch, target_shape); one dimension may be -1 and is computed. No copy.
template <class Scalar = float>
class Reshape : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Reshape(const Shape& target_shape, const ReshapeOptions& options = {})
      : Layer<Scalar>(new ReshapeImpl<Scalar>(target_shape, options)) {}

  GRAFT_COLD static Reshape from_config(const Config& config) {
    ReshapeOptions options;
    detail::read_base(config, options);
    return Reshape(detail::read_shape(config.at("target_shape"), "target_shape"), options);
  }
};

}  // namespace graft
