#pragma once

#include <algorithm>
#include <cstring>

#include "graft/kernels/gemm.hpp"
#include "graft/kernels/softmax.hpp"
#include "graft/nn/layer_args.hpp"
#include "graft/nn/layers/random_mask.hpp"

namespace graft::detail {

/// Which scores count: those of steps that no mask hides. Masks that are not there are null.
template <class Scalar>
struct AttentionMasks {
  const Scalar* query = nullptr;      ///< (batch, T)
  const Scalar* value = nullptr;      ///< (batch, S)
  const Scalar* key = nullptr;        ///< (batch, S)
  const Scalar* attention = nullptr;  ///< (batch or 1, T, S)
  bool one_attention = false;         ///< `attention` is the same for all samples
  bool causal = false;                ///< step t looks at steps up to t only

  bool any() const { return query || value || key || attention || causal; }
};

/// Attention of H heads: with queries q (batch, T, H, dim), keys k (batch, S, G, dim) and values v (batch, S, G,
/// value), head h using group h G / H,
///     p = softmax(scale q kᵀ) along S,   y = p v   of (batch, T, H, value).
/// Hidden scores are lowered by 10^9, as Keras does: where all are hidden they all count alike.
template <class Scalar>
class AttentionCore {
 public:
  Index batch = 0, steps = 0, sources = 0;
  Index heads = 1, groups = 1, dim = 0, value_dim = 0;
  double scale = 1;
  double dropout = 0;  ///< of p, in training

  Index probabilities() const { return batch * heads * steps * sources; }
  bool drops(const Use& use) const { return use.training && dropout > 0; }

  /// `p` gets the probabilities before dropout; `dropped` (as large; not needed without dropout) those after.
  void forward(const Scalar* q, const Scalar* k, const Scalar* v, const AttentionMasks<Scalar>& masks, const Use& use,
               const RandomStreams& streams, Scalar* p, Scalar* dropped, Scalar* y) const {
    each([&](Index b, Index h, Index g) {
      Scalar* scores = p + at_scores(b, h);
      kernels::GemmDesc desc;
      desc.m = steps, desc.n = sources, desc.k = dim;
      desc.lda = heads * dim, desc.ldb = groups * dim;
      desc.trans_b = kernels::Transpose::yes;
      kernels::gemm<Scalar>(desc, {q + at_query(b, h), k + at_key(b, g), scores});
      const Scalar factor = static_cast<Scalar>(scale);
      for (Index i = 0; i < steps * sources; ++i) scores[i] *= factor;
      finish(masks, use, streams, b, h, g, v, p, dropped, y);
    });
  }

  /// As forward, from scores that lie in p.
  void forward_from_scores(const Scalar* v, const AttentionMasks<Scalar>& masks, const Use& use,
                           const RandomStreams& streams, Scalar* p, Scalar* dropped, Scalar* y) const {
    each([&](Index b, Index h, Index g) { finish(masks, use, streams, b, h, g, v, p, dropped, y); });
  }

  /// Gradients of the scores into `ds`, those of the values, if wanted, into `dv`. `dp_dropped` and `dp` are gradients
  /// of the probabilities that were given out, after or before dropout, or null. `aside` is as large as p.
  void backward_to_scores(const Scalar* v, const Scalar* p, const Use& use, const RandomStreams& streams,
                          const Scalar* dy, const Scalar* dp_dropped, const Scalar* dp, Scalar* aside, Scalar* ds,
                          Scalar* dv) const {
    const bool drop = drops(use);
    each_group([&](Index b, Index g) {
      for (Index h = g * (heads / groups); h < (g + 1) * (heads / groups); ++h) {
        const Index at = at_scores(b, h), size = steps * sources;
        Scalar* slopes = ds + at;
        kernels::GemmDesc desc;
        desc.m = steps, desc.n = sources, desc.k = value_dim;
        desc.lda = heads * value_dim, desc.ldb = groups * value_dim;
        desc.trans_b = kernels::Transpose::yes;
        kernels::gemm<Scalar>(desc, {dy + at_output(b, h), v + at_value(b, g), slopes});
        for (Index i = 0; dp_dropped && i < size; ++i) slopes[i] += dp_dropped[at + i];
        const Scalar* used = p + at;
        if (drop) {
          copy_dropped(streams, at, size, p, aside);
          used = aside + at;
          copy_dropped(streams, at, size, ds, ds);
        }
        for (Index i = 0; dp && i < size; ++i) slopes[i] += dp[at + i];
        if (dv) {
          kernels::GemmDesc values;
          values.m = sources, values.n = value_dim, values.k = steps;
          values.trans_a = kernels::Transpose::yes;
          values.ldb = heads * value_dim, values.ldc = groups * value_dim;
          values.accumulate = h > g * (heads / groups);
          kernels::gemm<Scalar>(values, {used, dy + at_output(b, h), dv + at_value(b, g)});
        }
        kernels::softmax_backward(steps, sources, p + at, slopes, slopes);
      }
    });
  }

