#pragma once

#include "graft/nn/layers/attention_layer.hpp"

namespace graft {

struct AttentionOptions {
  bool use_scale = false;                ///< a learned factor of the scores
  std::string score_mode = "dot";        ///< "dot" or "concat"
  double dropout = 0.0;                  ///< fraction of the probabilities that training drops
  std::optional<Index> seed = {};        ///< mixed into the numbers that set_random_seed starts
  bool use_causal_mask = false;          ///< Keras's argument of the call: a step looks at itself and those before it
  bool return_attention_scores = false;  ///< Keras's argument of the call: a second output (batch, T, S)
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class AttentionImpl final : public detail::AttentionLayerImpl<Scalar> {
  using Base = detail::AttentionLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit AttentionImpl(const AttentionOptions& options) : Base("Attention", settings_of(options)) {}
  std::string_view class_name() const override { return "Attention"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["use_scale"] = this->settings().use_scale;
    config["score_mode"] = this->settings().score == detail::AttentionSettings::Score::dot ? "dot" : "concat";
    config["dropout"] = this->settings().dropout;
    if (this->settings().seed) config["seed"] = *this->settings().seed;
    this->write_call(config);
    return config;
  }

 private:
  GRAFT_COLD static detail::AttentionSettings settings_of(const AttentionOptions& options) {
    if (options.score_mode != "dot" && options.score_mode != "concat") {
      fail<ConfigError>("Attention \"" + options.name + "\"", "score_mode \"dot\" or \"concat\"",
                        "\"" + options.score_mode + "\"");
    }
    using Score = detail::AttentionSettings::Score;
    return {options.score_mode == "dot" ? Score::dot : Score::concat,
            options.use_scale,
            options.dropout,
            options.seed,
            options.use_causal_mask,
            options.return_attention_scores,
            options.name,
            options.trainable,
            options.input_shape};
  }
};

/// Dot-product attention (Luong et al. 2015): Attention()({query, value}) or Attention()({query, value, key}), of
/// shapes (batch, T, dim), (batch, S, n) and (batch, S, dim). y = softmax(scale q kᵀ) v; score_mode "concat" scores by
/// weight * sum of tanh(scale (q + k)). Masks of query and value are obeyed. Throws ConfigError for another score_mode
/// and a dropout outside [0, 1), ShapeError for inputs that do not fit.
template <class Scalar = float>
class Attention : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Attention(const AttentionOptions& options = {})
      : Layer<Scalar>(new AttentionImpl<Scalar>(options)) {}

  GRAFT_COLD static Attention from_config(const Config& config) {
    AttentionOptions options;
    detail::read(config, "score_mode", options.score_mode);
    detail::read_attention(config, options);
    return Attention(options);
  }
};

}  // namespace graft
