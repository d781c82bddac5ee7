#pragma once

#include "graft/core.hpp"
#include "graft/instantiations.hpp"

// What tests with gradients by finite differences do in double: compiled once, in double_templates.cpp, as
// graft::compiled does it for float.
#define GRAFT_DOUBLE_TEMPLATES(X) \
  X(class Tensor<double>) \
  X(class LayerImpl<double>) \
  X(class ModelImpl<double>) \
  X(class OptimizerImpl<double>) \
  X(class LossImpl<double>) \
  X(class MetricImpl<double>) \
  X(class Compiled<double>) \
  X(struct CompileOptions<double>) \
  X(struct FitOptions<double>) \
  X(class Plan<double>) \
  X(class Executor<double>) \
  X(class Trainer<double>) \
  X(Loss<double> Loss<double>::from_config(const Config&)) \
  X(Metric<double> Metric<double>::from_config(const Config&)) \
  X(Optimizer<double> Optimizer<double>::from_config(const Config&)) \
  X(void register_builtin_layers<double>()) \
  X(History Model<double>::fit(Arrays<double>, Arrays<double>, FitOptions<double>) const) \
  X(std::vector<Tensor<double>> Model<double>::predict_all(Arrays<double>, PredictOptions) const) \
  X(Tensor<double> Model<double>::predict(Arrays<double>, PredictOptions) const)

namespace graft {

GRAFT_DOUBLE_TEMPLATES(GRAFT_DECLARE_TEMPLATE)

}  // namespace graft
