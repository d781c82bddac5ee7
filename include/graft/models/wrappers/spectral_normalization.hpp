#pragma once

#include <cmath>

#include "graft/models/wrappers/wrapper_impl.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

namespace detail {

/// What SpectralNormalization puts in front of its layer: values pass through, and before a training step the kernel
/// behind is divided by its largest singular value.
template <class Scalar>
class NormalizeKernelImpl final : public ViewLayerImpl<Scalar> {
 public:
  struct Options {
    std::string name = {};
    bool trainable = true;
    std::optional<Shape> input_shape = {};
  };

  GRAFT_COLD NormalizeKernelImpl(const Layer<Scalar>& layer, Index power_iterations, const Options& options)
      : ViewLayerImpl<Scalar>("NormalizeKernel", options), layer_(layer), power_iterations_(power_iterations) {}
  std::string_view class_name() const override { return "NormalizeKernel"; }

  bool supports_masking() const override { return true; }
  bool differentiable(std::size_t) const override { return layer_.impl().differentiable(0); }
  // Who freezes only the layer inside means its kernel.
  bool updates_state(const Use& use) const override { return use.training && use.trainable && layer_.trainable(); }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs = ViewLayerImpl<Scalar>::needs(inputs, use);
    if (updates_state(use)) needs.cache_bytes = (rows() + columns()) * static_cast<Index>(sizeof(double));
    return needs;
  }

  void begin_step(std::byte* cache) override {
    const Scalar* kernel = std::as_const(*kernel_).value().data();
    const Scalar* start = std::as_const(*vector_u_).value().data();
    const Index rows = this->rows(), columns = this->columns();
    double* u = reinterpret_cast<double*>(cache);
    double* v = u + columns;
    std::copy_n(start, columns, u);
    double sigma = 0;
    for (Index step = 0; step < power_iterations_; ++step) {
      for (Index r = 0; r < rows; ++r) {
        v[r] = 0;
        for (Index c = 0; c < columns; ++c) v[r] += static_cast<double>(kernel[r * columns + c]) * u[c];
      }
      normalize(v, rows);
      std::fill_n(u, columns, 0.0);
      for (Index r = 0; r < rows; ++r) {
        for (Index c = 0; c < columns; ++c) u[c] += v[r] * static_cast<double>(kernel[r * columns + c]);
      }
      // v W uᵀ, as u is v W over its length.
      sigma = normalize(u, columns);
    }
    // A kernel of zeros stays as it is; so does one with NaN.
    if (!(sigma > 0) || !std::isfinite(sigma)) return;
    Scalar* normalized = kernel_->mutable_value().data();
    for (Index i = 0; i < rows * columns; ++i) {
      normalized[i] = static_cast<Scalar>(static_cast<double>(normalized[i]) / sigma);
    }
    std::transform(u, u + columns, vector_u_->mutable_value().data(), [](double x) { return static_cast<Scalar>(x); });
  }

  const VariablePtr<Scalar>& kernel() const { return kernel_; }
  const VariablePtr<Scalar>& vector_u() const { return vector_u_; }

 protected:
  GRAFT_COLD void build(std::span<const Shape>, Rng& rng) override {
    // Of several kernels (recurrent layers, separable convolutions, attention) Keras finds none either.
    Index kernels = 0;
    for (const auto& variable : layer_.weights()) {
      const std::string& name = variable->name();
      const bool is_kernel = name.size() >= 6 && name.compare(name.size() - 6, 6, "kernel") == 0;
      if (!is_kernel && name != "embeddings") continue;
      kernel_ = variable;
      ++kernels;
    }
    if (kernels != 1 || !layer_.impl().sublayers().empty() || kernel_->shape().rank() < 1 || kernel_->size() == 0) {
      kernel_ = nullptr;
      fail<ConfigError>(layer_.impl().where() + " in SpectralNormalization", "a layer with one kernel or embeddings",
                        "one without");
    }
    vector_u_ =
        this->add_variable("vector_u", {1, columns()}, TruncatedNormal({.stddev = 0.02}), rng, VariableKind::state);
  }

 private:
  Index columns() const { return kernel_->shape().back(); }
  Index rows() const { return kernel_->size() / columns(); }

  // Divides by the length, which is at least Keras's epsilon; returns what the length was, in those units.
  static double normalize(double* x, Index count) {
    double squares = 0;
    for (Index i = 0; i < count; ++i) squares += x[i] * x[i];
    const double factor = std::min(1 / std::sqrt(squares), 1e7);
    for (Index i = 0; i < count; ++i) x[i] *= factor;
    return squares * factor;
  }

  Layer<Scalar> layer_;
  Index power_iterations_;
  VariablePtr<Scalar> kernel_, vector_u_;
};

}  // namespace detail

