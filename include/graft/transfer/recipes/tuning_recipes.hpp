#pragma once

#include "graft/transfer/fine_tune_options.hpp"

namespace graft::detail {

/// The optimizer, started afresh, with this rate; 0: with its own.
template <class Scalar>
GRAFT_COLD Optimizer<Scalar> with_learning_rate(const Optimizer<Scalar>& optimizer, double learning_rate) {
  Config config = optimizer.config();
  if (learning_rate > 0) config["config"]["learning_rate"] = learning_rate;
  return Optimizer<Scalar>::from_config(config);
}

/// What the recipes among the options of fine_tune do before, during and after its two phases. Texts are for the
/// report.
template <class Scalar>
class TuningRecipes {
  using Leaves = std::vector<Layer<Scalar>>;

 public:
  TuningRecipes(const Model<Scalar>& model, const TrainingData<Scalar>& data, const FineTuneOptions<Scalar>& options)
      : model_(model), data_(data), options_(options) {}

  GRAFT_COLD void check() const {
    const auto refuse = [](bool both, const char* what) {
      if (both) throw ConfigError(std::string("fine_tune: ") + what + ".");
    };
    refuse(options_.lora && options_.bitfit, "expected one of lora and bitfit, received both");
    refuse(options_.l2_sp && options_.ewc, "expected one of l2_sp and ewc, received both");
    refuse(options_.lora && (options_.l2_sp || options_.ewc),
           "with lora the reused weights rest, so that l2_sp and ewc have nothing to hold");
    refuse(options_.wise_ft && !options_.wise_ft->candidates.empty() && !options_.validation_data,
           "wise_ft with candidates needs validation_data to choose by");
    if (options_.wise_ft) {
      std::vector<double> shares = options_.wise_ft->candidates;
      shares.push_back(options_.wise_ft->alpha);
      for (const double alpha : shares) {
        if (alpha >= 0 && alpha <= 1) continue;
        fail<ConfigError>("fine_tune wise_ft", "shares from 0 to 1", text::number("%g", alpha));
      }
    }
    if (options_.lp_ft && (options_.lp_ft->max_epochs < 1 || options_.lp_ft->patience < 1)) {
      fail<ConfigError>(
          "fine_tune lp_ft", "max_epochs and patience of at least 1",
          std::to_string(options_.lp_ft->max_epochs) + " and " + std::to_string(options_.lp_ft->patience));
    }
  }

  GRAFT_COLD void prepare_head(TuningPhase<Scalar>& phase) {
    if (!options_.lp_ft) return;
    converged_ = std::make_shared<EarlyStopping<Scalar>>(
        EarlyStoppingOptions{.monitor = options_.validation_data ? "val_loss" : "loss",
                             .min_delta = options_.lp_ft->min_delta,
                             .patience = options_.lp_ft->patience,
                             .mode = "min",
                             .restore_best_weights = true});
    phase.epochs = options_.lp_ft->max_epochs;
    phase.callbacks.push_back(converged_);
  }
  GRAFT_COLD std::string end_head(const History& history) const {
    if (!converged_) return {};
    const std::string epochs = std::to_string(history.epoch.size());
    return converged_->stopped_epoch()
               ? "LP-FT: the head converged in " + epochs + " epochs\n"
               : "LP-FT: the head went on getting better for all " + epochs + " epochs (max_epochs)\n";
  }

  /// When there is no phase 2.
  GRAFT_COLD std::string skipped() const {
    const bool any = options_.slanted_triangular || options_.l2_sp || options_.ewc || options_.lora ||
                     options_.bitfit || options_.ema || options_.wise_ft;
    return any ? "the reused layers stay frozen: the recipes for tuning them had nothing to do\n" : "";
  }

  /// When the flags of phase 2 are set.
  GRAFT_COLD std::string begin_tuning(const Leaves& reused, const Leaves& head) {
    std::string text;
    if (options_.lora) {
      const Index layers = add_lora(trainable(reused), *options_.lora);
      const Index left = resting_.rest(reused, [](const Variable<Scalar>& v) { return v.is_adapter(); });
      text += "LoRA of rank " + std::to_string(options_.lora->rank) + " in " + std::to_string(layers) +
              " layers: " + text::with_commas(left) + " parameters in place of " +
              text::with_commas(count(reused) - left) + "\n";
    }
    if (options_.bitfit) {
      const Index left = resting_.rest(reused, [](const Variable<Scalar>& v) { return is_bias(v); });
      text += "BitFit: " + text::with_commas(left) + " biases of " + text::with_commas(count(reused)) +
              " reused parameters train\n";
    }
    if (options_.l2_sp) text += anchor(*options_.l2_sp, trainable(reused), trainable(head), anchors_);
    if (options_.ewc) text += anchor(*options_.ewc, trainable(reused), anchors_);
    if (options_.ema) average_ = std::make_shared<WeightAverage<Scalar>>(model_, *options_.ema);
    if (options_.wise_ft) before_ = model_.get_weights();
    if (options_.feature_distortion || options_.lp_ft) {
      features_.emplace(model_, head, samples());
      features_before_ = features_->compute();
    }
    return text;
  }

