#pragma once

#include "graft/io/json.hpp"
#include "graft/io/keras/model_source.hpp"
#include "graft/io/keras/weight_store.hpp"
#include "graft/io/zip/reader.hpp"

namespace graft::keras {

/// A .keras file of Keras 3, or of tf.keras 2.12 and later: a zip archive of config.json, metadata.json and
/// model.weights.h5. Only these are read, into memory; nothing is written to disk.
class KerasArchive {
 public:
  /// Throws FileError.
  GRAFT_COLD explicit KerasArchive(const std::string& path) : archive_(path) {
    if (!archive_.contains("config.json")) {
      fail<FileError>(archive_.where(), "a .keras file: a zip archive with a config.json", "a zip archive without one");
    }
    config_ = parse("config.json");
    if (archive_.contains("metadata.json")) metadata_ = parse("metadata.json");
  }

  const std::string& where() const { return archive_.where(); }

  /// What the archive says; the number of bytes is that of the weights.
  GRAFT_COLD ModelSource source(const WeightStore& weights) const {
    ModelSource source;
    source.where = where();
    source.keras_version = metadata_.get("keras_version", "");
    source.generation =
        source.keras_version.empty() ? Generation::keras3 : generation_of(source.keras_version, config_);
    source.by_graft = metadata_.contains("graft_version");
    source.bytes = weights.bytes();
    source.model_config = config_;
    if (const Config* compiled = config_.find_set("compile_config")) {
      if (compiled->is_object() && !compiled->members().empty()) source.training_config = *compiled;
    }
    return source;
  }

  /// Throws FileError.
  GRAFT_COLD WeightStore weights() const {
    const std::string member = "model.weights.h5";
    if (!archive_.contains(member) && archive_.contains("model.weights.npz")) {
      fail<FileError>(where(), "weights as model.weights.h5", "model.weights.npz",
                      "Save the model with h5py installed.");
    }
    const std::string place = where() + ", \"" + member + "\"";
    const auto file = hdf5::File::open_image(archive_.read(member, kMaxWeights), place);
    WeightStore store(place);
    store.add(file.root());
    return store;
  }

 private:
  static constexpr Index kMaxWeights = Index{1} << 40;

  GRAFT_COLD Config parse(const std::string& name) const {
    const auto image = archive_.read(name, static_cast<Index>(json::kMaxBytes));
    return json::parse(image->text(), where() + ", " + name);
  }

  zip::Reader archive_;
  Config config_, metadata_;
};

}  // namespace graft::keras
