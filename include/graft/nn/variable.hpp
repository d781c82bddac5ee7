#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <string>

#include "graft/core/tensor.hpp"
#include "graft/nn/constraints.hpp"
#include "graft/nn/regularizers.hpp"

namespace graft {

/// What a variable is by nature, whatever the flags of its layer say: learned by gradients, or kept by the layer itself
/// (the moving statistics of BatchNormalization).
enum class VariableKind { trainable, state };

template <class Scalar>
class Variable;
template <class Scalar>
using VariablePtr = std::shared_ptr<Variable<Scalar>>;

/// A change of low rank that a layer adds to one of its variables (LoRA): W + scale A B, with W's axes but the last as
/// the rows. W itself rests.
template <class Scalar>
struct LowRank {
  VariablePtr<Scalar> a, b;
  double scale = 1;
};

/// A named weight of a layer. Owned by its layer, shared by every model that uses the layer.
template <class Scalar>
class Variable {
 public:
  Variable(std::string name, Tensor<Scalar> value, VariableKind kind)
      : name_(std::move(name)), value_(std::move(value)), kind_(kind), id_(next_id()) {}

  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  /// "kernel", "bias", "gamma", … : Keras's name of the weight inside its layer.
  const std::string& name() const { return name_; }
  /// The name with those of the layer and of the models around it, "encoder/dense/kernel": what patterns of optimizers
  /// are compared with. Without the outermost model, as Keras has it of functional models; the name alone until the
  /// layer is built.
  const std::string& path() const { return path_.empty() ? name_ : path_; }
  void set_path(std::string path) { path_ = std::move(path); }
  VariableKind kind() const { return kind_; }
  /// Whether training moves it while its layer trains: what is learned by gradients, unless set_trainable(false) (as
  /// Keras's variable.trainable) said otherwise. Decided anew by every compile.
  bool trainable() const { return kind_ == VariableKind::trainable && !rests_; }
  void set_trainable(bool trainable) { rests_ = !trainable; }
  const Shape& shape() const { return value_.shape(); }
  Index size() const { return value_.size(); }
  const Tensor<Scalar>& value() const { return value_; }

  /// Write access; counts as a change (see version). Do not write through a reference that was kept over a run: models
  /// may have made packed copies of the value since.
  Tensor<Scalar>& mutable_value() {
    ++version_;
    return value_;
  }
  /// Replaces the numbers. Throws ShapeError when the shape is another.
  void assign(TensorView<const Scalar> value) {
    if (!(value.shape() == shape())) {
      fail<ShapeError>("variable \"" + name_ + "\"", "shape " + shape().str(), value.shape().str());
    }
    std::copy_n(value.data(), value.size(), mutable_value().data());
  }

  /// Where the numbers come from: training makes fresh ones trained, files and set_weights make them pretrained.
  Origin origin() const { return value_.origin(); }
  void set_origin(Origin origin) { value_.set_origin(origin); }

  /// By what optimizers multiply their learning rate (weight decay included) for this variable. Not saved in files.
  double learning_rate_multiplier() const { return learning_rate_multiplier_; }
  /// Throws ConfigError for a negative number or one that is not finite.
  GRAFT_COLD void set_learning_rate_multiplier(double multiplier) {
    if (!(multiplier >= 0 && multiplier <= std::numeric_limits<double>::max())) {
      fail<ConfigError>("learning rate multiplier of variable \"" + name_ + "\"", "a finite number of at least 0",
                        std::to_string(multiplier));
    }
    learning_rate_multiplier_ = multiplier;
  }

  /// Grows with every change: who keeps a packed or folded copy of the value compares it.
  std::uint64_t version() const { return version_; }
  /// Unique in the process and never used again: the key of an optimizer's state.
  std::uint64_t id() const { return id_; }

  const Regularizer& regularizer() const { return regularizer_; }
  const Constraint& constraint() const { return constraint_; }
  /// What its layer adds to it, or null. Files hold the sum, in this variable, and leave the two parts out.
  const LowRank<Scalar>* low_rank() const { return low_rank_.get(); }
  void set_low_rank(std::shared_ptr<const LowRank<Scalar>> low_rank) { low_rank_ = std::move(low_rank); }
  /// True for the A and B of a LowRank.
  bool is_adapter() const { return adapter_; }
  void set_adapter() { adapter_ = true; }

  void set_regularizer(Regularizer regularizer) { regularizer_ = std::move(regularizer); }
  void set_constraint(Constraint constraint) { constraint_ = std::move(constraint); }

 private:
  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  std::string name_, path_;
  Tensor<Scalar> value_;
  VariableKind kind_;
  Regularizer regularizer_;
  Constraint constraint_;
  std::uint64_t id_;
  std::uint64_t version_ = 0;
  double learning_rate_multiplier_ = 1;
  bool rests_ = false, adapter_ = false;
  std::shared_ptr<const LowRank<Scalar>> low_rank_;
};

}  // namespace graft
