#pragma once

#include "graft/models/model.hpp"

namespace graft {

/// The diagonal of the Fisher information of a model's weights, and the weights where it was taken.
template <class Scalar = float>
struct Fisher {
  struct Entry {
    std::string layer, variable;  ///< names
    Tensor<Scalar> value, importance;
  };
  std::vector<Entry> entries = {};
  Index samples = 0;

  /// Null when there is none.
  GRAFT_COLD const Entry* find(const std::string& layer, const std::string& variable) const {
    for (const Entry& entry : entries) {
      if (entry.layer == layer && entry.variable == variable) return &entry;
    }
    return nullptr;
  }
};

enum class FisherLabels {
  data,  ///< those given: the "empirical" Fisher information (default)
  model  ///< drawn from the model's own predictions: the Fisher information itself, by one draw for each sample
};

struct FisherOptions {
  Index samples = 0;  ///< the first so many; 0: all
  FisherLabels labels = FisherLabels::data;
  std::uint64_t seed = 0;  ///< of the draws
};

namespace detail {

/// Writes a label that a model's output for one sample draws, in the form that its loss wants. Throws ConfigError for
/// losses whose outputs are no probabilities.
template <class Scalar>
GRAFT_COLD void draw_label(const Loss<Scalar>& loss, const TensorView<const Scalar>& y_pred, Rng& rng,
                           Tensor<Scalar>& y) {
  const std::string_view kind = loss.class_name();
  const Config config = loss.config();
  const bool logits = config.at("config").get("from_logits", false);
  const Index classes = y_pred.size();
  if (kind == "BinaryCrossentropy" && y.size() == classes) {
    for (Index c = 0; c < classes; ++c) {
      const double z = static_cast<double>(y_pred[c]), p = logits ? 1 / (1 + std::exp(-z)) : z;
      y[c] = rng.uniform() < p ? Scalar(1) : Scalar(0);
    }
    return;
  }
  const bool sparse = kind == "SparseCategoricalCrossentropy" && y.size() == 1;
  if (!sparse && !(kind == "CategoricalCrossentropy" && y.size() == classes)) {
    fail<ConfigError>("fisher_information with labels of the model",
                      "a crossentropy over one distribution (or over independent probabilities) a sample",
                      std::string(kind), "Use FisherLabels::data.");
  }
  double top = static_cast<double>(y_pred[0]), total = 0;
  for (Index c = 1; c < classes; ++c) top = std::max(top, static_cast<double>(y_pred[c]));
  const auto weight = [&](Index c) {
    const double z = static_cast<double>(y_pred[c]);
    return logits ? std::exp(z - top) : z;
  };
  for (Index c = 0; c < classes; ++c) total += weight(c);
  double left = rng.uniform() * total;
  Index drawn = 0;
  while (drawn + 1 < classes && (left -= weight(drawn)) >= 0) ++drawn;
  if (sparse) {
    y[0] = static_cast<Scalar>(drawn);
  } else {
    y.fill(Scalar(0));
    y[drawn] = Scalar(1);
  }
}

/// One sample after the other through a model, for the gradients of each.
template <class Scalar>
class SampleGradients {
 public:
  GRAFT_COLD SampleGradients(const Model<Scalar>& model, const PassData<Scalar>& data)
      : compiled_(model.compiled_or_throw("fisher_information")), data_(data) {
    FlatGraph<Scalar> graph = flatten(model.impl().graph());
    for (auto& node : graph.nodes) node.trainable = true;  // of all weights, whatever is frozen for a training
    std::vector<Shape> shapes;
    for (const auto& x : data.x) shapes.push_back(x.shape().replace_batch(1));
    // As at inference: random layers rest, and BatchNormalization uses its moving statistics.
    executor_ = std::make_unique<Executor<Scalar>>(Plan<Scalar>(graph, shapes, {.training = false, .backward = true}));
    std::vector<TensorView<Scalar>> views;
    for (const auto& variable : executor_->plan().variables()) gradients_.emplace_back(variable->shape());
    for (auto& gradient : gradients_) views.push_back(gradient.view());
    executor_->bind_gradients(views);
    for (std::size_t i = 0; i < data.y.size(); ++i) {
      targets_.push_back(Tensor<Scalar>(data.y[i].shape().replace_batch(1)));
      const Shape size{compiled_.losses()[i].losses_size(targets_[i].shape(), executor_->output(i).shape())};
      losses_.emplace_back(size);
      scales_.emplace_back(size);
    }
    pointers_.resize(data.x.size());
  }

