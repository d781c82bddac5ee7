#pragma once

#include <array>
#include <cmath>

#include "graft/kernels/gemm.hpp"
#include "graft/nn/layers/merge_layer.hpp"

namespace graft {

struct DotOptions {
  bool normalize = false;  ///< divides both by their L2 norm along the axis first: cosine similarity
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class DotImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD DotImpl(std::array<int, 2> axes, bool one_axis, const DotOptions& options)
      : LayerImpl<Scalar>("Dot", options), axes_(axes), one_axis_(one_axis), normalize_(options.normalize) {
    if (axes_[0] == 0 || axes_[1] == 0) fail<ConfigError>(this->where(), "axes behind the batch", "0");
  }
  std::string_view class_name() const override { return "Dot"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    detail::check_merge_inputs(inputs, 2, this->where());
    int at[2];
    for (std::size_t i = 0; i < 2; ++i) {
      const int rank = inputs[i].rank();
      at[i] = axes_[i] < 0 ? axes_[i] + rank : axes_[i];
      if (at[i] < 1 || at[i] >= rank) {
        fail<ShapeError>(this->where(), "an input that has axis " + std::to_string(axes_[i]) + " behind the batch",
                         inputs[i].str());
      }
    }
    if (!inputs[0].slice(at[0], at[0] + 1).compatible(inputs[1].slice(at[1], at[1] + 1))) {
      fail<ShapeError>(this->where(), "inputs that agree on the axes of the product",
                       inputs[0].str() + " and " + inputs[1].str());
    }
    Shape result{inputs[0][0] == Shape::kUnknown ? inputs[1][0] : inputs[0][0]};
    for (std::size_t i = 0; i < 2; ++i) {
      for (int axis = 1; axis < inputs[i].rank(); ++axis) {
        if (axis != at[i]) result.push_back(inputs[i][axis]);
      }
    }
    if (result.rank() == 1) result.push_back(1);
    return result;
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients;
    // Normalised inputs and the gradient of one of them.
    if (normalize_) {
      const Index a = inputs[0].elements(), b = inputs[1].elements();
      needs.scratch_bytes = (a + b + std::max(a, b)) * static_cast<Index>(sizeof(Scalar));
    }
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const Operand a(args.x(0), axes_[0]), b(args.x(1), axes_[1]);
    const Scalar *x0 = args.x(0).data(), *x1 = args.x(1).data();
    if (normalize_) normalize_both(args, a, b, x0, x1);
    for (Index n = 0; n < a.batch; ++n) {
      product(a, x0 + n * a.sample(), b, x1 + n * b.sample(), args.y().data() + n * a.free() * b.free());
    }
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.use.input_gradients) return;
    const Operand a(args.x(0), axes_[0]), b(args.x(1), axes_[1]);
    const Scalar *x0 = args.x(0).data(), *x1 = args.x(1).data();
    Scalar* aside = nullptr;
    if (normalize_) aside = normalize_both(args, a, b, x0, x1);
    for (std::size_t i = 0; i < 2; ++i) {
      const TensorView<Scalar>& dx = args.dx(i);
      if (!dx) continue;
      const bool add = args.add_to_input && !normalize_;
      Scalar* into = normalize_ ? aside : dx.data();
      if (!add) std::fill_n(into, dx.size(), Scalar(0));
      const Index free = a.free() * b.free();
      for (Index n = 0; n < a.batch; ++n) {
        const Scalar* dy = args.dy().data() + n * free;
        if (i == 0) spread(a, into + n * a.sample(), b, x1 + n * b.sample(), dy, b.free(), 1);
        else spread(b, into + n * b.sample(), a, x0 + n * a.sample(), dy, 1, b.free());
      }
      if (normalize_) {
        const Operand& operand = i == 0 ? a : b;
        unnormalize(operand, args.x(i).data(), i == 0 ? x0 : x1, into, dx.data(), args.add_to_input);
      }
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["axes"] = one_axis_ ? Config(axes_[0]) : Config::array({axes_[0], axes_[1]});
    config["normalize"] = normalize_;
    return config;
  }

 private:
  /// An input as (batch, outer, k, inner): the product sums over k.
  struct Operand {
    Index batch, outer, k, inner;

    Operand(const TensorView<const Scalar>& x, int axis) {
      const Shape& shape = x.shape();
      const int at = axis < 0 ? axis + shape.rank() : axis;
      batch = shape[0];
      outer = shape.product(1, at);
      k = shape[at];
      inner = shape.product(at + 1, shape.rank());
    }
    Index free() const { return outer * inner; }
    Index sample() const { return free() * k; }
    /// Where the vector that belongs to free position f starts; its elements are `inner` apart.
    Index start(Index f) const { return f / inner * k * inner + f % inner; }
    /// The matrix product takes (free, k) and (k, free).
    bool is_matrix() const { return inner == 1 || outer == 1; }
  };

  static kernels::Transpose transposed(bool yes) { return yes ? kernels::Transpose::yes : kernels::Transpose::no; }

  /// y[f, g] = sum over k of a[f, k] b[g, k]
  static void product(const Operand& a, const Scalar* x0, const Operand& b, const Scalar* x1, Scalar* y) {
    if (a.is_matrix() && b.is_matrix()) {
      kernels::GemmDesc desc;
      desc.m = a.free(), desc.n = b.free(), desc.k = a.k;
      desc.trans_a = transposed(a.inner != 1);
      desc.trans_b = transposed(b.inner == 1);
      return kernels::gemm<Scalar>(desc, {x0, x1, y});
    }
    for (Index f = 0; f < a.free(); ++f) {
      for (Index g = 0; g < b.free(); ++g) {
        Scalar sum = 0;
        const Scalar *p = x0 + a.start(f), *q = x1 + b.start(g);
        for (Index i = 0; i < a.k; ++i) sum += p[i * a.inner] * q[i * b.inner];
        y[f * b.free() + g] = sum;
      }
    }
  }

