#pragma once

#include <map>
#include <string>
#include <vector>

#include "graft/nn/layer.hpp"

// How Keras 3 names what it stores: by class and count, not by the names of layers.
namespace graft::detail {

/// Keras 3's word for a class: "Conv2D" → "conv2d", "ConvLSTM2D" → "conv_lstm2d". tf.keras, and the names of layers,
/// take a capital and digits for a word too: "conv_lst_m2d".
GRAFT_COLD inline std::string store_word(std::string_view class_name) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  std::string word;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool starts = i + 1 < class_name.size() && lower(class_name[i + 1]);  // of "Xx"
    const bool follows = i > 0 && lower(class_name[i - 1]);                     // of "xX"
    if (i > 0 && upper(c) && (starts || follows) && word.back() != '_') word += '_';
    word += upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return word;
}

/// The keys of layers in their container: "dense", "dense_1", "conv2d" …
template <class Scalar>
GRAFT_COLD std::vector<std::string> store_keys(const std::vector<Layer<Scalar>>& layers) {
  std::map<std::string, Index> used;
  std::vector<std::string> keys;
  for (const auto& layer : layers) {
    std::string word = store_word(layer.class_name());
    const Index count = used[word]++;
    if (count > 0) word += "_" + std::to_string(count);
    keys.push_back(std::move(word));
  }
  return keys;
}

}  // namespace graft::detail
