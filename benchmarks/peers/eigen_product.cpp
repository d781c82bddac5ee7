#include "eigen_product.hpp"

#include <Eigen/Core>

GRAFT_EIGEN_PRODUCT(GRAFT_EIGEN_NAME) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<Matrix>(c, m, n).noalias() = Eigen::Map<const Matrix>(a, m, k) * Eigen::Map<const Matrix>(b, k, n);
}
