#pragma once

#include "graft/nn/layers/activation.hpp"
#include "graft/nn/layers/activity_regularization.hpp"
#include "graft/nn/layers/add.hpp"
#include "graft/nn/layers/alpha_dropout.hpp"
#include "graft/nn/layers/average.hpp"
#include "graft/nn/layers/batch_normalization.hpp"
#include "graft/nn/layers/center_crop.hpp"
#include "graft/nn/layers/concatenate.hpp"
#include "graft/nn/layers/dense.hpp"
#include "graft/nn/layers/dot.hpp"
#include "graft/nn/layers/dropout.hpp"
#include "graft/nn/layers/elu.hpp"
#include "graft/nn/layers/flatten.hpp"
#include "graft/nn/layers/gaussian_dropout.hpp"
#include "graft/nn/layers/gaussian_noise.hpp"
#include "graft/nn/layers/group_normalization.hpp"
#include "graft/nn/layers/identity.hpp"
#include "graft/nn/layers/input_layer.hpp"
#include "graft/nn/layers/layer_normalization.hpp"
#include "graft/nn/layers/leaky_relu.hpp"
#include "graft/nn/layers/maximum.hpp"
#include "graft/nn/layers/minimum.hpp"
#include "graft/nn/layers/multiply.hpp"
#include "graft/nn/layers/normalization.hpp"
#include "graft/nn/layers/permute.hpp"
#include "graft/nn/layers/prelu.hpp"
#include "graft/nn/layers/relu.hpp"
#include "graft/nn/layers/repeat_vector.hpp"
#include "graft/nn/layers/rescaling.hpp"
#include "graft/nn/layers/reshape.hpp"
#include "graft/nn/layers/resizing.hpp"
#include "graft/nn/layers/rms_normalization.hpp"
#include "graft/nn/layers/rrelu.hpp"
#include "graft/nn/layers/softmax.hpp"
#include "graft/nn/layers/subtract.hpp"
#include "graft/nn/layers/unit_normalization.hpp"
#include "graft/nn/registry.hpp"

namespace graft {

namespace detail {

/// Adds a layer unless the program has put its own under that name.
template <template <class> class Handle, class Scalar>
GRAFT_COLD void register_builtin(const char* class_name) {
  auto& registry = LayerRegistry<Scalar>::instance();
  if (!registry.contains(class_name)) register_layer<Handle<Scalar>, Scalar>(class_name);
}

/// The one list of graft's own layers.
template <class Scalar>
GRAFT_COLD void register_all_builtin() {
  register_builtin<Activation, Scalar>("Activation");
  register_builtin<ActivityRegularization, Scalar>("ActivityRegularization");
  register_builtin<Add, Scalar>("Add");
  register_builtin<AlphaDropout, Scalar>("AlphaDropout");
  register_builtin<Average, Scalar>("Average");
  register_builtin<BatchNormalization, Scalar>("BatchNormalization");
  register_builtin<CenterCrop, Scalar>("CenterCrop");
  register_builtin<Concatenate, Scalar>("Concatenate");
  register_builtin<Dense, Scalar>("Dense");
  register_builtin<Dot, Scalar>("Dot");
  register_builtin<Dropout, Scalar>("Dropout");
  register_builtin<ELU, Scalar>("ELU");
  register_builtin<Flatten, Scalar>("Flatten");
  register_builtin<GaussianDropout, Scalar>("GaussianDropout");
  register_builtin<GaussianNoise, Scalar>("GaussianNoise");
  register_builtin<GroupNormalization, Scalar>("GroupNormalization");
  register_builtin<Identity, Scalar>("Identity");
  register_builtin<InputLayer, Scalar>("InputLayer");
  register_builtin<LayerNormalization, Scalar>("LayerNormalization");
  register_builtin<LeakyReLU, Scalar>("LeakyReLU");
  register_builtin<Maximum, Scalar>("Maximum");
  register_builtin<Minimum, Scalar>("Minimum");
  register_builtin<Multiply, Scalar>("Multiply");
  register_builtin<Normalization, Scalar>("Normalization");
  register_builtin<Permute, Scalar>("Permute");
  register_builtin<PReLU, Scalar>("PReLU");
  register_builtin<ReLU, Scalar>("ReLU");
  register_builtin<RepeatVector, Scalar>("RepeatVector");
  register_builtin<Rescaling, Scalar>("Rescaling");
  register_builtin<Reshape, Scalar>("Reshape");
  register_builtin<Resizing, Scalar>("Resizing");
  register_builtin<RMSNormalization, Scalar>("RMSNormalization");
  register_builtin<RReLU, Scalar>("RReLU");
  register_builtin<Softmax, Scalar>("Softmax");
  register_builtin<Subtract, Scalar>("Subtract");
  register_builtin<UnitNormalization, Scalar>("UnitNormalization");
}

}  // namespace detail

/// Makes graft's own layers known to LayerRegistry<Scalar>; only the first call does something.
template <class Scalar>
GRAFT_COLD void register_builtin_layers() {
  static const bool done = (detail::register_all_builtin<Scalar>(), true);
  (void)done;
}

/// A layer from Keras's class name and config. Throws ConfigError for an unknown class.
template <class Scalar = float>
GRAFT_COLD Layer<Scalar> make_layer(const std::string& class_name, const Config& config) {
  register_builtin_layers<Scalar>();
  return LayerRegistry<Scalar>::instance().make(class_name, config);
}

}  // namespace graft
