#pragma once

#include "graft/nn/layers/random_stretch.hpp"

namespace graft {

using RandomWidthOptions = RandomStretchOptions;

template <class Scalar>
class RandomWidthImpl final : public detail::RandomStretchImpl<Scalar> {
 public:
  GRAFT_COLD RandomWidthImpl(NumberOrList factor, const RandomWidthOptions& options)
      : detail::RandomStretchImpl<Scalar>("RandomWidth", std::move(factor), options, false) {}
  std::string_view class_name() const override { return "RandomWidth"; }
};

/// In training every image is resized to n = floor((1 + u) width) columns, u ~ U(low, high); a factor f is the range
/// (-f, f), {low, high} says both ends. A layer of Keras 2, whose output has n columns, one n for a batch, so that such
/// a net knows no width. Here the shape stays: of more columns than the image has, those in the middle are kept,
/// exactly as Keras makes them; beyond fewer, the image is reflected. At inference y = x. Throws ConfigError for a
/// factor below -1, an interpolation other than bilinear and nearest and an unknown data_format, and ShapeError for
/// inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomWidth : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomWidth(NumberOrList factor, const RandomWidthOptions& options = {})
      : Layer<Scalar>(new RandomWidthImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomWidth from_config(const Config& config) {
    return detail::random_stretch_from_config<RandomWidth>(config);
  }
};

}  // namespace graft
