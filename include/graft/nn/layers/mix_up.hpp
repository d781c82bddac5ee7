#pragma once

#include "graft/nn/layers/batch_mix.hpp"

namespace graft {

struct MixUpOptions {
  std::string data_format = "channels_last";
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class MixUpImpl final : public detail::BatchMixImpl<Scalar> {
 public:
  GRAFT_COLD MixUpImpl(double alpha, const MixUpOptions& options)
      : detail::BatchMixImpl<Scalar>("MixUp", options), alpha_(alpha) {
    if (!(alpha > 0 && alpha <= 1e6)) fail<ConfigError>(this->where(), "alpha above 0", std::to_string(alpha));
  }
  std::string_view class_name() const override { return "MixUp"; }
  GRAFT_COLD Config config() const override {
    Config config = this->mix_config();
    config["alpha"] = alpha_;
    return config;
  }

 protected:
  detail::Mixing draw_mixing(RandomKey stream, RandomKey, Index, Index) const override {
    return {detail::draw_beta(stream, alpha_)};
  }

 private:
  double alpha_;
};

/// In training every image becomes w x + (1 - w) x', where x' is another image of the batch and w ~ Beta(alpha, alpha)
/// (Zhang et al. 2018); at inference y = x. As a layer it mixes images only: targets are mixed along by `mix(images,
/// labels, key)`, in front of the model. Throws ConfigError for an alpha of 0 or less, and ShapeError for inputs that
/// are no images (batch, height, width, channels).
template <class Scalar = float>
class MixUp : public detail::BatchMixLayer<Scalar> {
 public:
  GRAFT_COLD explicit MixUp(double alpha = 0.2, const MixUpOptions& options = {})
      : detail::BatchMixLayer<Scalar>(new MixUpImpl<Scalar>(alpha, options)) {}

  GRAFT_COLD static MixUp from_config(const Config& config) {
    MixUpOptions options;
    detail::read(config, "data_format", options.data_format);
    options.seed = detail::read_seed(config);
    detail::read_base(config, options);
    return MixUp(config.get("alpha", 0.2), options);
  }
};

}  // namespace graft
