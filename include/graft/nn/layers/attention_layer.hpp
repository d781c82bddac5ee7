#pragma once

#include <cmath>

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/attention_core.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

struct AttentionSettings {
  enum class Score {
    dot,      ///< scale q·k
    concat,   ///< weight * sum of tanh(scale (q + k))
    additive  ///< sum of scale_d tanh(q_d + k_d)
  };
  Score score = Score::dot;
  bool use_scale = false;
  double dropout = 0;
  std::optional<Index> seed = {};
  bool use_causal_mask = false;
  bool return_attention_scores = false;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

/// Base of Attention and AdditiveAttention: inputs query (batch, T, dim), value (batch, S, n) and, if it is another,
/// key (batch, S, dim); outputs (batch, T, n) and, if wanted, the probabilities (batch, T, S).
template <class Scalar>
class AttentionLayerImpl : public LayerImpl<Scalar> {
  using ConstView = TensorView<const Scalar>;
  using Score = AttentionSettings::Score;

 public:
  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const final {
    if (inputs.size() != 2 && inputs.size() != 3) {
      fail<ShapeError>(this->where(), "query, value and perhaps key", std::to_string(inputs.size()) + " inputs");
    }
    for (const Shape& input : inputs) {
      if (input.rank() != 3) fail<ShapeError>(this->where(), "inputs (batch, steps, features)", input.str());
    }
    const Shape &q = inputs[0], &v = inputs[1], &k = inputs.back();
    const bool fits = q.slice(2, 3).compatible(k.slice(2, 3)) && v.slice(0, 2).compatible(k.slice(0, 2)) &&
                      q.slice(0, 1).compatible(v.slice(0, 1));
    if (!fits) {
      fail<ShapeError>(this->where(), "a query and keys of the same features, values and keys of the same steps",
                       q.str() + ", " + v.str() + " and " + k.str());
    }
    std::vector<Shape> result{{q[0], q[1], v[2]}};
    if (settings_.return_attention_scores) result.push_back({q[0], q[1], v[1]});
    return result;
  }
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final { return output_shapes(inputs)[0]; }

  MaskFlow mask_flow(const std::vector<bool>& masked) const final {
    return {masked[0] ? MaskFlow::Kind::pass : MaskFlow::Kind::none};
  }
  bool uses_masks() const final { return true; }
  bool is_random() const final { return settings_.dropout > 0; }

  Needs needs(std::span<const Shape> inputs, const Use& use) const final {
    const AttentionCore<Scalar> core = core_of(inputs[0], inputs[1]);
    Needs needs;
    needs.inputs = use.backward();
    if (use.backward()) {
      Pieces<Scalar> cache;
      cache.take(core.probabilities());
      needs.cache_bytes = cache.bytes() + 64;
    }
    const Memory forward(core, *this, use, nullptr, false), backward(core, *this, use, nullptr, true);
    needs.scratch_bytes = std::max(forward.bytes, use.backward() ? backward.bytes : 0);
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const final {
    const AttentionCore<Scalar> core = core_of(args.x(0).shape(), args.x(1).shape());
    const Memory memory(core, *this, args.use, args.scratch, false);
    const RandomStreams streams = seeded(args.random, settings_.seed);
    Scalar* p = memory.p;
    if (args.use.backward()) {
      p = reinterpret_cast<Scalar*>(args.cache + 64);
      std::memcpy(args.cache, &streams, sizeof streams);
    }
    const Scalar *q = args.x(0).data(), *v = args.x(1).data(), *k = args.inputs.back().data();
    AttentionMasks<Scalar> masks;
    masks.value = args.mask(1);
    masks.causal = settings_.use_causal_mask;
    Scalar* y = args.y().data();
    if (settings_.score == Score::dot) {
      core.forward(q, k, v, masks, args.use, streams, p, memory.dropped, y);
    } else {
      tanh_scores(core, q, k, p);
      core.forward_from_scores(v, masks, args.use, streams, p, memory.dropped, y);
    }
    if (settings_.return_attention_scores) {
      std::copy_n(core.drops(args.use) ? memory.dropped : p, core.probabilities(), args.y(1).data());
    }
    if (const Scalar* mask = args.mask(0)) silence(core, mask, y, y);
  }

  void backward(const BackwardArgs<Scalar>& args) const final {
    const AttentionCore<Scalar> core = core_of(args.x(0).shape(), args.x(1).shape());
    const Memory memory(core, *this, args.use, args.scratch, true);
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    const Scalar* p = reinterpret_cast<const Scalar*>(args.cache + 64);
    const Scalar *q = args.x(0).data(), *v = args.x(1).data(), *k = args.inputs.back().data();
    const Scalar* dy = args.dy().data();
    if (const Scalar* mask = args.mask(0)) {
      silence(core, mask, dy, memory.dy);
      dy = memory.dy;
    }
    const bool own_key = args.input_gradients.size() == 3;
    const Scalar* dp = settings_.return_attention_scores ? args.dy(1).data() : nullptr;
    Scalar* dv = args.dx(1).data();
    core.backward_to_scores(v, p, args.use, streams, dy, dp, nullptr, memory.dropped, memory.ds, dv);
    Scalar* dk = own_key ? args.dx(2).data() : args.dx(1) ? memory.dk : nullptr;
    if (settings_.score == Score::dot) dot_backward(core, args, memory, q, k, dk);
    else tanh_backward(core, args, memory, q, k, dk);
    if (!own_key && args.dx(1)) kernels::add(args.dx(1).size(), dv, dk, dv);
  }

 protected:
  GRAFT_COLD AttentionLayerImpl(std::string_view class_name, const AttentionSettings& settings)
      : LayerImpl<Scalar>(class_name, settings), settings_(settings) {
    if (!(settings.dropout >= 0 && settings.dropout < 1)) {
      fail<ConfigError>(this->where(), "dropout in [0, 1)", std::to_string(settings.dropout));
    }
  }

  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) final {
    const Index dim = known_dim(inputs[0], 2, this->where());
    if (settings_.use_scale) {
      const bool additive = settings_.score == Score::additive;
      scale_ = this->add_variable("scale", additive ? Shape{dim} : Shape(),
                                  Initializer(additive ? "glorot_uniform" : "ones"), rng);
    }
    if (settings_.score == Score::concat) {
      weight_ = this->add_variable("concat_score_weight", Shape(), Initializer("ones"), rng);
    }
  }
  GRAFT_COLD void write_call(Config& config) const {
    if (settings_.use_causal_mask) config["use_causal_mask"] = true;
    if (settings_.return_attention_scores) config["return_attention_scores"] = true;
  }
  const AttentionSettings& settings() const { return settings_; }

