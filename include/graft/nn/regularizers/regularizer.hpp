#pragma once

#include <memory>
#include <string>

#include "graft/core/config.hpp"
#include "graft/core/tensor_view.hpp"

namespace graft {

/// A penalty on weights or on outputs. Derive your own from RegularizerOf.
class RegularizerImpl {
 public:
  virtual ~RegularizerImpl() = default;
  /// {"class_name": "L2", "config": {"l2": 0.01}}
  virtual Config config() const = 0;
  virtual double value_and_gradient(TensorView<const float> w, TensorView<float> gradient, float scale) const = 0;
  virtual double value_and_gradient(TensorView<const double> w, TensorView<double> gradient, double scale) const = 0;
};

/// Implements both scalars with one template of the derived class:
///
///     struct Mine : graft::RegularizerOf<Mine> {
///       template <class S> double evaluate(TensorView<const S> w, TensorView<S> gradient, S scale) const;
///       Config config() const override;
///     };
template <class Derived>
class RegularizerOf : public RegularizerImpl {
 public:
  double value_and_gradient(TensorView<const float> w, TensorView<float> gradient, float scale) const override {
    return static_cast<const Derived&>(*this).template evaluate<float>(w, gradient, scale);
  }
  double value_and_gradient(TensorView<const double> w, TensorView<double> gradient, double scale) const override {
    return static_cast<const Derived&>(*this).template evaluate<double>(w, gradient, scale);
  }
};

/// Handle of a regularizer. Default-constructed: none. Made from "l1", "l2", "l1_l2" or from an object:
/// graft::L2(1e-4).
class Regularizer {
 public:
  Regularizer() = default;
  /// Throws ConfigError for an unknown name.
  Regularizer(const char* name) : Regularizer(std::string(name)) {}
  Regularizer(const std::string& name);
  explicit Regularizer(std::shared_ptr<const RegularizerImpl> impl) : impl_(std::move(impl)) {}

  explicit operator bool() const { return impl_ != nullptr; }

  /// The penalty R(w); adds scale * dR/dw to `gradient` unless that is empty. 0 without a regularizer.
  template <class Scalar>
  double value_and_gradient(TensorView<const Scalar> w, TensorView<Scalar> gradient, Scalar scale = 1) const {
    return impl_ ? impl_->value_and_gradient(w, gradient, scale) : 0.0;
  }
  /// The penalty alone.
  template <class Scalar>
  double value(TensorView<const Scalar> w) const {
    return value_and_gradient<Scalar>(w, {}, Scalar(1));
  }

  Config config() const { return impl_ ? impl_->config() : Config(); }
  /// null: none; a name; {"class_name", "config"}. Throws ConfigError.
  static Regularizer from_config(const Config& config);

 private:
  std::shared_ptr<const RegularizerImpl> impl_;
};

}  // namespace graft
