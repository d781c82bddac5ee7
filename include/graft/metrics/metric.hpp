#pragma once

#include <memory>

#include "graft/metrics/metric_impl.hpp"

namespace graft {

/// Handle of a metric; copies share the numbers gathered. Made from a metric object or from Keras's name of one.
///
/// "accuracy", "acc", "crossentropy" and "ce" mean another class for every kind of label: a metric made from them is
/// unresolved until resolve_metric has seen the shapes. A name is kept as it was written: it is the key in histories.
///
/// Names are known when graft/metrics/metrics.hpp is included (graft.hpp does).
template <class Scalar = float>
class Metric {
 public:
  using Impl = MetricImpl<Scalar>;
  using In = TensorView<const Scalar>;

  Metric() = default;
  explicit Metric(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  /// Takes over what `new` made: one kind of shared_ptr for all metrics is quicker to compile than make_shared of each.
  explicit Metric(Impl* impl) : impl_(impl) {}
  /// Snake-case name, class name or abbreviation. Throws ConfigError, with the nearest name, for an unknown one.
  Metric(const char* name) : Metric(from_config(Config(name))) {}
  Metric(const std::string& name) : Metric(from_config(Config(name))) {}
  /// The same kind of metric for another scalar.
  template <class U>
  requires(!std::is_same_v<U, Scalar>) Metric(const Metric<U>& other)
      : Metric(other ? from_config(other.config()) : Metric()) {}

  /// From a name, or from what Keras 2 or Keras 3 writes for a metric; null makes an empty handle. Defined in
  /// metrics.hpp.
  static Metric from_config(const Config& config);
  /// A metric whose class resolve_metric will choose.
  static Metric unresolved(std::string name) {
    Metric result;
    result.given_ = std::move(name);
    return result;
  }

  explicit operator bool() const { return impl_ != nullptr || !given_.empty(); }
  /// False for "accuracy" and the like before resolve_metric.
  bool resolved() const { return impl_ != nullptr; }

  std::string_view class_name() const { return impl().class_name(); }
  const std::string& name() const { return impl_ ? impl_->name() : given_; }
  void set_name(std::string name) const { impl().set_name(std::move(name)); }
  /// The name alone, if the metric was made from one.
  Config config() const { return given_.empty() ? impl().config() : Config(given_); }

  void reset() const { impl().reset(); }
  void update(In y_true, In y_pred, In sample_weight = {}) const { impl().update(y_true, y_pred, sample_weight); }
  double result() const { return impl().result(); }
  std::vector<double> results() const { return impl().results(); }

  /// This metric, with the name under which the user asked for it.
  Metric named(std::string given) const {
    Metric result(*this);
    result.impl().set_name(given);
    result.given_ = std::move(given);
    return result;
  }

  Impl& impl() const {
    if (!impl_) {
      throw StateError(given_.empty() ? "Metric: this handle is empty; make it from a name or from a metric object."
                                      : "Metric \"" + given_ +
                                            "\": compile a model with it first, or use a class: "
                                            "what it means depends on the shapes of labels and predictions.");
    }
    return *impl_;
  }
  const std::shared_ptr<Impl>& shared() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
  std::string given_;
};

}  // namespace graft
