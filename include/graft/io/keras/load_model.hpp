#pragma once

#include <new>

#include "graft/io/keras/keras_archive.hpp"
#include "graft/io/keras/load_options.hpp"
#include "graft/io/keras/model_config.hpp"
#include "graft/io/keras/optimizer_state.hpp"
#include "graft/io/keras/recurrent_weights.hpp"
#include "graft/io/keras/store_optimizer.hpp"
#include "graft/io/keras/store_plan.hpp"
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
GRAFT_COLD void read_weights(const std::vector<Match>& matches, const std::vector<VariablePtr<Scalar>>& variables,
                             bool rotates = false) {
  const auto into = [&](const Match& match) { return variables[match.to->index]->mutable_value().data(); };
  std::vector<std::pair<const Match*, Tensor<Scalar>>> staged;
  for (const Match& match : matches) {
    if (match.from->data.plain()) continue;
    staged.emplace_back(&match, Tensor<Scalar>::uninitialized(match.from->data.shape()));
    match.from->data.read(staged.back().second.data());
  }
  for (const Match& match : matches) {
    if (!match.from->data.plain()) continue;
    if (!match.order.moves()) {
      match.from->data.read(into(match));
      continue;
    }
    auto value = Tensor<Scalar>::uninitialized(match.from->data.shape());
    match.from->data.read(value.data());
    move_axes(value, match.order, into(match));
  }
  for (const auto& [match, value] : staged) {
    if (match->order.moves()) move_axes(value, match->order, into(*match));
    else std::copy_n(value.data(), value.size(), into(*match));
  }
  if (!rotates) return;
  // Theano convolves where the others correlate; its depthwise and separable convolutions go the others' way.
  for (const Match& match : matches) {
    if (match.to->kind != KernelKind::other) rotate_kernel(variables[match.to->index]->mutable_value());
  }
}

// What a plan found, into the report of the whole load.
GRAFT_COLD inline void add_to_report(const LoadReport& found, LoadReport& report) {
  report.loaded = found.loaded;
  report.skipped = found.skipped;
  report.missing = found.missing;
  report.warnings.insert(report.warnings.end(), found.warnings.begin(), found.warnings.end());
}

template <class Scalar>
GRAFT_COLD void load_weights_into(const Model<Scalar>& model, const LegacyH5& file, const LoadWeightsOptions& options,
                                  LoadReport& report) {
  const ModelGroups<Scalar> into(model);
  std::vector<FileGroup> groups = file.groups();
  for (FileGroup& group : groups) modernize_recurrent(group, file.where());
  const WeightPlan plan(groups, into.groups, file.generation(), options, file.where());
  read_weights(plan.matches, into.variables, file.backend() == "theano");
  report.keras_version = file.keras_version();
  add_to_report(plan.report, report);
  for (const std::string& name : file.top_level_weights()) report.skipped.push_back(name);
}

template <class Scalar>
GRAFT_COLD void load_weights_into(const Model<Scalar>& model, const WeightStore& store,
                                  const LoadWeightsOptions& options, LoadReport& report) {
  const StorePlan<Scalar> plan(store, model, options);
  read_weights(plan.matches, plan.variables);
  add_to_report(plan.report, report);
}

template <class Scalar>
GRAFT_COLD Model<Scalar> make_model(const ModelSource& source, std::vector<std::string>& warnings) {
  // Says in which file the trouble is.
  const auto in_file = [&](const Error& error) { return source.where + ": " + error.what(); };
  try {
    const Config config = ModelConfigReader(source.generation, source.by_graft, warnings).read(source.model_config);
    const WeightBudget budget(weight_budget(source.bytes));
    return Model<Scalar>::from_config(config);
  } catch (const ConfigError& error) {
    throw ConfigError(in_file(error));
  } catch (const ShapeError& error) {
    throw ShapeError(in_file(error));
  } catch (const std::bad_alloc&) {
    fail<FileError>(source.where, "a model that fits in memory", "a larger one", "The file is damaged or hostile.");
  }
}

// A loss or metric that nobody knows must not keep the model from its user: it stays uncompiled, with a warning.
// `weights` is what holds the state of the optimizer.
template <class Scalar, class Weights>
GRAFT_COLD void compile_from(const ModelSource& source, const Weights& weights, const Model<Scalar>& model,
                             std::vector<std::string>& warnings) {
  if (source.training_config.is_null()) return;
  try {
    model.compile(read_training_config<Scalar>(source.training_config, source.keras_version,
                                               model.impl().output_names(), warnings));
  } catch (const Error& error) {
    warnings.push_back(std::string("not compiled: ") + error.what());
    return;
  }
  try {
    read_optimizer_state(weights, model, warnings);
  } catch (const Error& error) {
    warnings.push_back(std::string("the state of the optimizer was not read, it starts anew: ") + error.what());
  }
}

template <class Scalar, class Weights>
GRAFT_COLD Model<Scalar> load_from(const ModelSource& source, const Weights& weights, const LoadOptions& options) {
  LoadReport report;
  report.keras_version = source.keras_version;
  Model<Scalar> model = make_model<Scalar>(source, report.warnings);
  load_weights_into(model, weights, {}, report);
  if (options.compile) compile_from(source, weights, model, report.warnings);
  if (options.report) *options.report = std::move(report);
  return model;
}

template <class Scalar>
GRAFT_COLD Model<Scalar> load_h5(const std::string& path, const LoadOptions& options) {
  const LegacyH5 file(path);
  ModelSource source = ModelSource::of(file);
  if (source.generation == Generation::keras2) decide_reset_after(source.model_config, file.groups());
  if (options.compile) {
    try {
      source.training_config = file.training_config();
    } catch (const Error& error) {
      Model<Scalar> model = load_from<Scalar>(source, file, options);
      if (options.report) options.report->warnings.push_back(std::string("not compiled: ") + error.what());
      return model;
    }
  }
  return load_from<Scalar>(source, file, options);
}

template <class Scalar>
GRAFT_COLD Model<Scalar> load_archive(const std::string& path, const LoadOptions& options) {
  const KerasArchive archive(path);
  const WeightStore weights = archive.weights();
  return load_from<Scalar>(archive.source(weights), weights, options);
}

}  // namespace keras

template <class Scalar>
GRAFT_COLD Model<Scalar> load_model(const std::string& path, const LoadOptions& options) {
  switch (file_kind(path)) {
    case FileKind::zip: return keras::load_archive<Scalar>(path, options);
    default: return keras::load_h5<Scalar>(path, options);
  }
}

template <class Scalar>
GRAFT_COLD LoadReport Model<Scalar>::load_weights(const std::string& path, const LoadWeightsOptions& options) const {
  if (!this->built()) {
    throw StateError("load_weights of " + impl().where() +
                     ": the model is not built, so there is nothing to put weights into. Give the first layer an "
                     "input_shape, or call build(shape).");
  }
  LoadReport report;
  const FileKind kind = file_kind(path);
  if (kind == FileKind::zip) {
    keras::load_weights_into(*this, keras::KerasArchive(path).weights(), options, report);
  } else {
    bool is_store = false;
    if (kind == FileKind::hdf5) {
      const hdf5::Group root = hdf5::File::open(path).root();
      is_store = keras::WeightStore::is_store(root);
      if (is_store) {
        keras::WeightStore store("\"" + path + "\"");
        store.add(root);
        keras::load_weights_into(*this, store, options, report);
      }
    }
    if (!is_store) keras::load_weights_into(*this, keras::LegacyH5(path), options, report);
  }
  if (options.report) *options.report = report;
  return report;
}

}  // namespace graft
