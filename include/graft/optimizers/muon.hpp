#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/pattern.hpp"
#include "graft/kernels/gemm.hpp"
#include "graft/kernels/optimizer_update.hpp"
#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct MuonOptions {
  LearningRate learning_rate = 0.001;
  double adam_beta_1 = 0.9;
  double adam_beta_2 = 0.999;
  std::optional<double> adam_weight_decay = 0.004;  ///< in place of weight_decay, where Adam's step is made
  double epsilon = 1e-7;
  std::vector<std::string> exclude_layers = {};  ///< Adam moves weights whose path one of these patterns finds
  bool exclude_embeddings = true;                ///< … and those with "embedding" in their path
  double muon_a = 3.4445;
  double muon_b = -4.7750;
  double muon_c = 2.0315;
  double adam_lr_ratio = 1;  ///< Adam's learning rate is this times learning_rate
  double momentum = 0.95;
  Index ns_steps = 5;  ///< Newton-Schulz iterations
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;  ///< none: steps are as the iteration leaves them
  std::optional<double> weight_decay = 0.004;
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

/// The arguments that Muon alone has.
struct MuonArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0.004;
  double adam_beta_1 = 0.9;
  double adam_beta_2 = 0.999;
  std::optional<double> adam_weight_decay = 0.004;
  double epsilon = 1e-7;
  std::vector<std::string> exclude_layers = {};
  bool exclude_embeddings = true;
  double muon_a = 3.4445, muon_b = -4.7750, muon_c = 2.0315;
  double adam_lr_ratio = 1;
  double momentum = 0.95;
  Index ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;
  bool before_3_13 = false;  ///< as Keras 3.10 … 3.12 has it

  static MuonArgs of(const MuonOptions& o) {
    return {o.adam_beta_1,   o.adam_beta_2,    o.adam_weight_decay,
            o.epsilon,       o.exclude_layers, o.exclude_embeddings,
            o.muon_a,        o.muon_b,         o.muon_c,
            o.adam_lr_ratio, o.momentum,       o.ns_steps,
            o.nesterov,      o.rms_rate};
  }

  GRAFT_COLD void fields(ConfigFields& f) {
    // Files of before 3.13 have neither key, and want the steps of then.
    if (f.reading()) {
      before_3_13 = f.from()->contains("ns_steps") && !f.from()->contains("adam_weight_decay");
      if (f.from()->contains("ns_steps") && !f.from()->contains("rms_rate")) rms_rate.reset();
    }
    f("adam_beta_1", adam_beta_1);
    f("adam_beta_2", adam_beta_2);
    f("epsilon", epsilon);
    f("exclude_layers", exclude_layers);
    f("muon_a", muon_a);
    f("muon_b", muon_b);
    f("muon_c", muon_c);
    f("adam_lr_ratio", adam_lr_ratio);
    f("momentum", momentum);
    f("ns_steps", ns_steps);
    f("nesterov", nesterov);
    f("exclude_embeddings", exclude_embeddings);
    if (before_3_13) return;
    // No decay is written as 0, so that a file which leaves nulls out is not taken for an old one.
    if (f.to()) adam_weight_decay = adam_weight_decay.value_or(0.0);
    f("adam_weight_decay", adam_weight_decay);
    f("rms_rate", rms_rate);
  }
};

}  // namespace detail

