#pragma once

#include <Eigen/Core>
#include <array>
#include <type_traits>
#include <unsupported/Eigen/CXX11/Tensor>

#include "graft/core/tensor_view.hpp"

// Eigen's eyes on graft's memory. All maps are row-major and unaligned, so that their types do not depend on the flags
// that a file is compiled with.
namespace graft::eigen {

template <class T>
using RowMajorMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using RowMajorMap = Eigen::Map<
    std::conditional_t<std::is_const_v<T>, const RowMajorMatrix<std::remove_const_t<T>>, RowMajorMatrix<T>>>;
template <class T>
using VectorMap =
    Eigen::Map<std::conditional_t<std::is_const_v<T>, const Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, 1>,
                                  Eigen::Matrix<T, Eigen::Dynamic, 1>>>;
template <class T>
using ArrayMap =
    Eigen::Map<std::conditional_t<std::is_const_v<T>, const Eigen::Array<std::remove_const_t<T>, Eigen::Dynamic, 1>,
                                  Eigen::Array<T, Eigen::Dynamic, 1>>>;

/// (rows, cols); (n,) when the type says that it is a vector.
template <class Derived>
Shape shape_of(const Eigen::MatrixBase<Derived>& matrix) {
  if constexpr (Derived::IsVectorAtCompileTime) return {matrix.size()};
  else return {matrix.rows(), matrix.cols()};
}

/// All axes but the last are rows.
template <class T>
RowMajorMap<T> matrix_map(const TensorView<T>& view) {
  const Index cols = view.shape().back();
  return {view.data(), view.shape().product(0, view.rank() - 1), cols};
}

template <class T>
VectorMap<T> vector_map(const TensorView<T>& view) {
  return {view.data(), view.size()};
}

template <class T>
ArrayMap<T> array_map(const TensorView<T>& view) {
  return {view.data(), view.size()};
}

template <int Rank, class T>
auto tensor_map(const TensorView<T>& view) {
  using Plain = Eigen::Tensor<std::remove_const_t<T>, Rank, Eigen::RowMajor, Eigen::Index>;
  if (view.rank() != Rank) {
    fail<ShapeError>("tensor<" + std::to_string(Rank) + ">", "rank " + std::to_string(Rank), view.shape().str());
  }
  std::array<Eigen::Index, Rank> dims{};
  for (int axis = 0; axis < Rank; ++axis) dims[static_cast<std::size_t>(axis)] = view.dim(axis);
  return Eigen::TensorMap<std::conditional_t<std::is_const_v<T>, const Plain, Plain>>(view.data(), dims);
}

}  // namespace graft::eigen
