#pragma once

#include <algorithm>
#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8;
  double epsilon_1 = 1e-30;
  double epsilon_2 = 1e-3;      ///< the least scale of the weights
  double clip_threshold = 1.0;  ///< of the root mean square of a step; has nothing to do with clipnorm
  bool relative_step = true;    ///< makes no difference, as in Keras: the rate is at most 1 / sqrt(t) either way
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<Index> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<Index> gradient_accumulation_steps = {};
  std::string name = {};
};

namespace detail {

/// The arguments that Adafactor alone has.
struct AdafactorArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double beta_2_decay = -0.8;
  double epsilon_1 = 1e-30;
  double epsilon_2 = 1e-3;
  double clip_threshold = 1.0;
  bool relative_step = true;

  void fields(ConfigFields& f) {
    f("beta_2_decay", beta_2_decay);
    f("epsilon_1", epsilon_1);
    f("epsilon_2", epsilon_2);
    f("clip_threshold", clip_threshold);
    f("relative_step", relative_step);
  }
};

}  // namespace detail

template <class Scalar>
class AdafactorImpl final : public OptimizerImpl<Scalar> {
 public:
  AdafactorImpl(const OptimizerCommon& common, const detail::AdafactorArgs& args)
      : OptimizerImpl<Scalar>("Adafactor", "adafactor", common), args_(args) {
    if (!(args_.clip_threshold > 0)) {
      fail<ConfigError>("optimizer Adafactor", "clip_threshold above 0", text::number("%g", args_.clip_threshold));
    }
  }

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"r", 0}, {"c", 0}, {"velocity", 0}}; }
  // Means over rows and over columns; of vectors and scalars Keras keeps a 0 in their place.
  GRAFT_COLD std::optional<Shape> own_slot_shape(std::string_view slot,
                                                 const Variable<Scalar>& variable) const override {
    if (slot == "velocity") return variable.shape();
    const int rank = variable.shape().rank();
    Shape shape;
    for (int axis = 0; rank >= 2 && axis < rank; ++axis) {
      if (axis != (slot == "r" ? rank - 1 : rank - 2)) shape.push_back(variable.shape()[axis]);
    }
    return shape;
  }

  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    if (n == 0) return;
    const Scalar t = static_cast<Scalar>(step.step), fresh = std::pow(t, static_cast<Scalar>(args_.beta_2_decay));
    const Scalar rho = std::min(static_cast<Scalar>(step.learning_rate), 1 / std::sqrt(t));
    const Scalar scale = std::max(static_cast<Scalar>(args_.epsilon_2), root_mean_square(n, w));
    const Shape& shape = step.variable->shape();
    Scalar* v = slots[2].data();
    if (shape.rank() < 2) {
      const Scalar epsilon = static_cast<Scalar>(args_.epsilon_1);
      for (Index i = 0; i < n; ++i) v[i] = (1 - fresh) * v[i] + fresh * (g[i] * g[i] + epsilon);
    } else {
      const Index rows = shape[shape.rank() - 2], cols = shape[shape.rank() - 1];
      Scalar *r = slots[0].data(), *c = slots[1].data();
      for (Index at = 0; at < n; at += rows * cols, r += rows, c += cols) {
        factor(fresh, rows, cols, g + at, r, c, v + at);
      }
    }
    double squares = 0;
    for (Index i = 0; i < n; ++i) {
      const double u = static_cast<double>(g[i] / std::sqrt(v[i]));
      squares += u * u;
    }
    const Scalar size = static_cast<Scalar>(std::sqrt(squares / static_cast<double>(n)));
    const Scalar rate = scale * rho / std::max(Scalar(1), size / static_cast<Scalar>(args_.clip_threshold));
    for (Index i = 0; i < n; ++i) w[i] -= rate * (g[i] / std::sqrt(v[i]));
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::AdafactorArgs(args_).fields(f); }

 private:
  static Scalar root_mean_square(Index n, const Scalar* x) {
    return static_cast<Scalar>(std::sqrt(kernels::sum_of_squares(n, x) / static_cast<double>(n)));
  }

  // One matrix: moves the means r of rows and c of columns, and makes v = r c / mean(r) of them.
  void factor(Scalar fresh, Index rows, Index cols, const Scalar* g, Scalar* r, Scalar* c, Scalar* v) const {
    const Scalar epsilon = static_cast<Scalar>(args_.epsilon_1), of_rows = fresh / static_cast<Scalar>(rows);
    for (Index j = 0; j < cols; ++j) c[j] *= 1 - fresh;
    double sum_of_r = 0;
    for (Index i = 0; i < rows; ++i) {
      double sum = 0;
      for (Index j = 0; j < cols; ++j) {
        const Scalar square = g[i * cols + j] * g[i * cols + j] + epsilon;
        sum += static_cast<double>(square);
        c[j] += of_rows * square;
      }
      r[i] = (1 - fresh) * r[i] + fresh * static_cast<Scalar>(sum / static_cast<double>(cols));
      sum_of_r += static_cast<double>(r[i]);
    }
    const Scalar mean = static_cast<Scalar>(sum_of_r / static_cast<double>(rows));
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) v[i * cols + j] = r[i] / mean * c[j];
    }
  }

  detail::AdafactorArgs args_;
};

/// Adam without momentum whose second moments v are kept as means r over rows and c over columns of the last two
/// axes: with b = 1 - t^beta_2_decay and s = g^2 + epsilon_1, r = b r + (1 - b) mean(s over columns), c likewise over
/// rows, v = r c / mean(r); of variables of rank 0 and 1, v = b v + (1 - b) s. With u = g / sqrt(v), steps are relative
/// to the weights: w -= max(epsilon_2, rms(w)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / clip_threshold).
/// Source: Shazeer & Stern 2018.
template <class Scalar = float>
class Adafactor : public Optimizer<Scalar> {
 public:
  using Options = AdafactorOptions;
  explicit Adafactor(const AdafactorOptions& options = {})
      : Optimizer<Scalar>(new AdafactorImpl<Scalar>(OptimizerCommon::of(options),
                                                    {options.beta_2_decay, options.epsilon_1, options.epsilon_2,
                                                     options.clip_threshold, options.relative_step})) {}
};

}  // namespace graft
