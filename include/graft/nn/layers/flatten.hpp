#pragma once

#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/transpose.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

struct FlattenOptions {
  std::string data_format = "channels_last";  ///< "channels_first": channels are moved last before flattening
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class FlattenImpl final : public detail::ViewLayerImpl<Scalar> {
  using Base = detail::ViewLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit FlattenImpl(const FlattenOptions& options)
      : Base("Flatten", options), channels_first_(options.data_format == "channels_first") {
    if (!channels_first_ && options.data_format != "channels_last") {
      fail<ConfigError>(this->where(), "data_format channels_last or channels_first",
                        "\"" + options.data_format + "\"");
    }
  }
  std::string_view class_name() const override { return "Flatten"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.rank() == 0) fail<ShapeError>(this->where(), "an input with a batch dimension", input.str());
    detail::require_known_sample(input, this->where());
    return {input[0], input.product(1, input.rank())};
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs = Base::needs(inputs, use);
    if (moves(inputs[0])) needs.is_view = needs.in_place = false;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Shape& shape = args.x().shape();
    if (moves(shape)) detail::transpose_forward(shape, order(shape), args.x().data(), args.y().data());
    else Base::forward(args);
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const Shape& shape = args.dx().shape();
    if (!moves(shape)) return Base::backward(args);
    detail::transpose_backward(shape, order(shape), args.dy().data(), args.dx().data(), args.add_to_input);
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["data_format"] = channels_first_ ? "channels_first" : "channels_last";
    return config;
  }

 private:
  bool moves(const Shape& shape) const { return channels_first_ && shape.rank() > 2; }
  static detail::Permutation order(const Shape& shape) {
    detail::Permutation order{};
    for (int axis = 1; axis + 1 < shape.rank(); ++axis) order[static_cast<std::size_t>(axis)] = axis + 1;
    order[static_cast<std::size_t>(shape.rank() - 1)] = 1;
    return order;
  }

  bool channels_first_;
};

/// (batch, …) → (batch, product of the rest). No copy, unless channels come first.
template <class Scalar = float>
class Flatten : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Flatten(const FlattenOptions& options = {}) : Layer<Scalar>(new FlattenImpl<Scalar>(options)) {}

  GRAFT_COLD static Flatten from_config(const Config& config) {
    FlattenOptions options;
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    return Flatten(options);
  }
};

}  // namespace graft
