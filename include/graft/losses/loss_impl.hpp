#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <string_view>

#include "graft/core/config.hpp"
#include "graft/core/config_fields.hpp"
#include "graft/core/tensor.hpp"
#include "graft/losses/label_shapes.hpp"
#include "graft/losses/reduction.hpp"
#include "graft/losses/sample_weights.hpp"

namespace graft {

/// Options that every loss has; losses with arguments of their own repeat them at the end of their options.
struct LossOptions {
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields&) {}
};

/// The loss contract. A loss is configuration only; nothing of a call is kept. `forward` computes the losses, one per
/// sample (per pixel, per time step: the predictions without their last axis), `backward` the gradient of
/// sum_i scale[i] * losses[i]. Weights and reduction are done here, once for all losses, and without allocating.
template <class Scalar>
class LossImpl {
 public:
  using In = TensorView<const Scalar>;
  using Out = TensorView<Scalar>;

  virtual ~LossImpl() = default;
  LossImpl(const LossImpl&) = delete;
  LossImpl& operator=(const LossImpl&) = delete;

  /// Keras's class name: "BinaryCrossentropy".
  virtual std::string_view class_name() const = 0;
  /// "binary_crossentropy", or the name that the options gave.
  const std::string& name() const { return name_; }
  Reduction reduction() const { return reduction_; }

  virtual LabelRule label_rule() const { return LabelRule::any; }
  virtual int class_axis() const { return -1; }
  /// Shape of the losses before the reduction. Default: y_pred without its last axis.
  virtual Shape loss_shape(const Shape& /*y_true*/, const Shape& y_pred) const { return y_pred.slice(0, -1); }

  /// losses[i] = loss of (y_true, y_pred) in row i. The shapes obey label_rule.
  virtual void forward(In y_true, In y_pred, Out losses) const = 0;
  /// y_pred_gradient = sum_i scale[i] * d losses[i] / d y_pred; `scale` has the shape of the losses. Overwrites.
  virtual void backward(In y_true, In y_pred, In scale, Out y_pred_gradient) const = 0;

  /// Losses that leave samples out of the mean (ignore_class): is the loss `i` one of the others?
  virtual bool has_mask() const { return false; }
  virtual bool is_valid(In /*y_true*/, Index /*i*/) const { return true; }

  /// Keras 3's form: {"class_name": …, "config": {"name": …, "reduction": …, …}}.
  GRAFT_COLD Config config() const {
    Config inner = Config::object();
    inner["name"] = name_;
    inner["reduction"] = reduction_.name();
    ConfigFields writer = ConfigFields::writer(inner);
    write_fields(writer);
    Config result = Config::object();
    result["class_name"] = class_name();
    result["config"] = std::move(inner);
    return result;
  }

  /// Labels and predictions brought to one rank as Keras does. Throws ShapeError.
  LabelShapes fit_shapes(const Shape& y_true, const Shape& y_pred) const {
    return fit_label_shapes(class_name(), y_true, y_pred, label_rule(), class_axis());
  }
  /// Number of losses before the reduction: the size of the buffers that value and value_and_gradient take.
  Index losses_size(const Shape& y_true, const Shape& y_pred) const {
    const LabelShapes shapes = fit_shapes(y_true, y_pred);
    return loss_shape(shapes.y_true, shapes.y_pred).elements();
  }

  /// The losses before the reduction and without weights; returns them under their shape.
  Out unreduced(In y_true, In y_pred, Out buffer) const {
    const LabelShapes shapes = fit_shapes(y_true.shape(), y_pred.shape());
    const Out result = fit_buffer(buffer, loss_shape(shapes.y_true, shapes.y_pred));
    forward({y_true.data(), shapes.y_true}, {y_pred.data(), shapes.y_pred}, result);
    return result;
  }

  /// The reduced loss. `sample_weight` may be empty; its shape is the beginning of the losses' shape, usually (N,). So
  /// may `mask`, Keras's mask of the predictions: losses where it is 0 do not count.
  double value(In y_true, In y_pred, In sample_weight, Out losses_buffer, In mask = {}) const {
    const Out each = unreduced(y_true, y_pred, losses_buffer);
    return reduce(y_true, each, sample_weight, mask, Out(), 1.0);
  }

  /// The reduced loss, and its gradient times `gradient_factor` (a loss weight, a loss scale). Overwrites the gradient.
  double value_and_gradient(In y_true, In y_pred, In sample_weight, Out losses_buffer, Out scale_buffer,
                            Out y_pred_gradient, double gradient_factor = 1.0, In mask = {}) const {
    const Out each = unreduced(y_true, y_pred, losses_buffer);
    const Out scale = fit_buffer(scale_buffer, each.shape());
    const double result = reduce(y_true, each, sample_weight, mask, scale, gradient_factor);
    const LabelShapes shapes = fit_shapes(y_true.shape(), y_pred.shape());
    backward({y_true.data(), shapes.y_true}, {y_pred.data(), shapes.y_pred}, scale,
             {y_pred_gradient.data(), shapes.y_pred});
    return result;
  }

