#pragma once

#include <string>
#include <vector>

namespace graft {

/// What reading a file did.
struct LoadReport {
  std::string keras_version;              ///< of the writer; empty when the file does not say
  std::vector<std::string> loaded = {};   ///< weights, as "layer/weight"
  std::vector<std::string> skipped = {};  ///< in the file, not used
  std::vector<std::string> missing = {};  ///< in the model, not in the file
  std::vector<std::string> warnings = {};
};

struct LoadWeightsOptions {
  bool by_name = false;        ///< layers are matched by name, not by their order; layers may be missing on both sides
  bool skip_mismatch = false;  ///< with by_name: weights of another shape are skipped, not an error
  LoadReport* report = nullptr;
};

}  // namespace graft