  const std::vector<VariablePtr<Scalar>>& variables() const { return executor_->plan().variables(); }
  const Tensor<Scalar>& gradient(std::size_t i) const { return gradients_[i]; }

  GRAFT_COLD void run(Index sample, FisherLabels labels, Rng& rng) {
    for (std::size_t i = 0; i < pointers_.size(); ++i) pointers_[i] = data_.x[i].rows(sample, sample + 1).data();
    executor_->forward(pointers_, executor_->plan().inference_streams());
    const auto& weights = compiled_.options().loss_weights;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const TensorView<Scalar> into = executor_->output_gradient(i);
      if (!into) continue;
      const auto given = data_.y[i].rows(sample, sample + 1);
      std::copy_n(given.data(), given.size(), targets_[i].data());
      if (labels == FisherLabels::model) draw_label(compiled_.losses()[i], executor_->output(i), rng, targets_[i]);
      compiled_.losses()[i].value_and_gradient(std::as_const(targets_[i]).view(), executor_->output(i), {},
                                               losses_[i].view(), scales_[i].view(), into,
                                               weights.empty() ? 1.0 : weights[i]);
    }
    executor_->backward();
  }

 private:
  const Compiled<Scalar>& compiled_;
  const PassData<Scalar>& data_;
  std::unique_ptr<Executor<Scalar>> executor_;
  std::vector<Tensor<Scalar>> gradients_, targets_, losses_, scales_;
  std::vector<const Scalar*> pointers_;
};

}  // namespace detail

/// The diagonal of the Fisher information of all weights that gradients reach: the mean over samples of the squared
/// gradient of each sample's loss, which is to be a negative log-likelihood (a crossentropy). Layers compute as in
/// predict; penalties do not count. The model must be compiled; frozen layers count, too. Throws StateError, and what
/// fit throws for data that do not fit. Source: Kirkpatrick et al. 2017.
///
///     auto fisher = graft::fisher_information(model_A, x_A, y_A, {.samples = 1000});
///     graft::fine_tune(model_B, {x_B, y_B}, {.ewc = graft::EWC<float>{fisher, 10}});
template <class Scalar>
GRAFT_COLD Fisher<Scalar> fisher_information(const Model<Scalar>& model, const std::type_identity_t<Arrays<Scalar>>& x,
                                             const std::type_identity_t<Arrays<Scalar>>& y,
                                             const FisherOptions& options = {}) {
  if (options.samples < 0) {
    fail<ConfigError>("fisher_information samples", "at least 0", std::to_string(options.samples));
  }
  const Compiled<Scalar>& compiled = model.compiled_or_throw("fisher_information");
  detail::build_from_data(model.impl(), x);
  const auto data = detail::check_data("fisher_information", model.impl(), compiled, x, y, {});
  detail::SampleGradients<Scalar> gradients(model, data.pass);
  const auto& variables = gradients.variables();
  Fisher<Scalar> fisher;
  fisher.samples = data.pass.samples();
  if (options.samples > 0) fisher.samples = std::min(fisher.samples, options.samples);
  std::vector<std::vector<double>> sums;
  for (const auto& variable : variables) sums.emplace_back(static_cast<std::size_t>(variable->size()), 0.0);
  Rng rng(options.seed);
  for (Index sample = 0; sample < fisher.samples; ++sample) {
    gradients.run(sample, options.labels, rng);
    for (std::size_t v = 0; v < variables.size(); ++v) {
      const Tensor<Scalar>& gradient = gradients.gradient(v);
      for (Index i = 0; i < gradient.size(); ++i) {
        const double g = static_cast<double>(gradient[i]);
        sums[v][static_cast<std::size_t>(i)] += g * g;
      }
    }
  }
  for (const auto& node : flatten(model.impl().graph()).nodes) {
    for (const auto& variable : node.layer->variables()) {
      const auto at = std::find(variables.begin(), variables.end(), variable);
      if (at == variables.end() || fisher.find(node.layer->name(), variable->name())) continue;
      typename Fisher<Scalar>::Entry entry{node.layer->name(), variable->name(), variable->value(),
                                           Tensor<Scalar>(variable->shape())};
      const auto& sum = sums[static_cast<std::size_t>(at - variables.begin())];
      for (std::size_t i = 0; i < sum.size(); ++i) {
        entry.importance[static_cast<Index>(i)] = static_cast<Scalar>(sum[i] / static_cast<double>(fisher.samples));
      }
      fisher.entries.push_back(std::move(entry));
    }
  }
  return fisher;
}

}  // namespace graft
