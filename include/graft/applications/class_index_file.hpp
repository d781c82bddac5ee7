#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graft/applications/decode_predictions.hpp"
#include "graft/io/file_kind.hpp"
#include "graft/io/json.hpp"

namespace graft::applications {

namespace detail {

/// Names and descriptions of the classes in order. Throws FileError.
GRAFT_COLD inline std::vector<DecodedPrediction> read_class_index(const std::string& path) {
  const std::string where = "\"" + path + "\"", form = "{\"0\": [\"n01440764\", \"tench\"], \"1\": …}";
  const Config json = json::parse(read_text_file(path, Index{1} << 26, "JSON"), where);
  if (!json.is_object()) fail<FileError>(where, form, "another kind of JSON");
  const auto& members = json.members("class index");
  std::vector<DecodedPrediction> classes;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Config* entry = json.find(std::to_string(i));
    if (!entry)
      fail<FileError>(where, "classes \"0\" … \"" + std::to_string(members.size() - 1) + "\"",
                      "no \"" + std::to_string(i) + "\"");
    const bool pair = entry->is_array() && entry->items().size() == 2 && entry->items()[0].is_string() &&
                      entry->items()[1].is_string();
    if (!pair) fail<FileError>(where + ", class " + std::to_string(i), form, "something else");
    classes.push_back({entry->items()[0].as_string(), entry->items()[1].as_string()});
  }
  return classes;
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD std::vector<std::vector<DecodedPrediction>> decode_predictions(const Tensor<Scalar>& preds, Index top,
                                                                          const std::string& class_index_file) {
  if (top < 1) fail<ConfigError>("decode_predictions", "top above 0", std::to_string(top));
  const auto classes = detail::read_class_index(class_index_file);
  const Index count = static_cast<Index>(classes.size());
  if (preds.rank() != 2 || preds.dim(1) != count) {
    fail<ShapeError>("decode_predictions", "(samples, " + std::to_string(count) + "), as the file has classes",
                     preds.shape().str());
  }
  std::vector<std::vector<DecodedPrediction>> result;
  for (Index sample = 0; sample < preds.dim(0); ++sample) {
    const Scalar* scores = preds.data() + sample * count;
    // NaN compares with nothing; it goes to the end.
    const auto score = [&](Index i) { return std::isnan(scores[i]) ? -INFINITY : static_cast<double>(scores[i]); };
    std::vector<Index> order(classes.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return score(a) > score(b); });
    auto& best = result.emplace_back();
    for (std::size_t i = 0; i < std::min(classes.size(), static_cast<std::size_t>(top)); ++i) {
      best.push_back(classes[static_cast<std::size_t>(order[i])]);
      best.back().score = static_cast<double>(scores[order[i]]);
    }
  }
  return result;
}

}  // namespace graft::applications
