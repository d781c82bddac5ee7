#pragma once

#include <cmath>
#include <limits>

#include "graft/nn/axis_slices.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft {

/// Sum, mean, … along axes; all of them when `axis` is missing. keepdims leaves axes of size 1 in their places. Equal
/// largest (smallest) elements share the gradient of Max (Min). Any, All, Argmax and Argmin have none.
template <class Scalar>
class ReduceOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;
  using Chosen = std::array<bool, Shape::kMaxRank>;
  enum Kind : std::size_t { kSum, kMean, kProd, kMax, kMin, kVar, kStd, kLogsumexp, kAny, kAll, kArgmax, kArgmin };
  static constexpr const char* kNames[] = {"ops.Sum", "ops.Mean", "ops.Prod",   "ops.Max",
                                           "ops.Min", "ops.Var",  "ops.Std",    "ops.Logsumexp",
                                           "ops.Any", "ops.All",  "ops.Argmax", "ops.Argmin"};

 public:
  static constexpr std::size_t kCount = 12;
  static const char* name_of(std::size_t kind) { return kNames[kind]; }

  GRAFT_COLD ReduceOpImpl(std::size_t kind, const Config& config)
      : Base(name_of(kind), config),
        kind_(static_cast<Kind>(kind)),
        axes_(detail::read_integers(config, "axis")),
        keepdims_(config.get("keepdims", false)) {
    if (axes_ && axes_->size() != 1 && kind >= kArgmax) {
      fail<ConfigError>(this->where(), "one axis, or none", std::to_string(axes_->size()) + " axes");
    }
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    const Chosen chosen = chosen_of(inputs[0]);
    Shape result;
    for (int axis = 0; axis < inputs[0].rank(); ++axis) {
      if (!chosen[static_cast<std::size_t>(axis)]) result.push_back(inputs[0][axis]);
      else if (keepdims_) result.push_back(1);
    }
    return result;
  }
  bool differentiable(std::size_t) const override { return kind_ < kAny; }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients && kind_ >= kProd && kind_ < kAny;
    needs.outputs = needs.inputs && kind_ != kVar;
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const detail::AxisSlices slices(args.x().shape(), chosen_of(args.x().shape()));
    each(slices, [&](Index s) { args.y()[s] = value(slices, args.x().data() + slices.start(s)); });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    if (!differentiable(0)) {
      if (!args.add_to_input) std::fill_n(args.dx().data(), args.dx().size(), Scalar(0));
      return;
    }
    const detail::AxisSlices slices(args.dx().shape(), chosen_of(args.dx().shape()));
    each(slices, [&](Index s) {
      const Index start = slices.start(s);
      const Scalar* x = needs_x() ? args.x().data() + start : nullptr;
      differentiate(slices, x, needs_x() && kind_ != kVar ? args.y()[s] : Scalar(0), args.dy()[s],
                    args.dx().data() + start, args.add_to_input);
    });
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    if (!axes_) config["axis"] = Config();
    else config["axis"] = axes_->size() == 1 ? Config(axes_->front()) : detail::integers_config(*axes_);
    config["keepdims"] = keepdims_;
    return config;
  }

 private:
  bool needs_x() const { return kind_ >= kProd; }
  Chosen chosen_of(const Shape& shape) const {
    Chosen chosen{};
    if (!axes_) chosen.fill(true);
    else
      for (const Index axis : *axes_) {
        chosen[static_cast<std::size_t>(detail::axis_of(axis, shape.rank(), this->name()))] = true;
      }
    return chosen;
  }
  template <class Fn>
  static void each(const detail::AxisSlices& slices, const Fn& fn) {
    const Index grain = 4096 / std::max<Index>(slices.count(), 1) + 1;
    parallel_for(0, slices.slices(), grain, [&](Index from, Index to) {
      for (Index s = from; s < to; ++s) fn(s);
    });
  }

  static double sum(const detail::AxisSlices& slices, const Scalar* x) {
    double total = 0;
    slices.for_each([&](Index i) { total += static_cast<double>(x[i]); });
    return total;
  }
  static double variance(const detail::AxisSlices& slices, const Scalar* x, double mean) {
    double total = 0;
    slices.for_each([&](Index i) { total += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean); });
    return total / static_cast<double>(slices.count());
  }
  /// Position of the first largest (smallest) element; of a NaN, if there is one.
  static Index extreme(const detail::AxisSlices& slices, const Scalar* x, bool largest) {
    Index best = 0, at = 0, best_offset = 0;
    slices.for_each([&](Index i) {
      const Scalar now = x[i], then = x[best_offset];
      if (then == then && (now != now || (largest ? now > then : now < then))) best = at, best_offset = i;
      ++at;
    });
    return best;
  }

  Scalar value(const detail::AxisSlices& slices, const Scalar* x) const {
    const double count = static_cast<double>(slices.count());
    switch (kind_) {
      case kSum: return static_cast<Scalar>(sum(slices, x));
      case kMean: return static_cast<Scalar>(sum(slices, x) / count);
      case kVar: return static_cast<Scalar>(variance(slices, x, sum(slices, x) / count));
      case kStd: return static_cast<Scalar>(std::sqrt(variance(slices, x, sum(slices, x) / count)));
      case kProd: {
        double product = 1;
        slices.for_each([&](Index i) { product *= static_cast<double>(x[i]); });
        return static_cast<Scalar>(product);
      }
      case kMax:
      case kMin: {
        Scalar best =
            kind_ == kMax ? -std::numeric_limits<Scalar>::infinity() : std::numeric_limits<Scalar>::infinity();
        slices.for_each([&](Index i) {
          const bool better = kind_ == kMax ? x[i] > best : x[i] < best;
          best = better || x[i] != x[i] ? x[i] : best;
        });
        return best;
      }
      case kLogsumexp: {
        Scalar best = -std::numeric_limits<Scalar>::infinity();
        slices.for_each([&](Index i) { best = x[i] > best ? x[i] : best; });
        if (!(best < std::numeric_limits<Scalar>::infinity() && best > -std::numeric_limits<Scalar>::infinity()))
          return best;
        double total = 0;
        slices.for_each([&](Index i) { total += std::exp(static_cast<double>(x[i] - best)); });
        return best + static_cast<Scalar>(std::log(total));
      }
      case kAny:
      case kAll: {
        bool any = false, all = true;
        slices.for_each([&](Index i) { any = any || x[i] != 0, all = all && x[i] != 0; });
        return (kind_ == kAny ? any : all) ? Scalar(1) : Scalar(0);
      }
      default: return static_cast<Scalar>(extreme(slices, x, kind_ == kArgmax));
    }
  }

  void differentiate(const detail::AxisSlices& slices, const Scalar* x, Scalar y, Scalar dy, Scalar* dx,
                     bool add) const {
    const auto put = [&](Index i, Scalar d) { dx[i] = add ? dx[i] + d : d; };
    const Scalar count = static_cast<Scalar>(slices.count());
    switch (kind_) {
      case kSum: return slices.for_each([&](Index i) { put(i, dy); });
      case kMean: return slices.for_each([&](Index i) { put(i, dy / count); });
      case kMax:
      case kMin: {
        Scalar equal = 0;
        slices.for_each([&](Index i) { equal += x[i] == y ? Scalar(1) : Scalar(0); });
        return slices.for_each([&](Index i) { put(i, x[i] == y ? dy / equal : Scalar(0)); });
      }
      case kLogsumexp: return slices.for_each([&](Index i) { put(i, dy * std::exp(x[i] - y)); });
      case kProd: {
        // The product of the others: the quotient is nothing where an element is 0.
        Index zeros = 0;
        Scalar rest = 1;
        slices.for_each([&](Index i) {
          if (x[i] == 0) ++zeros;
          else rest *= x[i];
        });
        return slices.for_each([&](Index i) {
          put(i, zeros == 0 ? dy * y / x[i] : zeros == 1 && x[i] == 0 ? dy * rest : Scalar(0));
        });
      }
      default: {  // var and std
        const Scalar mean = static_cast<Scalar>(sum(slices, x) / static_cast<double>(count));
        const Scalar factor = kind_ == kVar ? 2 * dy / count : y > 0 ? dy / (count * y) : Scalar(0);
        return slices.for_each([&](Index i) { put(i, factor * (x[i] - mean)); });
      }
    }
  }

  Kind kind_;
  std::optional<std::vector<Index>> axes_;
  bool keepdims_;
};

}  // namespace graft
