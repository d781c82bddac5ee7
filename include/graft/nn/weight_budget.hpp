#pragma once

#include <string>

#include "graft/core/shape.hpp"

namespace graft {

/// While one lives, layers that are built on its thread may create weights of together so many bytes: for who makes a
/// model from a file that may be hostile.
class WeightBudget {
 public:
  explicit WeightBudget(Index bytes) : outer_(current()), left_(bytes) { current() = this; }
  ~WeightBudget() { current() = outer_; }
  WeightBudget(const WeightBudget&) = delete;
  WeightBudget& operator=(const WeightBudget&) = delete;

  /// Throws ConfigError when there is nothing left.
  GRAFT_COLD static void spend(const Shape& shape, Index item_bytes, const std::string& where) {
    WeightBudget* budget = current();
    if (!budget) return;
    const Index bytes = shape.elements() * item_bytes;  // Shape refuses what would overflow
    if (bytes > budget->left_) {
      fail<ConfigError>(where, "weights that fit the file, and memory", "one of shape " + shape.str(),
                        "The file is damaged or hostile.");
    }
    budget->left_ -= bytes;
  }

 private:
  static WeightBudget*& current() {
    static thread_local WeightBudget* budget = nullptr;
    return budget;
  }

  WeightBudget* outer_;
  Index left_;
};

}  // namespace graft
