#pragma once

#include "graft/core/text.hpp"
#include "graft/metrics/confusion.hpp"

namespace graft {

namespace detail {

/// What the four metrics below compare; each calls its number by its own name.
struct TradeOff {
  std::string_view class_name, default_name, argument;
  double (Confusion::*constrained)(std::size_t) const;
  double (Confusion::*wanted)(std::size_t) const;
};
inline constexpr TradeOff kTradeOffs[] = {
    {"SensitivityAtSpecificity", "sensitivity_at_specificity", "specificity", &Confusion::specificity,
     &Confusion::recall},
    {"SpecificityAtSensitivity", "specificity_at_sensitivity", "sensitivity", &Confusion::recall,
     &Confusion::specificity},
    {"PrecisionAtRecall", "precision_at_recall", "recall", &Confusion::recall, &Confusion::precision},
    {"RecallAtPrecision", "recall_at_precision", "precision", &Confusion::precision, &Confusion::recall},
};

}  // namespace detail

template <class Scalar>
class TradeOffMetricImpl final : public ConfusionMetricImpl<Scalar> {
 public:
  GRAFT_COLD TradeOffMetricImpl(const detail::TradeOff& kind, double least, Index num_thresholds,
                                std::optional<Index> class_id, std::string_view name)
      : ConfusionMetricImpl<Scalar>(kind.default_name, name),
        kind_(kind),
        least_(least),
        num_thresholds_(num_thresholds) {
    if (!(least >= 0 && least <= 1)) {
      fail<ConfigError>(std::string(kind.class_name), std::string(kind.argument) + " from 0 to 1",
                        text::number("%g", least));
    }
    this->class_id_ = class_id;
    this->set_thresholds(detail::even_thresholds(std::string(kind.class_name), num_thresholds, 0));
  }
  std::string_view class_name() const override { return kind_.class_name; }
  GRAFT_COLD double result() const override {
    double best = 0;
    for (std::size_t i = 0; i < this->confusion_.size(); ++i) {
      if ((this->confusion_.*kind_.constrained)(i) >= least_) {
        best = std::fmax(best, (this->confusion_.*kind_.wanted)(i));
      }
    }
    return best;
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    double least = least_;
    Index thresholds = num_thresholds_;
    std::optional<Index> class_id = this->class_id_;
    f(kind_.argument, least);
    f("num_thresholds", thresholds);
    f("class_id", class_id);
  }

 private:
  const detail::TradeOff& kind_;
  double least_;
  Index num_thresholds_;
};

namespace detail {

template <class Scalar>
GRAFT_COLD MetricImpl<Scalar>* new_trade_off(std::string_view class_name, double least, Index num_thresholds,
                                             std::optional<Index> class_id, std::string_view name) {
  for (const TradeOff& kind : kTradeOffs) {
    if (kind.class_name == class_name) {
      return new TradeOffMetricImpl<Scalar>(kind, least, num_thresholds, class_id, name);
    }
  }
  fail<ConfigError>("metric", "a metric of two opposites", std::string(class_name));
}

template <class Scalar>
GRAFT_COLD Metric<Scalar> make_trade_off(const Config& config, std::string_view class_name) {
  double least = 0.5;
  for (const TradeOff& kind : kTradeOffs) {
    if (kind.class_name == class_name) least = config.at(kind.argument).as_double(kind.argument);
  }
  std::optional<Index> class_id;
  if (const Config* id = config.find_set("class_id")) class_id = id->as_int("class_id");
  return Metric<Scalar>(
      new_trade_off<Scalar>(class_name, least, config.get("num_thresholds", 200), class_id, config.get("name", "")));
}

}  // namespace detail

struct SensitivityAtSpecificityOptions {
  double specificity = 0.5;  ///< required in Keras; from 0 to 1
  Index num_thresholds = 200;
  std::optional<Index> class_id = {};
  std::string_view name = {};
};

/// Largest recall among the thresholds whose specificity is at least `specificity`.
template <class Scalar = float>
class SensitivityAtSpecificity : public Metric<Scalar> {
 public:
  using Options = SensitivityAtSpecificityOptions;
  explicit SensitivityAtSpecificity(const SensitivityAtSpecificityOptions& options)
      : Metric<Scalar>(detail::new_trade_off<Scalar>("SensitivityAtSpecificity", options.specificity,
                                                     options.num_thresholds, options.class_id, options.name)) {}
};

struct SpecificityAtSensitivityOptions {
  double sensitivity = 0.5;  ///< required in Keras; from 0 to 1
  Index num_thresholds = 200;
  std::optional<Index> class_id = {};
  std::string_view name = {};
};

/// Largest specificity among the thresholds whose recall is at least `sensitivity`.
template <class Scalar = float>
class SpecificityAtSensitivity : public Metric<Scalar> {
 public:
  using Options = SpecificityAtSensitivityOptions;
  explicit SpecificityAtSensitivity(const SpecificityAtSensitivityOptions& options)
      : Metric<Scalar>(detail::new_trade_off<Scalar>("SpecificityAtSensitivity", options.sensitivity,
                                                     options.num_thresholds, options.class_id, options.name)) {}
};

struct PrecisionAtRecallOptions {
  double recall = 0.5;  ///< required in Keras; from 0 to 1
  Index num_thresholds = 200;
  std::optional<Index> class_id = {};
  std::string_view name = {};
};

/// Largest precision among the thresholds whose recall is at least `recall`.
template <class Scalar = float>
class PrecisionAtRecall : public Metric<Scalar> {
 public:
  using Options = PrecisionAtRecallOptions;
  explicit PrecisionAtRecall(const PrecisionAtRecallOptions& options)
      : Metric<Scalar>(detail::new_trade_off<Scalar>("PrecisionAtRecall", options.recall, options.num_thresholds,
                                                     options.class_id, options.name)) {}
};

struct RecallAtPrecisionOptions {
  double precision = 0.5;  ///< required in Keras; from 0 to 1
  Index num_thresholds = 200;
  std::optional<Index> class_id = {};
  std::string_view name = {};
};

/// Largest recall among the thresholds whose precision is at least `precision`.
template <class Scalar = float>
class RecallAtPrecision : public Metric<Scalar> {
 public:
  using Options = RecallAtPrecisionOptions;
  explicit RecallAtPrecision(const RecallAtPrecisionOptions& options)
      : Metric<Scalar>(detail::new_trade_off<Scalar>("RecallAtPrecision", options.precision, options.num_thresholds,
                                                     options.class_id, options.name)) {}
};

}  // namespace graft
