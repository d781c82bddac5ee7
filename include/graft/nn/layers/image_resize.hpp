#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "graft/kernels/resize.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/random_layer.hpp"

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

/// Base of the layers that bring images to one size, by a window that is one for all or drawn for each.
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
  Needs needs(std::span<const Shape>, const Use& use) const final {
    Needs needs;
    needs.can_add = true;
    if (this->is_random() && use.training && use.backward()) {
      needs.cache_bytes = static_cast<Index>(sizeof(RandomStreams));
    }
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    const kernels::ResizeDesc desc = describe(args.x().shape());
    if (!random(args.use, desc)) return kernels::resize_forward(desc, args.x().data(), args.y().data());
    const RandomStreams streams = seeded(args.random, seed());
    if (args.cache && args.use.backward()) std::memcpy(args.cache, &streams, sizeof streams);
    each_image(desc, streams, args.x().dim(0), [&](const kernels::ResizeDesc& one, Index in, Index out) {
      kernels::resize_forward(one, args.x().data() + in, args.y().data() + out);
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    const kernels::ResizeDesc desc = describe(args.dx().shape());
    const bool add = args.add_to_input;
    if (!random(args.use, desc)) return kernels::resize_backward(desc, args.dy().data(), args.dx().data(), add);
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    each_image(desc, streams, args.dx().dim(0), [&](const kernels::ResizeDesc& one, Index in, Index out) {
      kernels::resize_backward(one, args.dy().data() + out, args.dx().data() + in, add);
    });
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
  /// Whether every image gets a window of its own, which choose_random sets.
  virtual bool random(const Use&, const kernels::ResizeDesc&) const { return false; }
  virtual void choose_random(kernels::ResizeDesc&, RandomKey /*stream*/) const {}
  virtual std::optional<Index> seed() const { return std::nullopt; }

 private:
  // Calls fn(its description, offset in the input, offset in the output) for every image.
  template <class Fn>
  void each_image(const kernels::ResizeDesc& desc, const RandomStreams& streams, Index images, const Fn& fn) const {
    const Index planes = images > 0 ? desc.images / images : 0;
    const Index in = planes * desc.channels * desc.height.in * desc.width.in;
    const Index out = planes * desc.channels * desc.height.out * desc.width.out;
    parallel_for(0, images, 16384 / (out + 1) + 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        kernels::ResizeDesc one = desc;
        one.images = planes;
        choose_random(one, streams.row(i, images));
        fn(one, i * in, i * out);
      }
    });
  }
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