  /// From gradients of the scores: dq = scale ds k and dk = scale dsᵀ q, where wanted. ds is scaled.
  void backward_to_inputs(const Scalar* q, const Scalar* k, Scalar* ds, Scalar* dq, Scalar* dk) const {
    each_group([&](Index b, Index g) {
      for (Index h = g * (heads / groups); h < (g + 1) * (heads / groups); ++h) {
        Scalar* slopes = ds + at_scores(b, h);
        const Scalar factor = static_cast<Scalar>(scale);
        for (Index i = 0; i < steps * sources; ++i) slopes[i] *= factor;
        if (dq) {
          kernels::GemmDesc desc;
          desc.m = steps, desc.n = dim, desc.k = sources;
          desc.ldb = groups * dim, desc.ldc = heads * dim;
          kernels::gemm<Scalar>(desc, {slopes, k + at_key(b, g), dq + at_query(b, h)});
        }
        if (dk) {
          kernels::GemmDesc desc;
          desc.m = sources, desc.n = dim, desc.k = steps;
          desc.trans_a = kernels::Transpose::yes;
          desc.ldb = heads * dim, desc.ldc = groups * dim;
          desc.accumulate = h > g * (heads / groups);
          kernels::gemm<Scalar>(desc, {slopes, q + at_query(b, h), dk + at_key(b, g)});
        }
      }
    });
  }

 private:
  Index at_scores(Index b, Index h) const { return (b * heads + h) * steps * sources; }
  Index at_query(Index b, Index h) const { return (b * steps * heads + h) * dim; }
  Index at_key(Index b, Index g) const { return (b * sources * groups + g) * dim; }
  Index at_value(Index b, Index g) const { return (b * sources * groups + g) * value_dim; }
  Index at_output(Index b, Index h) const { return (b * steps * heads + h) * value_dim; }

  /// fn(b, h, its group), several at a time; products inside run on one thread then.
  template <class Fn>
  void each(const Fn& fn) const {
    parallel_for(0, batch * heads, grain(1), [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) fn(i / heads, i % heads, i % heads * groups / heads);
    });
  }
  template <class Fn>
  void each_group(const Fn& fn) const {
    parallel_for(0, batch * groups, grain(heads / groups), [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) fn(i / groups, i % groups);
    });
  }
  Index grain(Index heads_each) const {
    return 65536 / std::max<Index>(1, heads_each * steps * sources * (dim + value_dim)) + 1;
  }

  void copy_dropped(const RandomStreams& streams, Index at, Index size, const Scalar* p, Scalar* into) const {
    streams.for_range(probabilities(), at, at + size, [&](RandomKey stream, Index first, Index from, Index to) {
      kernels::random_mask(dropout_mask<Scalar>(stream, dropout), from - first, to - from, p + from, into + from);
    });
  }

  /// Masks, softmax, dropout and the product with the values, for one head of one sample.
  void finish(const AttentionMasks<Scalar>& masks, const Use& use, const RandomStreams& streams, Index b, Index h,
              Index g, const Scalar* v, Scalar* p, Scalar* dropped, Scalar* y) const {
    const Index at = at_scores(b, h), size = steps * sources;
    if (masks.any()) hide(masks, b, p + at);
    kernels::softmax_forward(steps, sources, p + at, p + at);
    const Scalar* used = p + at;
    if (drops(use)) {
      copy_dropped(streams, at, size, p, dropped);
      used = dropped + at;
    }
    kernels::GemmDesc desc;
    desc.m = steps, desc.n = value_dim, desc.k = sources;
    desc.ldb = groups * value_dim, desc.ldc = heads * value_dim;
    kernels::gemm<Scalar>(desc, {used, v + at_value(b, g), y + at_output(b, h)});
  }

  void hide(const AttentionMasks<Scalar>& masks, Index b, Scalar* scores) const {
    const Scalar* attention =
        masks.attention ? masks.attention + (masks.one_attention ? 0 : b * steps * sources) : nullptr;
    for (Index t = 0; t < steps; ++t) {
      const bool row = !masks.query || masks.query[b * steps + t] != 0;
      for (Index s = 0; s < sources; ++s) {
        const bool counts = row && (!masks.value || masks.value[b * sources + s] != 0) &&
                            (!masks.key || masks.key[b * sources + s] != 0) &&
                            (!attention || attention[t * sources + s] != 0) && (!masks.causal || s <= t);
        if (!counts) scores[t * sources + s] -= Scalar(1e9);
      }
    }
  }
};

/// Distributes memory that needs() asked for: pieces of so many numbers, one behind the other.
template <class Scalar>
class Pieces {
 public:
  explicit Pieces(std::byte* memory) : memory_(memory) {}
  /// For counting alone.
  Pieces() = default;

  Scalar* take(Index count) {
    Scalar* result = memory_ ? reinterpret_cast<Scalar*>(memory_ + bytes_) : nullptr;
    bytes_ += (count * static_cast<Index>(sizeof(Scalar)) + 63) / 64 * 64;
    return result;
  }
  Index bytes() const { return bytes_; }

 private:
  std::byte* memory_ = nullptr;
  Index bytes_ = 0;
};

}  // namespace graft::detail
