#pragma once

#include "graft/transfer/fine_tune_options.hpp"
#include "graft/transfer/recipes/tuning_recipes.hpp"

namespace graft {

namespace detail {

GRAFT_COLD inline std::string describe_phase(const std::string& name, const History& history, Index trainable,
                                             double rate) {
  std::string text = name + ": " + std::to_string(history.epoch.size()) + " epochs at learning rate " +
                     text::number("%g", rate) + ", " + text::with_commas(trainable) + " trainable parameters";
  if (history.cached_layers > 0) {
    text += "; " + std::to_string(history.cached_layers) + " frozen layers ran once instead of once an epoch (" +
            text::with_commas(history.cached_bytes) + " bytes of features, " + history.cache_text + "), which saves " +
            text::number("%.3g", history.cached_seconds) + " s an epoch";
  } else if (!history.uncached_reason.empty()) {
    text += "; nothing cached: " + history.uncached_reason;
  }
  return text + "\n";
}

/// "features.h5" → "features.head.h5".
GRAFT_COLD inline std::string phase_file(const std::string& path, const std::string& phase) {
  if (path.empty()) return path;
  const std::size_t slash = path.rfind('/'), dot = path.rfind('.');
  const bool ends = dot == std::string::npos || (slash != std::string::npos && dot < slash);
  return ends ? path + "." + phase : path.substr(0, dot) + "." + phase + path.substr(dot);
}

/// The two phases of one call.
template <class Scalar>
class FineTuning {
 public:
  GRAFT_COLD FineTuning(const Model<Scalar>& model, const TrainingData<Scalar>& data, FineTuneOptions<Scalar> options)
      : model_(model), data_(data), options_(std::move(options)), recipes_(model_, data_, options_) {
    const auto& before = model_.impl().compiled();
    if (options_.loss.empty() && before) options_.loss = before->losses();
    if (options_.metrics.empty() && before) options_.metrics = before->options().metrics;
    if (!options_.lints) options_.lints = before ? before->options().lints : LintOptions();
    if (!options_.optimizer) {
      options_.optimizer = before ? before->optimizer() : Optimizer<Scalar>(SGD<Scalar>({.learning_rate = 1e-2}));
    }
    const auto count = static_cast<Index>(model_.layers().size());
    if (options_.head_layers < 1 || options_.head_layers >= count) {
      fail<ConfigError>("fine_tune head_layers", "1 to " + std::to_string(count - 1),
                        std::to_string(options_.head_layers));
    }
    recipes_.check();
    if ((options_.unfreeze_top > 0) + !options_.unfreeze_from.empty() + options_.strategy.has_value() > 1) {
      throw ConfigError("fine_tune: expected one of unfreeze_top, unfreeze_from and strategy, received several.");
    }
    if (!model_.built() && data_.dataset) {
      build_from_data(model_.impl(), BatchAdapter<Scalar>::arrays(data_.dataset.first().x));
    } else if (!model_.built()) {
      build_from_data(model_.impl(), data_.x);
    }
    reused_ = model_.layers().slice(0, count - options_.head_layers);
    head_ = model_.layers().slice(count - options_.head_layers);
    if (!options_.keep_bn_frozen) options_.bn.all = BnPolicy::train;
    check_policies();
  }

  GRAFT_COLD FineTuneReport run() {
    choose();
    reestimate();
    const double head_rate =
        options_.head.learning_rate > 0 ? options_.head.learning_rate : options_.optimizer->learning_rate();
    model_.impl().set_own_trainable(true);
    freeze(reused_);
    for (const auto& layer : head_) layer.set_trainable(true);
    if (options_.discriminative_decay > 0) reset_learning_rates<Scalar>(model_);
    recipes_.prepare_head(options_.head);
    report_.head = phase("head", options_.head, head_rate);
    say(recipes_.end_head(report_.head));
    if (report_.strategy == Strategy::feature_extraction) {
      say(recipes_.skipped());
      return std::move(report_);
    }

    unfreeze_reused();
    say(recipes_.begin_tuning(reused_leaves(), head_leaves()));
    if (options_.discriminative_decay > 0) {
      const auto rates =
          discriminative_learning_rates(model_, options_.discriminative_decay, {.head_layers = options_.head_layers});
      report_.text += "learning rates of " + std::to_string(rates.size()) + " groups of reused layers: times " +
                      text::number("%.3g", rates.empty() ? 1 : rates.front()) + " (lowest) to " +
                      text::number("%.3g", rates.empty() ? 1 : rates.back()) + "\n";
    }
    const double rate = options_.tuning.learning_rate > 0 ? options_.tuning.learning_rate : head_rate / 100;
    if (options_.gradual_unfreezing) gradual(rate);
    else report_.tuning = phase("tuning", options_.tuning, rate);
    say(recipes_.end_tuning(report_));
    return std::move(report_);
  }

