#pragma once

#include <numeric>

#include "graft/core/tensor.hpp"
#include "graft/nn/layers/draw_gamma.hpp"
#include "graft/nn/layers/image_box.hpp"
#include "graft/nn/layers/image_layer.hpp"

namespace graft::detail {

/// What sample i of a batch keeps of itself: the part `weight` of every pixel, or all outside of a box. The rest comes
/// from its partner.
struct Mixing {
  double weight = 1;
  bool boxed = false;
  ImageBox box{};

  double kept(Index row, Index col) const { return boxed ? (box.contains(row, col) ? 0.0 : 1.0) : weight; }
};

/// Base of MixUp and CutMix: in training every image of a batch is mixed with another one, its partner under a random
/// permutation of the batch.
template <class Scalar>
class BatchMixImpl : public LayerImpl<Scalar> {
 public:
  bool is_random() const final { return true; }
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    if (inputs[0].rank() != 4) {
      fail<ShapeError>(
          this->where(),
          channels_first_ ? "images (batch, channels, height, width)" : "images (batch, height, width, channels)",
          inputs[0].str());
    }
    return inputs[0];
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const final {
    Needs needs;
    needs.is_view = needs.in_place = needs.can_add = !use.training;
    if (!use.training) return needs;
    if (use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomStreams));
    needs.scratch_bytes = 2 * inputs[0][0] * static_cast<Index>(sizeof(Index));
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    if (!args.use.training) return copy_or_add<Scalar>(args.x(), args.y());
    const RandomStreams streams = seeded(args.random, seed_);
    if (args.cache && args.use.backward()) std::memcpy(args.cache, &streams, sizeof streams);
    mix_images(streams, args.x(), args.y(), reinterpret_cast<Index*>(args.scratch));
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    if (!args.use.training) return copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    const Index images = args.dx().dim(0);
    auto* partner = reinterpret_cast<Index*>(args.scratch);
    Index* partner_of = partner + images;
    permute(streams, images, partner);
    for (Index i = 0; i < images; ++i) partner_of[partner[i]] = i;
    // An image gets gradients of itself and of the one whose partner it is.
    each_pixel(args.dx().shape(), images, [&](Index i, Index size, const auto& pixels) {
      const Index j = partner_of[i];
      const Mixing own = mixing(streams, i, args.dx().shape()), other = mixing(streams, j, args.dx().shape());
      const Scalar *dy = args.dy().data() + i * size, *dy_other = args.dy().data() + j * size;
      Scalar* dx = args.dx().data() + i * size;
      pixels([&](Index at, Index row, Index col) {
        dx[at] = static_cast<Scalar>(own.kept(row, col)) * dy[at] +
                 static_cast<Scalar>(1 - other.kept(row, col)) * dy_other[at];
      });
    });
  }

  /// Images and labels of a batch, in place.
  GRAFT_COLD void mix(Tensor<Scalar>& images, Tensor<Scalar>& labels, const RandomStreams& given) const {
    const RandomStreams streams = seeded(given, seed_);
    const Shape shape = images.shape();
    (void)output_shape({&shape, 1});
    const Index count = shape[0];
    if (labels.shape().rank() == 0 || labels.shape()[0] != count) {
      fail<ShapeError>(this->where() + " mix", "one label for each of " + std::to_string(count) + " images",
                       labels.shape().str());
    }
    std::vector<Index> partner(static_cast<std::size_t>(count));
    const Tensor<Scalar> before(std::as_const(images).view()), labels_before(std::as_const(labels).view());
    mix_images(streams, before.view(), images.view(), partner.data());
    const Index classes = labels.size() / std::max<Index>(count, 1);
    for (Index i = 0; i < count; ++i) {
      const Mixing own = mixing(streams, i, shape);
      const Picture p = picture(shape);
      const double kept =
          own.boxed ? 1 - own.box.area() / static_cast<double>(std::max<Index>(p.pixels(), 1)) : own.weight;
      const Index other = partner[static_cast<std::size_t>(i)];
      for (Index k = 0; k < classes; ++k) {
        labels[i * classes + k] = static_cast<Scalar>(kept) * labels_before[i * classes + k] +
                                  static_cast<Scalar>(1 - kept) * labels_before[other * classes + k];
      }
    }
  }

