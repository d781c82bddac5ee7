#pragma once

#include <cmath>

#include "graft/losses/loss.hpp"
#include "graft/metrics/metric.hpp"

namespace graft {

/// A metric that is the weighted mean of one value per sample; a sample's value is the mean of its elements.
template <class Scalar>
class MeanMetricImpl : public MetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  void reset() override { total_ = count_ = 0; }
  void update(In y_true, In y_pred, In sample_weight) override {
    const LabelShapes shapes = fit_label_shapes(this->class_name(), y_true.shape(), y_pred.shape(), rule(), axis());
    const Shape shape = values_shape(shapes.y_true, shapes.y_pred);
    const Index size = shape.elements(), samples = shape.rank() > 0 ? shape[0] : 1;
    if (size == 0) return;
    if (static_cast<Index>(values_.size()) < size) values_.resize(static_cast<std::size_t>(size));
    const In labels(y_true.data(), shapes.y_true);
    fill(labels, {y_pred.data(), shapes.y_pred}, {values_.data(), shape});
    const SampleWeights<Scalar> weights(this->class_name(), sample_weight, shape);
    const double per_sample = static_cast<double>(size) / static_cast<double>(samples);
    double total = 0, count = 0;
    for (Index i = 0; i < size; ++i) {
      // As in Keras, what a mask leaves out is missing from the count only where there are weights.
      const double weight = weights && !counts(labels, i) ? 0 : weights[i];
      total += static_cast<double>(values_[static_cast<std::size_t>(i)]) * weight;
      count += weight;
    }
    total_ += total / per_sample;
    count_ += count / per_sample;
  }
  double result() const override { return count_ == 0 ? 0 : total_ / count_; }
  GRAFT_COLD std::vector<double> gathered() const override { return {total_, count_}; }
  GRAFT_COLD void set_gathered(std::span<const double> numbers) override {
    if (numbers.size() == 2) total_ = numbers[0], count_ = numbers[1];
  }

 protected:
  using MetricImpl<Scalar>::MetricImpl;

  virtual LabelRule rule() const = 0;
  virtual int axis() const { return -1; }
  virtual Shape values_shape(const Shape& /*y_true*/, const Shape& y_pred) const { return y_pred.slice(0, -1); }
  virtual void fill(In y_true, In y_pred, TensorView<Scalar> values) const = 0;
  virtual bool counts(In /*y_true*/, Index /*i*/) const { return true; }

 private:
  double total_ = 0, count_ = 0;
  std::vector<Scalar> values_;
};

/// What becomes of the mean of a loss.
enum class MeanTransform { plain, negated, root };

/// The mean of a loss, seen as a metric.
template <class Scalar>
class LossMetricImpl : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  GRAFT_COLD LossMetricImpl(std::string_view class_name, std::string_view default_name, std::string_view name,
                            Loss<Scalar> loss, MeanTransform transform = MeanTransform::plain)
      : MeanMetricImpl<Scalar>(default_name, name),
        class_name_(class_name),
        loss_(std::move(loss)),
        transform_(transform) {}
  std::string_view class_name() const override { return class_name_; }
  double result() const override {
    const double mean = MeanMetricImpl<Scalar>::result();
    return transform_ == MeanTransform::root ? std::sqrt(mean) : transform_ == MeanTransform::negated ? -mean : mean;
  }

 protected:
  LabelRule rule() const override { return loss_.impl().label_rule(); }
  int axis() const override { return loss_.impl().class_axis(); }
  Shape values_shape(const Shape& y_true, const Shape& y_pred) const override {
    return loss_.impl().loss_shape(y_true, y_pred);
  }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    loss_.impl().forward(y_true, y_pred, values);
  }
  bool counts(In y_true, Index i) const override {
    return !loss_.impl().has_mask() || loss_.impl().is_valid(y_true, i);
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    if (class_name_ == "MeanMetricWrapper") {
      (*f.to())["fn"] = loss_.config();
      return;
    }
    const Config loss = loss_.config();
    for (const auto& [key, value] : loss.at("config").members()) {
      // Keras 3 refuses what its metrics do not have, and those of the cross-entropies have less than the losses.
      const bool of_loss_alone = key == "name" || key == "reduction" || (key == "ignore_class" && value.is_null()) ||
                                 (key == "axis" && class_name_ == "BinaryCrossentropy");
      if (!of_loss_alone) (*f.to())[key] = value;
    }
  }

 private:
  std::string_view class_name_;  // of a literal
  Loss<Scalar> loss_;
  MeanTransform transform_;
};

}  // namespace graft
