#pragma once

#include <cmath>
#include <set>

#include "graft/transfer/freeze.hpp"
#include "graft/transfer/layer_groups.hpp"

namespace graft {

/// How much of a pretrained model is trained on the new data, by how much of them there is.
enum class Strategy {
  feature_extraction,  ///< everything reused stays frozen; the head alone trains
  partial,             ///< then the top layers, too
  full,                ///< then everything: the old weights are where the training starts
  by_data              ///< chosen by choose_strategy
};

GRAFT_COLD inline const char* name_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::feature_extraction: return "feature extraction";
    case Strategy::partial: return "the top layers";
    case Strategy::full: return "everything";
    default: return "by data";
  }
}

struct StrategyOptions {
  /// How alike the old and the new task are, from 0 to 1; unknown when it is not given.
  std::optional<double> similarity = {};
  double few = 100;    ///< samples per class, below which the head alone trains
  double many = 1000;  ///< from which on everything does
};

struct StrategyChoice {
  Strategy strategy = Strategy::feature_extraction;
  std::string reason;
};

/// Chooses by the samples per class. Little data: the head alone, since more parameters would learn the samples by
/// heart. More: the top layers, the least general ones. Very much: everything. The bounds are graft's own, not taken
/// from a paper: ImageNet has about 1,000 pictures a class, and nets are trained on it from scratch; a tenth of that is
/// where the top layers begin to pay. Alike tasks (similarity above 0.7) need less of it: the bounds double. Unlike
/// ones (below 0.3) need more: they halve. Throws ConfigError for numbers without meaning.
GRAFT_COLD inline StrategyChoice choose_strategy(double samples_per_class, const StrategyOptions& options = {}) {
  if (!(samples_per_class >= 0)) {
    fail<ConfigError>("choose_strategy", "at least 0 samples per class", text::number("%g", samples_per_class));
  }
  if (!(options.few >= 0 && options.many >= options.few)) {
    fail<ConfigError>("choose_strategy", "0 <= few <= many",
                      text::number("%g", options.few) + " and " + text::number("%g", options.many));
  }
  const double similarity = options.similarity.value_or(0.5);
  if (!(similarity >= 0 && similarity <= 1)) {
    fail<ConfigError>("choose_strategy similarity", "a number from 0 to 1", text::number("%g", similarity));
  }
  const double factor = similarity > 0.7 ? 2 : similarity < 0.3 ? 0.5 : 1;
  const double few = options.few * factor, many = options.many * factor;
  StrategyChoice choice;
  const std::string amount = text::number("%.6g", samples_per_class) + " samples per class";
  if (samples_per_class < few) {
    choice = {Strategy::feature_extraction,
              amount + ", fewer than " + text::number("%g", few) + ": the reused layers stay frozen, the head trains"};
    if (factor < 1)
      choice.reason += "; the tasks differ: reuse the lower layers only (search_reuse_depth finds how many)";
  } else if (samples_per_class < many) {
    choice = {Strategy::partial, amount + ", from " + text::number("%g", few) + " to " + text::number("%g", many) +
                                     ": the head trains, then the top layers with it"};
  } else {
    choice = {Strategy::full, amount + ", " + text::number("%g", many) + " or more: the head trains, then everything"};
  }
  if (factor != 1) choice.reason += factor > 1 ? " (bounds doubled: alike tasks)" : " (bounds halved: unlike tasks)";
  return choice;
}

/// By labels: class indices (n,) or (n, 1), or one-hot rows. For labels that are no classes, all samples count as one.
template <class Scalar>
GRAFT_COLD StrategyChoice choose_strategy(const ArrayLike<Scalar>& y, const StrategyOptions& options = {}) {
  const auto samples = y.samples();
  if (samples == 0) fail<ConfigError>("choose_strategy", "labels", "none");
  const Index columns = y.view().size() / samples;
  Index classes = columns;
  if (columns == 1) {
    std::set<Scalar> values;
    for (const Scalar value : y.view().span()) {
      if (value == std::floor(value) && values.size() < 100000) values.insert(value);
      else {
        values.clear();
        break;
      }
    }
    classes = static_cast<Index>(std::max<std::size_t>(values.size(), 1));
  }
  return choose_strategy(static_cast<double>(samples) / static_cast<double>(classes), options);
}

/// By the labels of one pass over a dataset (which makes its samples, too). Throws ConfigError for one without an end
/// or without labels.
template <class Scalar>
GRAFT_COLD StrategyChoice choose_strategy(const Dataset<Scalar>& data, const StrategyOptions& options = {}) {
  if (data.cardinality() == kInfiniteCardinality) {
    throw ConfigError("choose_strategy: the dataset has no end, so its samples cannot be counted.");
  }
  const auto cursor = data.open(0);
  Batch<Scalar> batch;
  std::vector<Scalar> labels;
  Index samples = 0;
  while (cursor->next(batch)) {
    if (batch.y.empty()) throw ConfigError("choose_strategy: the dataset has no labels (y).");
    labels.insert(labels.end(), batch.y[0].begin(), batch.y[0].end());
    samples += batch.size();
  }
  if (samples == 0) fail<ConfigError>("choose_strategy", "labels", "an empty dataset");
  const Index columns = static_cast<Index>(labels.size()) / samples;
  return choose_strategy(ArrayLike<Scalar>(Tensor<Scalar>({samples, columns}, labels)), options);
}

namespace detail {

// The "top two or three layers" of fine-tuning; of a small net one or two.
template <class Scalar>
GRAFT_COLD Index top_third(const std::vector<Layer<Scalar>>& leaves) {
  Index count = 0;
  for (const auto& layer : leaves) count += !is_normalization(layer);
  return std::clamp<Index>(count / 3, 1, 3);
}

}  // namespace detail

/// Sets the flags of the layers of a base: none trains; the top `layers` with weights do (0: a third of them, but one
/// at least and three at most); all do. BatchNormalization stays frozen unless told otherwise.
template <class Scalar>
GRAFT_COLD void apply_strategy(const Model<Scalar>& base, Strategy strategy, Index layers = 0,
                               const UnfreezeOptions& options = {}) {
  if (strategy == Strategy::by_data) {
    fail<ConfigError>("apply_strategy of " + base.impl().where(), "what choose_strategy chose", "by_data");
  }
  if (strategy == Strategy::full) return unfreeze<Scalar>(base, options);
  if (strategy == Strategy::feature_extraction) return freeze<Scalar>(base);
  unfreeze_top(base, layers > 0 ? layers : detail::top_third(detail::leaves_with_weights(base)), options);
}

}  // namespace graft
