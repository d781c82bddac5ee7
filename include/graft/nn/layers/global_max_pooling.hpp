#pragma once

#include "graft/nn/layers/global_pooling.hpp"

namespace graft {

/// y = the largest element of each channel; a NaN wins. Several largest ones share the gradient, as in Keras.
/// (batch, length, channels) → (batch, channels), with keepdims (batch, 1, channels).
template <class Scalar = float>
class GlobalMaxPooling1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GlobalMaxPooling1D(const GlobalPoolingOptions& options = {})
      : Layer<Scalar>(new GlobalPoolingImpl<Scalar>(detail::PoolKind::max, 1, options)) {}

  GRAFT_COLD static GlobalMaxPooling1D from_config(const Config& config) {
    return GlobalMaxPooling1D(detail::read_global_pooling(config));
  }
};

/// GlobalMaxPooling1D's rule for (batch, height, width, channels).
template <class Scalar = float>
class GlobalMaxPooling2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GlobalMaxPooling2D(const GlobalPoolingOptions& options = {})
      : Layer<Scalar>(new GlobalPoolingImpl<Scalar>(detail::PoolKind::max, 2, options)) {}

  GRAFT_COLD static GlobalMaxPooling2D from_config(const Config& config) {
    return GlobalMaxPooling2D(detail::read_global_pooling(config));
  }
};

/// GlobalMaxPooling1D's rule for (batch, depth, height, width, channels).
template <class Scalar = float>
class GlobalMaxPooling3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GlobalMaxPooling3D(const GlobalPoolingOptions& options = {})
      : Layer<Scalar>(new GlobalPoolingImpl<Scalar>(detail::PoolKind::max, 3, options)) {}

  GRAFT_COLD static GlobalMaxPooling3D from_config(const Config& config) {
    return GlobalMaxPooling3D(detail::read_global_pooling(config));
  }
};

}  // namespace graft
