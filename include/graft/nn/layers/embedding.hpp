#pragma once

#include <cmath>

#include "graft/nn/layers/random_mask.hpp"

namespace graft {

struct EmbeddingOptions {
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;                  ///< index 0 is padding: it makes a mask for the layers behind
  std::optional<Index> input_length = {};  ///< number of indices in a sample, for a first layer
  double dropout = 0;                      ///< Keras 1: in training, the share of rows of the table that count as 0
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class EmbeddingImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD EmbeddingImpl(Index input_dim, Index output_dim, EmbeddingOptions options)
      : LayerImpl<Scalar>("Embedding", options), rows_(input_dim), cols_(output_dim), options_(std::move(options)) {
    if (rows_ <= 0) fail<ConfigError>(this->where(), "input_dim above 0", std::to_string(rows_));
    if (cols_ <= 0) fail<ConfigError>(this->where(), "output_dim above 0", std::to_string(cols_));
    if (!(options_.dropout >= 0 && options_.dropout < 1)) {
      fail<ConfigError>(this->where(), "dropout in [0, 1)", std::to_string(options_.dropout));
    }
    if (!options_.input_length) return;
    if (*options_.input_length <= 0) {
      fail<ConfigError>(this->where(), "input_length above 0", std::to_string(*options_.input_length));
    }
    if (!this->input_shape()) this->set_input_shape(Shape{*options_.input_length});
  }
  std::string_view class_name() const override { return "Embedding"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    Shape result = inputs[0];
    const auto& length = options_.input_length;
    if (length && (result.rank() != 2 || (result[1] != *length && result[1] != Shape::kUnknown))) {
      fail<ShapeError>(this->where(), "an input (batch, " + std::to_string(*length) + "), its input_length",
                       inputs[0].str());
    }
    result.push_back(cols_);
    return result;
  }