 private:
  GRAFT_COLD void check_policies() const {
    std::vector<std::string> known;
    for (const auto& layer : leaves_with_weights(model_)) {
      if (is_batch_norm(layer.impl())) known.push_back(layer.name());
    }
    for (const auto& [name, policy] : options_.bn.layers) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      throw ConfigError("fine_tune bn: no BatchNormalization layer has the name \"" + name + "\". " +
                        (known.empty() ? "There is none in the model." : text::did_you_mean(name, known)));
    }
  }

  GRAFT_COLD void choose() {
    report_.strategy =
        options_.unfreeze_top > 0 || !options_.unfreeze_from.empty() ? Strategy::partial : Strategy::full;
    if (!options_.strategy) return;
    report_.strategy = *options_.strategy;
    if (report_.strategy != Strategy::by_data) return;
    const StrategyOptions by{.similarity = options_.similarity};
    const StrategyChoice choice = data_.dataset ? choose_strategy(data_.dataset, by) : choose_strategy(data_.y[0], by);
    report_.strategy = choice.strategy;
    say("strategy: " + std::string(name_of(choice.strategy)) + "; " + choice.reason + "\n");
  }

  GRAFT_COLD void reestimate() {
    ReestimateOptions chosen{.batch_size = options_.batch_size};
    PointerMap head;
    for (const auto& layer : head_) head.emplace(&layer.impl(), 0);
    for (const auto& layer : leaves_with_weights(model_)) {
      const bool wanted = is_batch_norm(layer.impl()) && options_.bn.of(layer.name()) == BnPolicy::reestimate;
      if (wanted && !head.count(&layer.impl())) chosen.layers.push_back(layer.name());
    }
    if (chosen.layers.empty()) return;
    const Index count = data_.dataset ? reestimate_batch_norm(model_, data_.dataset, chosen)
                                      : reestimate_batch_norm(model_, data_.x, chosen);
    say("statistics of " + std::to_string(count) + " BatchNormalization layers re-estimated on " +
        (data_.dataset ? "a pass over the dataset" : std::to_string(data_.x.samples()) + " samples") + "\n");
  }

  // Sets the flags of phase 2.
  GRAFT_COLD void unfreeze_reused() {
    const UnfreezeOptions all{.keep_bn_frozen = false};
    if (report_.strategy == Strategy::full) {
      unfreeze(reused_, all);
    } else if (!options_.unfreeze_from.empty()) {
      unfreeze_from(model_, options_.unfreeze_from, all);
      for (const auto& layer : head_) layer.set_trainable(true);
    } else {
      const std::vector<Layer<Scalar>> leaves = reused_leaves();
      Index remaining = options_.unfreeze_top > 0 ? options_.unfreeze_top : top_third(leaves);
      for (Index i = static_cast<Index>(reused_.size()) - 1; i >= 0; --i) {
        unfreeze_from_top(reused_[i], remaining, options_.bn.all != BnPolicy::train);
      }
    }
    // A policy of train makes no layer train that lies below those that do.
    for (const auto& layer : leaves_with_weights(model_)) {
      if (!is_batch_norm(layer.impl()) || in_head(layer)) continue;
      if (options_.bn.of(layer.name()) != BnPolicy::train) layer.set_trainable(false);
      else if (options_.bn.layers.count(layer.name())) layer.set_trainable(true);
    }
  }
  GRAFT_COLD std::vector<Layer<Scalar>> leaves_of(bool head) const {
    std::vector<Layer<Scalar>> leaves;
    for (const auto& layer : leaves_with_weights(model_)) {
      if (in_head(layer) == head) leaves.push_back(layer);
    }
    return leaves;
  }
  std::vector<Layer<Scalar>> reused_leaves() const { return leaves_of(false); }
  std::vector<Layer<Scalar>> head_leaves() const { return leaves_of(true); }
  bool in_head(const Layer<Scalar>& leaf) const {
    for (const auto& layer : head_) {
      for (const auto& variable : layer.weights()) {
        if (variable == leaf.weights().front()) return true;
      }
    }
    return false;
  }

