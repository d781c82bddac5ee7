#pragma once

#include "graft/nn/layers/borders.hpp"

namespace graft {

/// Cuts off both ends of (batch, length, channels): 2, or {2, 3} for before and after. Throws ConfigError for negative
/// numbers, ShapeError when nothing is left.
template <class Scalar = float>
class Cropping1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Cropping1D(const Borders& cropping = 1, const BorderOptions& options = {})
      : Layer<Scalar>(new BorderImpl<Scalar>(detail::BorderKind::cropping, 1, cropping, options)) {}

  GRAFT_COLD static Cropping1D from_config(const Config& config) {
    return Cropping1D(detail::read_borders(config, detail::BorderKind::cropping, 1),
                      detail::read_border_options(config));
  }
};

/// Cuts off the borders of (batch, height, width, channels): 1, {1, 2} (both ends of each dimension), or {{1, 2}, {3,
/// 4}}.
template <class Scalar = float>
class Cropping2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Cropping2D(const Borders& cropping = 0, const BorderOptions& options = {})
      : Layer<Scalar>(new BorderImpl<Scalar>(detail::BorderKind::cropping, 2, cropping, options)) {}

  GRAFT_COLD static Cropping2D from_config(const Config& config) {
    return Cropping2D(detail::read_borders(config, detail::BorderKind::cropping, 0),
                      detail::read_border_options(config));
  }
};

/// Cuts off the borders of (batch, depth, height, width, channels): 1, {1, 2, 3} (both ends of each dimension), or {{1,
/// 2}, {3, 4}, {5, 6}}. What is cut off whole leaves an empty tensor, as in tf.keras (Keras 3 refuses it).
template <class Scalar = float>
class Cropping3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Cropping3D(const Borders& cropping = 1, const BorderOptions& options = {})
      : Layer<Scalar>(new BorderImpl<Scalar>(detail::BorderKind::cropping, 3, cropping, options)) {}

  GRAFT_COLD static Cropping3D from_config(const Config& config) {
    return Cropping3D(detail::read_borders(config, detail::BorderKind::cropping, 1),
                      detail::read_border_options(config));
  }
};

}  // namespace graft
