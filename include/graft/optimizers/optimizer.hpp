#pragma once

#include "graft/optimizers/optimizer_impl.hpp"

namespace graft {

/// Handle of an optimizer; copies share its state. Made from an optimizer object or from Keras's name of one:
///
///     model.compile({.optimizer = "sgd"});
///     model.compile({.optimizer = graft::SGD({.learning_rate = 1e-4, .momentum = 0.9})});
///
/// Names are known when graft/optimizers/optimizers.hpp is included (graft.hpp does).
template <class Scalar = float>
class Optimizer {
 public:
  using Impl = OptimizerImpl<Scalar>;

  Optimizer() = default;
  explicit Optimizer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  /// Takes over what `new` made: one kind of shared_ptr for all is quicker to compile than make_shared of each.
  explicit Optimizer(Impl* impl) : impl_(impl) {}
  /// Throws ConfigError, with the nearest name, for an unknown one.
  Optimizer(const char* name) : Optimizer(from_config(Config(name))) {}
  Optimizer(const std::string& name) : Optimizer(from_config(Config(name))) {}
  /// A new optimizer of the same configuration for another scalar.
  template <class U>
  requires(!std::is_same_v<U, Scalar>) Optimizer(const Optimizer<U>& other)
      : Optimizer(other ? from_config(other.config()) : Optimizer()) {}

  /// From a name, or from what any Keras writes for an optimizer; null makes an empty handle. Defined in
  /// optimizers.hpp.
  static Optimizer from_config(const Config& config);

  explicit operator bool() const { return impl_ != nullptr; }
  /// The same optimizer, not merely an equal one.
  friend bool operator==(const Optimizer& a, const Optimizer& b) { return a.impl_ == b.impl_; }

  std::string_view class_name() const { return impl().class_name(); }
  const std::string& name() const { return impl().name(); }
  Config config() const { return impl().config(); }

  /// The learning rate of the next step.
  double learning_rate() const { return impl().learning_rate(); }
  void set_learning_rate(double value) const { impl().set_learning_rate(value); }
  Index iterations() const { return impl().iterations(); }
  void exclude_from_weight_decay(std::vector<std::string> names) const {
    impl().exclude_from_weight_decay(std::move(names));
  }

  void apply(std::span<const Gradient<Scalar>> gradients) const { impl().apply(gradients); }
  double loss_scale() const { return impl().loss_scale(); }
  void finalize_variable_values(std::span<const VariablePtr<Scalar>> variables) const {
    impl().finalize_variable_values(variables);
  }
  OptimizerState<Scalar> state(std::span<const VariablePtr<Scalar>> variables) const { return impl().state(variables); }
  void set_state(const OptimizerState<Scalar>& state) const { impl().set_state(state); }
  std::optional<Shape> slot_shape(std::string_view slot, const Variable<Scalar>& variable) const {
    return impl().slot_shape(slot, variable);
  }
  Tensor<Scalar> fresh_slot(std::string_view slot, const Variable<Scalar>& variable) const {
    return impl().fresh_slot(slot, variable);
  }

  Impl& impl() const {
    if (!impl_) throw StateError("Optimizer: this handle is empty; make it from a name or from an optimizer object.");
    return *impl_;
  }
  const std::shared_ptr<Impl>& shared() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace graft
