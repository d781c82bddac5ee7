#pragma once

#include "graft/nn/layers/batch_mix.hpp"
#include "graft/nn/layers/factor_range.hpp"

namespace graft {

struct CutMixOptions {
  std::string data_format = "channels_last";
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class CutMixImpl final : public detail::BatchMixImpl<Scalar> {
 public:
  GRAFT_COLD CutMixImpl(NumberOrList factor, const CutMixOptions& options)
      : detail::BatchMixImpl<Scalar>("CutMix", options),
        factor_(std::move(factor)),
        range_(detail::limited_range(factor_, 0, 1, "CutMix", "factor")) {}
  std::string_view class_name() const override { return "CutMix"; }
  GRAFT_COLD Config config() const override {
    Config config = this->mix_config();
    config["factor"] = factor_.config();
    return config;
  }

 protected:
  detail::Mixing draw_mixing(RandomKey stream, RandomKey shared, Index height, Index width) const override {
    const double alpha = std::max(range_.at(shared.uniform(0)), 0.0) + 1e-6;
    const double side = std::sqrt(1 - detail::draw_beta(stream.fold(1), alpha));
    detail::Mixing mixing;
    mixing.boxed = true;
    mixing.box = detail::draw_box(stream, 0, height, width, side, side);
    return mixing;
  }

 private:
  NumberOrList factor_;
  detail::FactorRange range_;
};

/// In training a rectangle of every image is replaced by that of another image of the batch: its sides are √(1 - w) of
/// the image's, w ~ Beta(a, a) for each image and a ~ U(low, high) for the batch; its place is random (Yun et al.
/// 2019). A factor f is the range (0, f), {low, high} says both ends. At inference y = x. As a layer it mixes images
/// only: targets are mixed along by `mix(images, labels, key)`, in front of the model. Throws ConfigError for a factor
/// outside of [0, 1], and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class CutMix : public detail::BatchMixLayer<Scalar> {
 public:
  GRAFT_COLD explicit CutMix(NumberOrList factor = 1.0, const CutMixOptions& options = {})
      : detail::BatchMixLayer<Scalar>(new CutMixImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static CutMix from_config(const Config& config) {
    CutMixOptions options;
    detail::read(config, "data_format", options.data_format);
    options.seed = detail::read_seed(config);
    detail::read_base(config, options);
    const Config* factor = config.find_set("factor");
    return CutMix(factor ? NumberOrList::from_config(*factor, "factor") : NumberOrList(1.0), options);
  }
};

}  // namespace graft
