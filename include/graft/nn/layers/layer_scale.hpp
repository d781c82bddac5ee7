#pragma once

#include "graft/kernels/broadcast.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct LayerScaleOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class LayerScaleImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD LayerScaleImpl(double init_values, Index projection_dim, const LayerScaleOptions& options)
      : LayerImpl<Scalar>("LayerScale", options), init_values_(init_values), projection_dim_(projection_dim) {
    if (projection_dim_ < 1) {
      fail<ConfigError>(this->where(), "projection_dim above 0", std::to_string(projection_dim_));
    }
  }
  std::string_view class_name() const override { return "LayerScale"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() < 2 || detail::known_dim(inputs[0], -1, this->where()) != projection_dim_) {
      fail<ShapeError>(this->where(), "a last axis of " + std::to_string(projection_dim_), inputs[0].str());
    }
    return inputs[0];
  }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.inputs = use.weight_gradients;
    needs.in_place = !needs.inputs;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    kernels::broadcast_multiply(laid_over(args.x().shape()), gamma(), args.x().data(), args.y().data());
  }
  /// dx = dy * gamma;  dgamma = sum of dy * x over everything but the last axis
  void backward(const BackwardArgs<Scalar>& args) const override {
    const auto desc = laid_over(args.dy().shape());
    if (args.dw(0)) kernels::broadcast_dot(desc, args.dy().data(), args.x().data(), args.dw(0).data(), false);
    if (args.dx()) kernels::broadcast_multiply(desc, gamma(), args.dy().data(), args.dx().data());
  }
  bool channel_affine(const Shape&, const Use&, Scalar* scale, Scalar* shift) const override {
    if (scale) std::copy_n(gamma(), projection_dim_, scale);
    if (shift) std::fill_n(shift, projection_dim_, Scalar(0));
    return true;
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["init_values"] = init_values_;
    config["projection_dim"] = projection_dim_;
    return config;
  }

 protected:
  /// Keras gives this weight no name, and names those "variable", "variable_1" …
  GRAFT_COLD void build(std::span<const Shape>, Rng& rng) override {
    gamma_ = this->add_variable(unique_name("Variable"), Shape{projection_dim_}, Constant(init_values_), rng);
  }

 private:
  const Scalar* gamma() const { return std::as_const(*gamma_).value().data(); }
  /// gamma and a dense tensor over a dense tensor.
  static kernels::BroadcastDesc laid_over(const Shape& full) {
    Shape small;
    for (int axis = 0; axis < full.rank(); ++axis) small.push_back(axis + 1 == full.rank() ? full[axis] : 1);
    return kernels::broadcast_desc(full.rank(), full.begin(), small.begin(), full.begin());
  }

  double init_values_;
  Index projection_dim_;
  VariablePtr<Scalar> gamma_;
};

/// y = x * gamma with a learned number for each of the `projection_dim` channels, the last axis; it begins with
/// init_values (Touvron et al. 2021; Keras's ConvNeXt). Throws ConfigError for a projection_dim below 1, ShapeError for
/// another number of channels.
template <class Scalar = float>
class LayerScale : public Layer<Scalar> {
 public:
  GRAFT_COLD LayerScale(double init_values, Index projection_dim, const LayerScaleOptions& options = {})
      : Layer<Scalar>(new LayerScaleImpl<Scalar>(init_values, projection_dim, options)) {}

  GRAFT_COLD static LayerScale from_config(const Config& config) {
    LayerScaleOptions options;
    detail::read_base(config, options);
    return LayerScale(config.at("init_values").as_double("init_values"),
                      config.at("projection_dim").as_int("projection_dim"), options);
  }
};

}  // namespace graft
