#pragma once

#include <array>
#include <memory>

#include "graft/io/keras/legacy_h5.hpp"

// Weights of recurrent layers in the forms that older Kerases stored them in.
namespace graft::keras {

namespace detail {

/// The numbers of an array, and its shape.
struct LoadedArray {
  Shape shape;
  std::vector<double> values;

  GRAFT_COLD explicit LoadedArray(const FileArray& array)
      : shape(array.shape()), values(static_cast<std::size_t>(array.shape().elements())) {
    array.read(values.data());
  }
  double operator[](Index i) const { return values[static_cast<std::size_t>(i)]; }
};
using Loaded = std::shared_ptr<const LoadedArray>;

GRAFT_COLD inline Loaded load(const FileWeight& weight) { return std::make_shared<LoadedArray>(weight.data); }

/// "lstm_1_W_i:0" → {"lstm_1", 'W', 'i'}; gate 0 when it is no name of this kind.
struct GateName {
  std::string layer;
  char role = 0, gate = 0;

  GRAFT_COLD explicit GateName(const std::string& name) {
    const std::string path = weight_path(name, Generation::keras2);
    const std::size_t n = path.size();
    if (n < 5 || path[n - 4] != '_' || path[n - 2] != '_') return;
    const bool known = std::string_view("WUb").find(path[n - 3]) != std::string_view::npos &&
                       std::string_view("icfozrh").find(path[n - 1]) != std::string_view::npos;
    if (!known) return;
    layer = path.substr(0, n - 4), role = path[n - 3], gate = path[n - 1];
  }
};

/// Arrays side by side along their last axis.
GRAFT_COLD inline FileArray joined(const std::vector<const FileWeight*>& parts, const std::string& where) {
  std::vector<Loaded> loaded;
  for (const FileWeight* part : parts) loaded.push_back(load(*part));
  Shape shape = loaded[0]->shape;
  for (const Loaded& part : loaded) {
    if (part->shape == loaded[0]->shape && shape.rank() > 0) continue;
    fail<FileError>(where, "gates of one shape, " + loaded[0]->shape.str(), part->shape.str());
  }
  const Index width = shape[-1], count = static_cast<Index>(loaded.size());
  shape[-1] = width * count;
  return PackedNumbers{shape, where, [loaded, width, count](Index i) {
                         const Index row = i / (width * count), column = i % (width * count);
                         return (*loaded[static_cast<std::size_t>(column / width)])[row * width + column % width];
                       }};
}

/// Keras 1 has an array for each gate: they become kernel, recurrent_kernel and bias.
GRAFT_COLD inline void join_gates(FileGroup& group, const std::string& where) {
  std::map<std::string, std::map<char, std::map<char, const FileWeight*>>> layers;
  for (const FileWeight& weight : group.weights) {
    const GateName name(weight.name);
    if (name.gate) layers[name.layer][name.role][name.gate] = &weight;
  }
  if (layers.empty()) return;
  std::vector<FileWeight> made;
  std::map<std::string, bool> done;
  for (FileWeight& weight : group.weights) {
    const GateName name(weight.name);
    if (!name.gate) {
      made.push_back(std::move(weight));
      continue;
    }
    if (done[name.layer]) continue;
    done[name.layer] = true;
    constexpr std::pair<char, const char*> kRoles[] = {{'W', "kernel"}, {'U', "recurrent_kernel"}, {'b', "bias"}};
    for (const auto& [role, now] : kRoles) {
      const auto& gates = layers[name.layer][role];
      const std::string_view order = gates.count('i') ? "ifco" : "zrh";
      std::vector<const FileWeight*> parts;
      for (const char gate : order) {
        const auto found = gates.find(gate);
        if (found != gates.end()) parts.push_back(found->second);
      }
      if (parts.size() != order.size() || parts.size() != gates.size()) {
        fail<FileError>(where + ", \"" + name.layer + "\"", "an array for each gate of its " + std::string(now),
                        std::to_string(gates.size()));
      }
      made.push_back({name.layer + "/" + now, joined(parts, where)});
    }
  }
  group.weights = std::move(made);
}

/// CuDNN keeps every gate's matrices transposed, and two biases. What it stored is told by the bias: 8 units of an
/// LSTM, 6 of a GRU, in one row.
GRAFT_COLD inline void from_cudnn(FileGroup& group, const std::string& where) {
  std::map<std::string, std::map<std::string, FileWeight*>> layers;
  for (FileWeight& weight : group.weights) {
    const std::string path = weight_path(weight.name, Generation::keras2);
    const std::size_t slash = path.rfind('/');
    const std::string role = path.substr(slash == path.npos ? 0 : slash + 1);
    layers[slash == path.npos ? "" : path.substr(0, slash)][role] = &weight;
  }
  for (auto& [name, weights] : layers) {
    FileWeight *kernel = weights["kernel"], *recurrent = weights["recurrent_kernel"], *bias = weights["bias"];
    if (!kernel || !recurrent || !bias) continue;
    const Shape of_kernel = kernel->data.shape(), of_states = recurrent->data.shape(), of_bias = bias->data.shape();
    if (of_kernel.rank() != 2 || of_states.rank() != 2 || of_bias.rank() != 1) continue;
    const Index features = of_kernel[0], units = of_states[0], columns = of_states[1];
    const Index gates = units > 0 ? columns / units : 0;
    const bool cudnn =
        (gates == 3 || gates == 4) && columns == gates * units && of_kernel[1] == columns && of_bias[0] == 2 * columns;
    if (!cudnn) continue;
    const Loaded k = load(*kernel), r = load(*recurrent), b = load(*bias);
    // A gate's block of numbers, read row by row, is its matrix (units, features).
    kernel->data = PackedNumbers{of_kernel, where, [=](Index i) {
                                   const Index row = i / columns, gate = i % columns / units, unit = i % units;
                                   const Index at = unit * features + row;
                                   return (*k)[at / units * columns + gate * units + at % units];
                                 }};
    recurrent->data = PackedNumbers{of_states, where, [=](Index i) {
                                      const Index row = i / columns, gate = i % columns / units, unit = i % units;
                                      return (*r)[unit * columns + gate * units + row];
                                    }};
    if (gates == 3) bias->data = PackedNumbers{{2, columns}, where, [=](Index i) { return (*b)[i]; }};
    else bias->data = PackedNumbers{{columns}, where, [=](Index i) { return (*b)[i] + (*b)[columns + i]; }};
  }
}

}  // namespace detail

/// Brings the arrays of a layer into today's form. Throws FileError when gates are missing.
GRAFT_COLD inline void modernize_recurrent(FileGroup& group, const std::string& file) {
  const std::string where = file + ": layer \"" + group.name + "\"";
  detail::join_gates(group, where);
  detail::from_cudnn(group, where);
  // What Keras 3 keeps of a stateful layer from call to call.
  std::erase_if(group.weights, [](const FileWeight& weight) {
    const std::string path = weight_path(weight.name, Generation::keras3);
    return path.substr(path.rfind('/') + 1).compare(0, 9, "rnn_state") == 0;
  });
}

/// Says reset_after of the GRUs whose config does not: with it the bias has two rows. `config`: of a model, as the file
/// has it.
GRAFT_COLD inline void decide_reset_after(Config& config, const std::vector<FileGroup>& groups) {
  if (config.is_array()) {
    std::vector<Config> items = config.items();
    for (Config& item : items) decide_reset_after(item, groups);
    config = Config::array(std::move(items));
    return;
  }
  if (!config.is_object()) return;
  for (const char* key : {"config", "layers", "layer", "forward_layer", "backward_layer"}) {
    if (config.contains(key)) decide_reset_after(config[key], groups);
  }
  const Config* class_name = config.find("class_name");
  const Config* inner = config.find("config");
  if (!class_name || !class_name->is_string() || class_name->as_string() != "GRU" || !inner || !inner->is_object() ||
      inner->contains("reset_after")) {
    return;
  }
  const std::string name = inner->get("name", "");
  bool two_rows = false;
  for (const FileGroup& group : groups) {
    for (const FileWeight& weight : group.weights) {
      const std::string path = group.name + "/" + weight_path(weight.name, Generation::keras2);
      const bool own = passes(path, name) || passes(path, "forward_" + name) || passes(path, "backward_" + name);
      two_rows = two_rows || (own && ends_in(path, "bias") && weight.data.shape().rank() == 2);
    }
  }
  config["config"]["reset_after"] = two_rows;
}

}  // namespace graft::keras
