#pragma once

#include <new>

#include "graft/io/json.hpp"
#include "graft/io/keras/generation.hpp"
#include "graft/io/keras/load_options.hpp"
#include "graft/io/keras/model_config.hpp"

namespace graft {

template <class Scalar>
GRAFT_COLD Model<Scalar> model_from_json(const std::string& json, const LoadOptions<Scalar>& options) {
  const std::string where = "model_from_json";
  const Config raw = json::parse(json, where);
  if (!raw.is_object() || !raw.contains("class_name") || !raw.contains("config")) {
    fail<FileError>(where, "what model.to_json() gives, with \"class_name\" and \"config\"", "something else");
  }
  LoadReport report;
  report.keras_version = raw.get("keras_version", "");
  const keras::Generation generation = keras::generation_of(report.keras_version, raw);
  const CustomLayers<Scalar> custom{options.custom_layers, options.functions};
  const typename CustomLayers<Scalar>::Scope scope(custom);
  const Config config = keras::ModelConfigReader(generation, false, report.warnings).read(raw);
  try {
    const Model<Scalar> model = Model<Scalar>::from_config(config);
    if (options.report) *options.report = std::move(report);
    return model;
  } catch (const std::bad_alloc&) {
    fail<FileError>(where, "a model that fits in memory", "a larger one");
  }
}

}  // namespace graft
