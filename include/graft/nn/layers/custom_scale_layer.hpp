#pragma once

#include "graft/nn/layers/linear_merge.hpp"

namespace graft {

using CustomScaleLayerOptions = MergeOptions;

template <class Scalar>
class CustomScaleLayerImpl final : public detail::LinearMergeImpl<Scalar> {
 public:
  GRAFT_COLD CustomScaleLayerImpl(double scale, const CustomScaleLayerOptions& options)
      : detail::LinearMergeImpl<Scalar>("CustomScaleLayer", options, 2), scale_(scale) {}
  std::string_view class_name() const override { return "CustomScaleLayer"; }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["scale"] = scale_;
    return config;
  }

 protected:
  Scalar factor(std::size_t input, std::size_t) const override {
    return input == 0 ? Scalar(1) : static_cast<Scalar>(scale_);
  }

 private:
  double scale_;
};

/// y = x0 + scale * x1: the scaled residuals of Keras's InceptionResNetV2. Called with two inputs. Throws ShapeError
/// for inputs that do not fit.
template <class Scalar = float>
class CustomScaleLayer : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit CustomScaleLayer(double scale, const CustomScaleLayerOptions& options = {})
      : Layer<Scalar>(new CustomScaleLayerImpl<Scalar>(scale, options)) {}

  GRAFT_COLD static CustomScaleLayer from_config(const Config& config) {
    return CustomScaleLayer(config.at("scale").as_double("scale"), detail::read_merge_options(config));
  }
};

}  // namespace graft
