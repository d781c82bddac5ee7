#pragma once

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

// What the layers that normalise and then scale by gamma and shift by beta have in common. `Options` is their options
// struct: epsilon, center, scale and the initializer, regularizer and constraint of beta and gamma.
namespace graft::detail {

template <class Options>
GRAFT_COLD void read_affine(const Config& config, Options& options) {
  read(config, "epsilon", options.epsilon);
  read(config, "center", options.center);
  read(config, "scale", options.scale);
  read(config, "beta_initializer", options.beta_initializer);
  read(config, "gamma_initializer", options.gamma_initializer);
  read(config, "beta_regularizer", options.beta_regularizer);
  read(config, "gamma_regularizer", options.gamma_regularizer);
  read(config, "beta_constraint", options.beta_constraint);
  read(config, "gamma_constraint", options.gamma_constraint);
  read_base(config, options);
}

/// Throws ConfigError unless epsilon is above 0.
GRAFT_COLD inline void check_epsilon(double epsilon, const std::string& where) {
  if (!(epsilon > 0)) fail<ConfigError>(where, "epsilon above 0", std::to_string(epsilon));
}

/// Two numbers for each slice that is normalised are kept for backward; without one they stand in front of the scratch.
template <class Scalar>
Needs norm_needs(const Use& use, Index slices, bool reads_inputs) {
  Needs needs;
  needs.can_add = true;
  needs.inputs = reads_inputs;
  needs.in_place = !reads_inputs;
  const Index bytes = round_up_64(2 * slices * static_cast<Index>(sizeof(Scalar)));
  (use.backward() ? needs.cache_bytes : needs.scratch_bytes) = bytes;
  return needs;
}

template <class Scalar, class Options>
class AffineNormImpl : public LayerImpl<Scalar> {
 protected:
  GRAFT_COLD AffineNormImpl(std::string_view class_name, Options options)
      : LayerImpl<Scalar>(class_name, options), options_(std::move(options)) {}

 public:
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["epsilon"] = options_.epsilon;
    config["center"] = options_.center;
    config["scale"] = options_.scale;
    config["beta_initializer"] = options_.beta_initializer.config();
    config["gamma_initializer"] = options_.gamma_initializer.config();
    config["beta_regularizer"] = options_.beta_regularizer.config();
    config["gamma_regularizer"] = options_.gamma_regularizer.config();
    config["beta_constraint"] = options_.beta_constraint.config();
    config["gamma_constraint"] = options_.gamma_constraint.config();
    return config;
  }

 protected:
  GRAFT_COLD void add_affine(const Shape& shape, Rng& rng) {
    if (options_.scale) {
      gamma_ = this->add_variable("gamma", shape, options_.gamma_initializer, rng, VariableKind::trainable,
                                  options_.gamma_regularizer, options_.gamma_constraint);
    }
    if (options_.center) {
      beta_ = this->add_variable("beta", shape, options_.beta_initializer, rng, VariableKind::trainable,
                                 options_.beta_regularizer, options_.beta_constraint);
    }
  }
  /// Throws ShapeError when gamma and beta were built for another shape.
  GRAFT_COLD void check_affine(const Shape& shape, const Shape& input) const {
    const auto& built = gamma_ ? gamma_ : beta_;
    if (built && !(built->shape() == shape)) {
      fail<ShapeError>(this->where(), "dimensions " + built->shape().str() + " from build on the normalised axes",
                       input.str());
    }
  }

  const Options& options() const { return options_; }
  bool reads_inputs(const Use& use) const { return use.input_gradients || (use.weight_gradients && options_.scale); }
  const Scalar* gamma() const { return data_of(gamma_); }
  const Scalar* beta() const { return data_of(beta_); }
  Scalar* gamma_gradient(const BackwardArgs<Scalar>& args) const { return gamma_ ? args.dw(0).data() : nullptr; }
  Scalar* beta_gradient(const BackwardArgs<Scalar>& args) const {
    return beta_ ? args.dw(gamma_ ? 1 : 0).data() : nullptr;
  }

 private:
  static const Scalar* data_of(const VariablePtr<Scalar>& variable) {
    return variable ? std::as_const(*variable).value().data() : nullptr;
  }

  Options options_;
  VariablePtr<Scalar> gamma_, beta_;
};

}  // namespace graft::detail
