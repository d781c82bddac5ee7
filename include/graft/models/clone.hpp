#pragma once

#include "graft/models/sequential.hpp"

namespace graft {

/// The same architecture with fresh weights; names and trainable flags are kept, as in Keras. Built when the original
/// is. For the same numbers too: `clone.set_weights(model.get_weights())`.
template <class Scalar>
GRAFT_COLD Model<Scalar> clone_model(const Model<Scalar>& model) {
  Config config = Config::object();
  config["class_name"] = model.class_name();
  config["config"] = model.config();
  return Model<Scalar>::from_config(config);
}

template <class Scalar>
GRAFT_COLD Sequential<Scalar> clone_model(const Sequential<Scalar>& model) {
  return Sequential<Scalar>(clone_model(static_cast<const Model<Scalar>&>(model)));
}

}  // namespace graft
