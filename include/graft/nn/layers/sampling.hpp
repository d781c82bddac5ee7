#pragma once

#include <cmath>

#include "graft/nn/layers/random_layer.hpp"

namespace graft {

struct SamplingOptions {
  double kl_weight = 0;            ///< of the KL loss that the layer adds; 0: it adds none, as Keras's examples
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class SamplingImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit SamplingImpl(const SamplingOptions& options)
      : LayerImpl<Scalar>("Sampling", options), options_(options) {
    if (!(options_.kl_weight >= 0 && std::isfinite(options_.kl_weight))) {
      fail<ConfigError>(this->where(), "kl_weight of at least 0", std::to_string(options_.kl_weight));
    }
  }
  std::string_view class_name() const override { return "Sampling"; }
  bool is_random() const override { return true; }
  bool adds_loss() const override { return options_.kl_weight > 0; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs.size() != 2) {
      fail<ShapeError>(this->where(), "two inputs, the means and the logarithms of the variances",
                       std::to_string(inputs.size()));
    }
    if (inputs[0].rank() < 2 || !inputs[1].compatible(inputs[0])) {
      fail<ShapeError>(this->where(), "means and log variances of one shape",
                       inputs[0].str() + " and " + inputs[1].str());
    }
    return inputs[0];
  }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.inputs = use.backward() && (use.training || adds_loss());
    if (use.training && use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomStreams));
    return needs;
  }

  /// Training: z = mean + exp(log_var / 2) e with e from N(0, 1). Inference: z = mean.
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Scalar *mean = args.x(0).data(), *log_var = args.x(1).data();
    Scalar* z = args.y().data();
    const Index size = args.y().size();
    if (args.use.training) {
      const RandomStreams streams = detail::seeded(args.random, options_.seed);
      if (args.cache && args.use.backward()) std::memcpy(args.cache, &streams, sizeof streams);
      detail::for_each_element(streams, size, [=](Index i, RandomKey stream, std::uint64_t number) {
        z[i] = mean[i] + std::exp(log_var[i] / 2) * static_cast<Scalar>(stream.normal(number));
      });
    } else {
      std::copy_n(mean, size, z);
    }
    if (!adds_loss()) return;
    double sum = 0;
    for (Index i = 0; i < size; ++i) {
      const double m = static_cast<double>(mean[i]), v = static_cast<double>(log_var[i]);
      sum += std::exp(v) + m * m - 1 - v;
    }
    args.add_loss(options_.kl_weight / 2 * sum / static_cast<double>(args.y().dim(0)));
  }

  /// dmean = dz + k mean,  dlog_var = dz e exp(log_var / 2) / 2 + k (exp(log_var) - 1) / 2,  k = kl_weight / batch
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Index size = args.dy().size();
    const Scalar *dz = args.dy().data(), *mean = args.x(0).data(), *log_var = args.x(1).data();
    const auto k = static_cast<Scalar>(options_.kl_weight * args.loss_scale / static_cast<double>(args.dy().dim(0)));
    if (Scalar* dmean = args.dx(0).data()) {
      if (adds_loss()) {
        for (Index i = 0; i < size; ++i) dmean[i] = dz[i] + k * mean[i];
      } else {
        std::copy_n(dz, size, dmean);
      }
    }
    Scalar* dlog_var = args.dx(1).data();
    if (!dlog_var) return;
    if (args.use.training) {
      RandomStreams streams;
      std::memcpy(&streams, args.cache, sizeof streams);
      detail::for_each_element(streams, size, [=](Index i, RandomKey stream, std::uint64_t number) {
        dlog_var[i] = dz[i] * std::exp(log_var[i] / 2) * static_cast<Scalar>(stream.normal(number)) / 2;
      });
    } else {
      std::fill_n(dlog_var, size, Scalar(0));
    }
    for (Index i = 0; adds_loss() && i < size; ++i) dlog_var[i] += k * (std::exp(log_var[i]) - 1) / 2;
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["kl_weight"] = options_.kl_weight;
    config["seed"] = detail::seed_config_of(options_.seed);
    return config;
  }

 private:
  SamplingOptions options_;
};

/// The codings of a variational autoencoder, by the reparametrisation of Kingma and Welling (2014): called on {mean,
/// log_var}, both (batch, …), it gives mean + exp(log_var / 2) e in training, e from N(0, 1), and the mean at
/// inference. With kl_weight it adds kl_weight times the mean over the batch of KL(N(mean, exp(log_var)) || N(0, 1)) =
/// sum (exp(log_var) + mean² - 1 - log_var) / 2 to the loss, in evaluate too. The class that Keras's examples write
/// under this name; there it is random at inference too, as here when called with {.training = true}. Throws ShapeError
/// for other inputs, ConfigError for a negative kl_weight.
template <class Scalar = float>
class Sampling : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Sampling(const SamplingOptions& options = {})
      : Layer<Scalar>(new SamplingImpl<Scalar>(options)) {}

  GRAFT_COLD static Sampling from_config(const Config& config) {
    SamplingOptions options;
    detail::read(config, "kl_weight", options.kl_weight);
    options.seed = detail::read_seed(config);
    detail::read_base(config, options);
    return Sampling(options);
  }
};

}  // namespace graft
