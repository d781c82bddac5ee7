#pragma once

#include <algorithm>
#include <cmath>

#include "graft/kernels/resize.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// The window of the input that has the target's aspect ratio: the largest inside it, in the middle (Keras's
/// arithmetic, rounding included).
inline void crop_to_ratio(kernels::ResizeAxis& height, kernels::ResizeAxis& width) {
  const auto fitted = [](const kernels::ResizeAxis& own, const kernels::ResizeAxis& other) {
    const double size = static_cast<double>(other.in) * static_cast<double>(own.out) / static_cast<double>(other.out);
    return std::max<Index>(1, static_cast<Index>(std::min(size, static_cast<double>(own.in))));
  };
  height.window = fitted(height, width);
  width.window = fitted(width, height);
  height.start = (height.in - height.window) / 2;
  width.start = (width.in - width.window) / 2;
}

/// The smallest around the input. Where the padding is odd, one pixel less is added, as in Keras.
inline void pad_to_ratio(kernels::ResizeAxis& height, kernels::ResizeAxis& width) {
  const auto padding = [](const kernels::ResizeAxis& own, const kernels::ResizeAxis& other) {
    const double size = static_cast<double>(other.in) * static_cast<double>(own.out) / static_cast<double>(other.out);
    return static_cast<Index>((std::max(std::floor(size), static_cast<double>(own.in)) - static_cast<double>(own.in)) /
                              2);
  };
  const Index above = padding(height, width), beside = padding(width, height);
  height.start = -above;
  height.window = height.in + 2 * above;
  width.start = -beside;
  width.window = width.in + 2 * beside;
}

/// Base of the layers that bring images to one size.
template <class Scalar>
class ImageResizeImpl : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    const Shape& input = inputs[0];
    if (input.rank() != 4) {
      fail<ShapeError>(
          this->where(),
          channels_first_ ? "images (batch, channels, height, width)" : "images (batch, height, width, channels)",
          input.str());
    }
    for (int axis = 1; axis < 4; ++axis) {
      if (input[axis] == 0) fail<ShapeError>(this->where(), "images with pixels", input.str());
    }
    Shape result = input;
    result[height_axis()] = height_;
    result[height_axis() + 1] = width_;
    return result;
  }
  Needs needs(std::span<const Shape>, const Use&) const final {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    kernels::resize_forward(describe(args.x().shape()), args.x().data(), args.y().data());
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    kernels::resize_backward(describe(args.dx().shape()), args.dy().data(), args.dx().data(), args.add_to_input);
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["height"] = height_;
    config["width"] = width_;
    config["data_format"] = channels_first_ ? "channels_first" : "channels_last";
    return config;
  }

 protected:
  template <class Options>
  GRAFT_COLD ImageResizeImpl(std::string_view class_name, Index height, Index width, const Options& options)
      : LayerImpl<Scalar>(class_name, options),
        height_(height),
        width_(width),
        channels_first_(options.data_format == "channels_first"),
        known_format_(channels_first_ || options.data_format == "channels_last") {}

  /// For the constructors of the layers: only there a message can say the class. Throws ConfigError.
  GRAFT_COLD void check_arguments() const {
    if (height_ <= 0 || width_ <= 0) {
      fail<ConfigError>(this->where(), "height and width above 0",
                        std::to_string(height_) + " and " + std::to_string(width_));
    }
    if (!known_format_) fail<ConfigError>(this->where(), "data_format channels_last or channels_first", "another one");
  }

  /// Sets the windows and how pixels are found; `in`, `out` and a window of the whole input are set.
  virtual void choose(kernels::ResizeDesc& desc) const = 0;

 private:
  int height_axis() const { return channels_first_ ? 2 : 1; }
  kernels::ResizeDesc describe(const Shape& input) const {
    kernels::ResizeDesc desc;
    desc.images = channels_first_ ? input[0] * input[1] : input[0];
    desc.channels = channels_first_ ? 1 : input[3];
    desc.height.in = desc.height.window = input[height_axis()];
    desc.width.in = desc.width.window = input[height_axis() + 1];
    desc.height.out = height_;
    desc.width.out = width_;
    choose(desc);
    return desc;
  }

  Index height_, width_;
  bool channels_first_, known_format_;
};

}  // namespace graft::detail
