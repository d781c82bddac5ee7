#pragma once

#include <initializer_list>

#include "graft/applications/detail/net.hpp"

namespace graft::applications::detail {

/// The width `alpha` and the sizes for which Keras has weights: MobileNet and MobileNetV2.
class MobileNetSize {
 public:
  /// Throws ConfigError for an alpha that is not above 0, or that has no ImageNet weights when these are asked for.
  template <class Options>
  GRAFT_COLD MobileNetSize(const std::string& title, const Options& options, std::initializer_list<Index> sizes,
                           std::initializer_list<double> alphas)
      : alpha_(options.alpha) {
    if (!(alpha_ > 0 && alpha_ <= 100)) {
      fail<ConfigError>("applications::" + title, "alpha above 0, at most 100", std::to_string(alpha_));
    }
    const Shape& shape = options.input_shape;
    const bool known = shape.rank() == 3 && shape[0] == shape[1];
    if (known && std::find(sizes.begin(), sizes.end(), shape[0]) != sizes.end()) official_ = shape[0];
    if (shape.rank() == 3) rows_ = shape[0];
    else if (options.include_top) rows_ = official_;
    if (options.weights != "imagenet" || std::find(alphas.begin(), alphas.end(), alpha_) != alphas.end()) return;
    std::string list;
    for (const double alpha : alphas) list += (list.empty() ? "" : ", ") + text::number("%g", alpha);
    fail<ConfigError>("applications::" + title, "alpha " + list + " with the ImageNet weights",
                      text::number("%g", alpha_));
  }

  /// The size of the pictures that Keras's weights are for, and of the network's when none is given.
  Index official() const { return official_; }
  /// "mobilenet" → "mobilenet_1.00_224".
  GRAFT_COLD std::string model_name(const std::string& family) const {
    return family + "_" + text::number("%.2f", alpha_) + "_" +
           (rows_ == Shape::kUnknown ? "None" : std::to_string(rows_));
  }

 private:
  double alpha_;
  Index official_ = 224, rows_ = Shape::kUnknown;
};

}  // namespace graft::applications::detail
