#pragma once

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graft/graft.hpp"
#include "graft/io/hdf5.hpp"
#include "graft/io/keras/keras.hpp"
#include "tests/support/catch.hpp"

// Numbers that Keras computed (tests/golden, and all of them in $GRAFT_SHARED/golden when that is set).
namespace golden {

using nlohmann::json;
using graft::Index;
using graft::Tensor;

inline json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  // Python writes NaN and Infinity as they are; no such number is compared.
  return json::parse(file);
}

/// A folder of golden data with its index.
struct Folder {
  std::string path;
  json index;
};

/// tests/golden/<name>, or the whole of it in $GRAFT_SHARED/golden/<name>.
inline Folder folder(const std::string& name) {
  std::string path = std::string(GRAFT_TEST_GOLDEN) + "/" + name;
  if (const char* shared = std::getenv("GRAFT_SHARED")) path = std::string(shared) + "/golden/" + name;
  return {path, read_json(path + "/index.json")};
}

inline Tensor<float> read(const graft::hdf5::Group& group, const std::string& path) {
  const auto dataset = group.dataset(path);
  auto tensor = Tensor<float>::uninitialized(dataset.shape());
  dataset.read(tensor.data());
  return tensor;
}

/// Of `stem` with these ends the files that there are and that this build reads. In $GRAFT_SHARED all must be there.
inline std::vector<std::string> formats(const std::string& stem, const std::vector<std::string>& ends) {
  std::vector<std::string> result;
  for (const std::string& end : ends) {
#ifndef GRAFT_HAS_LIBZIP
    if (end == ".keras") continue;
#endif
    if (std::ifstream(stem + end)) result.push_back(stem + end);
    else REQUIRE_FALSE(std::getenv("GRAFT_SHARED"));
  }
  REQUIRE_FALSE(result.empty());
  return result;
}

/// list/0, list/1, … as far as they go.
inline std::vector<Tensor<float>> read_list(const graft::hdf5::Group& group, const std::string& list) {
  std::vector<Tensor<float>> tensors;
  while (group.exists(list + "/" + std::to_string(tensors.size()))) {
    tensors.push_back(read(group, list + "/" + std::to_string(tensors.size())));
  }
  return tensors;
}

inline graft::Arrays<float> arrays(const std::vector<Tensor<float>>& tensors) {
  std::vector<graft::ArrayLike<float>> result;
  for (const auto& tensor : tensors) result.emplace_back(tensor);
  return result;
}

/// Largest |a - b| / (atol / rtol + |b|), so that rtol is the bound; NaN where one is NaN and the other is not.
inline double difference(graft::TensorView<const float> a, graft::TensorView<const float> b, double floor) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    const double d = std::abs(double(a[i]) - double(b[i])) / (floor + std::abs(double(b[i])));
    if (!(d <= largest)) largest = d;
  }
  return largest;
}

/// The architecture in a file, as graft's readers see it.
inline graft::Config model_config(const std::string& path) {
  const graft::keras::LegacyH5 file(path);
  std::vector<std::string> warnings;
  return graft::keras::ModelConfigReader(file.generation(), file.by_graft(), warnings).read(file.model_config());
}

/// All layers in a config, nested ones too, are of registered classes.
inline bool supported(const graft::Config& model) {
  const graft::Config* config = model.find("config");
  const graft::Config* layers = config ? config->find("layers") : nullptr;
  if (!layers) return false;
  graft::register_builtin_layers<float>();
  graft::register_builtin_wrappers<float>();
  for (const auto& layer : layers->items()) {
    const std::string name = layer.at("class_name").as_string();
    if (name == "Sequential" || name == "Functional" || name == "Model") {
      if (!supported(layer)) return false;
    } else if (!graft::LayerRegistry<float>::instance().contains(name)) {
      return false;
    }
    if (const graft::Config* inner = layer.at("config").find_set("layer")) {
      if (!graft::LayerRegistry<float>::instance().contains(inner->at("class_name").as_string())) return false;
    }
  }
  return true;
}

}  // namespace golden
