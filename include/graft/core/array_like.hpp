#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "graft/core/tensor.hpp"

namespace graft {

/// What `fit`, `evaluate` and `predict` take for an array: a Tensor, a view, a std::vector, an Eigen matrix or tensor.
/// Row-major memory of the right scalar is used where it lies (it must outlive the call); everything else, integer
/// labels and column-major matrices among it, is copied and converted once. A temporary Tensor is moved in.
template <class Scalar = float>
class ArrayLike {
 public:
  ArrayLike() = default;
  ArrayLike(const Tensor<Scalar>& tensor) : view_(tensor.view()) {}
  ArrayLike(Tensor<Scalar>&& tensor) { own(std::move(tensor)); }
  ArrayLike(const TensorView<const Scalar>& view) : view_(view) {}
  ArrayLike(const TensorView<Scalar>& view) : view_(view) {}

  template <class U>
    requires(std::is_arithmetic_v<U> && !std::is_same_v<U, Scalar>)
  ArrayLike(const Tensor<U>& tensor) {
    own(Tensor<Scalar>(tensor.view()));
  }
  template <class U>
    requires std::is_arithmetic_v<U>
  ArrayLike(const std::vector<U>& values) {
    const Shape shape{static_cast<Index>(values.size())};
    if constexpr (std::is_same_v<U, Scalar>) view_ = {values.data(), shape};
    else own(Tensor<Scalar>(TensorView<const U>(values.data(), shape)));
  }
  template <class Derived>
  ArrayLike(const Eigen::MatrixBase<Derived>& matrix) {
    constexpr bool direct = (Derived::Flags & Eigen::DirectAccessBit) != 0;
    constexpr bool row_major = Derived::IsVectorAtCompileTime || Derived::IsRowMajor;
    if constexpr (direct && row_major && std::is_same_v<typename Derived::Scalar, Scalar>) {
      if (matrix.derived().innerStride() == 1 &&
          (Derived::IsVectorAtCompileTime || matrix.derived().outerStride() == matrix.cols())) {
        view_ = {matrix.derived().data(), eigen::shape_of(matrix)};
        return;
      }
    }
    own(Tensor<Scalar>(matrix));
  }
  template <class U, int Rank, int Layout>
  ArrayLike(const Eigen::Tensor<U, Rank, Layout>& tensor) {
    Shape shape;
    for (int axis = 0; axis < Rank; ++axis) shape.push_back(tensor.dimension(axis));
    if constexpr (Layout == Eigen::RowMajor && std::is_same_v<U, Scalar>) {
      view_ = {tensor.data(), shape};
    } else {
      Tensor<Scalar> copy = Tensor<Scalar>::uninitialized(shape);
      copy_tensor(tensor, copy);
      own(std::move(copy));
    }
  }

  explicit operator bool() const { return static_cast<bool>(view_); }
  const TensorView<const Scalar>& view() const { return view_; }
  const Shape& shape() const { return view_.shape(); }
  Index samples() const { return view_ && view_.rank() > 0 ? view_.dim(0) : 0; }

 private:
  void own(Tensor<Scalar>&& tensor) {
    owned_ = std::make_shared<Tensor<Scalar>>(std::move(tensor));
    view_ = std::as_const(*owned_).view();
  }

  // Walks the row-major copy in order and asks the source for each element: its own layout may be the other one.
  template <class U, int Rank, int Layout>
  static void copy_tensor(const Eigen::Tensor<U, Rank, Layout>& from, Tensor<Scalar>& to) {
    std::array<Eigen::Index, Rank> at{};
    for (Index i = 0; i < to.size(); ++i) {
      to[i] = static_cast<Scalar>(from(at));
      for (int axis = Rank - 1; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        if (++at[a] < from.dimension(axis)) break;
        at[a] = 0;
      }
    }
  }

  TensorView<const Scalar> view_;
  std::shared_ptr<const Tensor<Scalar>> owned_;
};

/// One array, or the list of arrays of a model with several inputs or outputs: `{a, b}`.
template <class Scalar = float>
class Arrays {
 public:
  Arrays() = default;
  template <class T>
    requires std::is_constructible_v<ArrayLike<Scalar>, T&&>
  Arrays(T&& array) {
    arrays_.emplace_back(std::forward<T>(array));
    if (!arrays_.back()) arrays_.clear();
  }
  Arrays(std::initializer_list<ArrayLike<Scalar>> arrays) : arrays_(arrays) {}
  Arrays(std::vector<ArrayLike<Scalar>> arrays) : arrays_(std::move(arrays)) {}

  bool empty() const { return arrays_.empty(); }
  std::size_t size() const { return arrays_.size(); }
  const ArrayLike<Scalar>& operator[](std::size_t i) const { return arrays_[i]; }
  auto begin() const { return arrays_.begin(); }
  auto end() const { return arrays_.end(); }
  Index samples() const { return empty() ? 0 : arrays_.front().samples(); }

 private:
  std::vector<ArrayLike<Scalar>> arrays_;
};

}  // namespace graft