  /// dx[f, k] += sum over g of dy[f * f_step + g * g_step] other[g, k]
  static void spread(const Operand& own, Scalar* dx, const Operand& other, const Scalar* x, const Scalar* dy,
                     Index f_step, Index g_step) {
    if (own.is_matrix() && other.is_matrix()) {
      kernels::GemmDesc desc;
      desc.accumulate = true;
      const bool rows = own.inner == 1;  // dx is stored as (f, k), else as (k, f)
      const bool other_rows = other.inner == 1;
      const bool dy_rows = g_step == 1;  // dy is stored as (f, g), else as (g, f)
      desc.k = other.free();
      desc.m = rows ? own.free() : own.k;
      desc.n = rows ? own.k : own.free();
      desc.trans_a = transposed(rows ? !dy_rows : other_rows);
      desc.trans_b = transposed(rows ? !other_rows : dy_rows);
      return kernels::gemm<Scalar>(desc, {rows ? dy : x, rows ? x : dy, dx});
    }
    for (Index f = 0; f < own.free(); ++f) {
      for (Index g = 0; g < other.free(); ++g) {
        const Scalar slope = dy[f * f_step + g * g_step];
        Scalar* to = dx + own.start(f);
        const Scalar* from = x + other.start(g);
        for (Index i = 0; i < own.k; ++i) to[i * own.inner] += slope * from[i * other.inner];
      }
    }
  }

  /// The factor by which a vector is normalised: 1 / max(norm, 1e-7), as Keras 3.
  static Scalar inverse_norm(const Operand& x, const Scalar* vector) {
    Scalar squares = 0;
    for (Index i = 0; i < x.k; ++i) squares += vector[i * x.inner] * vector[i * x.inner];
    return std::min(Scalar(1) / std::sqrt(squares), static_cast<Scalar>(kLargestFactor));
  }
  /// Puts the normalised inputs into scratch and the pointers on them. Returns what is free behind them.
  template <class Args>
  static Scalar* normalize_both(const Args& args, const Operand& a, const Operand& b, const Scalar*& x0,
                                const Scalar*& x1) {
    Scalar* first = reinterpret_cast<Scalar*>(args.scratch);
    Scalar* second = first + a.batch * a.sample();
    normalize(a, x0, first);
    normalize(b, x1, second);
    x0 = first;
    x1 = second;
    return second + b.batch * b.sample();
  }
  static void normalize(const Operand& operand, const Scalar* x, Scalar* to) {
    for (Index v = 0; v < operand.batch * operand.free(); ++v) {
      const Index at = operand.start(v);
      const Scalar factor = inverse_norm(operand, x + at);
      for (Index i = 0; i < operand.k; ++i) to[at + i * operand.inner] = factor * x[at + i * operand.inner];
    }
  }
  /// dx (+)= factor * (d - unit * (unit · d)), of the vectors whose factor is not at its limit; there factor * d.
  static void unnormalize(const Operand& operand, const Scalar* x, const Scalar* unit, const Scalar* d, Scalar* dx,
                          bool add) {
    for (Index v = 0; v < operand.batch * operand.free(); ++v) {
      const Index at = operand.start(v);
      const Scalar factor = inverse_norm(operand, x + at);
      Scalar along = 0;
      if (factor < static_cast<Scalar>(kLargestFactor)) {
        for (Index i = 0; i < operand.k; ++i) along += unit[at + i * operand.inner] * d[at + i * operand.inner];
      }
      for (Index i = 0; i < operand.k; ++i) {
        const Index j = at + i * operand.inner;
        const Scalar value = factor * (d[j] - unit[j] * along);
        dx[j] = add ? dx[j] + value : value;
      }
    }
  }

  static constexpr double kLargestFactor = 1e7;

  std::array<int, 2> axes_;
  bool one_axis_, normalize_;
};

/// Dot product of two inputs along one axis of each, sample by sample: (batch, a, k) and (batch, k, b) with axes {2, 1}
/// give (batch, a, b); two vectors give (batch, 1). Axes count with the batch as 0. Throws ConfigError for axis 0 and
/// ShapeError for inputs that do not fit.
template <class Scalar = float>
class Dot : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Dot(int axes, const DotOptions& options = {})
      : Layer<Scalar>(new DotImpl<Scalar>({axes, axes}, true, options)) {}
  GRAFT_COLD explicit Dot(std::array<int, 2> axes, const DotOptions& options = {})
      : Layer<Scalar>(new DotImpl<Scalar>(axes, false, options)) {}

  GRAFT_COLD static Dot from_config(const Config& config) {
    DotOptions options;
    detail::read(config, "normalize", options.normalize);
    detail::read_base(config, options);
    const Config& axes = config.at("axes");
    if (!axes.is_array()) return Dot(static_cast<int>(axes.as_int("axes")), options);
    const auto& items = axes.items("axes");
    if (items.size() != 2) {
      fail<ConfigError>("Dot \"" + options.name + "\"", "one axis or two", std::to_string(items.size()));
    }
    return Dot({static_cast<int>(items[0].as_int("axes")), static_cast<int>(items[1].as_int("axes"))}, options);
  }
};

}  // namespace graft
