#pragma once

#include "graft/graph/flat_graph.hpp"
#include "graft/models/compile_options.hpp"

// Lints that look at the layers and at the arguments of compile. Each is one function that appends what it finds.
namespace graft::detail {

/// A graph as lints see it.
template <class Scalar>
struct LintedGraph {
  using Node = typename FlatGraph<Scalar>::FlatNode;

  const FlatGraph<Scalar>& graph;
  const CompileOptions<Scalar>& options;
  std::vector<Config> configs;         // of the layers of the nodes
  std::vector<const Node*> producers;  // of values; nullptr: inputs

  GRAFT_COLD LintedGraph(const FlatGraph<Scalar>& graph_, const CompileOptions<Scalar>& options_)
      : graph(graph_), options(options_), producers(graph_.values, nullptr) {
    for (const auto& node : graph.nodes) {
      configs.push_back(node.layer->config());
      for (const std::size_t output : node.outputs) producers[output] = &node;
    }
  }

  const Config& config(const Node& node) const { return configs[static_cast<std::size_t>(&node - graph.nodes.data())]; }
  /// The node that makes input 0; layers that change nothing but the shape are looked through.
  const Node* below(const Node& node) const {
    const Node* from = node.inputs.empty() ? nullptr : producers[node.inputs[0]];
    while (from && !from->inputs.empty()) {
      const auto name = from->layer->class_name();
      if (name != "Flatten" && name != "Reshape" && name != "Permute" && name != "Identity") break;
      from = producers[from->inputs[0]];
    }
    return from;
  }
  bool has_activation(const Node& node, const char* name) const {
    const Config* activation = config(node).find_set("activation");
    return activation && activation->is_string() && activation->as_string() == name;
  }
  /// The layer whose kernel a function of this name comes behind: the layer itself, or the one below an Activation.
  const Node* kernel_before(const Node& node, const char* function) const {
    if (!has_activation(node, function)) return nullptr;
    const Node* with_kernel = config(node).find("kernel_initializer") ? &node : below(node);
    return with_kernel && config(*with_kernel).find("kernel_initializer") ? with_kernel : nullptr;
  }
};

/// Whether all weights of a layer that training moves are of this origin; false for a layer without any.
template <class Scalar>
GRAFT_COLD bool all_of_origin(const LayerImpl<Scalar>& layer, Origin origin) {
  bool any = false;
  for (const auto& variable : layer.variables()) {
    if (!variable->trainable()) continue;
    if (variable->origin() != origin) return false;
    any = true;
  }
  return any;
}

template <class Scalar>
GRAFT_COLD void lint_nothing_trainable(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  for (const auto& node : g.graph.nodes) {
    if (FlatGraph<Scalar>::learns(node)) return;
  }
  found.push_back({"nothing_trainable", "the model does not have any trainable weights, so that fit changes nothing.",
                   "Unfreeze the head: layer.set_trainable(true), then compile again."});
}

/// From what rate on a step is too large for weights that were learned elsewhere; 0: no bound makes sense. Rates of the
/// Adam family are about the step of each weight; SGD's multiply the gradient (1e-2, its default, is for new layers,
/// and momentum adds up to 1 / (1 - momentum) of it); Lion moves every weight by the whole rate.
GRAFT_COLD inline double risky_rate(std::string_view optimizer) {
  if (optimizer == "SGD") return 1e-2;
  if (optimizer == "Lion") return 1e-4;
  // Of Adafactor the rate is relative to the weights; MultiOptimizer has none of its own.
  const bool incomparable = optimizer == "Adafactor" || optimizer == "MultiOptimizer";
  return optimizer == "Adadelta" || optimizer == "Ftrl" || incomparable ? 0 : 1e-3;
}

template <class Scalar>
GRAFT_COLD void lint_learning_rate(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  const Optimizer<Scalar>& optimizer = g.options.optimizer;
  Config config = Config::object();
  try {
    config = optimizer.config();
  } catch (const ConfigError&) {  // a learning rate that is a function has none
  }
  std::string kind(optimizer.class_name());
  if (const Config* options = config.find_set("config"); options && options->find_set("inner_optimizer")) {
    const Config inner = *options->find_set("inner_optimizer");
    kind = inner.get("class_name", "");
    config = inner;
  }
  const double bound = risky_rate(kind);
  // An optimizer that has made steps goes on with what it was doing.
  if (bound == 0 || optimizer.iterations() > 0) return;
  double rate = 0;
  std::string layer;
  for (const auto& node : g.graph.nodes) {
    if (!FlatGraph<Scalar>::learns(node) || !all_of_origin(*node.layer, Origin::pretrained)) continue;
    for (const auto& variable : node.layer->variables()) {
      const double here = optimizer.learning_rate() * variable->learning_rate_multiplier();
      if (variable->trainable() && here > rate) rate = here, layer = node.layer->where();
    }
  }
  double momentum = 0;
  if (const Config* options = config.find_set("config"); options && kind == "SGD")
    momentum = options->get("momentum", 0.0);
  // What the bound is compared with is a rate that was rounded to the precision of the weights.
  if (rate / (1 - std::min(momentum, 0.999)) < bound * (1 - 1e-6)) return;
  const std::string with = momentum > 0 ? " with momentum " + text::number("%g", momentum) : "";
  found.push_back({"learning_rate",
                   "the learning rate " + text::number("%g", rate) + " of " + kind + with +
                       " moves pretrained layers (" + layer + " for one) so fast that they forget what they know.",
                   "Use less than " + text::number("%g", bound) +
                       ": a tenth or a hundredth of the rate of the head's " +
                       "training; or freeze them; or give them a multiplier (discriminative_learning_rates)."});
}

template <class Scalar>
GRAFT_COLD void lint_random_head(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  const LayerImpl<Scalar>* pretrained = nullptr;
  for (const auto& node : g.graph.nodes) {
    if (!FlatGraph<Scalar>::learns(node)) continue;
    if (!pretrained && all_of_origin(*node.layer, Origin::pretrained)) pretrained = node.layer.get();
    const bool normalizes = node.layer->class_name().find("Normalization") != std::string_view::npos;
    if (!pretrained || normalizes || !all_of_origin(*node.layer, Origin::fresh)) continue;
    found.push_back({"random_head",
                     node.layer->where() + " is new and random, and pretrained layers below it (from " +
                         pretrained->where() +
                         " on) train with it: its first gradients are large and wrong, and wreck them.",
                     "Freeze them and train the head for a few epochs first, or use fine_tune, which does that."});
    return;
  }
}

/// Augmentation has its place before the layers that look at pictures.
template <class Scalar>
GRAFT_COLD void lint_augmentation(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  const LayerImpl<Scalar>* below = nullptr;
  for (const auto& node : g.graph.nodes) {
    if (!below && !node.layer->variables().empty()) below = node.layer.get();
    if (!below || !node.layer->is_random() || node.layer->class_name().substr(0, 6) != "Random") continue;
    found.push_back(
        {"augmentation",
         node.layer->where() + " augments behind " + below->where() + ", where there are features, not pictures.",
         "Put it in front: augmentation, then the base, then the head."});
    return;
  }
}

GRAFT_COLD inline bool is_lecun(const Config& initializer) {
  const std::string name =
      text::to_snake_case(initializer.is_string() ? initializer.as_string() : initializer.get("class_name", ""));
  if (name.find("lecun") == 0) return true;
  const Config* options = initializer.find_set("config");
  return name == "variance_scaling" && options && options->get("scale", 1.0) == 1 &&
         options->get("mode", "fan_in") == "fan_in";
}

template <class Scalar>
GRAFT_COLD void lint_selu_initializer(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  for (const auto& node : g.graph.nodes) {
    const auto* from = g.kernel_before(node, "selu");
    if (!from || !all_of_origin(*from->layer, Origin::fresh) || !FlatGraph<Scalar>::learns(*from)) continue;
    const Config& initializer = *g.config(*from).find("kernel_initializer");
    if (is_lecun(initializer)) continue;
    found.push_back({"selu_initializer",
                     from->layer->where() + " feeds selu, but its kernel_initializer is " +
                         initializer.get("class_name", "another") + ": the net does not normalise itself.",
                     "Use .kernel_initializer = \"lecun_normal\"."});
    return;
  }
}

/// BatchNormalization, Dropout and skip connections break what SELU keeps: mean 0 and variance 1.
template <class Scalar>
GRAFT_COLD void lint_selu_company(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  bool normalization = false, dropout = false, skip = false;
  for (const auto& node : g.graph.nodes) {
    const auto name = node.layer->class_name();
    for (const std::size_t input : node.inputs) {
      const auto* from = g.producers[input];
      if (!from || !g.has_activation(*from, "selu") || !FlatGraph<Scalar>::learns(*from)) continue;
      if (all_of_origin(*from->layer, Origin::pretrained)) continue;
      const std::string where = node.layer->where() + " takes the output of selu of " + from->layer->where();
      if (!normalization && name == "BatchNormalization") {
        normalization = true;
        found.push_back({"selu_batch_normalization", where + ", which normalises itself.",
                         "Leave it out, or use relu or elu with it."});
      }
      if (!dropout && (name == "Dropout" || name == "SpatialDropout1D" || name == "SpatialDropout2D")) {
        dropout = true;
        found.push_back({"selu_dropout", where + " and spoils its mean and variance.", "Use AlphaDropout."});
      }
      if (!skip && node.inputs.size() > 1 && name != "Dense") {
        skip = true;
        found.push_back({"selu_skip", where + ": with a skip connection the variance grows from layer to layer.",
                         "Use elu, or a plain chain of layers."});
      }
    }
  }
}

template <class Scalar>
GRAFT_COLD void lint_one_unit_softmax(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  for (const auto& node : g.graph.nodes) {
    if (!g.has_activation(node, "softmax") && node.layer->class_name() != "Softmax") continue;
    const auto units = [&](const typename LintedGraph<Scalar>::Node* of) {
      return of ? g.config(*of).get("units", Index{0}) : Index{0};
    };
    if (units(&node) != 1 && (g.config(node).find("units") || units(g.below(node)) != 1)) continue;
    found.push_back({"one_unit_softmax", node.layer->where() + " is a softmax over one unit: its output is 1, always.",
                     "Use sigmoid with binary_crossentropy, or one unit for each class."});
  }
}

/// A crossentropy over classes needs two outputs.
template <class Scalar>
GRAFT_COLD void lint_class_outputs(const LintedGraph<Scalar>& g, std::vector<Lint>& found) {
  for (std::size_t i = 0; i < g.graph.outputs.size() && i < g.options.loss.size(); ++i) {
    const auto* node = g.producers[g.graph.outputs[i]];
    const auto& loss = g.options.loss[i];
    if (!node || !loss || g.config(*node).get("units", Index{0}) != 1) continue;
    const auto name = loss.class_name();
    if (name != "SparseCategoricalCrossentropy" && name != "CategoricalCrossentropy") continue;
    found.push_back({"class_count",
                     node->layer->where() + " has one output, and " + loss.name() + " wants one a class.",
                     "Use as many units as there are classes, or binary_crossentropy with sigmoid for two."});
  }
}

/// All lints that compile finds.
template <class Scalar>
GRAFT_COLD std::vector<Lint> lint_graph(const FlatGraph<Scalar>& graph, const CompileOptions<Scalar>& options) {
  const LintedGraph<Scalar> g(graph, options);
  std::vector<Lint> found;
  lint_nothing_trainable(g, found);
  lint_learning_rate(g, found);
  lint_random_head(g, found);
  lint_augmentation(g, found);
  lint_selu_initializer(g, found);
  lint_selu_company(g, found);
  lint_one_unit_softmax(g, found);
  lint_class_outputs(g, found);
  return found;
}

}  // namespace graft::detail
