#pragma once

#include "graft/nn/layers/standardizing_layer.hpp"
#include "graft/nn/number_or_list.hpp"

namespace graft {

struct RescalingOptions {
  NumberOrList offset = 0.0;  ///< a number, or one for each position on the last axis
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RescalingImpl final : public detail::StandardizingLayerImpl<Scalar> {
  using Base = detail::StandardizingLayerImpl<Scalar>;

 public:
  GRAFT_COLD RescalingImpl(NumberOrList scale, const RescalingOptions& options)
      : Base("Rescaling", options), scale_(std::move(scale)), offset_(options.offset) {
    for (const NumberOrList* list : {&scale_, &offset_}) {
      if (!list->given() || list->size() == 0 || list->shape().rank() > 1) {
        fail<ConfigError>(this->where(), "scale and offset that are numbers or lists of numbers",
                          list->given() ? "shape " + list->shape().str() : "nothing");
      }
    }
  }
  std::string_view class_name() const override { return "Rescaling"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    if (input.empty()) fail<ShapeError>(this->where(), "an input with a batch", input.str());
    for (const NumberOrList* list : {&scale_, &offset_}) {
      if (list->size() > 1 && (input.rank() < 2 || detail::known_dim(input, -1, this->where()) != list->size())) {
        fail<ShapeError>(this->where(), "a last axis of " + std::to_string(list->size()), input.str());
      }
    }
    return input;
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["scale"] = scale_.config();
    config["offset"] = offset_.config();
    return config;
  }

 protected:
  Shape small_shape(const Shape& input) const override {
    Shape small;
    for (int axis = 0; axis < input.rank(); ++axis) small.push_back(1);
    small[-1] = std::max(scale_.size(), offset_.size());
    return small;
  }
  void terms(Index count, Scalar* center, Scalar* factor, Scalar* shift) const override {
    for (Index i = 0; i < count; ++i) {
      center[i] = 0;
      factor[i] = static_cast<Scalar>(scale_[i]);
      shift[i] = static_cast<Scalar>(offset_[i]);
    }
  }

 private:
  NumberOrList scale_, offset_;
};

/// y = x * scale + offset; both are numbers, or lists with one for each position on the last axis. Rescaling(1.0 / 255)
/// turns bytes into [0, 1], Rescaling(1 / 127.5, {.offset = -1}) into [-1, 1]. Throws ConfigError for empty lists and
/// ShapeError when a list does not fit the input.
template <class Scalar = float>
class Rescaling : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Rescaling(NumberOrList scale, const RescalingOptions& options = {})
      : Layer<Scalar>(new RescalingImpl<Scalar>(std::move(scale), options)) {}

  GRAFT_COLD static Rescaling from_config(const Config& config) {
    RescalingOptions options;
    if (const Config* offset = config.find_set("offset")) options.offset = NumberOrList::from_config(*offset, "offset");
    detail::read_base(config, options);
    return Rescaling(NumberOrList::from_config(config.at("scale"), "scale"), options);
  }
};

}  // namespace graft
