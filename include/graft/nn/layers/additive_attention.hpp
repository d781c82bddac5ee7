#pragma once

#include "graft/nn/layers/attention_layer.hpp"

namespace graft {

struct AdditiveAttentionOptions {
  bool use_scale = true;                 ///< a learned factor for each feature
  double dropout = 0.0;                  ///< fraction of the probabilities that training drops
  std::optional<Index> seed = {};        ///< mixed into the numbers that set_random_seed starts
  bool use_causal_mask = false;          ///< Keras's argument of the call: a step looks at itself and those before it
  bool return_attention_scores = false;  ///< Keras's argument of the call: a second output (batch, T, S)
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class AdditiveAttentionImpl final : public detail::AttentionLayerImpl<Scalar> {
  using Base = detail::AttentionLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit AdditiveAttentionImpl(const AdditiveAttentionOptions& options)
      : Base("AdditiveAttention", {detail::AttentionSettings::Score::additive, options.use_scale, options.dropout,
                                   options.seed, options.use_causal_mask, options.return_attention_scores, options.name,
                                   options.trainable, options.input_shape}) {}
  std::string_view class_name() const override { return "AdditiveAttention"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["use_scale"] = this->settings().use_scale;
    config["dropout"] = this->settings().dropout;
    if (this->settings().seed) config["seed"] = *this->settings().seed;
    this->write_call(config);
    return config;
  }
};

/// Additive attention (Bahdanau et al. 2015): AdditiveAttention()({query, value}), or with a key as the third, of
/// shapes (batch, T, dim), (batch, S, n) and (batch, S, dim). y = softmax(sum over d of scale_d tanh(q_d + k_d)) v.
/// Masks of query and value are obeyed. Throws ConfigError for a dropout outside [0, 1), ShapeError for inputs that do
/// not fit.
template <class Scalar = float>
class AdditiveAttention : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AdditiveAttention(const AdditiveAttentionOptions& options = {})
      : Layer<Scalar>(new AdditiveAttentionImpl<Scalar>(options)) {}

  GRAFT_COLD static AdditiveAttention from_config(const Config& config) {
    AdditiveAttentionOptions options;
    detail::read_attention(config, options);
    return AdditiveAttention(options);
  }
};

}  // namespace graft
