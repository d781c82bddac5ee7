#pragma once

#include "graft/graph/flat_graph.hpp"
#include "graft/models/lints/graph_lints.hpp"

namespace graft {

/// What `compile` leaves in a model: the choice of optimizer, losses and metrics, and the set that trains.
template <class Scalar>
class Compiled {
 public:
  /// A leaf with its effective flag and the variables that train while the flag is set.
  struct Leaf {
    Layer<Scalar> layer;
    bool trainable;
    bool built;
    std::vector<VariablePtr<Scalar>> learns;
  };
  using LeafFlags = std::vector<Leaf>;

  GRAFT_COLD Compiled(CompileOptions<Scalar> options, const Layer<Scalar>& model)
      : options_(std::move(options)), recorded_(leaf_flags(model)), lints_(options_.lints) {
    if (options_.loss.empty()) {
      throw ConfigError("compile of " + model.impl().where() +
                        ": expected a loss, received none. For example {.loss = \"binary_crossentropy\"}.");
    }
  }

  const CompileOptions<Scalar>& options() const { return options_; }
  const Optimizer<Scalar>& optimizer() const { return options_.optimizer; }
  const LossList<Scalar>& losses() const { return options_.loss; }

  /// Tells the variables where they are in this model: see Variable::path.
  GRAFT_COLD static void name_paths(const Layer<Scalar>& model, const std::string& parents = {}) {
    for (const auto& layer : model.impl().sublayers()) {
      const std::string path = parents + layer.name() + "/";
      name_paths(layer, path);
      if (!layer.impl().sublayers().empty()) continue;
      for (const auto& variable : layer.weights()) variable->set_path(path + variable->name());
    }
  }

  /// Looks for likely mistakes in the layers, once: at compile, or, of a model that was not built then, at fit.
  GRAFT_COLD void lint_layers(const std::string& where, const FlatGraph<Scalar>& graph) {
    if (!std::exchange(linted_, true)) lints_.add(where, detail::lint_graph(graph, options_));
  }
  /// What was found so far.
  detail::LintList& lints() { return lints_; }
  const detail::LintList& lints() const { return lints_; }

  /// Throws StateError when the flags are others than at compile, or warns, as compile was told.
  GRAFT_COLD void check_trainable(const Layer<Scalar>& model) const {
    const LeafFlags now = leaf_flags(model);
    std::string changed;
    bool same_layers = now.size() == recorded_.size();
    for (std::size_t i = 0; same_layers && i < now.size(); ++i) {
      const Leaf &before = recorded_[i], &after = now[i];
      same_layers = after.layer == before.layer;
      if (!same_layers) break;
      const char* what = nullptr;
      // A flag of a layer without weights, of a Flatten for example, changes nothing.
      if (after.trainable != before.trainable && !after.layer.weights().empty()) {
        what = before.trainable ? "trainable at compile, now frozen" : "frozen at compile, now trainable";
      } else if (after.trainable && before.built && after.learns != before.learns) {
        what = "others of its weights train now";
      }
      if (what) changed += (changed.empty() ? "\"" : ", \"") + after.layer.name() + "\" (" + what + ")";
    }
    const std::string where = "fit of " + model.impl().where();
    if (!same_layers) {
      throw StateError(where + ": layers were added or removed after compile. Call compile again.");
    }
    if (changed.empty()) return;
    const std::string what =
        where + ": the trainable flags changed after compile: " + changed + ". What trains is decided by compile.";
    if (options_.on_trainable_change == TrainableChange::error) {
      throw StateError(what + " Call compile again after freezing or unfreezing.");
    }
    std::fprintf(stderr, "graft: %s Training the set that was recorded.\n", what.c_str());
  }

  /// Puts the recorded flags into a graph.
  GRAFT_COLD void apply_recorded(FlatGraph<Scalar>& graph) const {
    PointerMap trainable;
    for (const Leaf& leaf : recorded_) {
      if (leaf.trainable) trainable.emplace(&leaf.layer.impl(), 0);
    }
    for (auto& node : graph.nodes) node.trainable = trainable.count(node.layer.get()) != 0;
  }

 private:
  // Every leaf with its effective flag, in the order of the model.
  GRAFT_COLD static LeafFlags leaf_flags(const Layer<Scalar>& model) {
    LeafFlags result;
    collect(model, true, result);
    return result;
  }
  GRAFT_COLD static void collect(const Layer<Scalar>& layer, bool trainable, LeafFlags& into) {
    trainable = trainable && layer.trainable();
    if (!dynamic_cast<const GraphLayerImpl<Scalar>*>(&layer.impl())) {
      into.push_back({layer, trainable, layer.built(), {}});
      for (const auto& variable : layer.weights()) {
        if (variable->trainable()) into.back().learns.push_back(variable);
      }
      return;
    }
    for (const auto& inner : layer.impl().sublayers()) collect(inner, trainable, into);
  }

  CompileOptions<Scalar> options_;
  LeafFlags recorded_;
  detail::LintList lints_;
  bool linted_ = false;
};

}  // namespace graft
