#pragma once

#include <graft/graft.hpp>

// Tasks whose labels cost nothing, for pictures of 28 x 28 with pixels 0 … 1, and the trunk that they leave behind.
// Nothing of it belongs to the library.
namespace example {

struct TaskTraining {
  graft::Index epochs = 5;
  graft::Index batch_size = 128;
  double learning_rate = 1e-3;
};

/// A small convolutional net: (n, 28, 28) → (n, 64)
inline graft::Sequential<float> conv_trunk() {
  using namespace graft;
  return Sequential({Reshape({28, 28, 1}, {.input_shape = Shape{28, 28}}),
                     Conv2D(16, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2),
                     Conv2D(32, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2), Flatten(),
                     Dense(64, {.activation = "relu"})});
}

/// Changes that leave a piece of clothing what it is: another place, another size, mirrored, a part hidden.
inline graft::Sequential<float> clothes_augmentation() {
  using namespace graft;
  return Sequential(
      {Reshape({28, 28, 1}, {.input_shape = Shape{28, 28}}), RandomFlip("horizontal"),
       RandomTranslation(0.15, 0.15, {.fill_mode = "constant"}), RandomZoom({-0.25, 0.25}, {.fill_mode = "constant"}),
       RandomErasing(1.0, {.scale = {0.05, 0.2}, .fill_value = 0.0, .value_range = {0, 1}}), Reshape({28, 28})});
}

namespace detail {

inline graft::PretrainOptions<float> pretrain_options(const TaskTraining& options) {
  return {.epochs = options.epochs,
          .batch_size = options.batch_size,
          .optimizer = graft::Adam({.learning_rate = options.learning_rate}),
          .margin = 2};
}

}  // namespace detail

/// Two views of one picture are alike, those of two pictures are not: SimCLR. x (n, 28, 28).
inline graft::Sequential<float> pretrain_simclr_trunk(const graft::Tensor<float>& x, const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_simclr<float>(trunk, x, clothes_augmentation(), detail::pretrain_options(options));
  return trunk;
}

/// Are these two views of one picture? Siamese twins.
inline graft::Sequential<float> pretrain_siamese_trunk(const graft::Tensor<float>& x,
                                                       const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_siamese<float>(trunk, x, clothes_augmentation(), detail::pretrain_options(options));
  return trunk;
}

/// By how many quarters is the picture turned?
inline graft::Sequential<float> pretrain_rotation_trunk(const graft::Tensor<float>& x,
                                                        const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_rotation<float>(trunk, x, detail::pretrain_options(options));
  return trunk;
}

}  // namespace example
