#pragma once

#include "layer_contract.hpp"

// What tests of single layers ask again and again.
namespace graft::test {

template <class Scalar>
std::vector<Scalar> values(const Tensor<Scalar>& tensor) {
  return {tensor.begin(), tensor.end()};
}

template <class Scalar>
Shape built_shape(const Layer<Scalar>& layer, const Shape& input) {
  const Shape shapes[] = {input};
  layer.impl().ensure_built(shapes);
  return layer.impl().output_shapes(shapes)[0];
}

inline std::vector<std::string> weight_names(const Layer<float>& layer) {
  std::vector<std::string> names;
  for (const auto& weight : layer.weights()) names.push_back(weight->name());
  return names;
}

inline Config object(std::vector<Config::Member> members) { return Config::object(std::move(members)); }

inline constexpr Use kTrain{true, true, true, true};
inline constexpr Use kInfer{};

}  // namespace graft::test
