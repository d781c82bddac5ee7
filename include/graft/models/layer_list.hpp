#pragma once

#include <string>
#include <vector>

#include "graft/nn/layer.hpp"

namespace graft {

/// Layers in order, as Python's list: negative positions count from the end, slice(0, -1) is [:-1].
template <class Scalar = float>
class LayerList {
 public:
  LayerList() = default;
  LayerList(std::vector<Layer<Scalar>> layers) : layers_(std::move(layers)) {}

  std::size_t size() const { return layers_.size(); }
  bool empty() const { return layers_.empty(); }
  auto begin() const { return layers_.begin(); }
  auto end() const { return layers_.end(); }
  const Layer<Scalar>& front() const { return (*this)[0]; }
  const Layer<Scalar>& back() const { return (*this)[-1]; }

  /// Throws ConfigError when out of range.
  const Layer<Scalar>& operator[](Index i) const {
    const auto count = static_cast<Index>(layers_.size());
    if (i < -count || i >= count) {
      fail<ConfigError>("layers", "a position of a list of " + std::to_string(count) + " layers", std::to_string(i));
    }
    return layers_[static_cast<std::size_t>(i < 0 ? i + count : i)];
  }

  /// [first:last]; positions beyond the ends are cut, as in Python.
  LayerList slice(Index first, Index last = std::numeric_limits<Index>::max()) const {
    const auto count = static_cast<Index>(layers_.size());
    const auto position = [count](Index i) { return std::clamp<Index>(i < 0 ? i + count : i, 0, count); };
    const Index from = position(first), to = std::max(position(last), from);
    return LayerList(std::vector<Layer<Scalar>>(layers_.begin() + from, layers_.begin() + to));
  }

 private:
  std::vector<Layer<Scalar>> layers_;
};

}  // namespace graft
