#pragma once

#include <cmath>

#include "graft/kernels/activation_kind.hpp"
#include "graft/nn/layers/dropout.hpp"

namespace graft {

template <class Scalar>
class AlphaDropoutImpl final : public detail::MaskLayerImpl<Scalar> {
  using Base = detail::MaskLayerImpl<Scalar>;

 public:
  GRAFT_COLD AlphaDropoutImpl(double rate, const DropoutOptions& options)
      : Base("AlphaDropout", detail::DropoutSettings(rate, options)) {
    this->check_rate(rate);
  }
  std::string_view class_name() const override { return "AlphaDropout"; }

 protected:
  typename Base::Rule rule() const override {
    const double rate = this->rate(), low = -kernels::kSeluAlpha * kernels::kSeluScale;
    const double a = 1 / std::sqrt((1 - rate) * (1 + rate * low * low)), b = -a * low * rate;
    return {static_cast<Scalar>(a), static_cast<Scalar>(b), static_cast<Scalar>(a * low + b)};
  }
};

/// Dropout for SELU: what is dropped becomes SELU's lower limit, and all is scaled and shifted so that mean and
/// variance stay (Klambauer et al. 2017). At inference y = x.
template <class Scalar = float>
class AlphaDropout : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AlphaDropout(double rate, const DropoutOptions& options = {})
      : Layer<Scalar>(new AlphaDropoutImpl<Scalar>(rate, options)) {}

  GRAFT_COLD static AlphaDropout from_config(const Config& config) {
    return AlphaDropout(detail::read_rate(config), detail::read_dropout(config));
  }
};

}  // namespace graft
