#pragma once

#include "graft/nn/layers/random_stretch.hpp"

namespace graft {

using RandomHeightOptions = RandomStretchOptions;

template <class Scalar>
class RandomHeightImpl final : public detail::RandomStretchImpl<Scalar> {
 public:
  GRAFT_COLD RandomHeightImpl(NumberOrList factor, const RandomHeightOptions& options)
      : detail::RandomStretchImpl<Scalar>("RandomHeight", std::move(factor), options, true) {}
  std::string_view class_name() const override { return "RandomHeight"; }
};

/// In training every image is resized to n = floor((1 + u) height) rows, u ~ U(low, high); a factor f is the range (-f,
/// f), {low, high} says both ends. A layer of Keras 2, whose output has n rows, one n for a batch, so that such a net
/// knows no height. Here the shape stays: of more rows than the image has, those in the middle are kept, exactly as
/// Keras makes them; beyond fewer, the image is reflected. At inference y = x. Throws ConfigError for a factor below
/// -1, an interpolation other than bilinear and nearest and an unknown data_format, and ShapeError for inputs that are
/// no images (batch, height, width, channels).
template <class Scalar = float>
class RandomHeight : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomHeight(NumberOrList factor, const RandomHeightOptions& options = {})
      : Layer<Scalar>(new RandomHeightImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomHeight from_config(const Config& config) {
    return detail::random_stretch_from_config<RandomHeight>(config);
  }
};

}  // namespace graft
