#pragma once

#include "graft/models/model_impl.hpp"

namespace graft {

struct SummaryOptions {
  Index line_length = 65;
  bool show_trainable = false;  ///< a column Y / N
};

namespace detail {

/// One row of a table, as Keras 2.8 and later lay it out: a cell that is too long goes on in the next line, each keeps two
/// blanks to its neighbour, and the line begins with a blank.
GRAFT_COLD inline std::string summary_row(std::vector<std::string> cells, const std::vector<Index>& ends) {
  std::string text;
  bool more = true;
  while (more) {
    more = false;
    std::string line = " ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Index start = i ? ends[i - 1] : 0;
      const Index space = i + 1 == cells.size() ? 0 : 2;
      const auto room = static_cast<std::size_t>(ends[i] - start - space);
      const std::string shown = cells[i].substr(0, room);
      cells[i].erase(0, shown.size());
      more = more || !cells[i].empty();
      line += shown + std::string(static_cast<std::size_t>(space), ' ');
      line.resize(std::max(line.size(), static_cast<std::size_t>(ends[i])), ' ');
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace detail

/// The table of a model: one row a layer, then the totals. Variables that are shared count once. The optimizer's
/// variables do not count, as in Keras 2.
template <class Scalar>
GRAFT_COLD std::string summarize(const Layer<Scalar>& model, const ModelImpl<Scalar>& impl, const SummaryOptions& options) {
  const Graph<Scalar>& graph = impl.graph();
  const auto width = static_cast<double>(options.line_length);
  std::vector<Index> ends = {static_cast<Index>(width * .45), static_cast<Index>(width * .85), options.line_length};
  std::vector<std::string> head = {"Layer (type)", "Output Shape", "Param #"};
  if (options.show_trainable) {
    ends.push_back(options.line_length + 11);
    head.push_back("Trainable");
  }
  const auto rule = [&](char c) { return std::string(static_cast<std::size_t>(ends.back()), c) + "\n"; };
  std::string text = "Model: \"" + impl.name() + "\"\n" + rule('_') + detail::summary_row(head, ends) + rule('=');
  const auto layers = impl.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& layer = layers[i];
    std::string shape;
    for (const Node<Scalar>* node : graph.nodes()) {
      if (!(node->layer == layer)) continue;
      shape = node->output_shapes.size() == 1 ? node->output_shapes[0].str() : "";
      if (shape.empty()) {
        for (const Shape& s : node->output_shapes) shape += (shape.empty() ? "[" : ", ") + s.str();
        shape += "]";
      }
      break;
    }
    std::vector<std::string> cells = {layer.name() + " (" + std::string(layer.class_name()) + ")", shape,
                                      std::to_string(layer.count_params())};
    if (options.show_trainable) cells.push_back(layer.trainable() ? "Y" : "N");
    text += detail::summary_row(cells, ends) + (i + 1 < layers.size() ? std::string(static_cast<std::size_t>(ends.back()), ' ') + "\n" : rule('='));
  }
  Index trainable = 0, frozen = 0;
  for (const auto& variable : model.trainable_weights()) trainable += variable->size();
  for (const auto& variable : model.non_trainable_weights()) frozen += variable->size();
  text += "Total params: " + graft::text::with_commas(trainable + frozen) + "\n";
  text += "Trainable params: " + graft::text::with_commas(trainable) + "\n";
  text += "Non-trainable params: " + graft::text::with_commas(frozen) + "\n" + rule('_');
  return text;
}

}  // namespace graft
