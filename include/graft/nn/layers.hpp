#pragma once

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

/// The one list of graft's own layers.
template <class Scalar>
GRAFT_COLD void register_all_builtin() {
  register_builtin<Activation, Scalar>("Activation");
  register_builtin<ActivityRegularization, Scalar>("ActivityRegularization");
  register_builtin<Add, Scalar>("Add");
  register_builtin<AdditiveAttention, Scalar>("AdditiveAttention");
  register_builtin<AlphaDropout, Scalar>("AlphaDropout");
  register_builtin<Attention, Scalar>("Attention");
  register_builtin<AugMix, Scalar>("AugMix");
  register_builtin<AutoContrast, Scalar>("AutoContrast");
  register_builtin<Average, Scalar>("Average");
  register_builtin<AveragePooling1D, Scalar>("AveragePooling1D");
  register_builtin<AveragePooling2D, Scalar>("AveragePooling2D");
  register_builtin<AveragePooling3D, Scalar>("AveragePooling3D");
  register_builtin<BatchNormalization, Scalar>("BatchNormalization");
  register_builtin<CategoryEncoding, Scalar>("CategoryEncoding");
  register_builtin<CenterCrop, Scalar>("CenterCrop");
  register_builtin<Concatenate, Scalar>("Concatenate");
  register_builtin<Conv1D, Scalar>("Conv1D");
  register_builtin<Conv1DTranspose, Scalar>("Conv1DTranspose");
  register_builtin<Conv2D, Scalar>("Conv2D");
  register_builtin<Conv2DTranspose, Scalar>("Conv2DTranspose");
  register_builtin<Conv3D, Scalar>("Conv3D");
  register_builtin<Conv3DTranspose, Scalar>("Conv3DTranspose");
  register_builtin<ConvLSTM1D, Scalar>("ConvLSTM1D");
  register_builtin<ConvLSTM2D, Scalar>("ConvLSTM2D");
  register_builtin<ConvLSTM3D, Scalar>("ConvLSTM3D");
  register_builtin<Cropping1D, Scalar>("Cropping1D");
  register_builtin<Cropping2D, Scalar>("Cropping2D");
  register_builtin<Cropping3D, Scalar>("Cropping3D");
  register_builtin<CuDNNGRU, Scalar>("CuDNNGRU");
  register_builtin<CuDNNLSTM, Scalar>("CuDNNLSTM");
  register_builtin<CustomScaleLayer, Scalar>("CustomScaleLayer");
  register_builtin<CutMix, Scalar>("CutMix");
  register_builtin<Dense, Scalar>("Dense");
  register_builtin<DenseTranspose, Scalar>("DenseTranspose");
  register_builtin<DepthwiseConv1D, Scalar>("DepthwiseConv1D");
  register_builtin<DepthwiseConv2D, Scalar>("DepthwiseConv2D");
  register_builtin<Discretization, Scalar>("Discretization");
  register_builtin<Dot, Scalar>("Dot");
  register_builtin<Dropout, Scalar>("Dropout");
  register_builtin<EinsumDense, Scalar>("EinsumDense");
  register_builtin<ELU, Scalar>("ELU");
  register_builtin<Embedding, Scalar>("Embedding");
  register_builtin<Equalization, Scalar>("Equalization");
  register_builtin<Flatten, Scalar>("Flatten");
  register_builtin<GaussianDropout, Scalar>("GaussianDropout");
  register_builtin<GaussianNoise, Scalar>("GaussianNoise");
  register_builtin<GlobalAveragePooling1D, Scalar>("GlobalAveragePooling1D");
  register_builtin<GlobalAveragePooling2D, Scalar>("GlobalAveragePooling2D");
  register_builtin<GlobalAveragePooling3D, Scalar>("GlobalAveragePooling3D");
  register_builtin<GlobalMaxPooling1D, Scalar>("GlobalMaxPooling1D");
  register_builtin<GlobalMaxPooling2D, Scalar>("GlobalMaxPooling2D");
  register_builtin<GlobalMaxPooling3D, Scalar>("GlobalMaxPooling3D");
  register_builtin<GroupNormalization, Scalar>("GroupNormalization");
  register_builtin<GRU, Scalar>("GRU");
  register_builtin<GroupQueryAttention, Scalar>("GroupQueryAttention");
  register_builtin<GroupQueryAttention, Scalar>("GroupedQueryAttention");
  register_builtin<Highway, Scalar>("Highway");
  register_builtin<Identity, Scalar>("Identity");
  register_builtin<InputLayer, Scalar>("InputLayer");
  auto& registry = LayerRegistry<Scalar>::instance();
  if (!registry.contains("Lambda")) registry.add("Lambda", &make_lambda<Scalar>, true);
  register_builtin<LayerNormalization, Scalar>("LayerNormalization");
  register_builtin<LayerScale, Scalar>("LayerScale");
  register_builtin<LeakyReLU, Scalar>("LeakyReLU");
  register_builtin<LSTM, Scalar>("LSTM");
  register_builtin<Masking, Scalar>("Masking");
  register_builtin<LocallyConnected1D, Scalar>("LocallyConnected1D");
  register_builtin<LocallyConnected2D, Scalar>("LocallyConnected2D");
  register_builtin<Maximum, Scalar>("Maximum");
  register_builtin<MaxoutDense, Scalar>("MaxoutDense");
  register_builtin<MaxPooling1D, Scalar>("MaxPooling1D");
  register_builtin<MaxPooling2D, Scalar>("MaxPooling2D");
  register_builtin<MaxPooling3D, Scalar>("MaxPooling3D");
  register_builtin<Minimum, Scalar>("Minimum");
  register_builtin<MixUp, Scalar>("MixUp");
  register_builtin<MultiHeadAttention, Scalar>("MultiHeadAttention");
  register_builtin<Multiply, Scalar>("Multiply");
  register_builtin<Normalization, Scalar>("Normalization");
  register_builtin<Permute, Scalar>("Permute");
  register_builtin<PReLU, Scalar>("PReLU");
  register_builtin<RandAugment, Scalar>("RandAugment");
  register_builtin<RandomBrightness, Scalar>("RandomBrightness");
  register_builtin<RandomColorDegeneration, Scalar>("RandomColorDegeneration");
  register_builtin<RandomColorJitter, Scalar>("RandomColorJitter");
  register_builtin<RandomContrast, Scalar>("RandomContrast");
  register_builtin<RandomCrop, Scalar>("RandomCrop");
  register_builtin<RandomElasticTransform, Scalar>("RandomElasticTransform");
  register_builtin<RandomErasing, Scalar>("RandomErasing");
  register_builtin<RandomFlip, Scalar>("RandomFlip");
  register_builtin<RandomGaussianBlur, Scalar>("RandomGaussianBlur");
  register_builtin<RandomGrayscale, Scalar>("RandomGrayscale");
  register_builtin<RandomHeight, Scalar>("RandomHeight");
  register_builtin<RandomHue, Scalar>("RandomHue");
  register_builtin<RandomInvert, Scalar>("RandomInvert");
  register_builtin<RandomPerspective, Scalar>("RandomPerspective");
  register_builtin<RandomPosterization, Scalar>("RandomPosterization");
  register_builtin<RandomRotation, Scalar>("RandomRotation");
  register_builtin<RandomSaturation, Scalar>("RandomSaturation");
  register_builtin<RandomSharpness, Scalar>("RandomSharpness");
  register_builtin<RandomShear, Scalar>("RandomShear");
  register_builtin<RandomTranslation, Scalar>("RandomTranslation");
  register_builtin<RandomWidth, Scalar>("RandomWidth");
  register_builtin<RandomZoom, Scalar>("RandomZoom");
  register_builtin<ReLU, Scalar>("ReLU");
  register_builtin<RepeatVector, Scalar>("RepeatVector");
  register_builtin<Rescaling, Scalar>("Rescaling");
  register_builtin<Reshape, Scalar>("Reshape");
  register_builtin<Resizing, Scalar>("Resizing");
  register_builtin<RMSNormalization, Scalar>("RMSNormalization");
  register_builtin<RReLU, Scalar>("RReLU");
  register_builtin<Sampling, Scalar>("Sampling");
  register_builtin<SeparableConv1D, Scalar>("SeparableConv1D");
  register_builtin<SeparableConv2D, Scalar>("SeparableConv2D");
  register_builtin<SimpleRNN, Scalar>("SimpleRNN");
  register_builtin<Softmax, Scalar>("Softmax");
  register_builtin<Solarization, Scalar>("Solarization");
  register_builtin<SpatialDropout1D, Scalar>("SpatialDropout1D");
  register_builtin<SpatialDropout2D, Scalar>("SpatialDropout2D");
  register_builtin<SpatialDropout3D, Scalar>("SpatialDropout3D");
  register_builtin<Subtract, Scalar>("Subtract");
  register_builtin<ThresholdedReLU, Scalar>("ThresholdedReLU");
  register_builtin<UnitNormalization, Scalar>("UnitNormalization");
  register_builtin<UpSampling1D, Scalar>("UpSampling1D");
  register_builtin<UpSampling2D, Scalar>("UpSampling2D");
  register_builtin<UpSampling3D, Scalar>("UpSampling3D");
  register_builtin<ZeroPadding1D, Scalar>("ZeroPadding1D");
  register_builtin<ZeroPadding2D, Scalar>("ZeroPadding2D");
  register_builtin<ZeroPadding3D, Scalar>("ZeroPadding3D");
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
