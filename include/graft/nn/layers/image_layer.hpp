#pragma once

#include <array>
#include <cmath>
#include <cstring>

#include "graft/core/thread_pool.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/random_layer.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft::detail {

/// How an image lies in memory: channel c of pixel p is number p * pixel_step + c * channel_step.
struct Picture {
  Index height = 0, width = 0, channels = 0;
  Index pixel_step = 1, channel_step = 1;

  Index pixels() const { return height * width; }
  Index size() const { return pixels() * channels; }
  bool channels_first() const { return pixel_step == 1 && channels > 1; }
};

/// One image on its way forward (x, y) or backward (x, dy, dx), and what is random about it.
template <class Scalar>
struct ImageArgs {
  RandomKey stream;
  Picture picture;
  const Scalar* x = nullptr;  ///< backward: only if reads_input()
  Scalar* y = nullptr;
  const Scalar* dy = nullptr;
  Scalar* dx = nullptr;
  Scalar* scratch = nullptr;  ///< scratch_size() numbers
};

/// When a layer changes images; else y = x.
enum class ImageMode { always, training, never };

/// Base of the layers that make an image out of every image by itself, of the same shape.
template <class Scalar>
class ImageLayerImpl : public LayerImpl<Scalar> {
 public:
  using Image = ImageArgs<Scalar>;

  /// Whatever differs between training and inference ends the deterministic prefix.
  bool is_random() const final { return mode_ == ImageMode::training; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    const Shape& input = inputs[0];
    const bool rgb = channels_wanted() == 3;
    if (input.rank() != 4) {
      fail<ShapeError>(
          this->where(),
          channels_first_ ? "images (batch, channels, height, width)" : "images (batch, height, width, channels)",
          input.str());
    }
    const Index channels = input[channels_first_ ? 1 : 3];
    if (rgb && channels != 3 && channels != Shape::kUnknown) {
      fail<ShapeError>(this->where(), "images with 3 channels: red, green and blue", input.str());
    }
    return input;
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const final {
    Needs needs;
    needs.is_view = needs.in_place = needs.can_add = !acts(use);
    if (needs.is_view) return needs;
    if (use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomStreams));
    needs.inputs = use.input_gradients && reads_input();
    const Index forward = scratch_size(picture(inputs[0]), false);
    const Index backward = use.input_gradients ? scratch_size(picture(inputs[0]), true) : 0;
    needs.scratch_bytes = std::max(forward, backward) * inputs[0][0] * static_cast<Index>(sizeof(Scalar));
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    if (!acts(args.use)) return copy_or_add<Scalar>(args.x(), args.y());
    const RandomStreams streams = seeded(args.random, seed_);
    if (args.cache && args.use.backward()) std::memcpy(args.cache, &streams, sizeof streams);
    each(streams, args.x().shape(), args.scratch, false, [&](Image& image, Index at) {
      image.x = args.x().data() + at;
      image.y = args.y().data() + at;
      transform(image);
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    if (!acts(args.use)) return copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    each(streams, args.dx().shape(), args.scratch, true, [&](Image& image, Index at) {
      image.x = args.x() ? args.x().data() + at : nullptr;
      image.dy = args.dy().data() + at;
      image.dx = args.dx().data() + at;
      transform_gradient(image);
    });
  }

  /// y of x. What is random comes from image.stream.
  virtual void transform(const Image& image) const = 0;
  /// dx of dy, and of x if reads_input().
  virtual void transform_gradient(const Image& image) const = 0;
  /// How many numbers of scratch an image takes.
  virtual Index scratch_size(const Picture& /*picture*/, bool /*backward*/) const { return 0; }
  virtual bool reads_input() const { return true; }

  /// How an image of a batch of this shape lies.
  Picture picture(const Shape& shape) const {
    Picture picture;
    const int height = channels_first_ ? 2 : 1;
    picture.height = shape[height];
    picture.width = shape[height + 1];
    picture.channels = shape[channels_first_ ? 1 : 3];
    picture.pixel_step = channels_first_ ? 1 : picture.channels;
    picture.channel_step = channels_first_ ? picture.pixels() : 1;
    return picture;
  }

 protected:
  template <class Options>
  GRAFT_COLD ImageLayerImpl(std::string_view class_name, const Options& options, ImageMode mode)
      : LayerImpl<Scalar>(class_name, options), mode_(mode), channels_first_(options.data_format == "channels_first") {
    if constexpr (requires { options.seed; }) seed_ = options.seed;
    if (!channels_first_ && options.data_format != "channels_last") {
      fail<ConfigError>(std::string(class_name) + " \"" + this->name() + "\"",
                        "data_format channels_last or channels_first", "\"" + options.data_format + "\"");
    }
  }

  /// 3 for layers that know red, green and blue; 0: any.
  virtual int channels_wanted() const { return 0; }

  bool channels_first() const { return channels_first_; }
  const std::optional<Index>& seed() const { return seed_; }
  /// The layer's config, with data_format where it is not the usual one: Keras 2 has no such argument here.
  GRAFT_COLD Config image_config(bool with_seed) const {
    Config config = LayerImpl<Scalar>::config();
    if (with_seed) config["seed"] = seed_config_of(seed_);
    if (channels_first_) config["data_format"] = "channels_first";
    return config;
  }

 private:
  bool acts(const Use& use) const {
    return mode_ == ImageMode::always || (mode_ == ImageMode::training && use.training);
  }
  template <class Fn>
  void each(const RandomStreams& streams, const Shape& shape, std::byte* scratch, bool backward, const Fn& fn) const {
    const Picture picture = this->picture(shape);
    const Index images = shape[0], size = picture.size(), scratch_each = scratch_size(picture, backward);
    parallel_for(0, images, 16384 / (size + 1) + 1, [&](Index first, Index last) {
      Image image;
      image.picture = picture;
      for (Index i = first; i < last; ++i) {
        image.stream = streams.row(i, images);
        image.scratch = reinterpret_cast<Scalar*>(scratch) + i * scratch_each;
        fn(image, i * size);
      }
    });
  }

  ImageMode mode_;
  bool channels_first_;
  std::optional<Index> seed_;
};

}  // namespace graft::detail
