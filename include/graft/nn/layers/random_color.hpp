#pragma once

#include "graft/nn/dual.hpp"
#include "graft/nn/layers/factor_range.hpp"
#include "graft/nn/layers/image_layer.hpp"

namespace graft {

/// What layers can be told that change the colours of images.
struct RandomColorOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  std::optional<Index> seed = {};                ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

using ValueRange = std::array<double, 2>;

GRAFT_COLD inline void read(const Config& config, const char* key, ValueRange& into) {
  const Config* value = config.find_set(key);
  if (!value) return;
  const auto& items = value->items(key);
  if (items.size() != 2) {
    fail<ConfigError>(std::string("config \"") + key + "\"", "two numbers", std::to_string(items.size()));
  }
  into = {items[0].as_double(key), items[1].as_double(key)};
}
GRAFT_COLD inline Config range_config(const ValueRange& range) { return Config::array({range[0], range[1]}); }

/// Sorted, as Keras does. Throws ConfigError for an empty or infinite range.
GRAFT_COLD inline ValueRange checked_range(const ValueRange& range, const char* class_name) {
  const ValueRange sorted{std::min(range[0], range[1]), std::max(range[0], range[1])};
  if (!(std::isfinite(sorted[0]) && std::isfinite(sorted[1]) && sorted[0] < sorted[1])) {
    fail<ConfigError>(class_name, "value_range, two different numbers",
                      std::to_string(range[0]) + ", " + std::to_string(range[1]));
  }
  return sorted;
}

template <class Options>
GRAFT_COLD void read_color_options(const Config& config, Options& options) {
  read(config, "value_range", options.value_range);
  if constexpr (requires { options.seed; }) options.seed = read_seed(config);
  read(config, "data_format", options.data_format);
  read_base(config, options);
}

/// Base of the layers with one factor and a value_range.
template <class Scalar>
class RandomColorImpl : public ImageLayerImpl<Scalar> {
 public:
  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["factor"] = factor_.config();
    config["value_range"] = range_config(range_);
    return config;
  }

 protected:
  /// `low` and `high` are the limits of the factor.
  template <class Options>
  GRAFT_COLD RandomColorImpl(const char* class_name, NumberOrList factor, const Options& options, double low,
                             double high)
      : ImageLayerImpl<Scalar>(class_name, options, ImageMode::training),
        factor_(std::move(factor)),
        range_(checked_range(options.value_range, class_name)),
        drawn_(limited_range(factor_, low, high, class_name, "factor")) {}

  const NumberOrList& factor() const { return factor_; }
  const ValueRange& range() const { return range_; }
  Scalar low() const { return static_cast<Scalar>(range_[0]); }
  Scalar high() const { return static_cast<Scalar>(range_[1]); }
  /// What is drawn is uniform in it.
  const FactorRange& drawn() const { return drawn_; }

 private:
  NumberOrList factor_;
  ValueRange range_;
  FactorRange drawn_;
};

/// Makes a layer out of a formula for a pixel (N = 3: red, green and blue) or for one number (N = 1):
/// Impl::function(stream) returns what is called with T* for T of Scalar and of Dual, and changes N of them.
template <class Impl, class Base, class Scalar, int N>
class PixelwiseImpl : public Base {
 public:
  using Image = ImageArgs<Scalar>;

  void transform(const Image& image) const final {
    const auto function = impl().function(image.stream);
    for_each_pixel(image.picture, [&](Index at, Index step) {
      Scalar pixel[N];
      for (int c = 0; c < N; ++c) pixel[c] = image.x[at + c * step];
      function(pixel);
      for (int c = 0; c < N; ++c) image.y[at + c * step] = pixel[c];
    });
  }
  void transform_gradient(const Image& image) const final {
    const auto function = impl().function(image.stream);
    for_each_pixel(image.picture, [&](Index at, Index step) {
      using Number = Dual<Scalar, N>;
      Number pixel[N];
      for (int c = 0; c < N; ++c) pixel[c] = Number(image.x[at + c * step], c);
      function(pixel);
      for (int c = 0; c < N; ++c) {
        Scalar sum = 0;
        for (int k = 0; k < N; ++k) sum += pixel[k].slope[static_cast<std::size_t>(c)] * image.dy[at + k * step];
        image.dx[at + c * step] = sum;
      }
    });
  }

 protected:
  using Base::Base;
  int channels_wanted() const final { return N; }

 private:
  const Impl& impl() const { return static_cast<const Impl&>(*this); }
  template <class Fn>
  static void for_each_pixel(const Picture& picture, const Fn& fn) {
    const Index count = N == 1 ? picture.size() : picture.pixels();
    const Index step = N == 1 ? 1 : picture.pixel_step;
    for (Index i = 0; i < count; ++i) fn(i * step, picture.channel_step);
  }
};

}  // namespace detail
}  // namespace graft
