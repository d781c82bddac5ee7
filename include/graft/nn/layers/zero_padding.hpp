#pragma once

#include "graft/nn/layers/borders.hpp"

namespace graft {

/// Puts zeros in front of and after (batch, length, channels): 2, or {2, 3} for before and after. Throws ConfigError
/// for negative numbers.
template <class Scalar = float>
class ZeroPadding1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ZeroPadding1D(const Borders& padding = 1, const BorderOptions& options = {})
      : Layer<Scalar>(new BorderImpl<Scalar>(detail::BorderKind::padding, 1, padding, options)) {}

  GRAFT_COLD static ZeroPadding1D from_config(const Config& config) {
    return ZeroPadding1D(detail::read_borders(config, detail::BorderKind::padding, 1),
                         detail::read_border_options(config));
  }
};

/// Puts zeros around (batch, height, width, channels): 1, {1, 2} (both ends of each dimension), or {{1, 2}, {3, 4}}.
template <class Scalar = float>
class ZeroPadding2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ZeroPadding2D(const Borders& padding = 1, const BorderOptions& options = {})
      : Layer<Scalar>(new BorderImpl<Scalar>(detail::BorderKind::padding, 2, padding, options)) {}

  GRAFT_COLD static ZeroPadding2D from_config(const Config& config) {
    return ZeroPadding2D(detail::read_borders(config, detail::BorderKind::padding, 1),
                         detail::read_border_options(config));
  }
};

/// Puts zeros around (batch, depth, height, width, channels): 1, {1, 2, 3} (both ends of each dimension), or {{1, 2},
/// {3, 4}, {5, 6}}.
template <class Scalar = float>
class ZeroPadding3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit ZeroPadding3D(const Borders& padding = 1, const BorderOptions& options = {})
      : Layer<Scalar>(new BorderImpl<Scalar>(detail::BorderKind::padding, 3, padding, options)) {}

  GRAFT_COLD static ZeroPadding3D from_config(const Config& config) {
    return ZeroPadding3D(detail::read_borders(config, detail::BorderKind::padding, 1),
                         detail::read_border_options(config));
  }
};

}  // namespace graft
