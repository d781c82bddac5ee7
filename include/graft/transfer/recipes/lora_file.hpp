#pragma once

#include <map>

#include "graft/core/content_hash.hpp"
#include "graft/io/hdf5.hpp"
#include "graft/transfer/recipes/lora.hpp"

namespace graft {

namespace detail {

/// "base/block1/conv1": the names of the models around a layer, and its own.
template <class Scalar>
GRAFT_COLD void collect_paths(const Layer<Scalar>& layer, const std::string& prefix,
                              std::vector<std::pair<std::string, Layer<Scalar>>>& into) {
  const auto inside = layer.impl().sublayers();
  for (const auto& inner : inside) {
    std::string name = inner.name();
    std::replace(name.begin(), name.end(), '/', '_');
    collect_paths(inner, prefix.empty() ? name : prefix + "/" + name, into);
  }
  if (inside.empty() && !layer.weights().empty()) into.emplace_back(prefix, layer);
}
template <class Scalar>
GRAFT_COLD std::vector<std::pair<std::string, Layer<Scalar>>> layer_paths(const Model<Scalar>& model) {
  std::vector<std::pair<std::string, Layer<Scalar>>> result;
  collect_paths<Scalar>(model, "", result);
  return result;
}

template <class Scalar>
GRAFT_COLD std::string kernel_hash(const Tensor<Scalar>& kernel) {
  ContentHash hash;
  for (const Index dim : kernel.shape()) hash.add(dim);
  hash.add_bytes(kernel.data(), static_cast<std::size_t>(kernel.size()) * sizeof(Scalar));
  return hash.hex();
}

inline constexpr const char* kLoraFormat = "graft LoRA 1";

}  // namespace detail

template <class Scalar>
GRAFT_COLD Index save_lora(const Model<Scalar>& model, const std::string& path, const SaveLoraOptions& options) {
  const auto layers = detail::layer_paths(model);
  std::map<std::string, detail::LoraLayerImpl<Scalar>*> adapted;
  std::map<std::string, Layer<Scalar>> whole;
  for (const auto& [place, layer] : layers) {
    auto* impl = detail::lora_layer(layer);
    if (impl && impl->lora_enabled()) adapted.emplace(place, impl);
  }
  if (adapted.empty()) throw StateError("save_lora of " + model.impl().where() + ": no layer has LoRA. Call add_lora.");
  for (const std::string& name : options.layers) {
    std::vector<std::string> known;
    for (const auto& [place, layer] : layers) {
      known.push_back(layer.name());
      if (layer.name() == name) whole.emplace(place, layer);
    }
    if (whole.empty() || std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError("save_lora of " + model.impl().where() + ": no layer with weights has the name \"" + name +
                        "\". " + text::did_you_mean(name, known));
    }
  }
  hdf5::write_file(path, [&](const hdf5::Group& root) {
    root.write("format", std::string(detail::kLoraFormat));
    for (const auto& [place, impl] : adapted) {
      const Variable<Scalar>& kernel = *impl->variables().front();
      const LowRank<Scalar>& low = *kernel.low_rank();
      const hdf5::Group group = root.create_group("adapters/" + place);
      const double alpha = impl->lora_alpha();
      group.write("base", detail::kernel_hash(kernel.value()));
      group.write_dataset("lora_alpha", Shape(), &alpha);
      group.write_dataset("lora_kernel_a", low.a->shape(), std::as_const(*low.a).value().data());
      group.write_dataset("lora_kernel_b", low.b->shape(), std::as_const(*low.b).value().data());
    }
    for (const auto& [place, layer] : whole) {
      const auto variables = layer.weights();
      for (std::size_t i = 0; i < variables.size(); ++i) {
        root.write_dataset("layers/" + place + "/" + std::to_string(i), variables[i]->shape(),
                           std::as_const(*variables[i]).value().data());
      }
    }
  });
  return static_cast<Index>(adapted.size());
}

template <class Scalar>
GRAFT_COLD Index load_lora(const Model<Scalar>& model, const std::string& path, const LoadLoraOptions& options) {
  struct Adapter {
    Layer<Scalar> layer;
    double alpha;
    Tensor<Scalar> a, b;
  };
  const std::string where = "load_lora \"" + path + "\"";
  const hdf5::Group root = hdf5::File::open(path).root();
  if (root.string("format").value_or("") != detail::kLoraFormat) {
    fail<FileError>(where, "a file that save_lora wrote", "another one");
  }
  const auto read = [](const hdf5::Group& group, const std::string& name) {
    const hdf5::Dataset data = group.dataset(name);
    auto value = Tensor<Scalar>::uninitialized(data.shape());
    data.read(value.data());
    return value;
  };
  std::vector<Adapter> adapters;
  std::vector<std::pair<VariablePtr<Scalar>, Tensor<Scalar>>> values;
  std::size_t in_file = 0;
  const auto count = [&](const auto& self, const hdf5::Group& group, int depth) -> void {
    if (depth > 64) fail<FileError>(where, "groups nested at most 64 deep", "deeper ones");
    for (const std::string& child : group.children()) {
      if (group.is_group(child)) self(self, group.group(child), depth + 1);
      else in_file += child == "lora_kernel_a";
    }
  };
  count(count, root.group("adapters"), 0);
  for (const auto& [place, layer] : detail::layer_paths(model)) {
    if (root.exists("layers/" + place)) {
      const auto variables = layer.weights();
      for (std::size_t i = 0; i < variables.size(); ++i) {
        const std::string at = "layers/" + place + "/" + std::to_string(i);
        if (!root.exists(at)) continue;
        values.emplace_back(variables[i], read(root, at));
        if (values.back().second.shape() == variables[i]->shape()) continue;
        fail<FileError>(where + ", \"" + place + "\"", "shape " + variables[i]->shape().str(),
                        values.back().second.shape().str());
      }
    }
    if (!root.exists("adapters/" + place + "/lora_kernel_a")) continue;
    const hdf5::Group group = root.group("adapters/" + place);
    const std::string at = where + ", \"" + place + "\"";
    const VariablePtr<Scalar> kernel = detail::adaptable_kernel(layer);
    if (!kernel) fail<FileError>(at, "a layer that can have LoRA", std::string(layer.class_name()));
    if (!options.any_base && group.string("base").value_or("") != detail::kernel_hash(kernel->value())) {
      fail<FileError>(at, "adapters of the kernel that the model has", "those of another one",
                      "Load the model they were trained on, or say .any_base = true.");
    }
    double alpha = 0;
    if (group.dataset("lora_alpha").shape().elements() != 1) fail<FileError>(at, "one lora_alpha", "several");
    group.dataset("lora_alpha").read(&alpha);
    Adapter adapter{layer, alpha, read(group, "lora_kernel_a"), read(group, "lora_kernel_b")};
    Shape expected = kernel->shape();
    const Index rank = adapter.a.rank() > 0 ? adapter.a.shape().back() : 0;
    expected[-1] = rank;
    if (rank < 1 || !(adapter.a.shape() == expected) || !(adapter.b.shape() == Shape{rank, kernel->shape().back()})) {
      fail<FileError>(at, "A and B for a kernel of shape " + kernel->shape().str(),
                      adapter.a.shape().str() + " and " + adapter.b.shape().str());
    }
    const auto* impl = detail::lora_layer(layer);
    if (impl->lora_enabled() && (impl->lora_rank() != rank || impl->lora_alpha() != alpha)) {
      fail<FileError>(at, "rank " + std::to_string(impl->lora_rank()) + ", as the layer has it", std::to_string(rank),
                      "Call remove_lora first.");
    }
    adapters.push_back(std::move(adapter));
  }
  if (adapters.size() != in_file || in_file == 0) {
    fail<FileError>(where, "adapters for layers that the model has",
                    std::to_string(in_file) + ", of which " + std::to_string(adapters.size()) + " fit");
  }
  for (const Adapter& adapter : adapters) {
    const auto* impl = detail::lora_layer(adapter.layer);
    if (!impl->lora_enabled()) adapter.layer.enable_lora(adapter.b.dim(0), {.lora_alpha = adapter.alpha});
    const LowRank<Scalar>& low = *adapter.layer.weights().front()->low_rank();
    low.a->assign(adapter.a.view());
    low.b->assign(adapter.b.view());
  }
  for (const auto& [variable, value] : values) variable->assign(value.view());
  return static_cast<Index>(adapters.size());
}

}  // namespace graft
