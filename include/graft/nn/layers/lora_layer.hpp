#pragma once

#include <cmath>
#include <utility>

#include "graft/kernels/gemm.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// W + scale A B, of the size of W.
template <class Scalar>
void merge_low_rank(const Variable<Scalar>& kernel, Scalar* into) {
  const LowRank<Scalar>& low = *kernel.low_rank();
  std::copy_n(kernel.value().data(), kernel.size(), into);
  kernels::GemmDesc desc;
  desc.n = kernel.shape().back(), desc.m = kernel.size() / desc.n, desc.k = low.b->shape()[0];
  desc.accumulate = true;
  desc.alpha = static_cast<float>(low.scale);
  kernels::gemm<Scalar>(desc, {std::as_const(*low.a).value().data(), std::as_const(*low.b).value().data(), into});
}

/// What a layer computes with, and what files hold: the value, with the change of low rank in it if there is one.
template <class Scalar>
GRAFT_COLD Tensor<Scalar> effective_value(const Variable<Scalar>& variable) {
  Tensor<Scalar> value = variable.value();
  if (variable.low_rank()) merge_low_rank(variable, value.data());
  return value;
}

/// A layer whose kernel can have LoRA (Hu et al. 2022), as in Keras 3: y = f(x (W + (alpha / rank) A B) + b), and
/// training moves A, B and b. The variables lora_kernel_a and lora_kernel_b stand behind those of the layer. The sum is
/// formed once a step (once for many predictions), so that running costs what it did; what gets smaller is what trains.
template <class Scalar>
class LoraLayerImpl : public LayerImpl<Scalar> {
 public:
  /// Of a layer that is built; false for convolutions of kinds that Keras gives no LoRA.
  bool supports_lora() const { return adapted_ != nullptr; }
  bool lora_enabled() const { return adapted_ && adapted_->low_rank(); }
  Index lora_rank() const { return rank_; }
  double lora_alpha() const { return alpha_; }

  GRAFT_COLD void enable_lora(Index rank, const LoraOptions& options) override {
    const std::string where = "enable_lora of " + this->where();
    if (lora_enabled()) throw StateError(where + ": it has LoRA already. Merge it first.");
    if (this->built() && !adapted_) return LayerImpl<Scalar>::enable_lora(rank, options);
    if (!this->built()) throw StateError(where + ": the layer is not built, so there is no kernel yet.");
    if (rank == 0) fail<ConfigError>(where, "a rank of at least 1", "0");
    if (adapted_->constraint()) refuse_constraint();
    choose(rank, options.lora_alpha, where);
    Rng rng(next_random_key());
    add_lora(options, rng);
  }

  /// Ends LoRA: the change becomes part of the kernel, or (`merge` false) is dropped. The kernel trains again.
  GRAFT_COLD void end_lora(bool merge) {
    if (!lora_enabled()) throw StateError("merge_lora of " + this->where() + ": the layer has no LoRA.");
    if (merge) adapted_->assign(std::as_const(*this).effective().view());
    adapted_->set_low_rank(nullptr);
    adapted_->set_trainable(true);
    this->remove_variables(first_);
    rank_ = 0;
  }

 protected:
  using LayerImpl<Scalar>::LayerImpl;

  /// From the constructor. 0 is none, as in Keras.
  GRAFT_COLD void choose(Index rank, const std::optional<double>& alpha, const std::string& where) {
    if (rank < 0) fail<ConfigError>(where + ", LoRA", "a rank of at least 1", std::to_string(rank));
    if (alpha && !std::isfinite(*alpha)) fail<ConfigError>(where + ", LoRA", "a finite lora_alpha", "another number");
    rank_ = rank;
    alpha_ = alpha.value_or(static_cast<double>(rank));
  }
  template <class Options>
  GRAFT_COLD void choose_lora(const Options& options, const std::string& where) {
    choose(options.lora_rank, options.lora_alpha, where);
    if (rank_ > 0 && options.kernel_constraint) refuse_constraint();
  }
  /// From build, when all other variables are there.
  GRAFT_COLD void offer_lora(const VariablePtr<Scalar>& kernel, Rng& rng) {
    adapted_ = kernel;
    if (rank_ > 0) add_lora({}, rng);
  }
  GRAFT_COLD void write_lora(Config& config) const {
    if (rank_ == 0) return;
    config["lora_rank"] = rank_;
    config["lora_alpha"] = alpha_;
  }

