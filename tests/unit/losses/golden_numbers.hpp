#pragma once

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "graft/core/config.hpp"
#include "graft/core/tensor.hpp"
#include "support/golden_dir.hpp"

// tests/golden/metrics_losses.json: what Keras 3.11.3 computes on small arrays.
namespace graft::test {

using nlohmann::json;

inline json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return json::parse(file);
}

inline Config to_config(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<Index>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    Config list = Config::array();
    for (const auto& item : value) list.push_back(to_config(item));
    return list;
  }
  if (value.is_null()) return nullptr;
  Config dictionary = Config::object();
  for (const auto& [key, item] : value.items()) dictionary[key] = to_config(item);
  return dictionary;
}

class GoldenNumbers {
 public:
  GoldenNumbers() : data_(read_json(std::string(GRAFT_TEST_GOLDEN) + "/metrics_losses.json")) {
    for (const auto& [name, input] : data_["inputs"].items()) {
      Shape shape;
      for (const auto& dim : input["shape"]) shape.push_back(dim.get<Index>());
      inputs_[name] = Tensor<float>(shape, input["data"].get<std::vector<float>>());
    }
  }

  const json& losses() const { return data_["losses"]; }
  const json& metrics() const { return data_["metrics"]; }

  /// An input by name; an empty view for null.
  TensorView<const float> input(const json& name) const {
    if (name.is_null()) return {};
    return inputs_.at(name.get<std::string>()).view();
  }
  static std::vector<double> numbers(const json& value) {
    if (value.is_array()) return value.get<std::vector<double>>();
    return {value.get<double>()};
  }
  /// {"class_name": …, "config": {…}} of a case.
  static Config object(const json& c) {
    Config result = Config::object();
    result["class_name"] = c["class"].get<std::string>();
    Config& config = result["config"] = to_config(c["kwargs"]);
    if (c.contains("reduction")) config["reduction"] = c["reduction"].get<std::string>();
    config["name"] = "name";
    return result;
  }

  /// Largest relative difference; infinite when the counts differ.
  static double difference(const std::vector<double>& got, const std::vector<double>& expected) {
    if (got.size() != expected.size()) return INFINITY;
    double largest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double d = std::abs(got[i] - expected[i]) / std::max(1e-3, std::abs(expected[i]));
      if (!(d <= largest)) largest = d;
    }
    return largest;
  }

 private:
  json data_;
  std::map<std::string, Tensor<float>> inputs_;
};

}  // namespace graft::test
