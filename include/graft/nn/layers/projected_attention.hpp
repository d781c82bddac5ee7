#pragma once

#include <array>
#include <cmath>

#include "graft/kernels/elementwise.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/attention_core.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// What MultiHeadAttention and GroupQueryAttention have in common.
struct ProjectedAttentionSettings {
  double dropout = 0.0;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::optional<Index> seed = {};
  bool use_causal_mask = false;
  bool return_attention_scores = false;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};

  template <class Options>
  GRAFT_COLD static ProjectedAttentionSettings of(const Options& from) {
    return {from.dropout,
            from.use_bias,
            from.kernel_initializer,
            from.bias_initializer,
            from.kernel_regularizer,
            from.bias_regularizer,
            from.activity_regularizer,
            from.kernel_constraint,
            from.bias_constraint,
            from.seed,
            from.use_causal_mask,
            from.return_attention_scores,
            from.name,
            from.trainable,
            from.input_shape};
  }
};

struct AttentionHeads {
  Index heads = 1, groups = 1, key_dim = 1, value_dim = 1;
  std::vector<Index> output = {};  ///< dimensions of the output behind the steps; empty: the query's features
  std::vector<int> axes = {};      ///< that attention runs over; empty: all but the batch and the features
};

/// Base of the attentions with learned projections: inputs query (batch, T, …), value (batch, S, …), and, if there are,
/// key (batch, S, …) and an attention mask (batch, T, S) that is not 0 where a step may look.
template <class Scalar>
class ProjectedAttentionImpl : public LayerImpl<Scalar> {
  static constexpr std::array<const char*, 4> kNames{"query", "key", "value", "attention_output"};
  static constexpr std::array<const char*, 4> kStores{"query_dense", "key_dense", "value_dense", "output_dense"};

 public:
  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const final {
    check(inputs);
    const Shape &q = inputs[0], &v = inputs[1];
    Shape result = q.slice(0, q.rank() - 1);
    if (heads_.output.empty()) result.push_back(q.back());
    for (const Index dim : heads_.output) result.push_back(dim);
    std::vector<Shape> all{result};
    if (options_.return_attention_scores) {
      const int axes = axes_of(q);
      Shape scores = q.slice(0, q.rank() - 1 - axes);
      scores.push_back(heads_.heads);
      for (int axis = q.rank() - 1 - axes; axis < q.rank() - 1; ++axis) scores.push_back(q[axis]);
      for (int axis = v.rank() - 1 - axes; axis < v.rank() - 1; ++axis) scores.push_back(v[axis]);
      all.push_back(scores);
    }
    return all;
  }
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final { return output_shapes(inputs)[0]; }

