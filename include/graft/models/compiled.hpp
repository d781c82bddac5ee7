#pragma once

#include "graft/graph/flat_graph.hpp"
#include "graft/models/lints/graph_lints.hpp"

namespace graft {

/// What `compile` leaves in a model: the choice of optimizer, losses and metrics, and the set that trains.
template <class Scalar>
class Compiled {
 public:
  using LeafFlags = std::vector<std::pair<Layer<Scalar>, bool>>;

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
      same_layers = now[i].first == recorded_[i].first;
      // A flag of a layer without weights, of a Flatten for example, changes nothing.
      if (same_layers && now[i].second != recorded_[i].second && !now[i].first.weights().empty()) {
        changed += (changed.empty() ? "\"" : ", \"") + now[i].first.name() + "\" (" +
                   (recorded_[i].second ? "trainable at compile, now frozen)" : "frozen at compile, now trainable)");
      }
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
    for (const auto& [layer, flag] : recorded_) {
      if (flag) trainable.emplace(&layer.impl(), 0);
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
      into.emplace_back(layer, trainable);
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