  /// The weighted losses before the reduction, as Keras returns them for reduction "none".
  GRAFT_COLD Tensor<Scalar> weighted_losses(In y_true, In y_pred, In sample_weight = {}) const {
    const LabelShapes shapes = fit_shapes(y_true.shape(), y_pred.shape());
    auto each = Tensor<Scalar>::uninitialized(loss_shape(shapes.y_true, shapes.y_pred));
    unreduced(y_true, y_pred, each);
    const SampleWeights<Scalar> weights(class_name(), sample_weight, each.shape());
    if (weights.per_batch()) {
      auto result = Tensor<Scalar>::uninitialized(sample_weight.shape());
      for (Index i = 0; i < result.size(); ++i) result[i] = each[0] * sample_weight[i];
      return result;
    }
    for (Index i = 0; i < each.size(); ++i) each[i] = static_cast<Scalar>(static_cast<double>(each[i]) * weights[i]);
    return each;
  }

  /// Looks through the labels once, before a fit: throws ShapeError for a shape that does not fit, DataError for NaN,
  /// infinity or (sparse losses) a number that is no class index, naming sample and value.
  GRAFT_COLD virtual void check_labels(In y_true, const Shape& y_pred) const {
    (void)fit_shapes(y_true.shape(), y_pred);
    for (Index i = 0; i < y_true.size(); ++i) {
      if (!std::isfinite(y_true[i])) bad_label(y_true, i, "finite labels");
    }
  }

 protected:
  GRAFT_COLD LossImpl(std::string_view default_name, Reduction reduction, std::string_view name)
      : name_(name.empty() ? default_name : name), reduction_(reduction) {}

  /// Adds the loss's own arguments to its config.
  virtual void write_fields(ConfigFields&) const {}

  [[noreturn]] GRAFT_COLD void bad_label(In y_true, Index i, const std::string& expected) const {
    const Index per_sample = y_true.rank() > 0 && y_true.dim(0) > 0 ? y_true.size() / y_true.dim(0) : 1;
    const double value = static_cast<double>(y_true[i]);
    throw DataError(std::string(class_name()) + ": expected " + expected + " in y_true, received " +
                    text::number("%.9g", value) + " in sample " + std::to_string(i / per_sample) + ".");
  }

 private:
  static Out fit_buffer(Out buffer, const Shape& shape) {
    if (!buffer || buffer.size() < shape.elements()) {
      fail<ShapeError>("loss", "a buffer of at least " + std::to_string(shape.elements()) + " numbers",
                       std::to_string(buffer.size()), "losses_size says how many are needed.");
    }
    return {buffer.data(), shape};
  }

  double reduce(In y_true, Out losses, In sample_weight, In mask, Out scale, double factor) const {
    const SampleWeights<Scalar> weights(class_name(), sample_weight, losses.shape());
    const SampleWeights<Scalar> counts(class_name(), mask, losses.shape());
    const Index count = losses.size();
    const bool masked = has_mask() || counts;
    const auto left_out = [&](Index i) { return masked && ((has_mask() && !is_valid(y_true, i)) || counts[i] == 0); };
    double sum = 0, weight_sum = 0;
    Index valid = 0;
    for (Index i = 0; i < count; ++i) {
      if (left_out(i)) continue;
      const double weight = weights[i];
      sum += static_cast<double>(losses[i]) * weight;
      weight_sum += weight;
      ++valid;
    }
    double divisor = 1;
    if (reduction_ == Reduction::sum_over_batch_size || reduction_ == Reduction::mean) {
      // Keras divides by the number of valid losses + epsilon where a mask counts them.
      divisor = masked ? static_cast<double>(valid) + 1e-7
                       : static_cast<double>(weights.per_batch() ? weights.size() : count);
    } else if (reduction_ == Reduction::mean_with_sample_weight) {
      divisor = weight_sum;
    }
    const double rate = divisor == 0 ? 0 : 1 / divisor;
    if (scale) {
      for (Index i = 0; i < count; ++i) {
        scale[i] = left_out(i) ? Scalar(0) : static_cast<Scalar>(weights[i] * rate * factor);
      }
    }
    return divisor == 0 ? 0 : sum / divisor;
  }

  std::string name_;
  Reduction reduction_;
};

}  // namespace graft
