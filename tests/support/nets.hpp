#pragma once

#include <cmath>

#include "graft/graft.hpp"

// Small data and nets that several tests use.
namespace graft::test {

inline constexpr Verbose kSilent = Verbose::silent;

/// A task that a small net can learn: points of a cube, one class per octant of the first `bits` coordinates.
struct Task {
  Tensor<float> x, y;
};

inline Task octants(Index samples, Index features, int bits, std::uint64_t seed = 7) {
  Task task{Tensor<float>({samples, features}), Tensor<float>({samples})};
  Rng rng(seed);
  for (Index i = 0; i < samples; ++i) {
    int label = 0;
    for (Index j = 0; j < features; ++j) {
      const double value = rng.uniform(-1, 1);
      task.x[i * features + j] = static_cast<float>(value);
      if (j < bits && value > 0) label |= 1 << j;
    }
    task.y[i] = static_cast<float>(label);
  }
  return task;
}

/// `classes` outputs on (features): Dense 16 selu "h1", Dense 8 selu "h2", softmax "out".
inline Sequential<float> classifier(Index features, Index classes) {
  return Sequential({Dense(16, {.activation = "selu", .name = "h1", .input_shape = Shape{features}}),
                     Dense(8, {.activation = "selu", .name = "h2"}),
                     Dense(classes, {.activation = "softmax", .name = "out"})});
}

inline bool same(const std::vector<Tensor<float>>& a, const std::vector<Tensor<float>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i].shape() == b[i].shape()) || !std::equal(a[i].begin(), a[i].end(), b[i].begin())) return false;
  }
  return true;
}

inline bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

inline bool same(const TensorView<const float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(b.begin(), b.end(), a.data());
}

/// The message of the exception that a call throws; empty when it throws none of that kind.
template <class Error, class Call>
std::string message(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace graft::test
