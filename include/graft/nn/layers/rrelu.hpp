#pragma once

#include "graft/kernels/activation.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/random_layer.hpp"

namespace graft {

struct RReLUOptions {
  double lower = 1.0 / 8;
  double upper = 1.0 / 3;
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RReLUImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit RReLUImpl(const RReLUOptions& options)
      : LayerImpl<Scalar>("RReLU", options), lower_(options.lower), upper_(options.upper), seed_(options.seed) {
    if (!(lower_ >= 0 && lower_ <= upper_)) {
      fail<ConfigError>(this->where(), "0 <= lower <= upper",
                        std::to_string(lower_) + " and " + std::to_string(upper_));
    }
  }
  std::string_view class_name() const override { return "RReLU"; }
  bool supports_masking() const override { return true; }
  bool is_random() const override { return lower_ < upper_; }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = needs.in_place = true;
    needs.outputs = use.backward();  // its sign is that of the input
    if (use.training && use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomStreams));
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const auto& x = args.x();
    const auto& y = args.y();
    if (!args.use.training) return kernels::activation_forward(mean(), x.size(), x.data(), y.data());
    const RandomStreams streams = detail::seeded(args.random, seed_);
    if (args.cache && args.use.backward()) std::memcpy(args.cache, &streams, sizeof streams);
    detail::for_each_element(streams, x.size(), [&](Index i, RandomKey stream, std::uint64_t number) {
      y[i] = x[i] < 0 ? slope(stream, number) * x[i] : x[i];
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const auto& y = args.y();
    const auto& dy = args.dy();
    const auto& dx = args.dx();
    const bool add = args.add_to_input;
    if (!args.use.training) {
      return kernels::activation_backward<Scalar>(mean(), dx.size(), nullptr, y.data(), dy.data(), dx.data(), add);
    }
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    detail::for_each_element(streams, dx.size(), [&](Index i, RandomKey stream, std::uint64_t number) {
      const Scalar d = y[i] > 0 ? dy[i] : slope(stream, number) * dy[i];
      dx[i] = add ? dx[i] + d : d;
    });
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["lower"] = lower_;
    config["upper"] = upper_;
    config["seed"] = detail::seed_config_of(seed_);
    return config;
  }

 private:
  Scalar slope(RandomKey stream, std::uint64_t number) const {
    return static_cast<Scalar>(lower_ + (upper_ - lower_) * stream.uniform(number));
  }
  kernels::ActivationParams mean() const {
    auto params = kernels::ActivationParams::of(kernels::ActivationKind::leaky_relu);
    params.alpha = (lower_ + upper_) / 2;
    return params;
  }

  double lower_, upper_;
  std::optional<Index> seed_;
};

/// x if x >= 0, else a * x, with a drawn from U(lower, upper) for every element in training, and their mean at
/// inference (Xu et al. 2015). Not in Keras; the defaults are PyTorch's.
template <class Scalar = float>
class RReLU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RReLU(const RReLUOptions& options = {}) : Layer<Scalar>(new RReLUImpl<Scalar>(options)) {}

  GRAFT_COLD static RReLU from_config(const Config& config) {
    RReLUOptions options;
    detail::read(config, "lower", options.lower);
    detail::read(config, "upper", options.upper);
    options.seed = detail::read_seed(config);
    detail::read_base(config, options);
    return RReLU(options);
  }
};

}  // namespace graft
