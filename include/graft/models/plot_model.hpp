#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "graft/models/model.hpp"

namespace graft {

struct PlotOptions {
  bool show_shapes = false;
  bool show_layer_names = true;
  bool show_trainable = false;
  std::string rankdir = "TB";  ///< "TB": from top to bottom, "LR": from left to right
  bool expand_nested = false;  ///< draws the layers inside of nested models, in a box
  int dpi = 96;
};

namespace detail {

/// Writes the graph of a model in Graphviz's language: a record for each layer, an edge for each input of a call.
template <class Scalar>
class DotWriter {
 public:
  GRAFT_COLD DotWriter(const ModelImpl<Scalar>& model, const PlotOptions& options) : options_(options) {
    text_ = "digraph G {\n  graph [rankdir=" + options.rankdir + ", dpi=" + std::to_string(options.dpi) +
            "];\n  node [shape=record];\n";
    draw(model.graph(), "  ");
    text_ += edges_ + "}\n";
  }
  const std::string& text() const { return text_; }

 private:
  // Where the edges of a layer end and begin: at the layer itself, or inside of the box of a model.
  struct Ends {
    std::vector<std::string> inputs, outputs;
  };

  GRAFT_COLD Ends draw(const Graph<Scalar>& graph, const std::string& indent) {
    std::map<const LayerImpl<Scalar>*, Ends> ends;
    for (const auto& layer : graph.layers()) {
      const auto* inner = dynamic_cast<const GraphLayerImpl<Scalar>*>(&layer.impl());
      if (inner && options_.expand_nested) {
        text_ += indent + "subgraph cluster_" + std::to_string(count_++) + " {\n" + indent + "  label=\"" +
                 escaped(layer.name()) + "\";\n";
        ends[&layer.impl()] = draw(inner->graph(), indent + "  ");
        text_ += indent + "}\n";
      } else {
        const std::string id = "n" + std::to_string(count_++);
        text_ += indent + id + " [label=\"" + label(graph, layer) + "\"];\n";
        ends[&layer.impl()] = {{id}, {id}};
      }
    }
    const auto end_of = [&](const Symbol<Scalar>& value) {
      const auto& outputs = ends.at(&value.layer().impl()).outputs;
      return outputs[std::min(value.output(), outputs.size() - 1)];
    };
    for (const Node<Scalar>* node : graph.nodes()) {
      if (graph.is_input(node)) continue;
      const auto& into = ends.at(&node->layer.impl()).inputs;
      for (std::size_t i = 0; i < node->inputs.size(); ++i) {
        edges_ += "  " + end_of(node->inputs[i]) + " -> " + into[std::min(i, into.size() - 1)] + ";\n";
      }
    }
    Ends own;
    for (const auto& input : graph.inputs()) own.inputs.push_back(end_of(input));
    for (const auto& output : graph.outputs()) own.outputs.push_back(end_of(output));
    return own;
  }

  GRAFT_COLD std::string label(const Graph<Scalar>& graph, const Layer<Scalar>& layer) const {
    std::string text(layer.class_name());
    if (options_.show_layer_names) text = escaped(layer.name()) + " : " + text;
    if (options_.show_trainable) text += layer.trainable() ? "|trainable" : "|frozen";
    if (!options_.show_shapes) return text;
    const Node<Scalar>* call = nullptr;
    for (const Node<Scalar>* node : graph.nodes()) {
      if (!call && node->layer == layer) call = node;
    }
    std::vector<Shape> inputs;
    for (const auto& input : call->inputs) inputs.push_back(input.shape());
    if (inputs.empty()) inputs = call->output_shapes;
    return text + "|{input:|output:}|{{" + list(inputs) + "}|{" + list(call->output_shapes) + "}}";
  }
  GRAFT_COLD static std::string list(const std::vector<Shape>& shapes) {
    std::string text;
    for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + shape.str();
    return text;
  }

  // What has a meaning in quotes or in records.
  GRAFT_COLD static std::string escaped(const std::string& name) {
    std::string text;
    for (const char c : name) {
      if (std::strchr("\\\"{}|<>", c) && c != 0) text += '\\';
      text += c == '\n' ? ' ' : c;
    }
    return text;
  }

  const PlotOptions& options_;
  std::string text_, edges_;
  Index count_ = 0;
};

}  // namespace detail

/// The graph of a model in Graphviz's language. Throws StateError when the model is not built.
template <class Scalar>
GRAFT_COLD std::string model_to_dot(const Model<Scalar>& model, const PlotOptions& options = {}) {
  if (options.rankdir != "TB" && options.rankdir != "LR" && options.rankdir != "BT" && options.rankdir != "RL") {
    fail<ConfigError>("model_to_dot, rankdir", "TB, LR, BT or RL", "\"" + options.rankdir + "\"");
  }
  return detail::DotWriter<Scalar>(model.impl(), options).text();
}

/// Writes the graph of a model to a file for Graphviz: `dot -Tpng model.dot -o model.png` makes a picture of it. Throws
/// FileError.
template <class Scalar>
GRAFT_COLD void plot_model(const Model<Scalar>& model, const std::string& path, const PlotOptions& options = {}) {
  const std::string text = model_to_dot(model, options);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  if (!written || std::fflush(file.get()) != 0) {
    fail<FileError>("plot_model to \"" + path + "\"", "a file that can be written", std::strerror(errno));
  }
}

}  // namespace graft
