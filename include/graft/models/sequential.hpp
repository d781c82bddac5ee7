#pragma once

#include "graft/models/model.hpp"
#include "graft/models/sequential_impl.hpp"

namespace graft {

/// A chain of layers, each with one input and one output.
///
///     graft::Sequential model({graft::Flatten({.input_shape = Shape{28, 28}}), graft::Dense(10, {.activation =
///     "softmax"})});
template <class Scalar = float>
class Sequential : public Model<Scalar> {
 public:
  explicit Sequential(ModelOptions options = {})
      : Model<Scalar>(std::make_shared<SequentialImpl<Scalar>>(std::move(options))) {}
  Sequential(std::initializer_list<Layer<Scalar>> layers, ModelOptions options = {}) : Sequential(std::move(options)) {
    for (const auto& layer : layers) add(layer);
  }
  /// Shares the given layers: `Sequential model_B(model_A.layers().slice(0, -1))`.
  Sequential(const LayerList<Scalar>& layers, ModelOptions options = {}) : Sequential(std::move(options)) {
    for (const auto& layer : layers) add(layer);
  }
  /// The handle of a model that is a Sequential, for add and pop. Throws ConfigError for a functional model.
  explicit Sequential(const Model<Scalar>& model) : Model<Scalar>(model) { (void)chain(); }

  /// Throws ConfigError for a name that is taken, ShapeError when the layer does not fit; the model is then as before.
  void add(const Layer<Scalar>& layer) const { chain().add(layer); }
  /// Removes the last layer and returns it.
  Layer<Scalar> pop() const { return chain().pop(); }

 private:
  GRAFT_COLD SequentialImpl<Scalar>& chain() const {
    if (auto* impl = dynamic_cast<SequentialImpl<Scalar>*>(&this->impl())) return *impl;
    fail<ConfigError>(this->impl().where(), "a Sequential model", "a functional model",
                      "Layers are added to it by calling them on its outputs.");
  }
};

Sequential()->Sequential<float>;
Sequential(ModelOptions)->Sequential<float>;
Sequential(std::initializer_list<Layer<float>>)->Sequential<float>;
Sequential(std::initializer_list<Layer<float>>, ModelOptions)->Sequential<float>;

}  // namespace graft
