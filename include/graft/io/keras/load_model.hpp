#pragma once

#include <new>
#include <set>

#include "graft/io/keras/keras_archive.hpp"
#include "graft/io/keras/load_options.hpp"
#include "graft/io/keras/model_config.hpp"
#include "graft/io/keras/optimizer_state.hpp"
#include "graft/io/keras/recurrent_weights.hpp"
#include "graft/io/keras/store_optimizer.hpp"
#include "graft/io/keras/store_plan.hpp"
#include "graft/io/keras/tfjs.hpp"
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
  for (const Match& match : matches) {
    const VariablePtr<Scalar>& variable = variables[match.to->index];
    variable->set_origin(Origin::pretrained);
    // Files have the sum. Keras makes A zero as well, after which neither of the two can learn.
    if (variable->low_rank()) variable->low_rank()->b->mutable_value().fill(Scalar(0));
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
GRAFT_COLD void load_weights_into(const Model<Scalar>& model, const TfjsModel& file, const LoadWeightsOptions& options,
                                  LoadReport& report) {
  // All layers as one group, since the file has one list of weights.
  ModelGroups<Scalar> into(model);
  ModelGroup all{model.name(), {}};
  for (ModelGroup& group : into.groups) {
    for (ModelLeaf& leaf : group.leaves) {
      if (!leaf.parents.empty() || leaf.name != group.name) leaf.parents.insert(leaf.parents.begin(), group.name);
      all.leaves.push_back(std::move(leaf));
    }
  }
  std::vector<FileGroup> groups;
  groups.push_back(file.weights(model.name()));
  const std::vector<ModelGroup> whole{std::move(all)};
  const WeightPlan plan(groups, whole, Generation::keras2, options, file.where());
  read_weights(plan.matches, into.variables);
  add_to_report(plan.report, report);
}

/// TensorFlow.js keeps the optimizer's configuration alone, or its state in an order of its own.
template <class Scalar>
GRAFT_COLD void read_optimizer_state(const TfjsModel&, const Model<Scalar>&, std::vector<std::string>&) {}

template <class Scalar>
GRAFT_COLD Model<Scalar> make_model(const ModelSource& source, std::vector<std::string>& warnings) {
  // Says in which file the trouble is.
  const auto in_file = [&](const Error& error) { return source.where + ": " + error.what(); };
  try {
    const Config config = ModelConfigReader(source.generation, source.by_graft, warnings).read(source.model_config);
    const WeightBudget budget(weight_budget(source.bytes));
    const UninitializedVariables without_values;  // load_from reads all of them, or throws
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
    auto options = read_training_config<Scalar>(source.training_config, source.keras_version,
                                                model.impl().output_names(), warnings);
    options.lints.print = false;  // what the file holds is not what its reader is going to do
    model.compile(std::move(options));
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
GRAFT_COLD Model<Scalar> load_from(const ModelSource& source, const Weights& weights,
                                   const LoadOptions<Scalar>& options) {
  LoadReport report;
  report.keras_version = source.keras_version;
  const CustomLayers<Scalar> custom{options.custom_layers, options.functions};
  const typename CustomLayers<Scalar>::Scope scope(custom);
  Model<Scalar> model = make_model<Scalar>(source, report.warnings);
  load_weights_into(model, weights, {}, report);
  if (options.compile) compile_from(source, weights, model, report.warnings);
  if (options.report) *options.report = std::move(report);
  return model;
}

template <class Scalar>
GRAFT_COLD Model<Scalar> load_h5(const std::string& path, const LoadOptions<Scalar>& options) {
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
GRAFT_COLD Model<Scalar> load_archive(const std::string& path, const LoadOptions<Scalar>& options) {
  const KerasArchive archive(path);
  const WeightStore weights = archive.weights();
  return load_from<Scalar>(archive.source(weights), weights, options);
}

GRAFT_COLD inline Config read_json_file(const std::string& path) {
  return json::parse(read_text_file(path, static_cast<Index>(json::kMaxBytes), "JSON"), "\"" + path + "\"");
}

template <class Scalar>
GRAFT_COLD Model<Scalar> load_tfjs(const std::string& path, const LoadOptions<Scalar>& options) {
  Config json = read_json_file(path);
  if (json.contains("class_name") && json.contains("config")) {
    fail<FileError>("\"" + path + "\"", "a model with weights", "an architecture alone (model.to_json())",
                    "Save the whole model as .h5 or .keras.");
  }
  const TfjsModel file(path, std::move(json));
  return load_from<Scalar>(file.source(), file, options);
}

/// Weights in shards: x.weights.json names the .weights.h5 files beside it. Throws FileError.
GRAFT_COLD inline WeightStore open_shards(const std::string& path, const Config& json) {
  const std::string where = "\"" + path + "\"";
  std::set<std::string> files;
  for (const auto& [array, shards] : json.at("weight_map").members("weight_map")) {
    if (shards.is_string()) files.insert(shards.as_string());
    else
      for (const Config& shard : shards.items("weight_map")) files.insert(shard.as_string("weight_map"));
  }
  WeightStore store(where);
  for (const std::string& name : files) {
    store.add(hdf5::File::open(detail::beside(path, name, where + ", weight_map")).root());
  }
  return store;
}

template <class Scalar>
GRAFT_COLD void load_weights_file(const Model<Scalar>& model, const std::string& path,
                                  const LoadWeightsOptions& options, LoadReport& report) {
  const FileKind kind = file_kind(path);
  if (kind == FileKind::zip) return load_weights_into(model, KerasArchive(path).weights(), options, report);
  if (kind == FileKind::json) {
    Config json = read_json_file(path);
    if (json.contains("weight_map")) return load_weights_into(model, open_shards(path, json), options, report);
    return load_weights_into(model, TfjsModel(path, std::move(json)), options, report);
  }
  if (kind == FileKind::hdf5) {
    const hdf5::Group root = hdf5::File::open(path).root();
    if (WeightStore::is_store(root)) {
      WeightStore store("\"" + path + "\"");
      store.add(root);
      return load_weights_into(model, store, options, report);
    }
  }
  load_weights_into(model, LegacyH5(path), options, report);
}

}  // namespace keras

template <class Scalar>
GRAFT_COLD Model<Scalar> load_model(const std::string& path, const LoadOptions<Scalar>& options) {
  switch (file_kind(path)) {
    case FileKind::zip: return keras::load_archive<Scalar>(path, options);
    case FileKind::json: return keras::load_tfjs<Scalar>(path, options);
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
  keras::load_weights_file(*this, path, options, report);
  if (options.report) *options.report = report;
  return report;
}

}  // namespace graft