 protected:
  template <class Options>
  GRAFT_COLD BatchMixImpl(std::string_view class_name, const Options& options)
      : LayerImpl<Scalar>(class_name, options),
        seed_(options.seed),
        channels_first_(options.data_format == "channels_first") {
    if (!channels_first_ && options.data_format != "channels_last") {
      fail<ConfigError>(std::string(class_name) + " \"" + this->name() + "\"",
                        "data_format channels_last or channels_first", "\"" + options.data_format + "\"");
    }
  }

  /// How an image is mixed: `stream` is its own, `shared` that of the batch.
  virtual Mixing draw_mixing(RandomKey stream, RandomKey shared, Index height, Index width) const = 0;

  GRAFT_COLD Config mix_config() const {
    Config config = LayerImpl<Scalar>::config();
    config["seed"] = seed_config_of(seed_);
    if (channels_first_) config["data_format"] = "channels_first";
    return config;
  }

 private:
  Picture picture(const Shape& shape) const {
    const int height = channels_first_ ? 2 : 1;
    Picture picture{shape[height], shape[height + 1], shape[channels_first_ ? 1 : 3], 1, 1};
    (channels_first_ ? picture.channel_step : picture.pixel_step) =
        channels_first_ ? picture.pixels() : picture.channels;
    return picture;
  }
  Mixing mixing(const RandomStreams& streams, Index i, const Shape& shape) const {
    const Picture p = picture(shape);
    return draw_mixing(streams.row(i, shape[0]), streams.shared().fold(2), p.height, p.width);
  }
  static void permute(const RandomStreams& streams, Index count, Index* order) {
    std::iota(order, order + count, Index{0});
    Rng rng(streams.shared().fold(1));
    for (Index i = count - 1; i > 0; --i) std::swap(order[i], order[rng.below(i + 1)]);
  }
  void mix_images(const RandomStreams& streams, TensorView<const Scalar> x, TensorView<Scalar> y,
                  Index* partner) const {
    const Index images = x.dim(0);
    permute(streams, images, partner);
    each_pixel(x.shape(), images, [&](Index i, Index size, const auto& pixels) {
      const Mixing own = mixing(streams, i, x.shape());
      const Scalar *from = x.data() + i * size, *other = x.data() + partner[i] * size;
      Scalar* to = y.data() + i * size;
      pixels([&](Index at, Index row, Index col) {
        const auto kept = static_cast<Scalar>(own.kept(row, col));
        to[at] = kept * from[at] + (1 - kept) * other[at];
      });
    });
  }
  // Calls fn(image, its size, pixels) for every image; pixels(f) calls f(offset, row, column) for all its numbers.
  template <class Fn>
  void each_pixel(const Shape& shape, Index images, const Fn& fn) const {
    const Picture p = picture(shape);
    parallel_for(0, images, 16384 / (p.size() + 1) + 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        fn(i, p.size(), [&p](const auto& each) {
          for (Index row = 0; row < p.height; ++row) {
            for (Index col = 0; col < p.width; ++col) {
              const Index at = (row * p.width + col) * p.pixel_step;
              for (Index c = 0; c < p.channels; ++c) each(at + c * p.channel_step, row, col);
            }
          }
        });
      }
    });
  }

  std::optional<Index> seed_;
  bool channels_first_;
};

/// What MixUp and CutMix can do besides being layers: `mix` mixes images and labels of a batch, in place. Labels are
/// one row for each image, one-hot for classes. Who is mixed with whom depends on the batch; `key` should differ for
/// every batch.
template <class Scalar>
class BatchMixLayer : public Layer<Scalar> {
 public:
  GRAFT_COLD void mix(Tensor<Scalar>& images, Tensor<Scalar>& labels, RandomKey key) const {
    const Index batch = images.shape().rank() > 0 ? images.shape()[0] : 1;
    static_cast<const BatchMixImpl<Scalar>&>(this->impl()).mix(images, labels, {key, nullptr, batch});
  }
  /// Of something with x and y: `dataset.map([=](auto& batch, RandomKey key) { mix_up.mix(batch, key); })`.
  template <class Batch>
  requires requires(Batch& batch) { batch.x[0], batch.y[0]; }
  void mix(Batch& batch, RandomKey key) const { mix(batch.x[0], batch.y[0], key); }

 protected:
  using Layer<Scalar>::Layer;
};

}  // namespace graft::detail
