#pragma once

#include "graft/core/version.hpp"
#include "graft/io/json.hpp"
#include "graft/io/keras/compile_config_writer.hpp"
#include "graft/io/keras/keras3_writer.hpp"
#include "graft/io/keras/legacy_weights_writer.hpp"
#include "graft/io/keras/optimizer_state.hpp"
#include "graft/io/keras/store_writer.hpp"
#include "graft/io/zip/writer.hpp"

namespace graft {

namespace keras {

/// The version of Keras whose words .keras files and .weights.h5 files have.
inline constexpr const char* kKeras3Version = "3.11.3";

GRAFT_COLD inline bool path_ends_in(const std::string& path, std::string_view end) {
  return path.size() >= end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
}

template <class Scalar>
GRAFT_COLD void require_built(const Model<Scalar>& model, const char* what) {
  if (model.built()) return;
  throw StateError(std::string(what) + " of " + model.impl().where() +
                   ": the model is not built, so it has no weights yet. Give the first layer an input_shape, or call "
                   "build(shape).");
}

template <class Scalar>
GRAFT_COLD void save_h5(const Model<Scalar>& model, const std::string& path, const SaveOptions& options) {
  // Everything that can fail for other reasons than the disk comes first.
  ModelConfigWriter writer;
  const bool compiled = model.compiled() && options.include_optimizer;
  const std::string model_config = json::dump(writer.write(model.class_name(), model.config()));
  std::string training_config;
  if (compiled) training_config = json::dump(write_training_config(model.compiled_or_throw("save").options()));
  const ModelGroups<Scalar> groups(model);
  hdf5::write_file(path, [&](const hdf5::Group& root) {
    root.write("keras_version", std::string(writer.keras_version()));
    root.write("backend", std::string("tensorflow"));
    root.write("graft_version", std::string(GRAFT_VERSION));
    root.write("model_config", model_config);
    if (compiled) root.write("training_config", training_config);
    write_weights(model, groups, root.create_group("model_weights"), writer.keras_version(), options.gzip);
    if (compiled) write_optimizer_state(model, groups, root, options.gzip);
  });
}

template <class Scalar>
GRAFT_COLD void save_archive(const Model<Scalar>& model, const std::string& path, const SaveOptions& options) {
  const bool compiled = model.compiled() && options.include_optimizer;
  Config config = Keras3ConfigWriter<Scalar>().write(model), metadata = Config::object();
  if (compiled) config["compile_config"] = write_compile_config(model.compiled_or_throw("save").options());
  metadata["keras_version"] = kKeras3Version;
  metadata["date_saved"] = "1980-01-01@00:00:00";  // the same model makes the same bytes
  metadata["graft_version"] = GRAFT_VERSION;
  const std::string config_json = json::dump(config);
  Index bytes = 0;  // of all arrays, with three slots for each
  for (const auto& variable : model.weights()) bytes += variable->size() * static_cast<Index>(4 * sizeof(Scalar));
  AtomicFile target(path);
  {
    zip::Writer zip(target);
    zip.add("metadata.json", json::dump(metadata));
    zip.add("config.json", config_json);
    const Index first = zip.begin("model.weights.h5", bytes > (Index{3} << 30));
    hdf5::write_part(target, first, [&](const hdf5::Group& root) { write_store(model, root, compiled, options.gzip); });
    zip.end();
    zip.finish();
  }
  target.commit();
}

}  // namespace keras

template <class Scalar>
GRAFT_COLD void Model<Scalar>::save(const std::string& path, const SaveOptions& options) const {
  const bool archive = keras::path_ends_in(path, ".keras"), weights = keras::path_ends_in(path, ".weights.h5");
  if (weights || (!archive && !keras::path_ends_in(path, ".h5") && !keras::path_ends_in(path, ".hdf5"))) {
    fail<FileError>("save to \"" + path + "\"", "a file name that ends in .keras or .h5",
                    weights ? ".weights.h5" : "another", weights ? "Weights alone are written by save_weights." : "");
  }
  keras::require_built(*this, "save");
  if (archive) keras::save_archive(*this, path, options);
  else keras::save_h5(*this, path, options);
}

template <class Scalar>
GRAFT_COLD void Model<Scalar>::save_weights(const std::string& path, const SaveOptions& options) const {
  const bool tree = keras::path_ends_in(path, ".weights.h5");
  if (!tree && !keras::path_ends_in(path, ".h5") && !keras::path_ends_in(path, ".hdf5")) {
    fail<FileError>("save_weights to \"" + path + "\"", "a file name that ends in .weights.h5 or .h5",
                    keras::path_ends_in(path, ".keras") ? ".keras" : "another",
                    keras::path_ends_in(path, ".keras") ? "A whole model is written by save." : "");
  }
  keras::require_built(*this, "save_weights");
  if (tree) {
    hdf5::write_file(path, [&](const hdf5::Group& root) {
      keras::write_store(*this, root, compiled() && options.include_optimizer, options.gzip);
    });
    return;
  }
  const keras::ModelGroups<Scalar> groups(*this);
  hdf5::write_file(path, [&](const hdf5::Group& root) {
    root.write("graft_version", std::string(GRAFT_VERSION));
    keras::write_weights(*this, groups, root, "2.15.0", options.gzip);
  });
}

}  // namespace graft
