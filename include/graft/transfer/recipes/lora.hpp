#pragma once

#include <functional>

#include "graft/nn/layers/lora_layer.hpp"
#include "graft/transfer/layer_groups.hpp"

namespace graft {

/// Low-rank adaptation of a whole model.
template <class Scalar = float>
struct Lora {
  Index rank = 4;
  std::optional<double> lora_alpha = {};  ///< default: rank
  /// Which layers; default: every Dense and convolution that is large enough for A and B to be smaller than its kernel.
  std::function<bool(const Layer<Scalar>&)> filter = {};
  /// In fine_tune: the change becomes part of the kernels at the end. Without it the adapters stay, for save_lora.
  bool merge = false;
};

namespace detail {

template <class Scalar>
LoraLayerImpl<Scalar>* lora_layer(const Layer<Scalar>& layer) {
  return dynamic_cast<LoraLayerImpl<Scalar>*>(&layer.impl());
}
/// Null when the layer has no kernel that LoRA could be added to.
template <class Scalar>
GRAFT_COLD VariablePtr<Scalar> adaptable_kernel(const Layer<Scalar>& layer) {
  if (!lora_layer(layer) || !layer.built() || !lora_layer(layer)->supports_lora()) return nullptr;
  return layer.weights().front();
}

template <class Scalar>
GRAFT_COLD Index add_lora(const std::vector<Layer<Scalar>>& leaves, const Lora<Scalar>& options) {
  if (options.rank < 1) fail<ConfigError>("add_lora rank", "at least 1", std::to_string(options.rank));
  std::vector<Layer<Scalar>> chosen;
  for (const auto& leaf : leaves) {
    const VariablePtr<Scalar> kernel = adaptable_kernel(leaf);
    if (!kernel || kernel->low_rank() || kernel->constraint()) continue;
    const Index columns = kernel->shape().back(), rows = kernel->size() / columns;
    const bool fits = options.rank * (rows + columns) < kernel->size();
    if (options.filter ? options.filter(leaf) : fits) chosen.push_back(leaf);
  }
  if (chosen.empty()) {
    throw ConfigError("add_lora: no layer was chosen. It is for Dense and convolutions without a kernel constraint; " +
                      std::string(options.filter ? "the filter left none of them."
                                                 : "at rank " + std::to_string(options.rank) +
                                                       " A and B would be as large as each of their kernels."));
  }
  for (const auto& layer : chosen) layer.enable_lora(options.rank, {.lora_alpha = options.lora_alpha});
  return static_cast<Index>(chosen.size());
}

template <class Scalar>
GRAFT_COLD Index end_lora(const std::vector<Layer<Scalar>>& leaves, bool merge) {
  Index count = 0;
  for (const auto& leaf : leaves) {
    if (!lora_layer(leaf) || !lora_layer(leaf)->lora_enabled()) continue;
    lora_layer(leaf)->end_lora(merge);
    ++count;
  }
  return count;
}

}  // namespace detail

/// Enables LoRA (Layer::enable_lora) in the Dense layers and convolutions of a model, nested models opened: kernels
/// rest, and training moves W + (alpha / rank) A B by A and B. Freeze nothing for it; compile again. Layers that have
/// it already stay as they are. Returns how many layers got it. Throws ConfigError when that is none, or for a rank
/// below 1. Source: Hu et al. 2022 (LoRA), arXiv:2106.09685.
///
///     graft::add_lora(model, {.rank = 4});
///     model.compile(…), model.fit(…);
///     graft::save_lora(model, "adapters.h5");  // kilobytes
///     graft::merge_lora(model);                // plain layers again
template <class Scalar>
GRAFT_COLD Index add_lora(const Model<Scalar>& model, const std::type_identity_t<Lora<Scalar>>& options = {}) {
  return detail::add_lora(detail::leaves_with_weights(model), options);
}

/// Makes what LoRA learned part of the kernels, and the layers plain again. Returns of how many layers. Compile again.
template <class Scalar>
GRAFT_COLD Index merge_lora(const Model<Scalar>& model) {
  return detail::end_lora(detail::leaves_with_weights(model), true);
}
/// Drops what LoRA learned: the kernels are what they were.
template <class Scalar>
GRAFT_COLD Index remove_lora(const Model<Scalar>& model) {
  return detail::end_lora(detail::leaves_with_weights(model), false);
}

// Files; defined in lora_file.hpp.

struct SaveLoraOptions {
  /// Layers that are written with all their weights: the head, for example, which is new as well.
  std::vector<std::string> layers = {};
};

struct LoadLoraOptions {
  bool any_base = false;  ///< adapters of other kernels are taken, too
};

/// Writes the adapters of a model's LoRA to a small HDF5 file: for each layer lora_kernel_a, lora_kernel_b, lora_alpha
/// and a hash of the kernel they belong to. Atomic. Returns of how many layers. Throws StateError when the model has no
/// LoRA, ConfigError for a layer that is not there, FileError.
template <class Scalar>
Index save_lora(const Model<Scalar>& model, const std::string& path, const SaveLoraOptions& options = {});

/// Puts adapters that save_lora wrote into a model: LoRA is enabled where it is not. Compile again. Returns of how many
/// layers. Throws FileError, with nothing changed, for a file of something else, layers that the model does not have,
/// shapes that do not fit, and kernels that are not those of the file (unless any_base).
template <class Scalar>
Index load_lora(const Model<Scalar>& model, const std::string& path, const LoadLoraOptions& options = {});

}  // namespace graft
