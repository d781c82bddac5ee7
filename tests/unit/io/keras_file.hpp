#pragma once

#include <functional>

#include "graft/graft.hpp"
#include "graft/io/hdf5.hpp"
#include "graft/io/json.hpp"
#include "graft/io/keras/keras.hpp"
#include "tests/support/catch.hpp"

// Files in the dialects of all Kerases, written by hand.
namespace graft::test {

struct NamedArray {
  std::string name;
  Tensor<float> value;
};

struct KerasFile {
  std::string version = "2.4.0";
  std::string backend = "tensorflow";
  std::string model_config = {};     ///< none when empty
  std::string training_config = {};  ///< none when empty
  std::vector<std::pair<std::string, std::vector<NamedArray>>> layers = {};
  std::vector<NamedArray> optimizer = {};
  bool weights_only = false;

  void write(const std::string& path) const {
    hdf5::write_file(path, [this](const hdf5::Group& root) {
      if (!version.empty()) root.write("keras_version", version);
      if (!backend.empty()) root.write("backend", backend);
      if (!model_config.empty()) root.write("model_config", model_config);
      if (!training_config.empty()) root.write("training_config", training_config);
      const hdf5::Group weights = weights_only ? root.again() : root.create_group("model_weights");
      std::vector<std::string> names;
      for (const auto& layer : layers) names.push_back(layer.first);
      weights.write("layer_names", names);
      for (const auto& [name, arrays] : layers) write_arrays(weights.create_group(name), arrays);
      if (!optimizer.empty()) write_arrays(root.create_group("optimizer_weights"), optimizer);
    });
  }

 private:
  static void write_arrays(const hdf5::Group& group, const std::vector<NamedArray>& arrays) {
    std::vector<std::string> names;
    for (const auto& array : arrays) names.push_back(array.name);
    group.write("weight_names", names);
    for (const auto& array : arrays) group.write_dataset(array.name, array.value.shape(), array.value.data());
  }
};

/// Numbers that differ from element to element and from `start` to `start`.
inline Tensor<float> numbers(const Shape& shape, float start) {
  Tensor<float> result(shape);
  for (Index i = 0; i < result.size(); ++i) result[i] = start + 0.01F * static_cast<float>((i * 7) % 31);
  return result;
}

inline bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

inline bool same_weights(const Layer<float>& a, const Layer<float>& b) {
  const auto x = a.get_weights(), y = b.get_weights();
  if (x.size() != y.size()) return false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!same(x[i], y[i])) return false;
  }
  return true;
}

/// The text of the graft::Error that `action` throws.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace graft::test