  /// Whether gradients of the kernel are of use: false where biases alone train.
  bool kernel_learns() const {
    if (!adapted_ || adapted_->trainable()) return true;
    const LowRank<Scalar>* low = adapted_->low_rank();
    return low && (low->a->trainable() || low->b->trainable());
  }
  Index lora_bytes() const { return round_up_64(adapted_->size() * static_cast<Index>(sizeof(Scalar))); }
  /// The sum in cache (forward to backward), or, without backward, in scratch; the kernel's gradient in scratch.
  void require_lora(Needs& needs, const Use& use) const {
    if (!lora_enabled()) return;
    if (use.backward()) needs.cache_bytes += lora_bytes();
    if (use.weight_gradients || !use.backward()) needs.scratch_bytes += lora_bytes();
  }
  /// Forward: the values to compute with, unless prepared ones are at hand. `cache` and `scratch` are what require_lora
  /// wanted.
  const Scalar* lora_forward(const Variable<Scalar>& kernel, const ForwardArgs<Scalar>& args, std::byte* cache,
                             std::byte* scratch) const {
    if (!lora_enabled() || (args.prepared && !args.use.backward())) return kernel.value().data();
    auto* sum = reinterpret_cast<Scalar*>(args.use.backward() ? cache : scratch);
    merge_low_rank<Scalar>(kernel, sum);
    return sum;
  }
  /// Backward: the same ones.
  const Scalar* lora_values(const Variable<Scalar>& kernel, const std::byte* cache) const {
    return lora_enabled() ? reinterpret_cast<const Scalar*>(cache) : kernel.value().data();
  }
  /// Where the gradient of the kernel is to go: to the caller, or aside for A and B, or (null) nowhere.
  Scalar* kernel_gradient(const BackwardArgs<Scalar>& args, std::byte* scratch) const {
    if (!lora_enabled()) return args.dw(0).data();
    return args.dw(first_) || args.dw(first_ + 1) ? reinterpret_cast<Scalar*>(scratch) : nullptr;
  }
  /// dA = s dW Bᵀ, dB = s Aᵀ dW
  void lora_backward(const BackwardArgs<Scalar>& args, const Scalar* dw) const {
    if (!lora_enabled() || !dw) return;
    const LowRank<Scalar>& low = *adapted_->low_rank();
    const Index columns = adapted_->shape().back(), rows = adapted_->size() / columns, rank = low.b->shape()[0];
    kernels::GemmDesc desc;
    desc.alpha = static_cast<float>(low.scale);
    if (args.dw(first_)) {
      desc.m = rows, desc.n = rank, desc.k = columns;
      desc.trans_b = kernels::Transpose::yes;
      kernels::gemm<Scalar>(desc, {dw, std::as_const(*low.b).value().data(), args.dw(first_).data()});
    }
    if (args.dw(first_ + 1)) {
      desc.m = rank, desc.n = columns, desc.k = rows;
      desc.trans_a = kernels::Transpose::yes, desc.trans_b = kernels::Transpose::no;
      kernels::gemm<Scalar>(desc, {std::as_const(*low.a).value().data(), dw, args.dw(first_ + 1).data()});
    }
  }
  Tensor<Scalar> effective() const { return effective_value<Scalar>(*adapted_); }

 private:
  GRAFT_COLD void add_lora(const LoraOptions& options, Rng& rng) {
    if (adapted_->constraint()) refuse_constraint();
    first_ = this->variables().size();
    Shape a = adapted_->shape();
    a[-1] = rank_;
    LowRank<Scalar> low;
    low.a = this->add_variable("lora_kernel_a", a, options.a_initializer, rng, VariableKind::trainable,
                               adapted_->regularizer());
    low.b = this->add_variable("lora_kernel_b", {rank_, adapted_->shape().back()}, options.b_initializer, rng,
                               VariableKind::trainable, adapted_->regularizer());
    if (UninitializedVariables::active()) {  // files do not hold them
      options.a_initializer.fill(low.a->mutable_value().view(), rng);
      options.b_initializer.fill(low.b->mutable_value().view(), rng);
    }
    low.scale = alpha_ / static_cast<double>(rank_);
    low.a->set_adapter();
    low.b->set_adapter();
    adapted_->set_low_rank(std::make_shared<const LowRank<Scalar>>(std::move(low)));
    adapted_->set_trainable(false);
  }

  [[noreturn]] GRAFT_COLD void refuse_constraint() const {
    fail<ConfigError>("LoRA of " + this->where(), "a layer without kernel_constraint", "one with it",
                      "Keras refuses it, too.");
  }

  VariablePtr<Scalar> adapted_;  // null: the layer has no LoRA
  Index rank_ = 0;
  double alpha_ = 0;
  std::size_t first_ = 0;  // of variables(): A, then B
};

/// lora_rank and lora_alpha of Keras 3's configs.
template <class Options>
GRAFT_COLD void read_lora(const Config& config, Options& options) {
  read(config, "lora_rank", options.lora_rank);
  if (const Config* alpha = config.find_set("lora_alpha")) options.lora_alpha = alpha->as_double("lora_alpha");
}

}  // namespace graft::detail