  /// The optimizer of phase 2.
  GRAFT_COLD Optimizer<Scalar> with_rate(const Optimizer<Scalar>& optimizer, double rate) const {
    if (!options_.slanted_triangular) return with_learning_rate(optimizer, rate);
    Index steps = 0;
    if (data_.dataset) {
      steps = data_.dataset.cardinality();
      if (steps == kInfiniteCardinality) {
        throw ConfigError("fine_tune slanted_triangular: the dataset has no end, so the number of steps is unknown.");
      }
    } else {
      steps = (data_.x.samples() + options_.batch_size - 1) / options_.batch_size;
    }
    const auto total = static_cast<double>(std::max<Index>(steps * options_.tuning.epochs, 1));
    Config config = optimizer.config();
    config["config"]["learning_rate"] = SlantedTriangular(rate, total, *options_.slanted_triangular).config();
    return Optimizer<Scalar>::from_config(config);
  }
  GRAFT_COLD std::vector<std::shared_ptr<Callback<Scalar>>> callbacks(const TuningPhase<Scalar>& phase) const {
    auto result = phase.callbacks;
    if (average_) result.push_back(average_);
    return result;
  }

  GRAFT_COLD std::string end_tuning(FineTuneReport& report) {
    std::string text;
    anchors_.release();
    if (average_) {
      average_->apply();
      text += "EMA: weights averaged over " + std::to_string(average_->steps()) + " steps (momentum " +
              text::number("%g", options_.ema->momentum) + ")\n";
      average_.reset();
    }
    if (options_.wise_ft) text += interpolate_at_end(report);
    if (features_ && !features_before_.empty()) {
      report.feature_distortion = feature_distortion(features_before_, features_->compute());
      text += "feature distortion: what the head is given moved by " +
              text::number("%.2f", 100 * *report.feature_distortion) + " % of its size over " +
              std::to_string(features_before_.front().dim(0)) + " samples\n";
    }
    resting_.wake();
    if (options_.lora && options_.lora->merge) {
      text += "LoRA: merged into " + std::to_string(merge_lora(model_)) + " layers\n";
    }
    return text;
  }

 private:
  static constexpr Index kSamples = 1000;  // for the distortion of features

  GRAFT_COLD static Index count(const Leaves& leaves) {
    Index total = 0;
    for (const auto& leaf : leaves) {
      for (const auto& variable : leaf.weights()) {
        if (variable->kind() == VariableKind::trainable) total += variable->size();
      }
    }
    return total;
  }
  GRAFT_COLD static Leaves trainable(Leaves leaves) {
    std::erase_if(leaves, [](const Layer<Scalar>& leaf) { return !leaf.trainable(); });
    return leaves;
  }

  // The first samples.
  GRAFT_COLD std::vector<TensorView<const Scalar>> samples() {
    if (data_.dataset) {
      first_ = data_.dataset.first();
      return checked_inputs("fine_tune", model_.impl(), BatchAdapter<Scalar>::arrays(first_.x));
    }
    auto views = checked_inputs("fine_tune", model_.impl(), data_.x);
    for (auto& view : views) view = view.rows(0, std::min(view.dim(0), kSamples));
    return views;
  }

  GRAFT_COLD std::string interpolate_at_end(FineTuneReport& report) {
    const auto variables = model_.weights();
    const auto after = model_.get_weights();
    double best = options_.wise_ft->alpha;
    std::string how;
    if (!options_.wise_ft->candidates.empty()) {
      double least = std::numeric_limits<double>::infinity();
      const auto& valid = *options_.validation_data;
      for (const double alpha : options_.wise_ft->candidates) {
        interpolate(variables, before_, after, alpha);
        const EvaluateOptions<Scalar> with{.batch_size = options_.batch_size, .sample_weight = valid.sample_weight};
        const double loss =
            valid.dataset ? model_.evaluate(valid.dataset).front() : model_.evaluate(valid.x, valid.y, with).front();
        if (!(loss < least)) continue;
        least = loss;
        best = alpha;
      }
      how = ", the best of " + std::to_string(options_.wise_ft->candidates.size()) + " on the validation data";
    }
    interpolate(variables, before_, after, best);
    report.wise_ft_alpha = best;
    return "WiSE-FT: " + text::number("%g", best) + " of the fine-tuned weights, the rest of those before" + how + "\n";
  }

  const Model<Scalar>& model_;
  const TrainingData<Scalar>& data_;
  const FineTuneOptions<Scalar>& options_;
  std::shared_ptr<EarlyStopping<Scalar>> converged_;
  std::shared_ptr<WeightAverage<Scalar>> average_;
  Anchors<Scalar> anchors_;
  RestingVariables<Scalar> resting_;
  std::vector<Tensor<Scalar>> before_, features_before_;
  std::optional<BodyFeatures<Scalar>> features_;
  Batch<Scalar> first_;
};

}  // namespace graft::detail
