#pragma once

#include "graft/nn/layers/random_layer.hpp"

namespace graft {

struct GaussianNoiseOptions {
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class GaussianNoiseImpl final : public detail::RandomLayerImpl<Scalar> {
  using Base = detail::RandomLayerImpl<Scalar>;

 public:
  GRAFT_COLD GaussianNoiseImpl(double stddev, const GaussianNoiseOptions& options)
      : Base("GaussianNoise", options, stddev > 0), stddev_(stddev) {
    if (!(stddev >= 0)) fail<ConfigError>(this->where(), "stddev of at least 0", std::to_string(stddev));
  }
  std::string_view class_name() const override { return "GaussianNoise"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["stddev"] = stddev_;
    config["seed"] = detail::seed_config_of(this->seed());
    return config;
  }

 protected:
  void draw(const RandomStreams& streams, TensorView<const Scalar> x, TensorView<Scalar> y) const override {
    detail::for_each_element(streams, x.size(), [&](Index i, RandomKey stream, std::uint64_t number) {
      y[i] = x[i] + static_cast<Scalar>(stddev_ * stream.normal(number));
    });
  }
  void draw_backward(const RandomStreams&, TensorView<const Scalar>, TensorView<const Scalar> dy, TensorView<Scalar> dx,
                     bool add) const override {
    detail::copy_or_add<Scalar>(dy, dx, add);
  }

 private:
  double stddev_;
};

/// In training y = x + N(0, stddev²). At inference y = x.
template <class Scalar = float>
class GaussianNoise : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GaussianNoise(double stddev, const GaussianNoiseOptions& options = {})
      : Layer<Scalar>(new GaussianNoiseImpl<Scalar>(stddev, options)) {}

  GRAFT_COLD static GaussianNoise from_config(const Config& config) {
    GaussianNoiseOptions options;
    options.seed = detail::read_seed(config);
    detail::read_base(config, options);
    // Keras 1 calls it sigma.
    const Config* sigma = config.find_set("sigma");
    return GaussianNoise(sigma ? sigma->as_double("sigma") : config.at("stddev").as_double("stddev"), options);
  }
};

}  // namespace graft
