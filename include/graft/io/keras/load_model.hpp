#pragma once

#include <new>

#include "graft/io/keras/load_options.hpp"
#include "graft/io/keras/model_config.hpp"
#include "graft/io/keras/optimizer_state.hpp"
#include "graft/io/keras/training_config.hpp"
#include "graft/io/keras/weight_loading.hpp"

namespace graft {

namespace keras {

// Turns a kernel (window…, channels, filters) by 180 degrees: its taps in reverse order.
template <class Scalar>
GRAFT_COLD void rotate_kernel(Tensor<Scalar>& kernel) {
  const int rank = kernel.shape().rank();
  const Index taps = kernel.shape().product(0, rank - 2), size = kernel.shape().product(rank - 2, rank);
  for (Index tap = 0; tap < taps / 2; ++tap) {
    std::swap_ranges(kernel.data() + tap * size, kernel.data() + (tap + 1) * size,
                     kernel.data() + (taps - 1 - tap) * size);
  }
}

// Everything was checked before; what can still fail while it is read (packed arrays) is read first, so that a failed
// load leaves the model as it was.
template <class Scalar>
GRAFT_COLD void read_weights(const LegacyH5& file, const std::vector<Match>& matches,
                             const std::vector<VariablePtr<Scalar>>& variables) {
  std::vector<std::pair<const Match*, Tensor<Scalar>>> staged;
  for (const Match& match : matches) {
    if (match.from->data.plain()) continue;
    staged.emplace_back(&match, Tensor<Scalar>::uninitialized(match.to->shape));
    match.from->data.read(staged.back().second.data());
  }
  for (const Match& match : matches) {
    if (match.from->data.plain()) match.from->data.read(variables[match.to->index]->mutable_value().data());
  }
  for (const auto& [match, value] : staged) variables[match->to->index]->assign(value.view());
  if (file.backend() != "theano") return;
  for (const Match& match : matches) {
    if (match.to->convolves) rotate_kernel(variables[match.to->index]->mutable_value());
  }
}

template <class Scalar>
GRAFT_COLD void load_weights_into(const Model<Scalar>& model, const LegacyH5& file, const LoadWeightsOptions& options,
                                  LoadReport& report) {
  if (!model.built()) {
    throw StateError("load_weights of " + model.impl().where() +
                     ": the model is not built, so there is nothing to put weights into. Give the first layer an "
                     "input_shape, or call build(shape).");
  }
  const ModelGroups<Scalar> into(model);
  const std::vector<FileGroup> groups = file.groups();
  const WeightPlan plan(groups, into.groups, file.generation(), options, file.where());
  read_weights(file, plan.matches, into.variables);
  report.keras_version = file.keras_version();
  report.loaded = plan.report.loaded;
  report.skipped = plan.report.skipped;
  report.missing = plan.report.missing;
  report.warnings.insert(report.warnings.end(), plan.report.warnings.begin(), plan.report.warnings.end());
  for (const std::string& name : file.top_level_weights()) report.skipped.push_back(name);
}

// Says in which file the trouble is.
template <class Error>
[[noreturn]] GRAFT_COLD void rethrow_in(const LegacyH5& file, const Error& error) {
  throw Error(file.where() + ": " + error.what());
}

template <class Scalar>
GRAFT_COLD Model<Scalar> make_model(const LegacyH5& file, std::vector<std::string>& warnings) {
  const Config raw = file.model_config();
  try {
    const Config config = ModelConfigReader(file.generation(), file.by_graft(), warnings).read(raw);
    check_sizes(config, file.bytes());
    return Model<Scalar>::from_config(config);
  } catch (const ConfigError& error) {
    rethrow_in(file, error);
  } catch (const ShapeError& error) {
    rethrow_in(file, error);
  } catch (const std::bad_alloc&) {
    fail<FileError>(file.where(), "a model that fits in memory", "a larger one", "The file is damaged or hostile.");
  }
}

// A loss or metric that nobody knows must not keep the model from its user: it stays uncompiled, with a warning.
template <class Scalar>
GRAFT_COLD void compile_from(const LegacyH5& file, const Model<Scalar>& model, std::vector<std::string>& warnings) {
  try {
    const Config training = file.training_config();
    if (training.is_null()) return;
    model.compile(read_training_config<Scalar>(training, file.keras_version(), model.impl().output_names()));
  } catch (const Error& error) {
    warnings.push_back(std::string("not compiled: ") + error.what());
    return;
  }
  try {
    read_optimizer_state(file, model, warnings);
  } catch (const Error& error) {
    warnings.push_back(std::string("the state of the optimizer was not read, it starts anew: ") + error.what());
  }
}

}  // namespace keras

template <class Scalar>
GRAFT_COLD Model<Scalar> load_model(const std::string& path, const LoadOptions& options) {
  const keras::LegacyH5 file(path);
  LoadReport report;
  Model<Scalar> model = keras::make_model<Scalar>(file, report.warnings);
  keras::load_weights_into(model, file, {}, report);
  if (options.compile) keras::compile_from(file, model, report.warnings);
  if (options.report) *options.report = std::move(report);
  return model;
}

template <class Scalar>
GRAFT_COLD LoadReport Model<Scalar>::load_weights(const std::string& path, const LoadWeightsOptions& options) const {
  const keras::LegacyH5 file(path);
  LoadReport report;
  keras::load_weights_into(*this, file, options, report);
  if (options.report) *options.report = report;
  return report;
}

}  // namespace graft
