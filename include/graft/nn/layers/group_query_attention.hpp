#pragma once

#include "graft/nn/layers/projected_attention.hpp"

namespace graft {

struct GroupQueryAttentionOptions {
  double dropout = 0.0;  ///< fraction of the probabilities that training drops
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::optional<Index> seed = {};        ///< mixed into the numbers that set_random_seed starts
  bool use_causal_mask = false;          ///< Keras's argument of the call: a step looks at itself and those before it
  bool return_attention_scores = false;  ///< Keras's argument of the call: a second output (batch, heads, T, S)
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class GroupQueryAttentionImpl final : public detail::ProjectedAttentionImpl<Scalar> {
  using Base = detail::ProjectedAttentionImpl<Scalar>;

 public:
  GRAFT_COLD GroupQueryAttentionImpl(Index head_dim, Index num_query_heads, Index num_key_value_heads,
                                     const GroupQueryAttentionOptions& options)
      : Base("GroupedQueryAttention", {num_query_heads, num_key_value_heads, head_dim, head_dim, {}, {}},
             detail::ProjectedAttentionSettings::of(options)) {}
  /// Keras calls it so in files.
  std::string_view class_name() const override { return "GroupedQueryAttention"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["head_dim"] = this->heads().key_dim;
    config["num_query_heads"] = this->heads().heads;
    config["num_key_value_heads"] = this->heads().groups;
    this->write_options(config);
    return config;
  }
};

/// Multi-head attention in which several heads of the query share one of keys and values (Ainslie et al. 2023):
/// GroupQueryAttention(64, 8, 2)({query, value}). Inputs, masks, weights and errors as MultiHeadAttention; besides,
/// ConfigError unless num_key_value_heads divides num_query_heads.
template <class Scalar = float>
class GroupQueryAttention : public Layer<Scalar> {
 public:
  GRAFT_COLD GroupQueryAttention(Index head_dim, Index num_query_heads, Index num_key_value_heads,
                                 const GroupQueryAttentionOptions& options = {})
      : Layer<Scalar>(new GroupQueryAttentionImpl<Scalar>(head_dim, num_query_heads, num_key_value_heads, options)) {}

  GRAFT_COLD static GroupQueryAttention from_config(const Config& config) {
    for (const char* key : {"sliding_window", "use_gate"}) detail::reject(config, "GroupQueryAttention", key);
    GroupQueryAttentionOptions options;
    detail::read_projected(config, options);
    return GroupQueryAttention(config.at("head_dim").as_int("head_dim"),
                               config.at("num_query_heads").as_int("num_query_heads"),
                               config.at("num_key_value_heads").as_int("num_key_value_heads"), options);
  }
};

}  // namespace graft
