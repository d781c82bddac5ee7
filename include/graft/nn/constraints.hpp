#pragma once

#include <string>
#include <vector>

#include "graft/core/text.hpp"
#include "graft/nn/constraints/constraint.hpp"
#include "graft/nn/constraints/norms.hpp"
#include "graft/nn/constraints/simple.hpp"

namespace graft {

namespace detail {
GRAFT_COLD inline Constraint make_constraint(const std::string& name, const Config& c) {
  const std::string snake = text::to_snake_case(name);
  const auto axis = [&] { return NormAxes::from_config(c.find_set("axis")); };
  // Keras 1 calls the limit m.
  if (snake == "max_norm" || snake == "maxnorm") return MaxNorm(c.get("max_value", c.get("m", 2.0)), axis());
  if (snake == "non_neg" || snake == "nonneg") return NonNeg();
  if (snake == "unit_norm" || snake == "unitnorm") return UnitNorm(axis());
  if (snake == "min_max_norm") {
    return MinMaxNorm(c.get("min_value", 0.0), c.get("max_value", 1.0), c.get("rate", 1.0), axis());
  }
  if (snake == "radial_constraint") return RadialConstraint();
  const std::vector<std::string> known = {"max_norm", "non_neg", "unit_norm", "min_max_norm", "radial_constraint"};
  throw ConfigError("constraint \"" + name + "\" is not known. " + text::did_you_mean(snake, known));
}
}  // namespace detail

GRAFT_COLD inline Constraint::Constraint(const std::string& name)
    : Constraint(detail::make_constraint(name, Config::object())) {}

GRAFT_COLD inline Constraint Constraint::from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string()) return detail::make_constraint(config.as_string(), Config::object());
  const Config* options = config.find_set("config");
  return detail::make_constraint(config.at("class_name").as_string("class_name"),
                                 options ? *options : Config::object());
}

}  // namespace graft
