#pragma once

#include "graft/nn/layers/augmentation_chain.hpp"

namespace graft {

struct RandAugmentOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  Index num_ops = 2;                             ///< operations for each image
  NumberOrList factor = 0.5;                     ///< of the operations; a number f is the range (0, f)
  std::string interpolation = "bilinear";        ///< or "nearest"
  std::optional<Index> seed = {};                ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandAugmentImpl final : public detail::AugmentationChainImpl<Scalar> {
  using Base = detail::AugmentationChainImpl<Scalar>;

 public:
  GRAFT_COLD explicit RandAugmentImpl(const RandAugmentOptions& options)
      : Base("RandAugment", options, detail::ImageMode::training), options_(options) {
    this->add_augmentations(options);
    this->set_length(options.num_ops);
  }
  std::string_view class_name() const override { return "RandAugment"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["value_range"] = detail::range_config(options_.value_range);
    config["num_ops"] = options_.num_ops;
    config["factor"] = options_.factor.config();
    config["interpolation"] = options_.interpolation;
    return config;
  }

 protected:
  int channels_wanted() const override { return 3; }
  int choose(RandomKey stream, int* chain) const override {
    for (Index i = 0; i < options_.num_ops; ++i) {
      chain[i] = static_cast<int>(stream.uniform(static_cast<std::uint64_t>(i)) * this->parts());
    }
    return static_cast<int>(options_.num_ops);
  }

 private:
  RandAugmentOptions options_;
};

/// In training every image goes through num_ops operations, each one of RandomShear, RandomTranslation, RandomRotation,
/// RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness, RandomPosterization, Solarization,
/// AutoContrast and Equalization (Cubuk et al. 2020). Every image has operations of its own; Keras draws them once for
/// a batch. At inference y = x. Throws ConfigError for a factor outside of [0, 1], for num_ops beyond 16 and an unknown
/// interpolation, and ShapeError for inputs that are no images (batch, height, width, 3).
template <class Scalar = float>
class RandAugment : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandAugment(const RandAugmentOptions& options = {})
      : Layer<Scalar>(new RandAugmentImpl<Scalar>(options)) {}

  GRAFT_COLD static RandAugment from_config(const Config& config) {
    RandAugmentOptions options;
    detail::read(config, "num_ops", options.num_ops);
    if (const Config* factor = config.find_set("factor")) options.factor = NumberOrList::from_config(*factor, "factor");
    detail::read(config, "interpolation", options.interpolation);
    detail::read_color_options(config, options);
    return RandAugment(options);
  }
};

}  // namespace graft