  MaskFlow mask_flow(const std::vector<bool>& masked) const final {
    return {masked[0] ? MaskFlow::Kind::pass : MaskFlow::Kind::none};
  }
  bool uses_masks() const final { return true; }
  bool is_random() const final { return options_.dropout > 0; }
  bool differentiable(std::size_t input) const final { return input < 3; }
  GRAFT_COLD std::string store_path(std::size_t i) const final {
    const std::size_t each = options_.use_bias ? 2 : 1;
    return std::string(kStores[i / each]) + "/vars/" + std::to_string(i % each);
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const final {
    const AttentionCore<Scalar> core = core_of(inputs[0], inputs[1]);
    Needs needs;
    needs.inputs = use.backward();
    const Memory forward(core, use, nullptr), backward(core, use);
    if (use.backward()) needs.cache_bytes = 64 + forward.kept;
    needs.scratch_bytes =
        use.backward() ? std::max(forward.dropped_bytes, backward.bytes) : forward.kept + forward.dropped_bytes;
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const final {
    const AttentionCore<Scalar> core = core_of(args.x(0).shape(), args.x(1).shape());
    const RandomStreams streams = seeded(args.random, options_.seed);
    const bool keeps = args.use.backward();
    if (keeps) std::memcpy(args.cache, &streams, sizeof streams);
    Memory memory(core, args.use, keeps ? args.cache + 64 : args.scratch);
    Scalar* dropped = reinterpret_cast<Scalar*>(keeps ? args.scratch : args.scratch + memory.kept);
    project(0, core.batch * core.steps, args.x(0), memory.q);
    project(1, core.batch * core.sources, args.x(key_input(args.inputs.size())), memory.k);
    project(2, core.batch * core.sources, args.x(1), memory.v);
    AttentionMasks<Scalar> masks;
    masks.causal = options_.use_causal_mask;
    if (args.x(0).rank() == 3) {
      masks.query = args.mask(0);
      masks.value = args.mask(1);
      if (args.inputs.size() > 2) masks.key = args.mask(2);
      if (args.inputs.size() > 3) masks.attention = args.x(3).data();
      masks.one_attention = args.inputs.size() > 3 && args.x(3).dim(0) == 1;
    }
    core.forward(memory.q, memory.k, memory.v, masks, args.use, streams, memory.p, dropped, memory.o);
    const Shape& kernel = kernels_[3]->shape();
    kernels::GemmDesc desc;
    desc.m = core.batch * core.steps, desc.k = core.heads * core.value_dim, desc.n = kernel.elements() / desc.k;
    kernels::gemm<Scalar>(desc, {memory.o, kernels_[3]->value().data(), args.y().data(), bias(3)});
    if (options_.return_attention_scores) std::copy_n(memory.p, core.probabilities(), args.y(1).data());
  }

  void backward(const BackwardArgs<Scalar>& args) const final {
    const AttentionCore<Scalar> core = core_of(args.x(0).shape(), args.x(1).shape());
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    const Memory kept(core, args.use, const_cast<std::byte*>(args.cache) + 64);  // read only
    Memory memory(core, args.use, args.scratch, true);
    const Index rows = core.batch * core.steps, others = core.batch * core.sources;
    const Index width = core.heads * core.value_dim;
    const Index outputs = kernels_[3]->shape().elements() / width;
    const Scalar* dy = args.dy().data();
    weight_gradients(args, 3, rows, width, outputs, kept.o, dy);
    kernels::GemmDesc desc;
    desc.m = rows, desc.n = width, desc.k = outputs;
    desc.trans_b = kernels::Transpose::yes;
    kernels::gemm<Scalar>(desc, {dy, kernels_[3]->value().data(), memory.o});
    const Scalar* dp = options_.return_attention_scores ? args.dy(1).data() : nullptr;
    core.backward_to_scores(kept.v, kept.p, args.use, streams, memory.o, nullptr, dp, memory.dropped, memory.p,
                            memory.v);
    core.backward_to_inputs(kept.q, kept.k, memory.p, memory.q, memory.k);

    const std::size_t key_at = key_input(args.inputs.size());
    backward_projection(args, 0, rows, 0, memory.q, false);
    backward_projection(args, 2, others, 1, memory.v, false);
    backward_projection(args, 1, others, key_at, memory.k, key_at == 1);
  }

 protected:
  GRAFT_COLD ProjectedAttentionImpl(std::string_view class_name, AttentionHeads heads,
                                    ProjectedAttentionSettings options)
      : LayerImpl<Scalar>(class_name, options), heads_(std::move(heads)), options_(std::move(options)) {
    for (const Index size : {heads_.heads, heads_.groups, heads_.key_dim, heads_.value_dim}) {
      if (size <= 0) fail<ConfigError>(this->where(), "sizes above 0", std::to_string(size));
    }
    if (heads_.heads % heads_.groups != 0) {
      fail<ConfigError>(this->where(), "a number of query heads that the number of key and value heads divides",
                        std::to_string(heads_.heads) + " and " + std::to_string(heads_.groups));
    }
    for (const Index dim : heads_.output) {
      if (dim <= 0) fail<ConfigError>(this->where(), "an output_shape of sizes above 0", std::to_string(dim));
    }
    if (!(options_.dropout >= 0 && options_.dropout < 1)) {
      fail<ConfigError>(this->where(), "dropout in [0, 1)", std::to_string(options_.dropout));
    }
  }

  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) final {
    check(inputs);
    const Shape& key = inputs[key_input(inputs.size())];
    add(0, {known_dim(inputs[0], -1, this->where()), heads_.heads, heads_.key_dim}, 1, rng);
    add(1, {known_dim(key, -1, this->where()), heads_.groups, heads_.key_dim}, 1, rng);
    add(2, {known_dim(inputs[1], -1, this->where()), heads_.groups, heads_.value_dim}, 1, rng);
    Shape output{heads_.heads, heads_.value_dim};
    if (heads_.output.empty()) output.push_back(inputs[0].back());
    for (const Index dim : heads_.output) output.push_back(dim);
    add(3, output, 2, rng);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const final {
    check(inputs);
    const Shape* projected[] = {&inputs[0], &inputs[key_input(inputs.size())], &inputs[1]};
    for (std::size_t i = 0; i < 3; ++i) {
      if (projected[i]->back() == kernels_[i]->shape()[0]) continue;
      fail<ShapeError>(this->where() + ", " + kNames[i],
                       "last dimension " + std::to_string(kernels_[i]->shape()[0]) + " from build",
                       projected[i]->str());
    }
  }

  GRAFT_COLD void write_options(Config& config) const {
    config["dropout"] = options_.dropout;
    config["use_bias"] = options_.use_bias;
    config["kernel_initializer"] = options_.kernel_initializer.config();
    config["bias_initializer"] = options_.bias_initializer.config();
    config["kernel_regularizer"] = options_.kernel_regularizer.config();
    config["bias_regularizer"] = options_.bias_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["kernel_constraint"] = options_.kernel_constraint.config();
    config["bias_constraint"] = options_.bias_constraint.config();
    if (options_.seed) config["seed"] = *options_.seed;
    if (options_.use_causal_mask) config["use_causal_mask"] = true;
    if (options_.return_attention_scores) config["return_attention_scores"] = true;
  }
  const AttentionHeads& heads() const { return heads_; }

 private:
  /// Projections, probabilities and what attention gives, or their gradients.
  struct Memory {
    Scalar *q, *k, *v, *o, *p, *dropped = nullptr;
    Index kept = 0, dropped_bytes = 0, bytes = 0;

    Memory(const AttentionCore<Scalar>& core, const Use& use, std::byte* memory = nullptr, bool with_dropped = false) {
      Pieces<Scalar> pieces(memory), more;
      q = pieces.take(core.batch * core.steps * core.heads * core.dim);
      k = pieces.take(core.batch * core.sources * core.groups * core.dim);
      v = pieces.take(core.batch * core.sources * core.groups * core.value_dim);
      o = pieces.take(core.batch * core.steps * core.heads * core.value_dim);
      p = pieces.take(core.probabilities());
      kept = pieces.bytes();
      if (core.drops(use)) more.take(core.probabilities());
      dropped_bytes = more.bytes();
      if (with_dropped && core.drops(use)) dropped = pieces.take(core.probabilities());
      bytes = kept + dropped_bytes;
    }
  };

  static std::size_t key_input(std::size_t inputs) { return inputs > 2 ? 2 : 1; }
  /// How many axes in front of the features attention runs over.
  int axes_of(const Shape& query) const {
    const int rank = query.rank(), count = static_cast<int>(heads_.axes.size());
    if (count == 0) return rank - 2;
    for (const int axis : heads_.axes) {
      const int at = axis < 0 ? axis + rank : axis;
      if (at > rank - 2 || at < rank - 1 - count) refuse_axes(query);
    }
    return count;
  }
  [[noreturn]] GRAFT_COLD void refuse_axes(const Shape& query) const {
    fail<ShapeError>(this->where(), "attention_axes that are the last ones in front of the features", query.str(),
                     "Put a Permute in front that brings them there.");
  }
  const Scalar* bias(std::size_t i) const { return options_.use_bias ? biases_[i]->value().data() : nullptr; }

  GRAFT_COLD void check(std::span<const Shape> inputs) const {
    if (inputs.size() < 2 || inputs.size() > 4) {
      fail<ShapeError>(this->where(), "query, value and perhaps key and an attention mask",
                       std::to_string(inputs.size()) + " inputs");
    }
    const Shape &q = inputs[0], &v = inputs[1], &k = inputs[key_input(inputs.size())];
    const int axes = axes_of(q), lead = q.rank() - 1 - axes;
    const bool fits = q.rank() >= 3 && lead >= 1 && v.rank() == q.rank() && k.rank() == q.rank() &&
                      v.slice(0, v.rank() - 1).compatible(k.slice(0, k.rank() - 1)) &&
                      q.slice(0, lead).compatible(v.slice(0, lead));
    if (!fits) {
      fail<ShapeError>(this->where(), "a query (batch, T, features), and values and keys of the same steps",
                       q.str() + ", " + v.str() + " and " + k.str());
    }
    if (inputs.size() == 4) {
      const Shape& mask = inputs[3];
      const bool good = q.rank() == 3 && mask.rank() == 3 && mask.slice(1).compatible(Shape{q[1], v[1]}) &&
                        (mask[0] == 1 || mask.slice(0, 1).compatible(q.slice(0, 1)));
      if (!good) fail<ShapeError>(this->where(), "an attention mask (batch, T, S)", mask.str());
    }
  }

  AttentionCore<Scalar> core_of(const Shape& q, const Shape& v) const {
    const int axes = axes_of(q), lead = q.rank() - 1 - axes;
    AttentionCore<Scalar> core;
    core.batch = q.product(0, lead);
    core.steps = q.product(lead, q.rank() - 1);
    core.sources = v.product(lead, v.rank() - 1);
    core.heads = heads_.heads, core.groups = heads_.groups;
    core.dim = heads_.key_dim, core.value_dim = heads_.value_dim;
    core.scale = 1 / std::sqrt(static_cast<double>(heads_.key_dim));
    core.dropout = options_.dropout;
    return core;
  }

  GRAFT_COLD void add(std::size_t i, const Shape& shape, int inputs, Rng& rng) {
    const std::string prefix = std::string(kNames[i]) + "/";
    kernels_[i] = this->add_variable(prefix + "kernel", shape, options_.kernel_initializer, rng,
                                     VariableKind::trainable, options_.kernel_regularizer, options_.kernel_constraint);
    if (!options_.use_bias) return;
    biases_[i] = this->add_variable(prefix + "bias", shape.slice(inputs), options_.bias_initializer, rng,
                                    VariableKind::trainable, options_.bias_regularizer, options_.bias_constraint);
  }

  /// to = x W + b, of projection i
  void project(std::size_t i, Index rows, const TensorView<const Scalar>& x, Scalar* to) const {
    const Shape& kernel = kernels_[i]->shape();
    kernels::GemmDesc desc;
    desc.m = rows, desc.n = kernel[1] * kernel[2], desc.k = kernel[0];
    kernels::gemm<Scalar>(desc, {x.data(), kernels_[i]->value().data(), to, bias(i)});
  }
  void weight_gradients(const BackwardArgs<Scalar>& args, std::size_t i, Index rows, Index inputs, Index outputs,
                        const Scalar* x, const Scalar* dz) const {
    const std::size_t each = options_.use_bias ? 2 : 1;
    if (const auto& dw = args.dw(i * each)) {
      kernels::GemmDesc desc;
      desc.m = inputs, desc.n = outputs, desc.k = rows;
      desc.trans_a = kernels::Transpose::yes;
      kernels::gemm<Scalar>(desc, {x, dz, dw.data()});
    }
    if (!options_.use_bias) return;
    if (const auto& db = args.dw(i * each + 1)) kernels::column_sums(rows, outputs, dz, db.data());
  }
  /// Gradients of projection i, whose input is input `input`; `add`: on top of what another projection put there.
  void backward_projection(const BackwardArgs<Scalar>& args, std::size_t i, Index rows, std::size_t input,
                           const Scalar* dz, bool add) const {
    const Shape& kernel = kernels_[i]->shape();
    const Index inputs = kernel[0], outputs = kernel[1] * kernel[2];
    weight_gradients(args, i, rows, inputs, outputs, args.x(input).data(), dz);
    if (!args.dx(input)) return;
    kernels::GemmDesc desc;
    desc.m = rows, desc.n = inputs, desc.k = outputs;
    desc.trans_b = kernels::Transpose::yes;
    desc.accumulate = add;
    kernels::gemm<Scalar>(desc, {dz, kernels_[i]->value().data(), args.dx(input).data()});
  }

  AttentionHeads heads_;
  ProjectedAttentionSettings options_;
  std::array<VariablePtr<Scalar>, 4> kernels_, biases_;
};

template <class Options>
GRAFT_COLD void read_projected(const Config& config, Options& options) {
  read(config, "dropout", options.dropout);
  read(config, "use_bias", options.use_bias);
  read(config, "kernel_initializer", options.kernel_initializer);
  read(config, "bias_initializer", options.bias_initializer);
  read(config, "kernel_regularizer", options.kernel_regularizer);
  read(config, "bias_regularizer", options.bias_regularizer);
  read(config, "activity_regularizer", options.activity_regularizer);
  read(config, "kernel_constraint", options.kernel_constraint);
  read(config, "bias_constraint", options.bias_constraint);
  if (const Config* seed = config.find_set("seed"); seed && seed->is_integer()) options.seed = seed->as_int("seed");
  read(config, "use_causal_mask", options.use_causal_mask);
  read(config, "return_attention_scores", options.return_attention_scores);
  read_base(config, options);
}

}  // namespace graft::detail
