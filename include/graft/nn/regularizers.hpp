#pragma once

#include <string>
#include <vector>

#include "graft/core/text.hpp"
#include "graft/nn/regularizers/kl_divergence.hpp"
#include "graft/nn/regularizers/l1_l2.hpp"
#include "graft/nn/regularizers/orthogonal.hpp"
#include "graft/nn/regularizers/regularizer.hpp"

namespace graft {

namespace detail {
GRAFT_COLD inline Regularizer make_regularizer(const std::string& name, const Config& c) {
  if (name == "L1" || name == "l1") return L1(c.get("l1", 0.01));
  if (name == "L2" || name == "l2") return L2(c.get("l2", 0.01));
  // The function l1_l2 of Keras 2 has other defaults than the class.
  if (name == "l1_l2") return L1L2(c.get("l1", 0.01), c.get("l2", 0.01));
  if (name == "L1L2") return L1L2(c.get("l1", 0.0), c.get("l2", 0.0));
  if (name == "OrthogonalRegularizer" || name == "orthogonal_regularizer") {
    return OrthogonalRegularizer(c.get("factor", 0.01), c.get("mode", "rows"));
  }
  if (name == "KLDivergenceRegularizer") {
    return KLDivergenceRegularizer(c.get("weight", 0.05), c.get("target", 0.1));
  }
  const std::vector<std::string> known = {"l1", "l2", "l1_l2", "KLDivergenceRegularizer", "OrthogonalRegularizer"};
  throw ConfigError("regularizer \"" + name + "\" is not known. " + text::did_you_mean(name, known));
}
}  // namespace detail

GRAFT_COLD inline Regularizer::Regularizer(const std::string& name)
    : Regularizer(detail::make_regularizer(name, Config::object())) {}

GRAFT_COLD inline Regularizer Regularizer::from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string()) return detail::make_regularizer(config.as_string(), Config::object());
  const Config* options = config.find_set("config");
  return detail::make_regularizer(config.at("class_name").as_string("class_name"),
                                  options ? *options : Config::object());
}

}  // namespace graft
