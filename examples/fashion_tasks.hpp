#pragma once

#include <cmath>
#include <graft/graft.hpp>

#include "common.hpp"

// The two tasks that Fashion-MNIST is cut into to show transfer, as in chapter 11 of "Hands-On Machine Learning" (A.
// Géron): sandal (5) and shirt (6) are task B, is it a shirt? All others are task A.
namespace example {

inline const std::vector<int> kTaskA = {0, 1, 2, 3, 4, -1, -1, 5, 6, 7},
                              kTaskB = {-1, -1, -1, -1, -1, 0, 1, -1, -1, -1};

struct Task {
  graft::Tensor<float> x, y;
};

// The samples first … last-1 of the classes that get a label (others: -1), at most `limit` of them.
inline Task select(const graft::Tensor<float>& x, const graft::Tensor<float>& y, graft::Index first, graft::Index last,
                   const std::vector<int>& label_of, graft::Index limit = 60000) {
  std::vector<graft::Index> chosen;
  std::vector<float> labels;
  for (graft::Index i = first; i < std::min(last, y.size()) && static_cast<graft::Index>(chosen.size()) < limit; ++i) {
    const int label = label_of.at(static_cast<std::size_t>(y[i]));
    if (label < 0) continue;
    chosen.push_back(i);
    labels.push_back(static_cast<float>(label));
  }
  const auto count = static_cast<graft::Index>(chosen.size()), pixels = x.dim(1) * x.dim(2);
  Task task{graft::Tensor<float>({count, x.dim(1), x.dim(2)}), graft::Tensor<float>({count}, labels)};
  for (graft::Index i = 0; i < count; ++i) {
    std::copy_n(x.data() + chosen[static_cast<std::size_t>(i)] * pixels, pixels, task.x.data() + i * pixels);
  }
  return task;
}


}  // namespace example