 private:
  /// Who gets which part of the scratch memory; `bytes` of it.
  struct Memory {
    Scalar *p = nullptr, *dropped = nullptr, *ds = nullptr, *dy = nullptr, *dq = nullptr, *dk = nullptr;
    Scalar *sums = nullptr, *factors = nullptr;
    Index bytes = 0;

    Memory(const AttentionCore<Scalar>& core, const AttentionLayerImpl& layer, const Use& use, std::byte* memory,
           bool backward) {
      Pieces<Scalar> pieces(memory);
      if (core.drops(use)) dropped = pieces.take(core.probabilities());
      if (!backward) {
        if (!use.backward()) p = pieces.take(core.probabilities());
      } else {
        ds = pieces.take(core.probabilities());
        if (use.masked) dy = pieces.take(core.batch * core.steps * core.value_dim);
        dq = pieces.take(core.batch * core.steps * core.dim);
        dk = pieces.take(core.batch * core.sources * core.dim);
        if (layer.settings_.score != Score::dot) {
          sums = pieces.take(core.batch * core.dim);
          factors = pieces.take(core.batch);
        }
      }
      bytes = pieces.bytes();
    }
  };

  AttentionCore<Scalar> core_of(const Shape& q, const Shape& v) const {
    AttentionCore<Scalar> core;
    core.batch = q[0], core.steps = q[1], core.dim = q[2];
    core.sources = v[1], core.value_dim = v[2];
    core.dropout = settings_.dropout;
    if (settings_.score == Score::dot && scale_) core.scale = static_cast<double>(scale_->value()[0]);
    return core;
  }
  static void silence(const AttentionCore<Scalar>& core, const Scalar* mask, const Scalar* from, Scalar* to) {
    for (Index row = 0; row < core.batch * core.steps; ++row) {
      for (Index c = 0; c < core.value_dim; ++c) {
        to[row * core.value_dim + c] = mask[row] != 0 ? from[row * core.value_dim + c] : Scalar(0);
      }
    }
  }

  /// a_d of the sum over a_d tanh(c (q_d + k_d)), and c.
  Scalar outer(Index d) const {
    if (settings_.score == Score::concat) return weight_->value()[0];
    return scale_ ? scale_->value()[d] : Scalar(1);
  }
  Scalar inside() const { return settings_.score == Score::concat && scale_ ? scale_->value()[0] : Scalar(1); }

