#pragma once

#include "graft/nn/layers/pooling.hpp"

namespace graft {

/// y = the mean of each window of pool_size elements, `strides` apart; with padding "same" of those that lie inside the
/// input. Throws ConfigError for sizes below 1, ShapeError for a window that is larger than the input ("valid").
/// Over (batch, length, channels).
template <class Scalar = float>
class AveragePooling1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AveragePooling1D(const PerAxis& pool_size = 2, const PoolingOptions& options = {})
      : Layer<Scalar>(new PoolingImpl<Scalar>(detail::PoolKind::average, 1, pool_size, options)) {}

  GRAFT_COLD static AveragePooling1D from_config(const Config& config) {
    return AveragePooling1D(detail::read_pool_size(config), detail::read_pooling(config));
  }
};

/// AveragePooling1D's rule over (batch, height, width, channels).
template <class Scalar = float>
class AveragePooling2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AveragePooling2D(const PerAxis& pool_size = 2, const PoolingOptions& options = {})
      : Layer<Scalar>(new PoolingImpl<Scalar>(detail::PoolKind::average, 2, pool_size, options)) {}

  GRAFT_COLD static AveragePooling2D from_config(const Config& config) {
    return AveragePooling2D(detail::read_pool_size(config), detail::read_pooling(config));
  }
};

/// AveragePooling1D's rule over (batch, depth, height, width, channels).
template <class Scalar = float>
class AveragePooling3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AveragePooling3D(const PerAxis& pool_size = 2, const PoolingOptions& options = {})
      : Layer<Scalar>(new PoolingImpl<Scalar>(detail::PoolKind::average, 3, pool_size, options)) {}

  GRAFT_COLD static AveragePooling3D from_config(const Config& config) {
    return AveragePooling3D(detail::read_pool_size(config), detail::read_pooling(config));
  }
};

}  // namespace graft
