#pragma once

#include <algorithm>
#include <cmath>

#include "graft/models/model.hpp"

namespace graft {

/// Options of the exponential moving average of weights.
struct Ema {
  double momentum = 0.99;
};

/// An exponential moving average of all weights of a model (moving statistics, too) over the steps of a training:
///
///     auto average = std::make_shared<graft::WeightAverage<float>>(model, graft::Ema{0.999});
///     model.fit(x, y, {.callbacks = {average}});
///     average->apply();  // the averages become the weights
///
/// average = m average + (1 - m) w with m = min(momentum, (1 + n) / (10 + n)) at step n, so that the weights of the
/// beginning are soon forgotten; it begins with the weights at hand. Throws ConfigError for a momentum outside of [0,
/// 1), StateError when the model is not built. Source: Polyak & Juditsky 1992; the momentum of the first steps is that
/// of tf.train.ExponentialMovingAverage.
template <class Scalar = float>
class WeightAverage : public Callback<Scalar> {
 public:
  GRAFT_COLD explicit WeightAverage(const Layer<Scalar>& model, const Ema& options = {})
      : momentum_(options.momentum), variables_(model.weights()) {
    if (!(momentum_ >= 0 && momentum_ < 1)) {
      fail<ConfigError>("WeightAverage momentum", "a number from 0 to below 1", text::number("%g", momentum_));
    }
    if (!model.built()) throw StateError("WeightAverage of " + model.impl().where() + ": the model is not built.");
    for (const auto& variable : variables_) averages_.push_back(variable->value());
  }

  /// After a step of a training loop of one's own; fit calls it by itself.
  void update() {
    const auto n = static_cast<double>(++steps_);
    const auto rate = static_cast<Scalar>(1 - std::min(momentum_, (1 + n) / (10 + n)));
    for (std::size_t v = 0; v < variables_.size(); ++v) {
      const Tensor<Scalar>& w = std::as_const(*variables_[v]).value();
      Tensor<Scalar>& average = averages_[v];
      for (Index i = 0; i < w.size(); ++i) average[i] += rate * (w[i] - average[i]);
    }
  }
  Index steps() const { return steps_; }
  /// In the order of get_weights.
  const std::vector<Tensor<Scalar>>& weights() const { return averages_; }
  /// Puts the averages into the model.
  GRAFT_COLD void apply() const {
    for (std::size_t v = 0; v < variables_.size(); ++v) variables_[v]->assign(averages_[v].view());
  }

  void on_train_batch_end(Index, double) override { update(); }

 private:
  double momentum_;
  Index steps_ = 0;
  std::vector<VariablePtr<Scalar>> variables_;
  std::vector<Tensor<Scalar>> averages_;
};

/// Between pretrained (or linear-probed) and fine-tuned weights. Source: Wortsman et al. 2022 (WiSE-FT).
struct WiseFt {
  double alpha = 0.5;  ///< share of the fine-tuned weights
  /// Not empty: of these shares the one with the least loss on the validation data.
  std::vector<double> candidates = {};
};

namespace detail {

/// w = (1 - alpha) before + alpha after. Of LoRA the change is scaled: its B, since it began with nothing.
template <class Scalar>
GRAFT_COLD void interpolate(const std::vector<VariablePtr<Scalar>>& variables,
                            const std::vector<Tensor<Scalar>>& before, const std::vector<Tensor<Scalar>>& after,
                            double alpha) {
  if (!(alpha >= 0 && alpha <= 1)) {
    fail<ConfigError>("interpolate_weights alpha", "a number from 0 to 1", text::number("%g", alpha));
  }
  if (before.size() != variables.size() || after.size() != variables.size()) {
    fail<ShapeError>("interpolate_weights", std::to_string(variables.size()) + " weights on both sides",
                     std::to_string(before.size()) + " and " + std::to_string(after.size()));
  }
  for (std::size_t v = 0; v < variables.size(); ++v) {
    for (const auto* side : {&before[v], &after[v]}) {
      if (side->shape() == variables[v]->shape()) continue;
      fail<ShapeError>("interpolate_weights, \"" + variables[v]->name() + "\"", "shape " + variables[v]->shape().str(),
                       side->shape().str());
    }
  }
  const auto share = static_cast<Scalar>(alpha);
  for (std::size_t v = 0; v < variables.size(); ++v) {
    Tensor<Scalar> value = after[v];
    if (variables[v]->is_adapter()) {
      if (variables[v]->name() == "lora_kernel_b") {
        for (Index i = 0; i < value.size(); ++i) value[i] *= share;
      }
    } else {
      for (Index i = 0; i < value.size(); ++i) value[i] = before[v][i] + share * (value[i] - before[v][i]);
    }
    variables[v]->assign(std::as_const(value).view());
  }
}

}  // namespace detail

/// Sets a model's weights to (1 - alpha) before + alpha after, both in the order of get_weights: an average of two
/// models of the same descent, without any training. Throws ConfigError for an alpha outside of [0, 1], ShapeError.
template <class Scalar>
GRAFT_COLD void interpolate_weights(const Layer<Scalar>& model, const std::vector<Tensor<Scalar>>& before,
                                    const std::vector<Tensor<Scalar>>& after, double alpha) {
  detail::interpolate(model.weights(), before, after, alpha);
}

}  // namespace graft
