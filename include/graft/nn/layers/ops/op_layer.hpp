#pragma once

#include <algorithm>

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/number_or_list.hpp"

// Operations as layers: what Keras 3 puts into a model when keras.ops is called on its symbols, and tf.keras when a
// function of TensorFlow is. They have no weights. The batch is an axis like any other, as in NumPy.
namespace graft::detail {

struct OpOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

GRAFT_COLD inline OpOptions read_op_options(const Config& config) {
  OpOptions options;
  read_base(config, options);
  return options;
}

/// Base of the operations. Their class names begin with "ops.", so that ops.Add, which adds two tensors or a tensor and
/// a number, is not taken for the layer Add.
template <class Scalar>
class OpLayerImpl : public LayerImpl<Scalar> {
 public:
  std::string_view class_name() const final { return class_name_; }

 protected:
  /// `class_name` must stay: a string literal.
  GRAFT_COLD OpLayerImpl(const char* class_name, const Config& config)
      : LayerImpl<Scalar>(std::string_view(class_name).substr(4), read_op_options(config)), class_name_(class_name) {}

  GRAFT_COLD void expect_inputs(std::span<const Shape> inputs, std::size_t count) const {
    if (inputs.size() == count) return;
    fail<ShapeError>(this->where(), std::to_string(count) + (count == 1 ? " tensor" : " tensors"),
                     std::to_string(inputs.size()));
  }

 private:
  const char* class_name_;
};

/// The axis counted from 0. Throws ShapeError for one that a shape of this rank does not have.
GRAFT_COLD inline int axis_of(Index axis, int rank, const std::string& where) {
  const Index position = axis < 0 ? axis + rank : axis;
  if (position < 0 || position >= rank) {
    fail<ShapeError>(where, "an axis of a tensor of rank " + std::to_string(rank), std::to_string(axis));
  }
  return static_cast<int>(position);
}

/// A key that holds nothing, an integer or a list of them.
GRAFT_COLD inline std::optional<std::vector<Index>> read_integers(const Config& config, const char* key) {
  const Config* value = config.find_set(key);
  if (!value) return std::nullopt;
  std::vector<Index> result;
  if (!value->is_array()) result.push_back(value->as_int(key));
  else
    for (const Config& item : value->items(key)) result.push_back(item.is_null() ? Shape::kUnknown : item.as_int(key));
  return result;
}
GRAFT_COLD inline Config integers_config(const std::vector<Index>& values) {
  Config list = Config::array();
  for (const Index value : values) list.push_back(value);
  return list;
}

/// Shapes aligned at their ends, with 1s in front, as NumPy does.
inline Shape padded_in_front(const Shape& shape, int rank) {
  Shape result;
  for (int axis = shape.rank(); axis < rank; ++axis) result.push_back(1);
  for (const Index dim : shape) result.push_back(dim);
  return result;
}

/// What two shapes broadcast to by NumPy's rules. Throws ShapeError.
GRAFT_COLD inline Shape broadcast_shape(const Shape& p, const Shape& q, const std::string& where) {
  const int rank = std::max(p.rank(), q.rank());
  const Shape a = padded_in_front(p, rank), b = padded_in_front(q, rank);
  Shape result;
  for (int axis = 0; axis < rank; ++axis) {
    const Index m = a[axis], n = b[axis];
    if (m != n && m != 1 && n != 1 && m != Shape::kUnknown && n != Shape::kUnknown) {
      fail<ShapeError>(where, "tensors that can be broadcast together", p.str() + " and " + q.str());
    }
    result.push_back(m == 1 || (m == Shape::kUnknown && n != 1) ? n : m);
  }
  return result;
}

/// One place of an operation's arguments: the next input, or a constant of the config. `Scalar` is that of the layer.
template <class Scalar>
class OpOperand {
 public:
  OpOperand() = default;
  GRAFT_COLD OpOperand(const Config& config, const char* key) {
    const Config* value = config.find_set(key);
    if (!value) return;
    numbers_ = NumberOrList::from_config(*value, key);
    value_ = Tensor<Scalar>::uninitialized(numbers_.shape());
    for (Index i = 0; i < value_.size(); ++i)
      value_[i] = static_cast<Scalar>(numbers_.values()[static_cast<std::size_t>(i)]);
  }

  bool constant() const { return numbers_.given(); }
  TensorView<const Scalar> view() const { return value_.view(); }
  const Shape& shape() const { return numbers_.shape(); }
  GRAFT_COLD void write(Config& config, const char* key) const {
    if (constant()) config[key] = numbers_.config();
  }

 private:
  NumberOrList numbers_;
  Tensor<Scalar> value_;
};

}  // namespace graft::detail
