#pragma once

#include "graft/nn/layers/projected_attention.hpp"

namespace graft {

struct MultiHeadAttentionOptions {
  std::optional<Index> value_dim = {};  ///< size of a head of the values; key_dim when missing
  double dropout = 0.0;                 ///< fraction of the probabilities that training drops
  bool use_bias = true;
  std::vector<Index> output_shape = {};  ///< of the output behind the steps; the query's features when empty
  std::vector<int> attention_axes = {};  ///< axes that attention runs over, the batch being 0; all when empty
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
class MultiHeadAttentionImpl final : public detail::ProjectedAttentionImpl<Scalar> {
  using Base = detail::ProjectedAttentionImpl<Scalar>;

 public:
  GRAFT_COLD MultiHeadAttentionImpl(Index num_heads, Index key_dim, const MultiHeadAttentionOptions& options)
      : Base("MultiHeadAttention",
             {num_heads, num_heads, key_dim, options.value_dim.value_or(key_dim), options.output_shape,
              options.attention_axes},
             detail::ProjectedAttentionSettings::of(options)) {}
  std::string_view class_name() const override { return "MultiHeadAttention"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    const detail::AttentionHeads& heads = this->heads();
    config["num_heads"] = heads.heads;
    config["key_dim"] = heads.key_dim;
    config["value_dim"] = heads.value_dim;
    Config& output = config["output_shape"] = Config();
    for (const Index dim : heads.output) output.push_back(dim);
    Config& axes = config["attention_axes"] = Config();
    for (const int axis : heads.axes) axes.push_back(axis);
    this->write_options(config);
    return config;
  }
};

/// Multi-head attention (Vaswani et al. 2017): MultiHeadAttention(8, 64)({query, value}), or with a key as the third
/// and an attention mask (batch, T, S), not 0 where a step may look, as the fourth. Queries, keys and values are
/// projected to num_heads heads of key_dim (values: value_dim) numbers, y = softmax(q kᵀ / sqrt(key_dim)) v in each,
/// and all heads projected to output_shape. Weights, in order: kernel and bias of query, key, value and
/// attention_output. Masks of the inputs are obeyed. Throws ConfigError for sizes below 1 and a dropout outside [0, 1),
/// ShapeError for inputs that do not fit.
template <class Scalar = float>
class MultiHeadAttention : public Layer<Scalar> {
 public:
  GRAFT_COLD MultiHeadAttention(Index num_heads, Index key_dim, const MultiHeadAttentionOptions& options = {})
      : Layer<Scalar>(new MultiHeadAttentionImpl<Scalar>(num_heads, key_dim, options)) {}

  GRAFT_COLD static MultiHeadAttention from_config(const Config& config) {
    for (const char* key : {"sliding_window", "use_gate"}) detail::reject(config, "MultiHeadAttention", key);
    MultiHeadAttentionOptions options;
    if (const Config* dim = config.find_set("value_dim")) options.value_dim = dim->as_int("value_dim");
    if (const Config* shape = config.find_set("output_shape")) {
      if (shape->is_array()) {
        for (const Config& dim : shape->items()) options.output_shape.push_back(dim.as_int("output_shape"));
      } else {
        options.output_shape.push_back(shape->as_int("output_shape"));
      }
    }
    if (const Config* axes = config.find_set("attention_axes")) options.attention_axes = detail::read_axes(axes);
    detail::read_projected(config, options);
    return MultiHeadAttention(config.at("num_heads").as_int("num_heads"), config.at("key_dim").as_int("key_dim"),
                              options);
  }
};

}  // namespace graft