  void tanh_scores(const AttentionCore<Scalar>& core, const Scalar* q, const Scalar* k, Scalar* p) const {
    const Scalar c = inside();
    parallel_for(0, core.batch * core.steps, 1, [&](Index from, Index to) {
      for (Index row = from; row < to; ++row) {
        const Scalar* own = q + row * core.dim;
        for (Index s = 0; s < core.sources; ++s) {
          const Scalar* other = k + (row / core.steps * core.sources + s) * core.dim;
          Scalar sum = 0;
          for (Index d = 0; d < core.dim; ++d) sum += outer(d) * std::tanh(c * (own[d] + other[d]));
          p[row * core.sources + s] = sum;
        }
      }
    });
  }

  void dot_backward(const AttentionCore<Scalar>& core, const BackwardArgs<Scalar>& args, const Memory& memory,
                    const Scalar* q, const Scalar* k, Scalar* dk) const {
    const bool wants_scale = scale_ && args.dw(0);
    Scalar* dq = args.dx(0) ? args.dx(0).data() : wants_scale ? memory.dq : nullptr;
    if (!dq && !dk) return;
    AttentionCore<Scalar> raw = core;
    if (scale_) raw.scale = 1;
    raw.backward_to_inputs(q, k, memory.ds, dq, dk);
    if (!scale_) return;
    const Index size = core.batch * core.steps * core.dim;
    if (wants_scale) args.dw(0)[0] = static_cast<Scalar>(kernels::dot(size, q, dq));
    const Scalar scale = scale_->value()[0];
    if (args.dx(0)) kernels::scale(size, scale, dq);
    if (dk) kernels::scale(core.batch * core.sources * core.dim, scale, dk);
  }

  void tanh_backward(const AttentionCore<Scalar>& core, const BackwardArgs<Scalar>& args, const Memory& memory,
                     const Scalar* q, const Scalar* k, Scalar* dk) const {
    const Scalar c = inside();
    Scalar* dq = args.dx(0) ? args.dx(0).data() : memory.dq;
    Scalar* into_k = dk ? dk : memory.dk;
    const Index dim = core.dim;
    parallel_for(0, core.batch, 1, [&](Index from, Index to) {
      for (Index b = from; b < to; ++b) {
        Scalar *sums = memory.sums + b * dim, *k_slopes = into_k + b * core.sources * dim;
        Scalar factor = 0;
        std::fill_n(sums, dim, Scalar(0));
        std::fill_n(k_slopes, core.sources * dim, Scalar(0));
        for (Index t = 0; t < core.steps; ++t) {
          const Scalar* own = q + (b * core.steps + t) * dim;
          Scalar* q_slope = dq + (b * core.steps + t) * dim;
          std::fill_n(q_slope, dim, Scalar(0));
          for (Index s = 0; s < core.sources; ++s) {
            const Scalar* other = k + (b * core.sources + s) * dim;
            const Scalar slope = memory.ds[(b * core.steps + t) * core.sources + s];
            for (Index d = 0; d < dim; ++d) {
              const Scalar sum = own[d] + other[d], value = std::tanh(c * sum);
              const Scalar inner = slope * outer(d) * (1 - value * value);
              sums[d] += slope * value;
              factor += inner * sum;
              q_slope[d] += c * inner;
              k_slopes[s * dim + d] += c * inner;
            }
          }
        }
        memory.factors[b] = factor;
      }
    });
    if (args.weight_gradients.empty()) return;
    const auto total = [](const Scalar* values, Index count) {
      Scalar sum = 0;
      for (Index i = 0; i < count; ++i) sum += values[i];
      return sum;
    };
    if (settings_.score == Score::additive) {
      if (scale_ && args.dw(0)) kernels::column_sums(core.batch, dim, memory.sums, args.dw(0).data());
      return;
    }
    if (scale_ && args.dw(0)) args.dw(0)[0] = total(memory.factors, core.batch);
    const TensorView<Scalar>& dw = args.dw(scale_ ? 1 : 0);
    if (dw) dw[0] = total(memory.sums, core.batch * dim);
  }

  AttentionSettings settings_;
  VariablePtr<Scalar> scale_, weight_;
};

/// The keys that both have; the last two are arguments of the call in Keras.
template <class Settings>
GRAFT_COLD void read_attention(const Config& config, Settings& settings) {
  read(config, "use_scale", settings.use_scale);
  read(config, "dropout", settings.dropout);
  if (const Config* seed = config.find_set("seed"); seed && seed->is_integer()) settings.seed = seed->as_int("seed");
  read(config, "causal", settings.use_causal_mask);  // tf.keras until 2.10
  read(config, "use_causal_mask", settings.use_causal_mask);
  read(config, "return_attention_scores", settings.return_attention_scores);
  read_base(config, settings);
}

}  // namespace graft::detail