  bool differentiable(std::size_t) const override { return false; }
  MaskFlow mask_flow(const std::vector<bool>&) const override {
    return {options_.mask_zero ? MaskFlow::Kind::make : MaskFlow::Kind::none, 0};
  }
  bool is_random() const override { return options_.dropout > 0; }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.inputs = use.weight_gradients;
    if (drops(use) && use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomKey));
    return needs;
  }

  /// y[i] = E[x[i]]. Throws DataError for an index outside of the table.
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Scalar* x = args.x().data();
    const Index count = args.x().size();
    for (Index i = 0; i < count; ++i) {
      if (!(x[i] > Scalar(-1) && x[i] < static_cast<Scalar>(rows_))) refuse(static_cast<double>(x[i]));
    }
    if (args.output_mask) write_mask(args);
    // Rows of the table are dropped for the whole batch.
    const RandomKey key = args.random.shared();
    if (drops(args.use) && args.cache) std::memcpy(args.cache, &key, sizeof key);
    const Scalar* table = std::as_const(*table_).value().data();
    Scalar* y = args.y().data();
    parallel_for(0, count, 1 + 32768 / cols_, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) {
        const Index row = row_of(x[i]);
        const Scalar scale = drops(args.use) ? scale_of(key, row) : Scalar(1);
        const Scalar* source = table + row * cols_;
        Scalar* target = y + i * cols_;
        if (scale == Scalar(1)) std::copy_n(source, cols_, target);
        else
          for (Index c = 0; c < cols_; ++c) target[c] = scale * source[c];
      }
    });
  }

  /// dE[x[i]] += dy[i]. A thread owns rows of the table and takes the samples in order, so that the sums do not depend
  /// on the number of threads.
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dw(0)) return;
    RandomKey key;
    if (drops(args.use)) std::memcpy(&key, args.cache, sizeof key);
    const Scalar *x = args.x().data(), *dy = args.dy().data();
    Scalar* table = args.dw(0).data();
    const Index count = args.x().size();
    parallel_for(0, rows_, 1 + 65536 / cols_, [&](Index from, Index to) {
      std::fill(table + from * cols_, table + to * cols_, Scalar(0));
      for (Index i = 0; i < count; ++i) {
        const Index row = row_of(x[i]);
        if (row < from || row >= to) continue;
        const Scalar scale = drops(args.use) ? scale_of(key, row) : Scalar(1);
        const Scalar* source = dy + i * cols_;
        Scalar* target = table + row * cols_;
        for (Index c = 0; c < cols_; ++c) target[c] += scale * source[c];
      }
    });
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["input_dim"] = rows_;
    config["output_dim"] = cols_;
    config["embeddings_initializer"] = options_.embeddings_initializer.config();
    config["embeddings_regularizer"] = options_.embeddings_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["embeddings_constraint"] = options_.embeddings_constraint.config();
    config["mask_zero"] = options_.mask_zero;
    config["input_length"] = options_.input_length ? Config(*options_.input_length) : Config();
    // A key of Keras 1 alone.
    if (options_.dropout > 0) config["dropout"] = options_.dropout;
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape>, Rng& rng) override {
    table_ =
        this->add_variable("embeddings", {rows_, cols_}, options_.embeddings_initializer, rng, VariableKind::trainable,
                           options_.embeddings_regularizer, options_.embeddings_constraint);
  }

 private:
  /// A step counts when one of its indices does: it has one index, unless the input has more axes than that of time.
  static void write_mask(const ForwardArgs<Scalar>& args) {
    const Index steps = args.output_mask.size(), length = args.x().size() / std::max<Index>(steps, 1);
    for (Index i = 0; i < steps; ++i) {
      const Scalar* from = args.x().data() + i * length;
      args.output_mask[i] =
          Scalar(length == 0 || std::any_of(from, from + length, [](Scalar x) { return row_of(x) != 0; }));
    }
  }
  static Index row_of(Scalar x) { return static_cast<Index>(x); }
  bool drops(const Use& use) const { return use.training && options_.dropout > 0; }
  Scalar scale_of(RandomKey key, Index row) const {
    const auto mask = detail::dropout_mask<Scalar>(key, options_.dropout);
    return mask.keeps(row) ? mask.scale : Scalar(0);
  }
  [[noreturn]] GRAFT_COLD void refuse(double index) const {
    fail<DataError>(this->where(), "indices from 0 to " + std::to_string(rows_ - 1), std::to_string(index),
                    "input_dim is the size of the vocabulary: the largest index + 1.");
  }

  Index rows_, cols_;
  EmbeddingOptions options_;
  VariablePtr<Scalar> table_;
};

/// Turns indices into vectors: (batch, …) → (batch, …, output_dim), rows of a table (input_dim, output_dim) that is
/// learned. Indices are numbers 0 … input_dim - 1, given as floats. Throws ConfigError for sizes <= 0, DataError for an
/// index outside of the table.
template <class Scalar = float>
class Embedding : public Layer<Scalar> {
 public:
  GRAFT_COLD Embedding(Index input_dim, Index output_dim, EmbeddingOptions options = {})
      : Layer<Scalar>(new EmbeddingImpl<Scalar>(input_dim, output_dim, std::move(options))) {}

  GRAFT_COLD static Embedding from_config(const Config& config) {
    detail::reject(config, "Embedding", "lora_rank");
    detail::reject(config, "Embedding", "quantization_config");
    EmbeddingOptions options;
    detail::read(config, "embeddings_initializer", options.embeddings_initializer);
    detail::read(config, "embeddings_regularizer", options.embeddings_regularizer);
    detail::read(config, "activity_regularizer", options.activity_regularizer);
    detail::read(config, "embeddings_constraint", options.embeddings_constraint);
    detail::read(config, "mask_zero", options.mask_zero);
    detail::read(config, "dropout", options.dropout);
    // One number, or of inputs with several axes one for each: those say nothing that the input does not.
    const Config* length = config.find_set("input_length");
    if (length && length->is_number()) options.input_length = length->as_int("input_length");
    detail::read_base(config, options);
    return Embedding(config.at("input_dim").as_int("input_dim"), config.at("output_dim").as_int("output_dim"),
                     std::move(options));
  }
};

}  // namespace graft
