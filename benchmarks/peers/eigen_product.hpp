#pragma once

// C = A B, row-major, by Eigen. Two libraries have this function under two names, one compiled without and one with
// -march=native; everything else in them is hidden, or the linker would merge their copies of Eigen.
#define GRAFT_EIGEN_PRODUCT(name) \
  [[gnu::visibility("default")]] void name(long m, long n, long k, const float* a, const float* b, float* c)

GRAFT_EIGEN_PRODUCT(eigen_product_plain);
GRAFT_EIGEN_PRODUCT(eigen_product_native);
