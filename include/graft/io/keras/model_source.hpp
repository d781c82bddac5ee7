#pragma once

#include "graft/io/keras/legacy_h5.hpp"

namespace graft::keras {

/// What a file says about a model besides its weights, whatever the kind of the file.
struct ModelSource {
  std::string where;
  std::string keras_version;  ///< empty when the file does not say
  Generation generation = Generation::keras2;
  bool by_graft = false;
  Index bytes = 0;         ///< of the file
  Config model_config;     ///< {"class_name", "config"}
  Config training_config;  ///< null when the model is not compiled

  GRAFT_COLD static ModelSource of(const LegacyH5& file) {
    return {file.where(), file.keras_version(), file.generation(), file.by_graft(),
            file.bytes(), file.model_config(),  Config()};
  }
};

}  // namespace graft::keras
