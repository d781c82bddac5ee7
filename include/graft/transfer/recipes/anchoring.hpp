#pragma once

#include "graft/nn/regularizers/anchored.hpp"
#include "graft/transfer/layer_groups.hpp"
#include "graft/transfer/recipes/fisher.hpp"

namespace graft {

/// Keeps reused weights near where they started: the loss gets alpha / 2 * sum (w - w0)² over the reused layers that
/// train, and beta / 2 * sum w² over the head. Source: Li, Grandvalet & Davoine 2018 (L2-SP), eq. 4.
struct L2SP {
  double alpha = 0.1;
  double beta = 0.01;
};

/// Keeps reused weights near where the source task wants them, those most that matter most to it: the loss gets
/// (lambda / 2) * sum F (w - w*)², with the Fisher information F and the weights w* of the source model. When F is a
/// mean over samples, as fisher_information makes it, samples of the source / samples of the target is the lambda of
/// the derivation. Source: Kirkpatrick et al. 2017 (elastic weight consolidation), eq. 3.
template <class Scalar = float>
struct EWC {
  Fisher<Scalar> fisher = {};
  double lambda = 1;
};

namespace detail {

/// Penalties that variables have for a while: what they had before comes back at the end of its life.
template <class Scalar>
class Anchors {
 public:
  Anchors() = default;
  Anchors(const Anchors&) = delete;
  Anchors& operator=(const Anchors&) = delete;
  ~Anchors() { release(); }

  GRAFT_COLD void hold(const VariablePtr<Scalar>& variable, double strength, Tensor<Scalar> anchor,
                       Tensor<Scalar> importance = {}) {
    AnchoredL2<Scalar> penalty(strength, std::move(anchor), std::move(importance), variable->regularizer());
    before_.emplace_back(variable, variable->regularizer());
    variable->set_regularizer(std::move(penalty));
  }
  GRAFT_COLD void release() {
    for (; !before_.empty(); before_.pop_back()) before_.back().first->set_regularizer(before_.back().second);
  }
  std::size_t size() const { return before_.size(); }

 private:
  std::vector<std::pair<VariablePtr<Scalar>, Regularizer>> before_;
};

template <class Scalar>
GRAFT_COLD std::vector<VariablePtr<Scalar>> learned_variables(const std::vector<Layer<Scalar>>& leaves) {
  std::vector<VariablePtr<Scalar>> result;
  for (const auto& leaf : leaves) {
    for (const auto& variable : leaf.weights()) {
      if (variable->trainable()) result.push_back(variable);
    }
  }
  return result;
}

template <class Scalar>
GRAFT_COLD std::string anchor(const L2SP& options, const std::vector<Layer<Scalar>>& reused,
                              const std::vector<Layer<Scalar>>& head, Anchors<Scalar>& anchors) {
  for (const auto& variable : learned_variables(reused)) anchors.hold(variable, options.alpha, variable->value());
  const std::size_t count = anchors.size();
  for (const auto& variable : learned_variables(head)) {
    anchors.hold(variable, options.beta, Tensor<Scalar>(variable->shape()));
  }
  return "L2-SP: " + std::to_string(count) + " weights of reused layers held at their start (alpha " +
         text::number("%g", options.alpha) + ", beta " + text::number("%g", options.beta) + ")\n";
}

/// By the names of layers and weights. Throws ConfigError when none agree, ShapeError when they do and are of another
/// shape.
template <class Scalar>
GRAFT_COLD std::string anchor(const EWC<Scalar>& options, const std::vector<Layer<Scalar>>& reused,
                              Anchors<Scalar>& anchors) {
  std::string without;
  for (const auto& leaf : reused) {
    for (const auto& variable : leaf.weights()) {
      if (!variable->trainable()) continue;
      const auto* entry = options.fisher.find(leaf.name(), variable->name());
      if (!entry) {
        without += (without.empty() ? "" : ", ") + leaf.name() + "/" + variable->name();
        continue;
      }
      if (!(entry->value.shape() == variable->shape())) {
        fail<ShapeError>("fine_tune ewc, \"" + leaf.name() + "\" " + variable->name(),
                         "a Fisher information of shape " + variable->shape().str(), entry->value.shape().str());
      }
      anchors.hold(variable, options.lambda, entry->value, entry->importance);
    }
  }
  if (anchors.size() == 0) {
    throw ConfigError(
        "fine_tune ewc: the Fisher information has no weight of the reused layers. Compute it with "
        "fisher_information(source_model, x, y), and keep the names of the layers.");
  }
  return "EWC: " + std::to_string(anchors.size()) + " weights of reused layers held by their Fisher information over " +
         std::to_string(options.fisher.samples) + " samples (lambda " + text::number("%g", options.lambda) + ")" +
         (without.empty() ? "" : "; not in it, and free: " + without) + "\n";
}

}  // namespace detail
}  // namespace graft
