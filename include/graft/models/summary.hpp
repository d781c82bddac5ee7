#pragma once

#include "graft/models/model_impl.hpp"

namespace graft {

struct SummaryOptions {
  Index line_length = 0;        ///< 0: Keras's, 65 for a chain of layers and 98 for other graphs
  bool expand_nested = false;   ///< shows the layers inside of nested models, too
  bool show_trainable = false;  ///< a column Y / N
};

namespace detail {

/// The rows of a table, as Keras 2.8 and later lay them out: a cell that is too long goes on in the next line, each
/// keeps two blanks to its neighbour, lists are broken behind an entry, and a row begins with a blank.
class SummaryTable {
 public:
  GRAFT_COLD SummaryTable(std::string& text, std::vector<Index> ends) : text_(text), ends_(std::move(ends)) {}

  GRAFT_COLD void rule(char c) { text_ += std::string(static_cast<std::size_t>(ends_.back()), c) + "\n"; }
  /// An empty row between two layers, within `nested` models.
  GRAFT_COLD void gap(Index nested) {
    const std::string bars(static_cast<std::size_t>(nested), '|');
    text_ += bars + std::string(static_cast<std::size_t>(ends_.back() - 2 * nested), ' ') + bars + "\n";
  }
  GRAFT_COLD void row(std::vector<std::string> cells, Index nested) {
    const auto depth = static_cast<std::size_t>(nested);
    for (bool more = true; more;) {
      more = false;
      std::string line;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const Index start = i ? ends_[i - 1] : 0, space = i + 1 == cells.size() ? 0 : 2;
        const std::string shown = first_piece(cells[i], static_cast<std::size_t>(ends_[i] - start - space));
        cells[i].erase(0, shown.size());
        more = more || !cells[i].empty();
        if (i == 0) line += std::string(depth, '|') + " ";
        line += shown + std::string(static_cast<std::size_t>(space), ' ');
        line.resize(std::max(line.size(), static_cast<std::size_t>(ends_[i]) - depth), ' ');
      }
      text_ += line + std::string(depth, '|') + "\n";
    }
  }

 private:
  GRAFT_COLD static std::string first_piece(const std::string& cell, std::size_t room) {
    std::string piece = cell.substr(0, room);
    for (const char* end : {"),", "],", "',"}) {
      const std::size_t at = piece.find(end);
      if (at != std::string::npos) piece.resize(at + 2);
    }
    return piece;
  }

  std::string& text_;
  std::vector<Index> ends_;
};

template <class Scalar>
class SummaryWriter {
 public:
  GRAFT_COLD SummaryWriter(const ModelImpl<Scalar>& model, const SummaryOptions& options, std::string& text)
      : options_(options), is_chain_(chain(model)), table_(text, columns(options, is_chain_)) {
    std::vector<std::string> head = {"Layer (type)", "Output Shape", "Param #"};
    if (!is_chain_) head.push_back("Connected to");
    if (options_.show_trainable) head.push_back("Trainable");
    table_.rule('_');
    table_.row(std::move(head), 0);
    table_.rule('=');
    layers(model, 0);
  }

  SummaryTable& table() { return table_; }

 private:
  // Keras's test: every layer used once, each fed by the one before it alone.
  GRAFT_COLD static bool chain(const ModelImpl<Scalar>& model) {
    if (model.class_name() == "Sequential") return true;
    const auto& nodes = model.graph().nodes();
    PointerMap seen;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!seen.emplace(&nodes[i]->layer.impl(), 0).second || nodes[i]->inputs.size() > 1) return false;
      if (model.graph().is_input(nodes[i]) != (i == 0)) return false;
      if (i > 0 && &nodes[i]->inputs[0].node() != nodes[i - 1]) return false;
    }
    return true;
  }

  GRAFT_COLD static std::vector<Index> columns(const SummaryOptions& options, bool is_chain) {
    const Index length = options.line_length > 0 ? options.line_length : is_chain ? 65 : 98;
    const auto at = [&](double part) { return static_cast<Index>(static_cast<double>(length) * part); };
    std::vector<Index> ends =
        is_chain ? std::vector<Index>{at(.45), at(.85)} : std::vector<Index>{at(.3), at(.6), at(.7)};
    ends.push_back(length);
    if (options.show_trainable) ends.push_back(length + 11);
    return ends;
  }

  GRAFT_COLD void layers(const ModelImpl<Scalar>& model, Index nested) {
    const Graph<Scalar>& graph = model.graph();
    // Keras refers to a value as layer[which call of the layer][which output].
    PointerMap call_of, calls;
    for (const Node<Scalar>* node : graph.nodes()) call_of[node] = calls[&node->layer.impl()]++;
    const auto all = model.layers();
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::string shape, sources;
      for (const Node<Scalar>* node : graph.nodes()) {
        if (!(node->layer == all[i])) continue;
        if (shape.empty()) shape = shapes(*node, graph.is_input(node));
        if (graph.is_input(node)) continue;
        for (const auto& input : node->inputs) {
          sources += (sources.empty() ? "'" : ", '") + input.layer().name() + "[" +
                     std::to_string(call_of[&input.node()]) + "][" + std::to_string(input.output()) + "]'";
        }
      }
      std::vector<std::string> cells = {all[i].name() + " (" + std::string(all[i].class_name()) + ")", shape,
                                        std::to_string(all[i].count_params())};
      if (!is_chain_) cells.push_back("[" + sources + "]");
      if (options_.show_trainable) cells.push_back(all[i].trainable() ? "Y" : "N");
      table_.row(std::move(cells), nested);
      const auto* inner = dynamic_cast<const ModelImpl<Scalar>*>(&all[i].impl());
      if (options_.expand_nested && inner) {
        table_.gap(nested + 1);
        layers(*inner, nested + 1);
      }
      if (i + 1 < all.size()) table_.gap(nested);
    }
  }

  // Keras writes the one shape of an InputLayer as a list.
  GRAFT_COLD static std::string shapes(const Node<Scalar>& node, bool is_input) {
    if (node.output_shapes.size() == 1 && !is_input) return node.output_shapes[0].str();
    std::string text;
    for (const Shape& shape : node.output_shapes) text += (text.empty() ? "[" : ", ") + shape.str();
    return text + "]";
  }

  const SummaryOptions& options_;
  bool is_chain_;
  SummaryTable table_;
};

}  // namespace detail

/// The table of a model: one row a layer, then the totals. A model that is no chain of layers has a column "Connected
/// to": layer[which call of the layer][which output]. Variables that are shared count once. The optimizer's variables
/// do not count. All as in tf.keras 2.8 and later.
template <class Scalar>
GRAFT_COLD std::string summarize(const Layer<Scalar>& model, const ModelImpl<Scalar>& impl,
                                 const SummaryOptions& options) {
  std::string text = "Model: \"" + impl.name() + "\"\n";
  detail::SummaryWriter<Scalar> writer(impl, options, text);
  writer.table().rule('=');
  Index trainable = 0, frozen = 0;
  for (const auto& variable : model.trainable_weights()) trainable += variable->size();
  for (const auto& variable : model.non_trainable_weights()) frozen += variable->size();
  text += "Total params: " + graft::text::with_commas(trainable + frozen) + "\n";
  text += "Trainable params: " + graft::text::with_commas(trainable) + "\n";
  text += "Non-trainable params: " + graft::text::with_commas(frozen) + "\n";
  writer.table().rule('_');
  return text;
}

}  // namespace graft
