#pragma once

#include <graft/graft.hpp>

#include "conv_trunk.hpp"

// Tasks whose labels cost nothing, for pictures of 28 x 28 with pixels 0 … 1, and the trunk that they leave behind.
// Nothing of it belongs to the library.
namespace example {

struct TaskTraining {
  graft::Index epochs = 5;
  graft::Index batch_size = 128;
  double learning_rate = 2e-3;
  bool mirror = true;  ///< a mirrored picture shows the same: clothes, not digits
};

/// Another place and another size, which leave every picture what it is; mirrored, where that does, too.
inline graft::Sequential<float> picture_changes(bool mirror) {
  using namespace graft;
  Sequential<float> changes({Reshape({28, 28, 1}, {.input_shape = Shape{28, 28}})});
  if (mirror) changes.add(RandomFlip("horizontal"));
  changes.add(RandomTranslation(0.1, 0.1, {.fill_mode = "constant"}));
  changes.add(RandomZoom({-0.15, 0.15}, {.fill_mode = "constant"}));
  changes.add(Reshape({28, 28}));
  return changes;
}

inline graft::PretrainOptions<float> pretrain_options(const TaskTraining& options) {
  return {.epochs = options.epochs,
          .batch_size = options.batch_size,
          .optimizer = graft::Adam({.learning_rate = options.learning_rate}),
          .projection = 32,
          .temperature = 0.1,
          .margin = 2};
}

/// Two views of one picture are alike, those of two pictures are not: SimCLR. x (n, 28, 28).
inline graft::Sequential<float> pretrain_simclr_trunk(const graft::Tensor<float>& x, const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_simclr<float>(trunk, x, picture_changes(options.mirror), pretrain_options(options));
  return trunk;
}

/// Are these two views of one picture? Siamese twins.
inline graft::Sequential<float> pretrain_siamese_trunk(const graft::Tensor<float>& x,
                                                       const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_siamese<float>(trunk, x, picture_changes(options.mirror), pretrain_options(options));
  return trunk;
}

/// Do these two pictures show the same? Twins that are told for every pair, but never what it is. `which` (n): equal
/// numbers belong together.
inline graft::Sequential<float> pretrain_pairs_trunk(const graft::Tensor<float>& x, const graft::Tensor<float>& which,
                                                     const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_siamese<float>(trunk, graft::Dataset<>::from_tensors(x, which), pretrain_options(options));
  return trunk;
}

/// By how many quarters is the picture turned?
inline graft::Sequential<float> pretrain_rotation_trunk(const graft::Tensor<float>& x,
                                                        const TaskTraining& options = {}) {
  const auto trunk = conv_trunk();
  graft::pretrain_rotation<float>(trunk, x, pretrain_options(options));
  return trunk;
}

}  // namespace example
