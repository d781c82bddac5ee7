#pragma once

#include "graft/nn/layers/augmentation_chain.hpp"
#include "graft/nn/layers/draw_gamma.hpp"

namespace graft {

struct AugMixOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  Index num_chains = 3;                          ///< chains of operations that are mixed
  Index chain_depth = 3;                         ///< operations of a chain, at most
  NumberOrList factor = 0.3;                     ///< of the operations; a number f is the range (0, f)
  double alpha = 1.0;                            ///< of the Dirichlet and the Beta distribution of the weights
  bool all_ops = true;                           ///< brightness, colour, contrast and sharpness too
  std::string interpolation = "bilinear";        ///< or "nearest"
  std::optional<Index> seed = {};                ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

/// One chain of AugMix: chain_depth times one of the operations or none.
template <class Scalar>
class AugMixChainImpl final : public AugmentationChainImpl<Scalar> {
 public:
  GRAFT_COLD explicit AugMixChainImpl(const AugMixOptions& options)
      : AugmentationChainImpl<Scalar>("AugMix", options, ImageMode::training),
        depth_(options.chain_depth),
        all_(options.all_ops) {
    this->add_augmentations(options);
    this->set_length(depth_);
  }
  std::string_view class_name() const override { return "AugMix"; }

 protected:
  int channels_wanted() const override { return 3; }
  int choose(RandomKey stream, int* chain) const override {
    const int count = this->parts() - (all_ ? 0 : this->kColorCount);
    int length = 0;
    for (Index i = 0; i < depth_; ++i) {
      const int part = static_cast<int>(stream.uniform(static_cast<std::uint64_t>(i)) * (count + 1));
      if (part < count) chain[length++] = part + (all_ || part < this->kColors ? 0 : this->kColorCount);
    }
    return length;
  }

 private:
  Index depth_;
  bool all_;
};

}  // namespace detail

template <class Scalar>
class AugMixImpl final : public detail::ImageLayerImpl<Scalar> {
  using Base = detail::ImageLayerImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;
  using Picture = detail::Picture;

 public:
  GRAFT_COLD explicit AugMixImpl(const AugMixOptions& options)
      : Base("AugMix", options, detail::ImageMode::training),
        options_(options),
        range_(detail::checked_range(options.value_range, "AugMix")),
        chain_(named(options, this->name())) {
    if (options.num_chains < 1 || options.num_chains > kMaxChains) {
      fail<ConfigError>("AugMix", "num_chains from 1 to " + std::to_string(kMaxChains),
                        std::to_string(options.num_chains));
    }
    if (!(options.alpha > 0 && options.alpha <= 1e6)) {
      fail<ConfigError>("AugMix", "alpha above 0", std::to_string(options.alpha));
    }
  }
  std::string_view class_name() const override { return "AugMix"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["value_range"] = detail::range_config(options_.value_range);
    config["num_chains"] = options_.num_chains;
    config["chain_depth"] = options_.chain_depth;
    config["factor"] = options_.factor.config();
    config["alpha"] = options_.alpha;
    config["all_ops"] = options_.all_ops;
    config["interpolation"] = options_.interpolation;
    return config;
  }

  Index scratch_size(const Picture& picture, bool backward) const override {
    return (backward ? 3 : 1) * picture.size() +
           std::max(chain_.scratch_size(picture, false), backward ? chain_.scratch_size(picture, true) : 0);
  }
  void transform(const Image& image) const override {
    mix(image, image.y, image.scratch, image.scratch + image.picture.size());
    for (Index i = 0; i < image.picture.size(); ++i) {
      image.y[i] = std::clamp(image.y[i], static_cast<Scalar>(range_[0]), static_cast<Scalar>(range_[1]));
    }
  }
  void transform_gradient(const Image& image) const override {
    const Index size = image.picture.size();
    Scalar *masked = image.scratch, *part = masked + size, *of_part = part + size, *rest = of_part + size;
    mix(image, masked, part, rest);
    const Weights weights = draw(image.stream);
    for (Index i = 0; i < size; ++i) {
      const bool cut = masked[i] < static_cast<Scalar>(range_[0]) || masked[i] > static_cast<Scalar>(range_[1]);
      masked[i] = cut ? Scalar(0) : image.dy[i];
      image.dx[i] = weights.own * masked[i];
    }
    for (Index k = 0; k < options_.num_chains; ++k) {
      Image step = of_chain(image, k, rest);
      for (Index i = 0; i < size; ++i) part[i] = weights.chains[k] * masked[i];
      step.dy = part;
      step.dx = of_part;
      chain_.transform_gradient(step);
      for (Index i = 0; i < size; ++i) image.dx[i] += of_part[i];
    }
  }

