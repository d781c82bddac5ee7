#pragma once

#include <cmath>

#include "graft/nn/layers/dropout.hpp"
#include "graft/nn/layers/random_layer.hpp"

namespace graft {

struct GaussianDropoutOptions {
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class GaussianDropoutImpl final : public detail::RandomLayerImpl<Scalar> {
  using Base = detail::RandomLayerImpl<Scalar>;

 public:
  GRAFT_COLD GaussianDropoutImpl(double rate, const GaussianDropoutOptions& options)
      : Base("GaussianDropout", options, rate > 0), rate_(rate) {
    this->check_rate(rate);
    stddev_ = std::sqrt(rate / (1 - rate));
  }
  std::string_view class_name() const override { return "GaussianDropout"; }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["rate"] = rate_;
    config["seed"] = detail::seed_config_of(this->seed());
    return config;
  }

 protected:
  void draw(const RandomStreams& streams, TensorView<const Scalar> x, TensorView<Scalar> y) const override {
    detail::for_each_element(streams, x.size(), [&](Index i, RandomKey stream, std::uint64_t number) {
      y[i] = x[i] * factor(stream, number);
    });
  }
  void draw_backward(const RandomStreams& streams, TensorView<const Scalar>, TensorView<const Scalar> dy,
                     TensorView<Scalar> dx, bool add) const override {
    detail::for_each_element(streams, dx.size(), [&](Index i, RandomKey stream, std::uint64_t number) {
      const Scalar d = dy[i] * factor(stream, number);
      dx[i] = add ? dx[i] + d : d;
    });
  }

 private:
  Scalar factor(RandomKey stream, std::uint64_t number) const {
    return static_cast<Scalar>(1 + stddev_ * stream.normal(number));
  }

  double rate_;
  double stddev_ = 0;
};

/// In training y = x * N(1, rate / (1 - rate)) (Srivastava et al. 2014). At inference y = x.
template <class Scalar = float>
class GaussianDropout : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GaussianDropout(double rate, const GaussianDropoutOptions& options = {})
      : Layer<Scalar>(new GaussianDropoutImpl<Scalar>(rate, options)) {}

  GRAFT_COLD static GaussianDropout from_config(const Config& config) {
    GaussianDropoutOptions options;
    options.seed = detail::read_seed(config);
    detail::read_base(config, options);
    return GaussianDropout(detail::read_rate(config), options);
  }
};

}  // namespace graft
