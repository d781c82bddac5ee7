#pragma once

#include "graft/models/wrappers/wrapper_impl.hpp"
#include "graft/nn/layers/time_views.hpp"

namespace graft {

struct TimeDistributedOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class TimeDistributedImpl final : public WrapperImpl<Scalar> {
 public:
  GRAFT_COLD TimeDistributedImpl(const Layer<Scalar>& layer, const TimeDistributedOptions& options)
      : WrapperImpl<Scalar>("TimeDistributed", options), layer_(layer) {
    (void)layer_.impl();  // throws for an empty handle
  }
  std::string_view class_name() const override { return "TimeDistributed"; }
  std::vector<Layer<Scalar>> sublayers() const override { return {layer_}; }

  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    if (inputs.size() != 1 || inputs[0].rank() < 3) {
      fail<ShapeError>(this->where(), "an input (batch, steps, …) of rank 3 or more",
                       inputs.size() == 1 ? inputs[0].str() : std::to_string(inputs.size()) + " inputs");
    }
    const Shape samples[] = {steps_as_samples().impl().output_shapes(inputs)[0]};
    const auto outputs = layer_.impl().output_shapes(samples);
    if (outputs.size() != 1) {
      fail<ShapeError>(this->where(), "a layer with one output", std::to_string(outputs.size()) + " outputs");
    }
    const Shape split[] = {outputs[0], inputs[0]};
    return samples_as_steps().impl().output_shapes(split);
  }
  Shape output_shape(std::span<const Shape> inputs) const override { return output_shapes(inputs)[0]; }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["layer"] = this->layer_config(layer_);
    return config;
  }

 protected:
  GRAFT_COLD std::vector<Symbol<Scalar>> connect(const std::vector<Symbol<Scalar>>& inputs) const override {
    const Symbol<Scalar> y = layer_(steps_as_samples()(inputs[0]));
    return {samples_as_steps()({y, inputs[0]})};
  }
  const char* inner_key(std::size_t) const override { return "layer"; }

 private:
  GRAFT_COLD Layer<Scalar> steps_as_samples() const {
    return this->template helper<detail::StepsAsSamplesImpl>("merge", detail::InnerLayerOptions{});
  }
  GRAFT_COLD Layer<Scalar> samples_as_steps() const {
    return this->template helper<detail::SamplesAsStepsImpl>("split", detail::InnerLayerOptions{});
  }

  Layer<Scalar> layer_;
};

/// Applies a layer, or a whole model, to every step of (batch, steps, …), with the same weights. The layer sees
/// (batch * steps, …). A mask passes on to the output; the layer inside does not see it.
template <class Scalar = float>
class TimeDistributed : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit TimeDistributed(const Layer<Scalar>& layer, const TimeDistributedOptions& options = {})
      : Layer<Scalar>(std::make_shared<TimeDistributedImpl<Scalar>>(layer, options)) {}

  /// The layer inside.
  Layer<Scalar> layer() const { return this->impl().sublayers()[0]; }

  GRAFT_COLD static TimeDistributed from_config(const Config& config) {
    TimeDistributedOptions options;
    detail::read_base(config, options);
    return TimeDistributed(detail::make_inner_layer<Scalar>(config.at("layer")), options);
  }
};

}  // namespace graft
