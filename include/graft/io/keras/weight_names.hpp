#pragma once

#include <map>

#include "graft/io/keras/generation.hpp"

namespace graft::keras {

/// Positions by name: the one kind of table of all the matching in this folder.
using NameIndex = std::map<std::string, std::vector<std::size_t>>;

/// The name of a weight in a file as a path whose last part is its role: "model/dense_1/kernel:0" →
/// "model/dense_1/kernel". Of Keras 1, "scope/dense_1_W" → "scope/dense_1/kernel".
GRAFT_COLD inline std::string weight_path(const std::string& name, Generation generation) {
  std::string path;
  for (const char c : name) {
    if (c != '/' || (!path.empty() && path.back() != '/')) path += c;
  }
  // TensorFlow's output number, ":0".
  const std::size_t colon = path.rfind(':');
  if (colon != std::string::npos && colon > 0 && path.find_first_not_of("0123456789", colon + 1) == std::string::npos) {
    path.resize(colon);
  }
  if (generation != Generation::keras1) return path;
  struct Role {
    std::string_view old_end, now;
  };
  // running_std holds the variance, whatever its name says.
  constexpr Role kRoles[] = {{"_running_mean", "moving_mean"},
                             {"_running_std", "moving_variance"},
                             {"_gamma", "gamma"},
                             {"_beta", "beta"},
                             {"_alphas", "alpha"},
                             {"_W_carry", "kernel_carry"},
                             {"_b_carry", "bias_carry"},
                             {"_W", "kernel"},
                             {"_U", "recurrent_kernel"},
                             {"_b", "bias"}};
  for (const auto& [old_end, now] : kRoles) {
    if (path.size() <= old_end.size() || path.compare(path.size() - old_end.size(), old_end.size(), old_end) != 0)
      continue;
    path.resize(path.size() - old_end.size());
    path.append("/").append(now);
    break;
  }
  return path;
}

/// Whether a path ends in these whole parts: "base/d1/kernel" in "d1/kernel", but not in "1/kernel".
GRAFT_COLD inline bool ends_in(std::string_view path, std::string_view end, char separator = '/') {
  if (path.size() < end.size() || path.substr(path.size() - end.size()) != end) return false;
  return path.size() == end.size() || path[path.size() - end.size() - 1] == separator;
}

/// Whether one of the parts of a path, the last one excepted, is `part`.
GRAFT_COLD inline bool passes(const std::string& path, const std::string& part) {
  return ("/" + path).find("/" + part + "/") != std::string::npos;
}

}  // namespace graft::keras
