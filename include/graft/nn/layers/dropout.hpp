#pragma once

#include "graft/nn/layers/random_mask.hpp"

namespace graft {

struct DropoutOptions {
  std::optional<Shape> noise_shape = {};  ///< shape of the mask, -1 for the input's own size: {-1, 1, 8} drops columns
  std::optional<Index> seed = {};         ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {
struct DropoutSettings : DropoutOptions {
  double rate = 0;
  DropoutSettings(double wanted, const DropoutOptions& options) : DropoutOptions(options), rate(wanted) {}
};
GRAFT_COLD inline DropoutOptions read_dropout(const Config& config) {
  DropoutOptions options;
  if (const Config* shape = config.find_set("noise_shape")) options.noise_shape = read_shape(*shape, "noise_shape");
  options.seed = read_seed(config);
  read_base(config, options);
  return options;
}
/// Keras 1 calls it p.
GRAFT_COLD inline double read_rate(const Config& config) {
  const Config* p = config.find_set("p");
  return p ? p->as_double("p") : config.at("rate").as_double("rate");
}
}  // namespace detail

template <class Scalar>
class DropoutImpl final : public detail::MaskLayerImpl<Scalar> {
  using Base = detail::MaskLayerImpl<Scalar>;

 public:
  GRAFT_COLD DropoutImpl(double rate, const DropoutOptions& options)
      : Base("Dropout", detail::DropoutSettings(rate, options)) {
    this->check_rate(rate);
  }
  std::string_view class_name() const override { return "Dropout"; }

 protected:
  typename Base::Rule rule() const override { return {static_cast<Scalar>(1 / (1 - this->rate())), 0, 0}; }
};

/// In training each element is 0 with probability `rate`, else x / (1 - rate) (Srivastava et al. 2014). At inference
/// y = x. Throws ConfigError for a rate outside [0, 1).
template <class Scalar = float>
class Dropout : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Dropout(double rate, const DropoutOptions& options = {})
      : Layer<Scalar>(new DropoutImpl<Scalar>(rate, options)) {}

  GRAFT_COLD static Dropout from_config(const Config& config) {
    return Dropout(detail::read_rate(config), detail::read_dropout(config));
  }
};

}  // namespace graft
