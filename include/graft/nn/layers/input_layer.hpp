#pragma once

#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

struct InputLayerOptions {
  std::optional<Index> batch_size = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};  ///< set by the positional argument
};

template <class Scalar>
class InputLayerImpl final : public detail::ViewLayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit InputLayerImpl(const InputLayerOptions& options)
      : detail::ViewLayerImpl<Scalar>("InputLayer", options),
        batch_size_(options.batch_size.value_or(Shape::kUnknown)) {
    if (batch_size_ == 0 || batch_size_ < Shape::kUnknown) {
      fail<ConfigError>(this->where(), "batch_size above 0", std::to_string(batch_size_));
    }
  }
  std::string_view class_name() const override { return "InputLayer"; }

  /// Shape of the input with the batch, which is -1 unless batch_size was given.
  Shape batch_shape() const { return this->input_shape().value_or(Shape()).with_batch(batch_size_); }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs.empty()) return batch_shape();
    if (!inputs[0].compatible(batch_shape())) {
      fail<ShapeError>(this->where(), "shape " + batch_shape().str(), inputs[0].str());
    }
    return inputs[0];
  }

  GRAFT_COLD Config config() const override {
    // tf.keras writes no `trainable` here.
    return Config::object({{"batch_input_shape", detail::shape_config(batch_shape())},
                           {"dtype", LayerImpl<Scalar>::dtype()},
                           {"sparse", false},
                           {"ragged", false},
                           {"name", this->name()}});
  }

 private:
  Index batch_size_;
};

/// Where a model's input enters: `InputLayer({28, 28})`, the shape of one sample. Has no weights and changes nothing.
template <class Scalar = float>
class InputLayer : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit InputLayer(const Shape& shape, InputLayerOptions options = {})
      : Layer<Scalar>(new InputLayerImpl<Scalar>(with_shape(std::move(options), shape))) {}

  /// Shape with the batch (-1 when open).
  Shape batch_shape() const { return static_cast<const InputLayerImpl<Scalar>&>(this->impl()).batch_shape(); }

  GRAFT_COLD static InputLayer from_config(const Config& config) {
    detail::reject(config, "InputLayer", "sparse");
    detail::reject(config, "InputLayer", "ragged");
    InputLayerOptions options;
    detail::read_base(config, options);
    if (!options.input_shape) {
      fail<ConfigError>("InputLayer \"" + options.name + "\"", "a config with batch_shape or batch_input_shape",
                        "neither");
    }
    for (const char* key : {"batch_input_shape", "batch_shape"}) {
      const Config* shape = config.find_set(key);
      if (shape && !shape->items().empty() && !shape->items()[0].is_null())
        options.batch_size = shape->items()[0].as_int(key);
    }
    const Shape shape = *options.input_shape;
    return InputLayer(shape, std::move(options));
  }

 private:
  static InputLayerOptions with_shape(InputLayerOptions options, const Shape& shape) {
    options.input_shape = shape;
    return options;
  }
};

}  // namespace graft