  GRAFT_COLD void gradual(double rate) {
    std::vector<Layer<Scalar>> leaves = reused_leaves();
    std::erase_if(leaves, [](const Layer<Scalar>& layer) { return !layer.trainable(); });
    const auto groups = group_layers(leaves, GroupBy::automatic);
    for (const auto& layer : leaves) layer.set_trainable(false);
    const Optimizer<Scalar> optimizer = recipes_.with_rate(*options_.optimizer, rate);
    const Index epochs = options_.tuning.epochs;
    const Index stages = std::min(static_cast<Index>(groups.size()), epochs);
    for (Index k = 0; k < stages; ++k) {
      const auto& group = groups[groups.size() - 1 - static_cast<std::size_t>(k)];
      for (const auto& layer : group) layer.set_trainable(true);
      const History history = fit("tuning, " + std::to_string(k + 1) + " of " + std::to_string(groups.size()) +
                                      " groups (down to \"" + group.front().name() + "\")",
                                  "tuning", options_.tuning, optimizer, rate, k, k + 1 < stages ? k + 1 : epochs);
      report_.tuning.extend(history);
    }
    if (stages < static_cast<Index>(groups.size())) {
      say("tuning: " + std::to_string(groups.size()) + " groups, but " + std::to_string(epochs) +
          " epochs: the lowest ones stayed frozen\n");
    }
  }

  GRAFT_COLD History phase(const char* name, const TuningPhase<Scalar>& phase, double rate) {
    const bool tunes = &phase == &options_.tuning;
    const Optimizer<Scalar> optimizer =
        tunes ? recipes_.with_rate(*options_.optimizer, rate) : with_learning_rate(*options_.optimizer, rate);
    return fit(name, name, phase, optimizer, rate, 0, phase.epochs);
  }
  GRAFT_COLD History fit(const std::string& title, const std::string& file, const TuningPhase<Scalar>& phase,
                         const Optimizer<Scalar>& optimizer, double rate, Index first, Index last) {
    model_.compile(
        {.optimizer = optimizer, .loss = options_.loss, .metrics = options_.metrics, .lints = *options_.lints});
    Index trainable = 0;
    for (const auto& variable : model_.trainable_weights()) trainable += variable->size();
    // What is used for one epoch only need not be kept.
    const bool keeps = last - first > 1 || !options_.gradual_unfreezing || file != "tuning";
    FitOptions<Scalar> fitting{.batch_size = options_.batch_size,
                               .epochs = last,
                               .verbose = options_.verbose,
                               .callbacks = recipes_.callbacks(phase),
                               .validation_data = options_.validation_data,
                               .initial_epoch = first,
                               .cache_frozen_prefix = keeps,
                               .cache_budget = options_.cache_budget,
                               .cache_file = keeps ? phase_file(options_.cache_file, file) : "",
                               .on_stale_cache = options_.on_stale_cache};
    if (!data_.dataset) fitting.sample_weight = data_.sample_weight;
    History history =
        data_.dataset ? model_.fit(data_.dataset, fitting) : model_.fit(data_.x, data_.y, std::move(fitting));
    say(describe_phase(title, history, trainable, rate), false);
    return history;
  }

  GRAFT_COLD void say(const std::string& text, bool print = true) {
    if (text.empty()) return;
    report_.text += text;
    if (print && options_.verbose != Verbose::silent) std::fputs(text.c_str(), stdout);
  }

  const Model<Scalar>& model_;
  const TrainingData<Scalar>& data_;
  FineTuneOptions<Scalar> options_;
  TuningRecipes<Scalar> recipes_;
  LayerList<Scalar> reused_, head_;
  FineTuneReport report_;
};

}  // namespace detail
}  // namespace graft
