#pragma once

#include <algorithm>

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// How CategoryEncoding and Discretization give out the categories of a sample.
enum class CategoryMode {
  as_int,     ///< the category itself
  one_hot,    ///< a row of 0 and a 1 for each
  multi_hot,  ///< one row for all along the last axis: 1 where a category is there
  count       ///< how often it is there
};

/// Throws ConfigError for an unknown name.
GRAFT_COLD inline CategoryMode category_mode(const std::string& name, bool integers, const std::string& where) {
  if (name == "one_hot") return CategoryMode::one_hot;
  if (name == "multi_hot" || name == "binary") return CategoryMode::multi_hot;
  if (name == "count") return CategoryMode::count;
  if (integers && name == "int") return CategoryMode::as_int;
  fail<ConfigError>(where, std::string("output_mode ") + (integers ? "int, " : "") + "one_hot, multi_hot or count",
                    "\"" + name + "\"");
}

/// Base of both: finds the category of each number, and encodes it. No gradients.
template <class Scalar>
class CategoryLayerImpl : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    check_count(inputs);
    Shape shape = inputs[0];
    if (mode_ == CategoryMode::as_int) return shape;
    if (mode_ == CategoryMode::one_hot) {
      // A last axis of size 1 is no axis; a vector of categories is one.
      if (shape.rank() > 1 && shape.back() == 1) shape[-1] = categories_;
      else shape.push_back(categories_);
      return shape;
    }
    if (shape.rank() < 2) fail<ShapeError>(this->where(), "an input (batch, …, categories)", shape.str());
    shape[-1] = categories_;
    return shape;
  }
  bool differentiable(std::size_t) const final { return false; }

  void forward(const ForwardArgs<Scalar>& args) const final {
    const TensorView<const Scalar>& x = args.x();
    Scalar* y = args.y().data();
    if (mode_ == CategoryMode::as_int) {
      for (Index i = 0; i < x.size(); ++i) y[i] = static_cast<Scalar>(category(x[i]));
      return;
    }
    std::fill_n(y, args.y().size(), Scalar(0));
    const Index each = mode_ == CategoryMode::one_hot ? 1 : x.shape().back();
    const Scalar* weights = args.inputs.size() > 1 ? args.x(1).data() : nullptr;
    for (Index i = 0; i < x.size(); ++i) {
      Scalar& to = y[i / each * categories_ + category(x[i])];
      if (mode_ == CategoryMode::count) to += weights ? weights[i] : Scalar(1);
      else to = 1;
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    for (const TensorView<Scalar>& dx : args.input_gradients) std::fill_n(dx.data(), dx.size(), Scalar(0));
  }

 protected:
  template <class Options>
  GRAFT_COLD CategoryLayerImpl(std::string_view class_name, const Options& options, Index categories, CategoryMode mode)
      : LayerImpl<Scalar>(class_name, options), categories_(categories), mode_(mode) {}

  /// Of a number. Throws DataError for one that has none.
  virtual Index category(Scalar x) const = 0;
  virtual void check_count(std::span<const Shape> inputs) const {
    if (inputs.size() != 1) fail<ShapeError>(this->where(), "one input", std::to_string(inputs.size()));
  }
  Index categories() const { return categories_; }
  CategoryMode mode() const { return mode_; }

 private:
  Index categories_;
  CategoryMode mode_;
};

}  // namespace graft::detail
