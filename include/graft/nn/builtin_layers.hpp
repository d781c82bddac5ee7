#pragma once

#include <string_view>

#include "graft/core/macros.hpp"

namespace graft {

/// The one list of graft's own layers whose handle has the name that files give the class.
#define GRAFT_BUILTIN_LAYERS(X) \
  X(Activation) \
  X(ActivityRegularization) \
  X(Add) \
  X(AdditiveAttention) \
  X(AlphaDropout) \
  X(Attention) \
  X(AugMix) \
  X(AutoContrast) \
  X(Average) \
  X(AveragePooling1D) \
  X(AveragePooling2D) \
  X(AveragePooling3D) \
  X(BatchNormalization) \
  X(CategoryEncoding) \
  X(CenterCrop) \
  X(Concatenate) \
  X(Conv1D) \
  X(Conv1DTranspose) \
  X(Conv2D) \
  X(Conv2DTranspose) \
  X(Conv3D) \
  X(Conv3DTranspose) \
  X(ConvLSTM1D) \
  X(ConvLSTM2D) \
  X(ConvLSTM3D) \
  X(Cropping1D) \
  X(Cropping2D) \
  X(Cropping3D) \
  X(CuDNNGRU) \
  X(CuDNNLSTM) \
  X(CustomScaleLayer) \
  X(CutMix) \
  X(Dense) \
  X(DenseTranspose) \
  X(DepthwiseConv1D) \
  X(DepthwiseConv2D) \
  X(Discretization) \
  X(Dot) \
  X(Dropout) \
  X(EinsumDense) \
  X(ELU) \
  X(Embedding) \
  X(Equalization) \
  X(Flatten) \
  X(GaussianDropout) \
  X(GaussianNoise) \
  X(GlobalAveragePooling1D) \
  X(GlobalAveragePooling2D) \
  X(GlobalAveragePooling3D) \
  X(GlobalMaxPooling1D) \
  X(GlobalMaxPooling2D) \
  X(GlobalMaxPooling3D) \
  X(GroupNormalization) \
  X(GRU) \
  X(GroupQueryAttention) \
  X(Highway) \
  X(Identity) \
  X(InputLayer) \
  X(LayerNormalization) \
  X(LayerScale) \
  X(LeakyReLU) \
  X(LSTM) \
  X(Masking) \
  X(LocallyConnected1D) \
  X(LocallyConnected2D) \
  X(Maximum) \
  X(MaxoutDense) \
  X(MaxPooling1D) \
  X(MaxPooling2D) \
  X(MaxPooling3D) \
  X(Minimum) \
  X(MixUp) \
  X(MultiHeadAttention) \
  X(Multiply) \
  X(Normalization) \
  X(Permute) \
  X(PReLU) \
  X(RandAugment) \
  X(RandomBrightness) \
  X(RandomColorDegeneration) \
  X(RandomColorJitter) \
  X(RandomContrast) \
  X(RandomCrop) \
  X(RandomElasticTransform) \
  X(RandomErasing) \
  X(RandomFlip) \
  X(RandomGaussianBlur) \
  X(RandomGrayscale) \
  X(RandomHeight) \
  X(RandomHue) \
  X(RandomInvert) \
  X(RandomPerspective) \
  X(RandomPosterization) \
  X(RandomRotation) \
  X(RandomSaturation) \
  X(RandomSharpness) \
  X(RandomShear) \
  X(RandomTranslation) \
  X(RandomWidth) \
  X(RandomZoom) \
  X(ReLU) \
  X(RepeatVector) \
  X(Rescaling) \
  X(Reshape) \
  X(Resizing) \
  X(RMSNormalization) \
  X(RReLU) \
  X(Sampling) \
  X(SeparableConv1D) \
  X(SeparableConv2D) \
  X(SimpleRNN) \
  X(Softmax) \
  X(Solarization) \
  X(SpatialDropout1D) \
  X(SpatialDropout2D) \
  X(SpatialDropout3D) \
  X(Subtract) \
  X(ThresholdedReLU) \
  X(UnitNormalization) \
  X(UpSampling1D) \
  X(UpSampling2D) \
  X(UpSampling3D) \
  X(ZeroPadding1D) \
  X(ZeroPadding2D) \
  X(ZeroPadding3D)

/// Layers that hold layers (models/wrappers).
#define GRAFT_BUILTIN_WRAPPERS(X) \
  X(Bidirectional) \
  X(SpectralNormalization) \
  X(TimeDistributed)

/// Whether a class is graft's own, and so Keras's, unless the program has put one of its own under that name. Known
/// without the registry: a program that only saves need not hold every layer there is.
GRAFT_COLD inline bool is_builtin_layer(std::string_view class_name) {
#define GRAFT_NAME(Class) #Class,
  static constexpr std::string_view kNames[] = {GRAFT_BUILTIN_LAYERS(GRAFT_NAME) GRAFT_BUILTIN_WRAPPERS(GRAFT_NAME)
                                                "GroupedQueryAttention", "Lambda"};
#undef GRAFT_NAME
  for (const std::string_view name : kNames) {
    if (name == class_name) return true;
  }
  return false;
}

}  // namespace graft
