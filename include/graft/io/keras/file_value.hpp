#pragma once

#include "graft/nn/layers/lora_layer.hpp"

namespace graft::keras {

/// What a file has of a variable: of a kernel with LoRA the sum, as Keras writes it. Valid as long as the variable.
template <class Scalar>
class FileValue {
 public:
  GRAFT_COLD explicit FileValue(const Variable<Scalar>& variable) : variable_(variable) {
    if (variable.low_rank()) merged_ = graft::detail::effective_value(variable);
  }
  const Scalar* data() const { return merged_.allocated() ? merged_.data() : variable_.value().data(); }

 private:
  const Variable<Scalar>& variable_;
  Tensor<Scalar> merged_;
};
template <class Scalar>
FileValue<Scalar> file_value(const Variable<Scalar>& variable) {
  return FileValue<Scalar>(variable);
}

}  // namespace graft::keras
