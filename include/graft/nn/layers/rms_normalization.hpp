#pragma once

#include "graft/nn/layers/normalized_rows.hpp"

namespace graft {

struct RMSNormalizationOptions {
  std::vector<int> axis = {-1};  ///< one axis or several
  double epsilon = 1e-6;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RMSNormalizationImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit RMSNormalizationImpl(const RMSNormalizationOptions& options)
      : LayerImpl<Scalar>("RMSNormalization", options), axis_(options.axis), epsilon_(options.epsilon) {
    detail::check_axes(axis_, this->where());
    detail::check_epsilon(epsilon_, this->where());
  }
  std::string_view class_name() const override { return "RMSNormalization"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    (void)scale_shape(inputs[0]);
    return inputs[0];
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    return rows_of(inputs[0]).template needs<Scalar>(use, use.backward());
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    rows_of(args.x().shape()).template forward<Scalar>(args, scale(), nullptr);
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    rows_of(args.dy().shape()).template backward<Scalar>(args, scale(), args.dw(0).data(), nullptr);
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["axis"] = detail::axes_config(axis_);
    config["epsilon"] = epsilon_;
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    scale_ = this->add_variable("scale", scale_shape(inputs[0]), Initializer("ones"), rng);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    if (!(scale_shape(inputs[0]) == scale_->shape())) {
      fail<ShapeError>(this->where(), "dimensions " + scale_->shape().str() + " from build on the normalised axes",
                       inputs[0].str());
    }
  }

 private:
  const Scalar* scale() const { return std::as_const(*scale_).value().data(); }
  GRAFT_COLD Shape scale_shape(const Shape& input) const {
    return detail::marked_dims(input, detail::mark_sample_axes(input, axis_, this->where()), this->where());
  }
  detail::NormalizedRows rows_of(const Shape& shape) const {
    const auto chosen = detail::mark_sample_axes(shape, axis_, this->name());
    return {kernels::RowNormKind::rms, epsilon_, shape, chosen};
  }

  std::vector<int> axis_;
  double epsilon_;
  VariablePtr<Scalar> scale_;
};

/// y = scale * x / sqrt(mean of x² + epsilon), the mean taken of each sample along the axes, by default the last (Zhang
/// and Sennrich 2019). `scale` has the dimensions of these axes. Throws ConfigError for epsilon <= 0 and bad axes.
template <class Scalar = float>
class RMSNormalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RMSNormalization(const RMSNormalizationOptions& options = {})
      : Layer<Scalar>(new RMSNormalizationImpl<Scalar>(options)) {}

  GRAFT_COLD static RMSNormalization from_config(const Config& config) {
    RMSNormalizationOptions options;
    options.axis = detail::read_axes(config.find_set("axis"));
    detail::read(config, "epsilon", options.epsilon);
    detail::read_base(config, options);
    return RMSNormalization(options);
  }
};

}  // namespace graft
