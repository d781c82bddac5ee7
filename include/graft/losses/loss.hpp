#pragma once

#include "graft/losses/loss_impl.hpp"

namespace graft {

/// Handle of a loss. Made from a loss object or from Keras's name of one; an empty handle means: no loss here.
///
///     model.compile({.loss = "binary_crossentropy"});
///     model.compile({.loss = graft::BinaryCrossentropy({.from_logits = true})});
///
/// Names are known when graft/losses/losses.hpp is included (graft.hpp does).
template <class Scalar = float>
class Loss {
 public:
  using Impl = LossImpl<Scalar>;
  using In = TensorView<const Scalar>;
  using Out = TensorView<Scalar>;

  Loss() = default;
  explicit Loss(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  /// Takes over what `new` made: one kind of shared_ptr for all losses is quicker to compile than make_shared of each.
  explicit Loss(const Impl* impl) : impl_(impl) {}
  /// Snake-case name, class name or abbreviation ("mse"). Throws ConfigError, with the nearest name, for an unknown
  /// one.
  Loss(const char* name) : Loss(from_config(Config(name))) {}
  Loss(const std::string& name) : Loss(from_config(Config(name))) {}
  /// The same loss for another scalar.
  template <class U>
  requires(!std::is_same_v<U, Scalar>) Loss(const Loss<U>& other)
      : Loss(other ? from_config(other.config()) : Loss()) {}

  /// From a name, or from what Keras 2 or Keras 3 writes for a loss object; null makes an empty handle. Defined in
  /// losses.hpp.
  static Loss from_config(const Config& config);

  explicit operator bool() const { return impl_ != nullptr; }
  std::string_view class_name() const { return impl().class_name(); }
  const std::string& name() const { return impl().name(); }
  Config config() const { return impl().config(); }

  Index losses_size(const Shape& y_true, const Shape& y_pred) const { return impl().losses_size(y_true, y_pred); }
  double value(In y_true, In y_pred, In sample_weight, Out losses_buffer, In mask = {}) const {
    return impl().value(y_true, y_pred, sample_weight, losses_buffer, mask);
  }
  double value_and_gradient(In y_true, In y_pred, In sample_weight, Out losses_buffer, Out scale_buffer,
                            Out y_pred_gradient, double gradient_factor = 1.0, In mask = {}) const {
    return impl().value_and_gradient(y_true, y_pred, sample_weight, losses_buffer, scale_buffer, y_pred_gradient,
                                     gradient_factor, mask);
  }
  void check_labels(In y_true, const Shape& y_pred) const { impl().check_labels(y_true, y_pred); }
  /// The losses of the samples (of every row of the last axis), weighted and not reduced: what Keras returns for
  /// reduction "none". Allocates.
  GRAFT_COLD Tensor<Scalar> sample_losses(In y_true, In y_pred, In sample_weight = {}) const {
    return impl().weighted_losses(y_true, y_pred, sample_weight);
  }

  /// The reduced loss, as Keras's call does: `loss(y_true, y_pred)`. Allocates; for once, not for a training loop.
  GRAFT_COLD double operator()(In y_true, In y_pred, In sample_weight = {}) const {
    auto buffer = Tensor<Scalar>::uninitialized({losses_size(y_true.shape(), y_pred.shape())});
    return value(y_true, y_pred, sample_weight, buffer);
  }

  const Impl& impl() const {
    if (!impl_) throw StateError("Loss: this handle is empty; make it from a name or from a loss object.");
    return *impl_;
  }
  const std::shared_ptr<const Impl>& shared() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace graft
