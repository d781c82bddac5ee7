#pragma once

#include "graft/nn/layers/pooling.hpp"

namespace graft {

/// y = the largest element of each window of pool_size elements, `strides` apart; a NaN wins. The gradient goes to the
/// first of several largest ones. Elements outside the input ("same") do not take part. Throws ConfigError for sizes
/// below 1, ShapeError for a window that is larger than the input ("valid").
/// Over (batch, length, channels).
template <class Scalar = float>
class MaxPooling1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit MaxPooling1D(const PerAxis& pool_size = 2, const PoolingOptions& options = {})
      : Layer<Scalar>(new PoolingImpl<Scalar>(detail::PoolKind::max, 1, pool_size, options)) {}

  GRAFT_COLD static MaxPooling1D from_config(const Config& config) {
    return MaxPooling1D(detail::read_pool_size(config), detail::read_pooling(config));
  }
};

/// MaxPooling1D's rule over (batch, height, width, channels).
template <class Scalar = float>
class MaxPooling2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit MaxPooling2D(const PerAxis& pool_size = 2, const PoolingOptions& options = {})
      : Layer<Scalar>(new PoolingImpl<Scalar>(detail::PoolKind::max, 2, pool_size, options)) {}

  GRAFT_COLD static MaxPooling2D from_config(const Config& config) {
    return MaxPooling2D(detail::read_pool_size(config), detail::read_pooling(config));
  }
};

/// MaxPooling1D's rule over (batch, depth, height, width, channels).
template <class Scalar = float>
class MaxPooling3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit MaxPooling3D(const PerAxis& pool_size = 2, const PoolingOptions& options = {})
      : Layer<Scalar>(new PoolingImpl<Scalar>(detail::PoolKind::max, 3, pool_size, options)) {}

  GRAFT_COLD static MaxPooling3D from_config(const Config& config) {
    return MaxPooling3D(detail::read_pool_size(config), detail::read_pooling(config));
  }
};

}  // namespace graft
