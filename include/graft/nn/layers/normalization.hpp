#pragma once

#include <cmath>
#include <vector>

#include "graft/core/array_like.hpp"
#include "graft/nn/axis_slices.hpp"
#include "graft/nn/layers/standardizing_layer.hpp"
#include "graft/nn/number_or_list.hpp"

namespace graft {

struct NormalizationOptions {
  std::vector<int> axis = {-1};  ///< each position on these axes has numbers of its own; none: one pair for everything
  NumberOrList mean = {};        ///< with variance: nothing is left to adapt, and the layer has no weights
  NumberOrList variance = {};
  bool invert = false;  ///< from standardised values back to the original ones
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class NormalizationImpl final : public detail::StandardizingLayerImpl<Scalar> {
  using Base = detail::StandardizingLayerImpl<Scalar>;

 public:
  GRAFT_COLD explicit NormalizationImpl(NormalizationOptions options)
      : Base("Normalization", options), options_(std::move(options)) {
    const NumberOrList &mean = options_.mean, &variance = options_.variance;
    if (mean.given() != variance.given() || !(mean.shape() == variance.shape())) {
      fail<ConfigError>(this->where(), "mean and variance of one shape, or neither",
                        mean.shape().str() + " and " + variance.shape().str());
    }
    if (mean.shape().rank() > static_cast<int>(options_.axis.size())) {
      fail<ConfigError>(this->where(), "a mean with at most as many axes as axis", mean.shape().str());
    }
  }
  std::string_view class_name() const override { return "Normalization"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const Shape kept = kept_shape(inputs[0]), &given = options_.mean.shape();
    for (int axis = 1; axis <= given.rank(); ++axis) {
      if (given[-axis] != kept[-axis]) {
        fail<ShapeError>(this->where(), "an input whose kept axes fit a mean of shape " + given.str(), inputs[0].str());
      }
    }
    return inputs[0];
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    Config& axes = config["axis"] = Config::array();
    for (const int axis : options_.axis) axes.push_back(axis);
    config["mean"] = options_.mean.config();
    config["variance"] = options_.variance.config();
    config["invert"] = options_.invert;
    return config;
  }

  /// Mean and biased variance of the data become the weights.
  GRAFT_COLD void adapt(const TensorView<const Scalar>& data) {
    if (options_.mean.given()) {
      throw StateError("adapt of " + this->where() + ": its mean and variance were given; leave them out to adapt.");
    }
    if (data.size() == 0) fail<ShapeError>("adapt of " + this->where(), "data", data.shape().str());
    const Shape shapes[] = {data.shape().replace_batch(Shape::kUnknown)};
    this->ensure_built(shapes);
    const detail::AxisSlices slices(data.shape(), reduced_axes(data.shape()));
    Tensor<Scalar>&mean = mean_->mutable_value(), &variance = variance_->mutable_value();
    const double share = 1 / static_cast<double>(slices.count());
    // Slices come in the row-major order of the kept axes, which is that of the weights.
    for (Index s = 0; s < slices.slices(); ++s) {
      const Scalar* from = data.data() + slices.start(s);
      double sum = 0, squares = 0;
      slices.for_each([&](Index at) { sum += static_cast<double>(from[at]); });
      const double center = sum * share;
      slices.for_each([&](Index at) {
        const double d = static_cast<double>(from[at]) - center;
        squares += d * d;
      });
      mean[s] = static_cast<Scalar>(center);
      variance[s] = static_cast<Scalar>(squares * share);
    }
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    if (options_.mean.given()) return;
    const Shape shape = kept_shape(inputs[0]);
    mean_ = this->add_variable("mean", shape, Initializer("zeros"), rng, VariableKind::state);
    variance_ = this->add_variable("variance", shape, Initializer("ones"), rng, VariableKind::state);
    // Keras keeps it for the sake of old files, and leaves it 0.
    this->add_variable("count", Shape{}, Initializer("zeros"), rng, VariableKind::state);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    if (mean_ && !(kept_shape(inputs[0]) == mean_->shape())) {
      fail<ShapeError>(this->where(), "kept axes " + mean_->shape().str() + " from build", inputs[0].str());
    }
  }

  Shape small_shape(const Shape& input) const override {
    const auto reduced = reduced_axes(input);
    Shape small = input;
    for (int axis = 0; axis < input.rank(); ++axis) {
      if (reduced[static_cast<std::size_t>(axis)]) small[axis] = 1;
    }
    return small;
  }
  void terms(Index count, Scalar* center, Scalar* factor, Scalar* shift) const override {
    const Index given = options_.mean.size();
    for (Index i = 0; i < count; ++i) {
      const Scalar mean = mean_ ? std::as_const(*mean_).value()[i] : static_cast<Scalar>(options_.mean[i % given]);
      const Scalar variance =
          variance_ ? std::as_const(*variance_).value()[i] : static_cast<Scalar>(options_.variance[i % given]);
      const Scalar deviation = std::max(std::sqrt(variance), static_cast<Scalar>(1e-7));
      center[i] = options_.invert ? Scalar(0) : mean;
      factor[i] = options_.invert ? deviation : 1 / deviation;
      shift[i] = options_.invert ? mean : Scalar(0);
    }
  }

 private:
  /// All axes but the kept ones. Throws ShapeError for an axis that the input does not have, and for the batch.
  std::array<bool, Shape::kMaxRank> reduced_axes(const Shape& input) const {
    auto axes = detail::mark_axes(input, options_.axis, this->name());
    if (input.empty() || axes[0]) refuse(input);
    for (bool& axis : axes) axis = !axis;
    return axes;
  }
  [[noreturn]] GRAFT_COLD void refuse(const Shape& input) const {
    fail<ShapeError>(this->where(), "axes behind the batch", input.str());
  }
  GRAFT_COLD Shape kept_shape(const Shape& input) const {
    const auto reduced = reduced_axes(input);
    Shape result;
    for (int axis = 1; axis < input.rank(); ++axis) {
      if (!reduced[static_cast<std::size_t>(axis)]) result.push_back(detail::known_dim(input, axis, this->where()));
    }
    return result;
  }

  NormalizationOptions options_;
  VariablePtr<Scalar> mean_, variance_;
};

/// y = (x - mean) / max(sqrt(variance), 1e-7), or the way back with `invert`. Mean and variance are given, or learned
/// by adapt, which is called before training; then they are weights (mean, variance, count) that are not trained.
/// Throws ConfigError when only one of the two is given.
template <class Scalar = float>
class Normalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Normalization(NormalizationOptions options = {})
      : Layer<Scalar>(new NormalizationImpl<Scalar>(std::move(options))) {}

  /// Takes mean and biased variance from data, samples first; builds the layer if need be. Throws StateError when they
  /// were given as options and ShapeError when the data does not fit.
  GRAFT_COLD void adapt(const ArrayLike<Scalar>& data) const {
    static_cast<NormalizationImpl<Scalar>&>(this->impl()).adapt(data.view());
  }

  GRAFT_COLD static Normalization from_config(const Config& config) {
    NormalizationOptions options;
    if (const Config* axis = config.find("axis")) {
      options.axis.clear();
      const bool one = !axis->is_array() && !axis->is_null();
      if (one) options.axis = {static_cast<int>(axis->as_int("axis"))};
      if (axis->is_array()) {
        for (const Config& item : axis->items("axis")) options.axis.push_back(static_cast<int>(item.as_int("axis")));
      }
    }
    if (const Config* mean = config.find("mean")) options.mean = NumberOrList::from_config(*mean, "mean");
    if (const Config* variance = config.find("variance")) {
      options.variance = NumberOrList::from_config(*variance, "variance");
    }
    detail::read(config, "invert", options.invert);
    detail::read_base(config, options);
    return Normalization(std::move(options));
  }
};

}  // namespace graft
