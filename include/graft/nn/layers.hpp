#pragma once

#include "graft/nn/builtin_layers.hpp"
#include "graft/nn/lambda.hpp"
#include "graft/nn/layers/activation.hpp"
#include "graft/nn/layers/activity_regularization.hpp"
#include "graft/nn/layers/add.hpp"
#include "graft/nn/layers/additive_attention.hpp"
#include "graft/nn/layers/alpha_dropout.hpp"
#include "graft/nn/layers/attention.hpp"
#include "graft/nn/layers/aug_mix.hpp"
#include "graft/nn/layers/auto_contrast.hpp"
#include "graft/nn/layers/average.hpp"
#include "graft/nn/layers/average_pooling.hpp"
#include "graft/nn/layers/batch_normalization.hpp"
#include "graft/nn/layers/category_encoding.hpp"
#include "graft/nn/layers/center_crop.hpp"
#include "graft/nn/layers/concatenate.hpp"
#include "graft/nn/layers/conv.hpp"
#include "graft/nn/layers/conv_lstm.hpp"
#include "graft/nn/layers/conv_transpose.hpp"
#include "graft/nn/layers/cropping.hpp"
#include "graft/nn/layers/cudnn_rnn.hpp"
#include "graft/nn/layers/custom_scale_layer.hpp"
#include "graft/nn/layers/cut_mix.hpp"
#include "graft/nn/layers/dense.hpp"
#include "graft/nn/layers/dense_transpose.hpp"
#include "graft/nn/layers/depthwise_conv.hpp"
#include "graft/nn/layers/discretization.hpp"
#include "graft/nn/layers/dot.hpp"
#include "graft/nn/layers/dropout.hpp"
#include "graft/nn/layers/einsum_dense.hpp"
#include "graft/nn/layers/elu.hpp"
#include "graft/nn/layers/embedding.hpp"
#include "graft/nn/layers/equalization.hpp"
#include "graft/nn/layers/flatten.hpp"
#include "graft/nn/layers/gaussian_dropout.hpp"
#include "graft/nn/layers/gaussian_noise.hpp"
#include "graft/nn/layers/global_average_pooling.hpp"
#include "graft/nn/layers/global_max_pooling.hpp"
#include "graft/nn/layers/group_normalization.hpp"
#include "graft/nn/layers/group_query_attention.hpp"
#include "graft/nn/layers/gru.hpp"
#include "graft/nn/layers/highway.hpp"
#include "graft/nn/layers/identity.hpp"
#include "graft/nn/layers/input_layer.hpp"
#include "graft/nn/layers/layer_normalization.hpp"
#include "graft/nn/layers/layer_scale.hpp"
#include "graft/nn/layers/leaky_relu.hpp"
#include "graft/nn/layers/locally_connected.hpp"
#include "graft/nn/layers/lstm.hpp"
#include "graft/nn/layers/masking.hpp"
#include "graft/nn/layers/max_pooling.hpp"
#include "graft/nn/layers/maximum.hpp"
#include "graft/nn/layers/maxout_dense.hpp"
#include "graft/nn/layers/minimum.hpp"
#include "graft/nn/layers/mix_up.hpp"
#include "graft/nn/layers/multi_head_attention.hpp"
#include "graft/nn/layers/multiply.hpp"
#include "graft/nn/layers/normalization.hpp"
#include "graft/nn/layers/ops/ops.hpp"
#include "graft/nn/layers/permute.hpp"
#include "graft/nn/layers/prelu.hpp"
#include "graft/nn/layers/rand_augment.hpp"
#include "graft/nn/layers/random_brightness.hpp"
#include "graft/nn/layers/random_color_degeneration.hpp"
#include "graft/nn/layers/random_color_jitter.hpp"
#include "graft/nn/layers/random_contrast.hpp"
#include "graft/nn/layers/random_crop.hpp"
#include "graft/nn/layers/random_elastic_transform.hpp"
#include "graft/nn/layers/random_erasing.hpp"
#include "graft/nn/layers/random_flip.hpp"
#include "graft/nn/layers/random_gaussian_blur.hpp"
#include "graft/nn/layers/random_grayscale.hpp"
#include "graft/nn/layers/random_height.hpp"
#include "graft/nn/layers/random_hue.hpp"
#include "graft/nn/layers/random_invert.hpp"
#include "graft/nn/layers/random_perspective.hpp"
#include "graft/nn/layers/random_posterization.hpp"
#include "graft/nn/layers/random_rotation.hpp"
#include "graft/nn/layers/random_saturation.hpp"
#include "graft/nn/layers/random_sharpness.hpp"
#include "graft/nn/layers/random_shear.hpp"
#include "graft/nn/layers/random_translation.hpp"
#include "graft/nn/layers/random_width.hpp"
#include "graft/nn/layers/random_zoom.hpp"
#include "graft/nn/layers/relu.hpp"
#include "graft/nn/layers/repeat_vector.hpp"
#include "graft/nn/layers/rescaling.hpp"
#include "graft/nn/layers/reshape.hpp"
#include "graft/nn/layers/resizing.hpp"
#include "graft/nn/layers/rms_normalization.hpp"
#include "graft/nn/layers/rrelu.hpp"
#include "graft/nn/layers/sampling.hpp"
#include "graft/nn/layers/separable_conv.hpp"
#include "graft/nn/layers/simple_rnn.hpp"
#include "graft/nn/layers/softmax.hpp"
#include "graft/nn/layers/solarization.hpp"
#include "graft/nn/layers/spatial_dropout.hpp"
#include "graft/nn/layers/subtract.hpp"
#include "graft/nn/layers/thresholded_relu.hpp"
#include "graft/nn/layers/unit_normalization.hpp"
#include "graft/nn/layers/up_sampling.hpp"
#include "graft/nn/layers/zero_padding.hpp"
#include "graft/nn/registry.hpp"

namespace graft {

namespace detail {

/// Adds a layer unless the program has put its own under that name.
template <template <class> class Handle, class Scalar>
GRAFT_COLD void register_builtin(const char* class_name) {
  auto& registry = LayerRegistry<Scalar>::instance();
  if (registry.contains(class_name)) return;
  registry.add(
      class_name, [](const Config& config) -> Layer<Scalar> { return Handle<Scalar>::from_config(config); }, true);
}

/// All of GRAFT_BUILTIN_LAYERS, and what has a name of another kind.
template <class Scalar>
GRAFT_COLD void register_all_builtin() {
#define GRAFT_REGISTER(Class) register_builtin<Class, Scalar>(#Class);
  GRAFT_BUILTIN_LAYERS(GRAFT_REGISTER)
#undef GRAFT_REGISTER
  register_builtin<GroupQueryAttention, Scalar>("GroupedQueryAttention");
  auto& registry = LayerRegistry<Scalar>::instance();
  if (!registry.contains("Lambda")) registry.add("Lambda", &make_lambda<Scalar>, true);
  register_ops<Scalar>();
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
