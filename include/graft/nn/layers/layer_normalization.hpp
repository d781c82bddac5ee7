#pragma once

#include "graft/nn/layers/affine_norm.hpp"
#include "graft/nn/layers/normalized_rows.hpp"

namespace graft {

struct LayerNormalizationOptions {
  std::vector<int> axis = {-1};  ///< one axis or several
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class LayerNormalizationImpl final : public detail::AffineNormImpl<Scalar, LayerNormalizationOptions> {
  using Base = detail::AffineNormImpl<Scalar, LayerNormalizationOptions>;

 public:
  GRAFT_COLD explicit LayerNormalizationImpl(LayerNormalizationOptions options)
      : Base("LayerNormalization", std::move(options)) {
    detail::check_epsilon(this->options().epsilon, this->where());
    detail::check_axes(this->options().axis, this->where());
  }
  std::string_view class_name() const override { return "LayerNormalization"; }
  bool supports_masking() const override { return true; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    (void)gamma_shape(inputs[0]);
    return inputs[0];
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    return rows_of(inputs[0]).template needs<Scalar>(use, this->reads_inputs(use));
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    rows_of(args.x().shape()).forward(args, this->gamma(), this->beta());
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    rows_of(args.dy().shape()).backward(args, this->gamma(), this->gamma_gradient(args), this->beta_gradient(args));
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["axis"] = detail::axes_config(this->options().axis);
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    this->add_affine(gamma_shape(inputs[0]), rng);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    this->check_affine(gamma_shape(inputs[0]), inputs[0]);
  }

 private:
  GRAFT_COLD Shape gamma_shape(const Shape& input) const {
    return detail::marked_dims(input, detail::mark_sample_axes(input, this->options().axis, this->where()),
                               this->where());
  }
  detail::NormalizedRows rows_of(const Shape& shape) const {
    const auto chosen = detail::mark_sample_axes(shape, this->options().axis, this->name());
    return {kernels::RowNormKind::layer, this->options().epsilon, shape, chosen};
  }
};

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and biased variance of each sample along the
/// axes, by default the last (Ba et al. 2016). gamma and beta have the dimensions of these axes. Throws ConfigError for
/// epsilon <= 0 and bad axes.
template <class Scalar = float>
class LayerNormalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit LayerNormalization(LayerNormalizationOptions options = {})
      : Layer<Scalar>(new LayerNormalizationImpl<Scalar>(std::move(options))) {}

  GRAFT_COLD static LayerNormalization from_config(const Config& config) {
    detail::reject(config, "LayerNormalization", "rms_scaling");
    LayerNormalizationOptions options;
    options.axis = detail::read_axes(config.find_set("axis"));
    detail::read_affine(config, options);
    return LayerNormalization(std::move(options));
  }
};

}  // namespace graft
