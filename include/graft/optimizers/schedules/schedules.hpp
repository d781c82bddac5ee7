#pragma once

#include "graft/core/named_factory.hpp"
#include "graft/optimizers/schedules/cosine_decay.hpp"
#include "graft/optimizers/schedules/cosine_decay_restarts.hpp"
#include "graft/optimizers/schedules/exponential_decay.hpp"
#include "graft/optimizers/schedules/inverse_time_decay.hpp"
#include "graft/optimizers/schedules/piecewise_constant_decay.hpp"
#include "graft/optimizers/schedules/polynomial_decay.hpp"
#include "graft/optimizers/schedules/slanted_triangular.hpp"

namespace graft {

GRAFT_COLD inline LearningRateSchedule LearningRateSchedule::from_config(const Config& config) {
  const ObjectName object = read_object_name("learning rate schedule", config);
  LearningRateScheduleImpl* impl = nullptr;
  const char* required = "initial_learning_rate";
  if (object.name == "ExponentialDecay") impl = new ExponentialDecay::Impl;
  if (object.name == "InverseTimeDecay") impl = new InverseTimeDecay::Impl;
  if (object.name == "PolynomialDecay") impl = new PolynomialDecay::Impl;
  if (object.name == "CosineDecay") impl = new CosineDecay::Impl;
  if (object.name == "CosineDecayRestarts") impl = new CosineDecayRestarts::Impl;
  if (object.name == "PiecewiseConstantDecay") {
    impl = new PiecewiseConstantDecay::Impl;
    required = "boundaries";
  }
  if (object.name == "SlantedTriangular") {
    impl = new SlantedTriangular::Impl;
    required = "max_learning_rate";
  }
  const LearningRateSchedule result(impl);
  if (!result) {
    const std::string_view names[] = {"ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
                                      "PolynomialDecay",  "CosineDecay",      "CosineDecayRestarts",
                                      "SlantedTriangular"};
    detail::unknown_name("learning rate schedule", object.name, names);
  }
  (void)object.config.at(required);
  ConfigFields reader = ConfigFields::reader(object.config);
  impl->fields(reader);
  return result;
}

}  // namespace graft