struct SpectralNormalizationOptions {
  Index power_iterations = 1;  ///< of the power method in every training step, 1 to 10000
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class SpectralNormalizationImpl final : public WrapperImpl<Scalar> {
 public:
  GRAFT_COLD SpectralNormalizationImpl(const Layer<Scalar>& layer, const SpectralNormalizationOptions& options)
      : WrapperImpl<Scalar>("SpectralNormalization", options),
        layer_(layer),
        power_iterations_(options.power_iterations) {
    if (power_iterations_ < 1 || power_iterations_ > 10000) {
      fail<ConfigError>(this->where(), "power_iterations of 1 to 10000", std::to_string(power_iterations_));
    }
    if (!this->input_shape()) this->set_input_shape(layer_.impl().input_shape());
    // Files name vector_u as if it were the wrapper's own.
    const std::string name = layer_.name() == this->name() ? this->inner_name("kernel") : this->name();
    norm_ = std::make_shared<detail::NormalizeKernelImpl<Scalar>>(
        layer_, power_iterations_, typename detail::NormalizeKernelImpl<Scalar>::Options{name, options.trainable, {}});
  }
  std::string_view class_name() const override { return "SpectralNormalization"; }
  std::vector<Layer<Scalar>> sublayers() const override { return {layer_, Layer<Scalar>(norm_)}; }

  std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    return layer_.impl().output_shapes(inputs);
  }
  Shape output_shape(std::span<const Shape> inputs) const override { return output_shapes(inputs)[0]; }

  /// kernel, vector_u, and what else the layer has.
  GRAFT_COLD std::vector<VariablePtr<Scalar>> variables() const override {
    if (!norm_->kernel()) return {};
    std::vector<VariablePtr<Scalar>> result = {norm_->kernel(), norm_->vector_u()};
    for (const auto& variable : layer_.weights()) {
      if (variable != norm_->kernel()) result.push_back(variable);
    }
    return result;
  }
  // Keras takes the kernel for a variable of the wrapper, and of the layer too.
  GRAFT_COLD std::string store_path(std::size_t i) const override {
    return i < 2 ? LayerImpl<Scalar>::store_path(i) : WrapperImpl<Scalar>::store_path(i);
  }
  GRAFT_COLD std::string store_copy(std::size_t i) const override {
    return i == 0 ? WrapperImpl<Scalar>::store_path(i) : std::string();
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["layer"] = this->layer_config(layer_);
    config["power_iterations"] = power_iterations_;
    return config;
  }

 protected:
  GRAFT_COLD std::vector<Symbol<Scalar>> connect(const std::vector<Symbol<Scalar>>& inputs) const override {
    if (inputs.size() != 1) fail<ShapeError>(this->where(), "one input", std::to_string(inputs.size()));
    const Shape shapes[] = {inputs[0].shape()};
    layer_.impl().ensure_built(shapes);  // there must be a kernel
    return call_layer(layer_, {Layer<Scalar>(norm_)(inputs[0])});
  }
  const char* inner_key(std::size_t) const override { return "layer"; }

 private:
  Layer<Scalar> layer_;
  Index power_iterations_;
  std::shared_ptr<detail::NormalizeKernelImpl<Scalar>> norm_;
};

/// Spectral normalization (Miyato et al. 2018, arXiv:1802.05957) of a layer with a kernel or embeddings: Dense, the
/// convolutions but the separable ones, Embedding, EinsumDense …
///
/// Every training step begins with power_iterations steps of the power method on the kernel W, as a matrix of
/// W.shape[-1] columns: v = u Wᵀ / |u Wᵀ|, u = v W / |v W|, σ = v W uᵀ; u is kept in the weight vector_u, and W / σ
/// takes the place of the kernel, for this step and for good. As in Keras, gradients are those of the divided kernel:
/// σ is a constant. At inference, and when the wrapper or its layer is frozen, nothing changes (Keras divides the
/// kernel of a frozen layer in training, too). Of a wrapper that is called more than once, all calls of a step
/// compute with the kernel that the last division left.
///
/// Throws ConfigError when the layer has no such kernel (when it is built), or power_iterations are out of range.
template <class Scalar = float>
class SpectralNormalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit SpectralNormalization(const Layer<Scalar>& layer,
                                            const SpectralNormalizationOptions& options = {})
      : Layer<Scalar>(std::make_shared<SpectralNormalizationImpl<Scalar>>(layer, options)) {}

  /// The layer inside.
  Layer<Scalar> layer() const { return this->impl().sublayers()[0]; }

  GRAFT_COLD static SpectralNormalization from_config(const Config& config) {
    SpectralNormalizationOptions options;
    detail::read_base(config, options);
    options.power_iterations = config.get("power_iterations", Index(1));
    return SpectralNormalization(detail::make_inner_layer<Scalar>(config.at("layer")), options);
  }
};

}  // namespace graft
