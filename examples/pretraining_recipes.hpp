#pragma once

#include <graft/graft.hpp>

#include <functional>
#include <string>
#include <vector>

#include "autoencoder_recipe.hpp"
#include "few_labels.hpp"
#include "gan_recipe.hpp"
#include "rbm_recipe.hpp"
#include "siamese_recipe.hpp"

// The rows of compare_transfer: every recipe makes a trunk, layers without a head, from pictures without labels (or
// from those of another data set, with its labels). What is done with the trunk is the same for all.
namespace example {

using Trunk = graft::Sequential<float>;

/// What a recipe may look at. Pictures are (n, 28, 28) from 0 to 1.
struct PretrainingData {
  const graft::Tensor<float>& unlabelled;
  const graft::Tensor<float>& which;  ///< for pairs alone: which of them show the same
  bool mirror;                        ///< a mirrored picture shows the same
  const Labeled& other;               ///< another data set, whose labels are known
  graft::Index epochs = 1;            ///< a unit of effort: how many passes a recipe of average cost makes
};

struct PretrainingRecipe {
  std::string name;
  std::string against;  ///< the row from scratch that it is compared with; empty: it is one
  std::function<Trunk(const PretrainingData&)> make_trunk;
};

/// (n, 28, 28) → (n, 32)
inline Trunk dense_trunk() { return chain({dense_encoder()}); }

/// A trunk with a head that learned the labels of another data set.
inline Trunk learn_other_labels(const Trunk& trunk, const Labeled& other, graft::Index epochs) {
  Trunk model(trunk.layers());
  model.add(graft::Dense(10, {.activation = "softmax"}));
  model.compile({.optimizer = graft::Adam({.learning_rate = 1e-3}), .loss = "sparse_categorical_crossentropy"});
  model.fit(other.x, other.y, {.batch_size = 64, .epochs = epochs, .verbose = graft::Verbose::silent});
  return model;
}
inline Trunk supervised(const Trunk& trunk, const PretrainingData& data) {
  (void)learn_other_labels(trunk, data.other, data.epochs);
  return trunk;
}

inline Trunk dense_autoencoder(const PretrainingData& data) {
  const AutoencoderKind kind{"denoising", denoising_autoencoder};
  return graft::reuse_encoder(train_autoencoder(kind, data.unlabelled, {.epochs = data.epochs}), kind.until);
}

/// As rows for the head of a classifier.
inline Trunk discriminator_trunk(Trunk features) {
  features.add(graft::Flatten());
  return features;
}

/// All rows, those from scratch before those that are compared with them.
inline std::vector<PretrainingRecipe> pretraining_recipes() {
  using Data = PretrainingData;
  const char* const conv = "conv, from scratch";
  const char* const dense = "dense, from scratch";
  const char* const sigmoid = "sigmoid, from scratch";
  const char* const discriminator = "discriminator, from scratch";
  const auto half = [](const Data& d) { return std::max<graft::Index>(1, d.epochs / 2); };
  return {
      {conv, "", [](const Data&) { return conv_trunk(); }},
      {"conv, supervised on the other data set", conv, [](const Data& d) { return supervised(conv_trunk(), d); }},
      {"conv, denoising autoencoder", conv,
       [](const Data& d) { return pretrain_conv_autoencoder(d.unlabelled, {.epochs = 2 * d.epochs}); }},
      {"conv, SimCLR", conv,
       [](const Data& d) { return pretrain_simclr_trunk(d.unlabelled, {.epochs = 2 * d.epochs, .mirror = d.mirror}); }},
      {"conv, siamese twins: two views of one picture?", conv,
       [](const Data& d) {
         return pretrain_siamese_trunk(d.unlabelled, {.epochs = 2 * d.epochs, .mirror = d.mirror});
       }},
      {"conv, siamese twins: two pictures of one class?", conv,
       [](const Data& d) { return pretrain_pairs_trunk(d.unlabelled, d.which, {.epochs = d.epochs}); }},
      {"conv, rotation prediction", conv,
       [=](const Data& d) { return pretrain_rotation_trunk(d.unlabelled, {.epochs = half(d)}); }},
      {dense, "", [](const Data&) { return dense_trunk(); }},
      {"dense, supervised on the other data set", dense, [](const Data& d) { return supervised(dense_trunk(), d); }},
      {"dense, denoising autoencoder", dense, dense_autoencoder},
      {sigmoid, "", [](const Data&) { return sigmoid_net(GreedyTraining().units); }},
      {"sigmoid, stack of RBMs", sigmoid,
       [](const Data& d) { return pretrain_rbms(d.unlabelled, {.epochs = d.epochs}).model; }},
      {"sigmoid, greedy autoencoders", sigmoid,
       [](const Data& d) { return pretrain_autoencoders(d.unlabelled, {.epochs = d.epochs}).model; }},
      {discriminator, "", [](const Data&) { return discriminator_trunk(discriminator_features(dcgan())); }},
      {"discriminator of a GAN", discriminator,
       [=](const Data& d) { return discriminator_trunk(pretrain_discriminator(d.unlabelled, {.epochs = half(d)})); }},
  };
}

}  // namespace example