 protected:
  int channels_wanted() const override { return 3; }

 private:
  static constexpr Index kMaxChains = 32;

  struct Weights {
    Scalar own = 0;
    Scalar chains[kMaxChains] = {};
  };
  // Beta for the image itself; a Dirichlet distribution, that is gammas divided by their sum, for the rest.
  Weights draw(RandomKey stream) const {
    const double own = detail::draw_beta(stream.fold(0), options_.alpha);
    Rng rng(stream.fold(1));
    double logs[kMaxChains], largest = -1e300, sum = 0;
    for (Index k = 0; k < options_.num_chains; ++k) {
      logs[k] = detail::draw_log_gamma(rng, options_.alpha);
      largest = std::max(largest, logs[k]);
    }
    for (Index k = 0; k < options_.num_chains; ++k) sum += std::exp(logs[k] - largest);
    Weights weights;
    weights.own = static_cast<Scalar>(own);
    for (Index k = 0; k < options_.num_chains; ++k) {
      weights.chains[k] = static_cast<Scalar>((1 - own) * std::exp(logs[k] - largest) / sum);
    }
    return weights;
  }
  static Image of_chain(const Image& image, Index k, Scalar* scratch) {
    Image step = image;
    step.stream = image.stream.fold(static_cast<std::uint64_t>(k) + 2);
    step.scratch = scratch;
    return step;
  }
  // y before it is cut off; `part` holds an image.
  void mix(const Image& image, Scalar* y, Scalar* part, Scalar* scratch) const {
    const Index size = image.picture.size();
    const Weights weights = draw(image.stream);
    for (Index i = 0; i < size; ++i) y[i] = weights.own * image.x[i];
    for (Index k = 0; k < options_.num_chains; ++k) {
      Image step = of_chain(image, k, scratch);
      step.y = part;
      chain_.transform(step);
      for (Index i = 0; i < size; ++i) y[i] += weights.chains[k] * part[i];
    }
  }
  GRAFT_COLD static AugMixOptions named(AugMixOptions options, const std::string& name) {
    options.name = name;
    return options;
  }

  AugMixOptions options_;
  std::array<double, 2> range_;
  detail::AugMixChainImpl<Scalar> chain_;
};

/// In training every image is mixed with num_chains changed copies of itself: y = m x + (1 - m) sum of w_k chain_k(x),
/// cut off at the ends of value_range, with m ~ Beta(alpha, alpha) and w ~ Dirichlet(alpha). A chain applies
/// chain_depth times one of RandomShear, RandomTranslation, RandomRotation, RandomPosterization, Solarization,
/// AutoContrast, Equalization (with all_ops also RandomBrightness, RandomColorDegeneration, RandomContrast,
/// RandomSharpness) or nothing, all equally likely (Hendrycks et al. 2020). Every image has chains and weights of its
/// own; Keras draws them once for a batch. At inference y = x. Throws ConfigError for a factor outside of [0, 1],
/// num_chains beyond 1 to 32, chain_depth beyond 16, an alpha of 0 or less and an unknown interpolation, and ShapeError
/// for inputs that are no images (batch, height, width, 3).
template <class Scalar = float>
class AugMix : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AugMix(const AugMixOptions& options = {}) : Layer<Scalar>(new AugMixImpl<Scalar>(options)) {}

  GRAFT_COLD static AugMix from_config(const Config& config) {
    AugMixOptions options;
    detail::read(config, "num_chains", options.num_chains);
    detail::read(config, "chain_depth", options.chain_depth);
    if (const Config* factor = config.find_set("factor")) options.factor = NumberOrList::from_config(*factor, "factor");
    detail::read(config, "alpha", options.alpha);
    detail::read(config, "all_ops", options.all_ops);
    detail::read(config, "interpolation", options.interpolation);
    detail::read_color_options(config, options);
    return AugMix(options);
  }
};

}  // namespace graft
