#pragma once

#include "graft/nn/layers/global_pooling.hpp"

namespace graft {

/// y = the mean of each channel.
/// (batch, length, channels) → (batch, channels), with keepdims (batch, 1, channels).
template <class Scalar = float>
class GlobalAveragePooling1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GlobalAveragePooling1D(const GlobalPoolingOptions& options = {})
      : Layer<Scalar>(new GlobalPoolingImpl<Scalar>(detail::PoolKind::average, 1, options)) {}

  GRAFT_COLD static GlobalAveragePooling1D from_config(const Config& config) {
    return GlobalAveragePooling1D(detail::read_global_pooling(config));
  }
};

/// GlobalAveragePooling1D's rule for (batch, height, width, channels).
template <class Scalar = float>
class GlobalAveragePooling2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GlobalAveragePooling2D(const GlobalPoolingOptions& options = {})
      : Layer<Scalar>(new GlobalPoolingImpl<Scalar>(detail::PoolKind::average, 2, options)) {}

  GRAFT_COLD static GlobalAveragePooling2D from_config(const Config& config) {
    return GlobalAveragePooling2D(detail::read_global_pooling(config));
  }
};

/// GlobalAveragePooling1D's rule for (batch, depth, height, width, channels).
template <class Scalar = float>
class GlobalAveragePooling3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GlobalAveragePooling3D(const GlobalPoolingOptions& options = {})
      : Layer<Scalar>(new GlobalPoolingImpl<Scalar>(detail::PoolKind::average, 3, options)) {}

  GRAFT_COLD static GlobalAveragePooling3D from_config(const Config& config) {
    return GlobalAveragePooling3D(detail::read_global_pooling(config));
  }
};

}  // namespace graft