template <class Scalar>
class MuonImpl final : public OptimizerImpl<Scalar> {
 public:
  MuonImpl(const OptimizerCommon& common, const detail::MuonArgs& args)
      : OptimizerImpl<Scalar>("Muon", "muon", common), args_(args) {
    if (args_.ns_steps < 0 || args_.ns_steps > 1000) {
      fail<ConfigError>("optimizer Muon", "ns_steps from 0 to 1000", std::to_string(args_.ns_steps));
    }
    for (const std::string& pattern : args_.exclude_layers) excluded_.emplace_back(pattern);
  }

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"momentum", 0}, {"velocity", 0}}; }
  // Only where Adam's step is made is there a velocity.
  GRAFT_COLD std::optional<Shape> own_slot_shape(std::string_view slot,
                                                 const Variable<Scalar>& variable) const override {
    if (slot == "velocity" && !uses_adam(variable)) return std::nullopt;
    return variable.shape();
  }
  double weight_decay(std::span<const Tensor<Scalar>> slots) const override {
    const bool adams = slots[1].allocated() && !args_.before_3_13;
    return (adams ? args_.adam_weight_decay : this->common().weight_decay).value_or(0.0);
  }

  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    Scalar* m = slots[0].data();
    if (slots[1].allocated()) {
      const kernels::AdamParams params{step.learning_rate * args_.adam_lr_ratio,
                                       args_.adam_beta_1,
                                       args_.adam_beta_2,
                                       args_.epsilon,
                                       false,
                                       0,
                                       step.step};
      kernels::adam_update<Scalar>(params, n, g, w, m, slots[1].data(), nullptr);
      return;
    }
    const Shape& shape = step.variable->shape();
    const Index rows = shape[shape.rank() - 2], cols = shape[shape.rank() - 1], size = rows * cols;
    if (n == 0) return;
    const Index small = std::min(rows, cols);
    scratch_.resize(std::max(scratch_.size(), static_cast<std::size_t>(2 * size + 2 * small * small)));
    const double longest = static_cast<double>(std::max(shape[0], shape[1]));
    const double old_scale = std::sqrt(std::max(1.0, static_cast<double>(shape[0]) / static_cast<double>(shape[1])));
    const double scale = args_.before_3_13 ? old_scale : args_.rms_rate ? std::sqrt(longest) * *args_.rms_rate : 1.0;
    const Scalar rate = static_cast<Scalar>(step.learning_rate * scale);
    const Scalar momentum = static_cast<Scalar>(args_.momentum);
    for (Index at = 0; at < n; at += size) {
      Scalar* x = scratch_.data();
      for (Index i = 0; i < size; ++i) {
        Scalar& moving = m[at + i];
        moving += g[at + i] + moving * (momentum - 1);
        x[i] = args_.nesterov ? g[at + i] + momentum * moving : moving;
      }
      orthogonalize(rows, cols, x);
      for (Index i = 0; i < size; ++i) w[at + i] -= rate * x[i];
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::MuonArgs(args_).fields(f); }

 private:
  GRAFT_COLD bool uses_adam(const Variable<Scalar>& variable) const {
    const int rank = variable.shape().rank();
    if (rank != 2 && !(rank == 3 && args_.before_3_13)) return true;
    std::string path = variable.path();
    for (const Pattern& pattern : excluded_) {
      if (pattern.search(path)) return true;
    }
    for (char& c : path) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return args_.exclude_embeddings && path.find("embedding") != std::string::npos;
  }

  // x = a x + (b A + c A A) x with A = x x', again and again: drives the singular values of x, which is of norm 1 to
  // begin with, to about 1. A is made on the shorter side, whichever that is.
  void orthogonalize(Index rows, Index cols, Scalar* x) {
    const Index size = rows * cols, small = std::min(rows, cols);
    const Scalar a = static_cast<Scalar>(args_.muon_a), b = static_cast<Scalar>(args_.muon_b);
    const Scalar c = static_cast<Scalar>(args_.muon_c);
    Scalar *y = x + size, *square = y + size, *fourth = square + small * small;
    const double norm = std::sqrt(kernels::sum_of_squares(size, static_cast<const Scalar*>(x)));
    const Scalar inverse = 1 / (static_cast<Scalar>(norm) + static_cast<Scalar>(1e-7));
    for (Index i = 0; i < size; ++i) x[i] *= inverse;

    const bool tall = rows > cols;
    kernels::GemmDesc to_square{.m = small, .n = small, .k = std::max(rows, cols)};
    (tall ? to_square.trans_a : to_square.trans_b) = kernels::Transpose::yes;
    const kernels::GemmDesc to_fourth{.m = small, .n = small, .k = small};
    const kernels::GemmDesc to_step{.m = rows, .n = cols, .k = small};
    for (Index step = 0; step < args_.ns_steps; ++step) {
      kernels::gemm<Scalar>(to_square, {x, x, square});
      kernels::gemm<Scalar>(to_fourth, {square, square, fourth});
      for (Index i = 0; i < small * small; ++i) fourth[i] = b * square[i] + c * fourth[i];
      if (tall) kernels::gemm<Scalar>(to_step, {x, fourth, y});
      else kernels::gemm<Scalar>(to_step, {fourth, x, y});
      for (Index i = 0; i < size; ++i) x[i] = a * x[i] + y[i];
    }
  }

  detail::MuonArgs args_;
  std::vector<Pattern> excluded_;
  std::vector<Scalar> scratch_;
};

/// For matrices: m = momentum m + g; d = g + momentum m (without nesterov: m), made orthogonal by ns_steps of a
/// Newton-Schulz iteration; w -= lr rms_rate sqrt(max(rows, cols)) d. Weights of other ranks, embeddings and layers of
/// exclude_layers (name the output layer there) are moved by Adam, with adam_weight_decay.
///
/// exclude_layers are regular expressions (see Pattern) that search Variable::path: "output" is enough for a layer of
/// that name. Of configurations that Keras 3.10 … 3.12 wrote the steps are those of then: lr sqrt(max(1, rows / cols))
/// d, matrices of rank 3 as well, weight_decay for all. Sources: Jordan et al. 2024; Liu et al. 2025; Keras 3.13.
template <class Scalar = float>
class Muon : public Optimizer<Scalar> {
 public:
  using Options = MuonOptions;
  explicit Muon(const MuonOptions& options = {})
      : Optimizer<Scalar>(new MuonImpl<Scalar>(OptimizerCommon::of(options), detail::MuonArgs::of(options))) {}
};

}  // namespace graft
