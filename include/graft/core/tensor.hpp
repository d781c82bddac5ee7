#pragma once

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "graft/core/aligned.hpp"
#include "graft/core/eigen.hpp"
#include "graft/core/tensor_view.hpp"

namespace graft {

/// Where the numbers of a tensor come from. Copies of a tensor keep it; it says nothing about views.
enum class Origin : unsigned char {
  fresh,      ///< initialised, or computed
  trained,    ///< moved by training in this process
  pretrained  ///< read from a file, or copied from weights that were trained
};

/// An Eigen tensor whose rank is known at run time: owns 64-byte aligned, row-major memory. Copying copies the numbers,
/// moving is cheap. `.tensor<Rank>()`, `.matrix()` and `.vector()` are its Eigen maps, without a copy.
template <class Scalar = float>
class Tensor {
 public:
  Tensor() = default;
  /// Zeros of a known shape.
  explicit Tensor(const Shape& shape) : Tensor(shape, Scalar(0)) {}
  Tensor(const Shape& shape, Scalar value) : Tensor(uninitialized(shape)) { fill(value); }
  /// Numbers in row-major order. Throws ShapeError when their count is another.
  Tensor(const Shape& shape, std::initializer_list<Scalar> values) : Tensor(uninitialized(shape)) {
    check_count(static_cast<Index>(values.size()));
    std::copy(values.begin(), values.end(), data());
  }
  Tensor(const Shape& shape, const std::vector<Scalar>& values) : Tensor(uninitialized(shape)) {
    check_count(static_cast<Index>(values.size()));
    std::copy(values.begin(), values.end(), data());
  }
  /// A copy of a view, converted when its scalar is another.
  template <class U>
  explicit Tensor(const TensorView<U>& view) : Tensor(uninitialized(view.shape())) {
    std::transform(view.data(), view.data() + size(), data(), [](U x) { return static_cast<Scalar>(x); });
  }
  /// A copy of an Eigen matrix or expression, row-major: (rows, cols), or (n,) when it is a vector by type.
  template <class Derived>
  explicit Tensor(const Eigen::MatrixBase<Derived>& matrix) : Tensor(uninitialized(eigen::shape_of(matrix))) {
    eigen::RowMajorMap<Scalar>(data(), matrix.rows(), matrix.cols()) = matrix.template cast<Scalar>();
  }

  Tensor(const Tensor& other) {
    if (!other.allocated()) return;
    Tensor(uninitialized(other.shape())).swap(*this);
    std::copy_n(other.data(), size(), data());
    origin_ = other.origin_;
  }
  Tensor& operator=(const Tensor& other) { return *this = Tensor(other); }
  Tensor(Tensor&& other) noexcept { swap(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor(std::move(other)).swap(*this);
    return *this;
  }

  /// Memory whose contents are not set: for who overwrites all of it.
  static Tensor uninitialized(const Shape& shape) {
    Tensor result;
    const Index count = shape.elements();
    result.memory_ = allocate_aligned<Scalar>(count);
    result.view_ = {result.memory_.get(), shape};
    return result;
  }

  /// True when it holds memory; a default-constructed tensor does not.
  bool allocated() const { return memory_ != nullptr; }

  Origin origin() const { return origin_; }
  void set_origin(Origin origin) { origin_ = origin; }

  const Shape& shape() const { return view_.shape(); }
  int rank() const { return view_.rank(); }
  Index dim(int axis) const { return view_.dim(axis); }
  Index size() const { return view_.size(); }
  Scalar* data() { return view_.data(); }
  const Scalar* data() const { return view_.data(); }
  Scalar& operator[](Index i) { return data()[i]; }
  const Scalar& operator[](Index i) const { return data()[i]; }
  const Scalar* begin() const { return data(); }
  const Scalar* end() const { return data() + size(); }

  TensorView<Scalar> view() { return view_; }
  TensorView<const Scalar> view() const { return view_; }
  operator TensorView<Scalar>() { return view_; }
  operator TensorView<const Scalar>() const { return view_; }

  void fill(Scalar value) { std::fill_n(data(), size(), value); }

  /// The same numbers under another shape; one dimension may be -1 and is computed.
  Tensor reshaped(Shape shape) const {
    Tensor result(*this);
    int unknown = -1;
    Index rest = 1;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == Shape::kUnknown) unknown = axis;
      else rest *= shape[axis];
    }
    if (unknown >= 0) shape[unknown] = rest ? size() / rest : 0;
    result.view_ = result.view_.reshaped(shape);
    return result;
  }

  /// Copies of samples first … last-1 along the first axis. Throws ShapeError when they are not there.
  Tensor rows(Index first, Index last) const {
    if (first < 0 || last < first || last > dim(0)) {
      fail<ShapeError>("Tensor rows", "a range of the " + std::to_string(dim(0)) + " samples",
                       std::to_string(first) + " … " + std::to_string(last));
    }
    return Tensor(view().rows(first, last));
  }

  // Eigen's eyes on the same memory.
  template <int Rank>
  auto tensor() { return eigen::tensor_map<Rank>(view_); }
  template <int Rank>
  auto tensor() const { return eigen::tensor_map<Rank>(view()); }
  /// (rows, cols): all axes but the last are rows. Throws ShapeError for rank 0.
  auto matrix() { return eigen::matrix_map(view_); }
  auto matrix() const { return eigen::matrix_map(view()); }
  auto vector() { return eigen::vector_map(view_); }
  auto vector() const { return eigen::vector_map(view()); }

 private:
  void swap(Tensor& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(view_, other.view_);
    std::swap(origin_, other.origin_);
  }
  void check_count(Index count) const {
    if (count != size()) {
      fail<ShapeError>("Tensor", std::to_string(size()) + " numbers for " + shape().str(), std::to_string(count));
    }
  }

  std::unique_ptr<Scalar[], AlignedDelete> memory_;
  TensorView<Scalar> view_;
  Origin origin_ = Origin::fresh;
};

}  // namespace graft
