#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graft/core/config.hpp"
#include "graft/core/tensor_view.hpp"

namespace graft {

/// A rule that weights obey after every update. Derive your own from ConstraintOf.
class ConstraintImpl {
 public:
  virtual ~ConstraintImpl() = default;
  /// {"class_name": "MaxNorm", "config": {…}}
  virtual Config config() const = 0;
  virtual void apply(TensorView<float> w) const = 0;
  virtual void apply(TensorView<double> w) const = 0;
};

/// Implements both scalars with one template of the derived class: `template <class S> void enforce(TensorView<S>)
/// const`.
template <class Derived>
class ConstraintOf : public ConstraintImpl {
 public:
  void apply(TensorView<float> w) const override { static_cast<const Derived&>(*this).template enforce<float>(w); }
  void apply(TensorView<double> w) const override { static_cast<const Derived&>(*this).template enforce<double>(w); }
};

/// Handle of a constraint. Default-constructed: none. Made from a name ("non_neg", "MaxNorm") or from an object.
class Constraint {
 public:
  Constraint() = default;
  /// Throws ConfigError for an unknown name, with the nearest one.
  Constraint(const char* name) : Constraint(std::string(name)) {}
  Constraint(const std::string& name);
  explicit Constraint(std::shared_ptr<const ConstraintImpl> impl) : impl_(std::move(impl)) {}

  explicit operator bool() const { return impl_ != nullptr; }

  /// Changes weights in place so that they obey. Nothing without a constraint.
  template <class Scalar>
  void apply(TensorView<Scalar> w) const {
    if (impl_) impl_->apply(w);
  }

  Config config() const { return impl_ ? impl_->config() : Config(); }
  /// null: none; a name; {"class_name", "config"}. Throws ConfigError.
  static Constraint from_config(const Config& config);

 private:
  std::shared_ptr<const ConstraintImpl> impl_;
};

/// Axes along which a norm is taken: one or several, `{0, 1, 2}`.
class NormAxes {
 public:
  NormAxes(int axis = 0) : axes_{axis}, single_(true) {}
  NormAxes(std::initializer_list<int> axes) : axes_(axes) {}
  explicit NormAxes(std::vector<int> axes) : axes_(std::move(axes)) {}

  const std::vector<int>& list() const { return axes_; }
  GRAFT_COLD Config config() const {
    if (single_) return Config(axes_.front());
    Config result = Config::array();
    for (const int axis : axes_) result.push_back(Config(axis));
    return result;
  }
  GRAFT_COLD static NormAxes from_config(const Config* config) {
    if (!config) return NormAxes(0);
    if (!config->is_array()) return NormAxes(static_cast<int>(config->as_int("axis")));
    std::vector<int> axes;
    for (const Config& item : config->items()) axes.push_back(static_cast<int>(item.as_int("axis")));
    return NormAxes(std::move(axes));
  }

 private:
  std::vector<int> axes_;
  bool single_ = false;
};

}  // namespace graft
