#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

struct EqualizationOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  Index bins = 256;                              ///< of the histogram
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class EqualizationImpl final : public detail::ImageLayerImpl<Scalar> {
  using Base = detail::ImageLayerImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;

 public:
  GRAFT_COLD explicit EqualizationImpl(const EqualizationOptions& options)
      : Base("Equalization", options, detail::ImageMode::training),
        range_(detail::checked_range(options.value_range, "Equalization")),
        bins_(options.bins) {
    if (bins_ < 1 || bins_ > kMaxBins) {
      fail<ConfigError>(this->where(), "bins from 1 to " + std::to_string(kMaxBins), std::to_string(bins_));
    }
  }
  std::string_view class_name() const override { return "Equalization"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(false);
    config["value_range"] = detail::range_config(range_);
    config["bins"] = bins_;
    return config;
  }

  bool reads_input() const override { return false; }
  Index scratch_size(const detail::Picture&, bool backward) const override { return backward ? 0 : bins_; }
  void transform(const Image& image) const override {
    const detail::Picture& p = image.picture;
    const Scalar low = static_cast<Scalar>(range_[0]), wide = static_cast<Scalar>(range_[1] - range_[0]);
    const auto last = static_cast<Scalar>(bins_ - 1);
    const auto bin_of = [&](Scalar x) {
      const Scalar bin = (x - low) / wide * last;
      return bin > 0 ? static_cast<Index>(std::min(bin, last)) : 0;
    };
    for (Index c = 0; c < p.channels; ++c) {
      const auto at = [&](Index i) { return i * p.pixel_step + c * p.channel_step; };
      Scalar* table = image.scratch;
      std::fill_n(table, bins_, Scalar(0));
      for (Index i = 0; i < p.pixels(); ++i) table[bin_of(image.x[at(i)])] += 1;
      const bool equalizes = fill_table(table, static_cast<Scalar>(p.pixels()));
      for (Index i = 0; i < p.pixels(); ++i) {
        const Scalar x = image.x[at(i)];
        image.y[at(i)] = equalizes ? table[bin_of(x)] / 255 * wide + low : x;
      }
    }
  }
  /// A staircase has no slope. (Keras lets a channel of one value through, which has none that an image shows.)
  void transform_gradient(const Image& image) const override { std::fill_n(image.dx, image.picture.size(), Scalar(0)); }

 private:
  static constexpr Index kMaxBins = 1 << 16;

  // Counts become the levels that they stand for; false when all pixels are in one bin.
  bool fill_table(Scalar* table, Scalar pixels) const {
    Scalar sum = 0, least = 0;
    Index used = 0;
    for (Index i = 0; i < bins_; ++i) {
      used += table[i] > 0;
      sum += table[i];
      if (used == 1 && table[i] > 0) least = sum;
      table[i] = sum;
    }
    if (used <= 1) return false;
    for (Index i = 0; i < bins_; ++i) {
      table[i] = std::clamp(std::nearbyint((table[i] - least) * 255 / (pixels - least)), Scalar(0), Scalar(255));
    }
    return true;
  }

  detail::ValueRange range_;
  Index bins_;
};

/// In training every channel of an image gets the values of value_range about equally often: a pixel's level becomes
/// 255 (n - m) / (pixels - m), rounded, where n pixels have its level or a lower one, and m the lowest one. At
/// inference y = x, as in Keras. The gradient is 0. Throws ConfigError for bins outside of 1 … 65536 and an empty
/// value_range, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class Equalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Equalization(const EqualizationOptions& options = {})
      : Layer<Scalar>(new EqualizationImpl<Scalar>(options)) {}

  GRAFT_COLD static Equalization from_config(const Config& config) {
    EqualizationOptions options;
    detail::read(config, "bins", options.bins);
    detail::read_color_options(config, options);
    return Equalization(options);
  }
};

}  // namespace graft
