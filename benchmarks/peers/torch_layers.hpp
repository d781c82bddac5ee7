#pragma once

#include <torch/torch.h>

#include <array>
#include <functional>

#include "graft/graft.hpp"

// Layers of graft as LibTorch computes them: (batch, channels, height, width) where graft has channels last, and the
// operations that a LibTorch user would write.
namespace peers {

using graft::Config;
using graft::Index;

/// Zeros around a picture: top, bottom, left, right.
using Edges = std::array<Index, 4>;

inline bool symmetric(const Edges& edges) { return edges[0] == edges[1] && edges[2] == edges[3]; }

/// A window that walks over pictures.
struct TorchWindow {
  std::array<Index, 2> size{}, stride{}, dilation{1, 1};
  bool same = false;  ///< TensorFlow's padding, which may have more at the end
  Edges edges{};      ///< of layers ZeroPadding2D in front of it

  Edges around(const torch::Tensor& x) const {
    Edges all = edges;
    for (std::size_t axis = 0; same && axis < 2; ++axis) {
      const Index padded = x.size(static_cast<Index>(2 + axis)) + edges[2 * axis] + edges[2 * axis + 1];
      const auto more = graft::detail::same_padding(padded, size[axis], stride[axis], dilation[axis]);
      all[2 * axis] += more.before;
      all[2 * axis + 1] += more.after;
    }
    return all;
  }
};

inline torch::Tensor pad(const torch::Tensor& x, const Edges& edges, double value = 0) {
  return at::constant_pad_nd(x, std::array<Index, 4>{edges[2], edges[3], edges[0], edges[1]}, value);
}

/// Zeros are written only where the convolution's own padding cannot say them.
inline torch::Tensor convolve(const torch::Tensor& x, const TorchWindow& window, const torch::Tensor& kernel,
                              const torch::Tensor& bias, Index groups) {
  const Edges edges = window.around(x);
  const bool own = symmetric(edges);
  const std::array<Index, 2> padding{own ? edges[0] : 0, own ? edges[2] : 0};
  return at::conv2d(own ? x : pad(x, edges), kernel, bias, window.stride, padding, window.dilation, groups);
}

inline torch::Tensor pool(const torch::Tensor& x, const TorchWindow& window, bool max) {
  const Edges edges = window.around(x);
  const bool own = symmetric(edges);
  // ceil_mode is the end of TensorFlow's "same" where nothing is in front.
  const bool end_only = edges[0] == 0 && edges[2] == 0 && edges[1] < window.stride[0] && edges[3] < window.stride[1];
  const std::array<Index, 2> padding{own ? edges[0] : 0, own ? edges[2] : 0};
  const bool ceil = !own && end_only;
  if (!max) {
    if (!own && !ceil) throw graft::ConfigError("LibTorch's average pooling has no such padding");
    return at::avg_pool2d(x, window.size, window.stride, padding, ceil, false);
  }
  const torch::Tensor from = own || ceil ? x : pad(x, edges, -INFINITY);
  return at::max_pool2d(from, window.size, window.stride, padding, window.dilation, ceil);
}

/// `overwrite`: nobody else needs x.
inline torch::Tensor activate(const graft::ActivationFunction& f, torch::Tensor x, bool overwrite) {
  using graft::kernels::ActivationKind;
  if (f.form() == graft::ActivationFunction::Form::softmax && f.axes() == std::vector<int>{-1})
    return at::softmax(x, 1);
  const auto& params = f.params();
  const bool unread = overwrite && !x.requires_grad();  // not by the backward pass either
  if (f.elementwise()) {
    switch (params.kind) {
      case ActivationKind::linear: return x;
      case ActivationKind::relu:
        if (params.alpha != 0 || params.threshold != 0) break;
        if (std::isinf(params.max_value)) return overwrite ? at::relu_(x) : at::relu(x);
        return overwrite ? at::hardtanh_(x, 0, params.max_value) : at::hardtanh(x, 0, params.max_value);
      case ActivationKind::relu6: return overwrite ? at::hardtanh_(x, 0, 6) : at::hardtanh(x, 0, 6);
      case ActivationKind::silu: return unread ? at::silu_(x) : at::silu(x);
      case ActivationKind::hard_silu: return unread ? at::hardswish_(x) : at::hardswish(x);
      case ActivationKind::hard_sigmoid: return unread ? at::hardsigmoid_(x) : at::hardsigmoid(x);
      case ActivationKind::sigmoid: return unread ? at::sigmoid_(x) : at::sigmoid(x);
      case ActivationKind::tanh: return unread ? at::tanh_(x) : at::tanh(x);
      case ActivationKind::gelu: return at::gelu(x, "none");
      case ActivationKind::gelu_tanh: return at::gelu(x, "tanh");
      default: break;
    }
  }
  throw graft::ConfigError("the LibTorch peer has no activation " + f.name());
}

/// What a layer becomes. `run` returns its output; inputs[overwritten] may be written over when that is not negative.
struct TorchLayer {
  std::function<torch::Tensor(std::vector<torch::Tensor>& inputs, int overwritten)> run;
  bool makes_memory = false;  ///< its output is memory of its own that its backward pass does not read
  bool identity = false;      ///< its output is its input
  std::vector<torch::Tensor> learned = {};
};

/// Makes them, with copies of the weights.
class TorchLayerMaker {
 public:
  using Node = graft::FlatGraph<float>::FlatNode;

  /// With `training`, weights that train want gradients and Dropout is active.
  TorchLayerMaker(torch::MemoryFormat format, bool training) : format_(format), training_(training) {}

  /// Throws ConfigError for a layer that it does not know. `edges`: zeros in front of it.
  TorchLayer make(const Node& node, const Edges& edges) {
    node_ = &node;
    config_ = node.layer->config();
    layer_ = {};
    const std::string name(node.layer->class_name());
    if (config_.get("data_format", "channels_last") != std::string("channels_last")) unknown();
    if (name == "Conv2D" || name == "DepthwiseConv2D" || name == "SeparableConv2D") convolution(name, edges);
    else if (name == "MaxPooling2D" || name == "AveragePooling2D") pooling(name == "MaxPooling2D", edges);
    else if (name == "Dense") dense();
    else if (name == "BatchNormalization") batch_norm();
    else if (name == "LayerNormalization") layer_norm();
    else if (name == "Add" || name == "Multiply" || name == "Concatenate") merge(name);
    else if (name == "Activation" || name == "ReLU" || name == "Softmax") activation(name);
    else if (name == "Dropout") dropout();
    else if (name == "Rescaling" || name == "Normalization" || name == "LayerScale") affine(name);
    else if (!shape_layer(name)) unknown();
    return std::move(layer_);
  }

  /// The zeros of a layer ZeroPadding2D.
  static Edges edges_of(const Config& config) {
    using graft::detail::BorderKind;
    const auto borders = graft::detail::read_borders(config, BorderKind::padding, 1).values(2, "padding", "LibTorch");
    return {borders[0][0], borders[1][0], borders[0][1], borders[1][1]};
  }

 private:
  template <class Fn>
  void each(const Fn& fn) {  // of layers with one input
    layer_.run = [fn](std::vector<torch::Tensor>& inputs, int) { return fn(inputs[0]); };
  }
  [[noreturn]] void unknown() const {
    throw graft::ConfigError("the LibTorch peer does not know this " + node_->layer->where());
  }

  /// A copy of a variable with its axes in another order and shape; undefined when the layer has none of that name.
  torch::Tensor weight(const std::string& name, const std::vector<Index>& order = {0}, std::vector<Index> shape = {}) {
    for (const auto& variable : node_->layer->variables()) {
      if (variable->name() != name) continue;
      std::vector<Index> own(variable->shape().begin(), variable->shape().begin() + variable->shape().rank());
      const float* data = std::as_const(*variable).value().data();
      torch::Tensor value = torch::from_blob(const_cast<float*>(data), own).permute(order);
      if (!shape.empty()) value = value.reshape(shape);
      value = value.dim() == 4 ? value.clone(format_) : value.clone(at::MemoryFormat::Contiguous);
      if (training_ && node_->trainable && variable->kind() == graft::VariableKind::trainable) {
        layer_.learned.push_back(value.requires_grad_());
      }
      return value;
    }
    return {};
  }

  static std::array<Index, 2> two(const Config& config, const char* key, const graft::PerAxis& otherwise) {
    graft::PerAxis given = otherwise;
    graft::detail::read(config, key, given);
    const auto values = graft::detail::spatial_values(given, 2, key, "LibTorch");
    return {values[0], values[1]};
  }
  TorchWindow window(const char* size_key, const graft::PerAxis& strides, const Edges& edges) const {
    TorchWindow window;
    window.size = two(config_, size_key, 1);
    window.stride = two(config_, "strides", strides);
    window.dilation = two(config_, "dilation_rate", 1);
    window.same = config_.get("padding", "valid") == std::string("same");
    window.edges = edges;
    return window;
  }
  graft::ActivationFunction function() const {
    const Config* given = config_.find_set("activation");
    return given ? graft::ActivationFunction::from_config(*given) : graft::ActivationFunction();
  }

  void convolution(const std::string& name, const Edges& edges) {
    const TorchWindow window = this->window("kernel_size", 1, edges);
    const auto f = function();
    const torch::Tensor bias = weight("bias");
    layer_.makes_memory = true;
    if (name == "Conv2D") {
      const torch::Tensor kernel = weight("kernel", {3, 2, 0, 1});
      const Index groups = config_.get("groups", 1);
      return each([=](const torch::Tensor& x) { return activate(f, convolve(x, window, kernel, bias, groups), true); });
    }
    const auto& shape = node_->layer->variables()[0]->shape();
    const Index channels = shape[2], filters = shape[2] * shape[3];
    const torch::Tensor kernel = weight("depthwise_kernel", {2, 3, 0, 1}, {filters, 1, shape[0], shape[1]});
    const torch::Tensor second = weight("pointwise_kernel", {3, 2, 0, 1});
    each([=](const torch::Tensor& x) {
      const torch::Tensor own = second.defined() ? torch::Tensor() : bias;
      torch::Tensor y = convolve(x, window, kernel, own, channels);
      if (second.defined()) y = at::conv2d(y, second, bias);
      return activate(f, y, true);
    });
  }
  void pooling(bool max, const Edges& edges) {
    const TorchWindow window = this->window("pool_size", 2, edges);
    each([=](const torch::Tensor& x) { return pool(x, window, max); });
  }
  void dense() {
    const torch::Tensor kernel = weight("kernel", {1, 0}), bias = weight("bias");
    const auto f = function();
    layer_.makes_memory = true;
    each([=](const torch::Tensor& x) {
      if (x.dim() == 2) return activate(f, at::linear(x, kernel, bias), true);
      return activate(f, at::conv2d(x, kernel.unsqueeze(2).unsqueeze(3), bias), true);
    });
  }
  void batch_norm() {
    const Index axis = config_.get("axis", -1);
    if (axis != -1 && axis != 3) unknown();
    const torch::Tensor gamma = weight("gamma"), beta = weight("beta");
    const torch::Tensor mean = weight("moving_mean"), variance = weight("moving_variance");
    const double epsilon = config_.get("epsilon", 1e-3), momentum = 1 - config_.get("momentum", 0.99);
    const bool batch = training_ && node_->trainable;
    layer_.makes_memory = true;
    each([=](const torch::Tensor& x) {
      return at::batch_norm(x, gamma, beta, mean, variance, batch, momentum, epsilon, false);
    });
  }
  void layer_norm() {
    const torch::Tensor gamma = weight("gamma"), beta = weight("beta");
    const double epsilon = config_.get("epsilon", 1e-3);
    const Index axis = graft::detail::read_axes(config_.find_set("axis")).front();
    if (axis != -1 && axis != 3) unknown();
    each([=](const torch::Tensor& x) {
      const auto norm = [&](const torch::Tensor& rows) {
        return at::layer_norm(rows, {rows.size(-1)}, gamma, beta, epsilon, false);
      };
      return x.dim() == 4 ? norm(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2}) : norm(x);
    });
  }
  void merge(const std::string& name) {
    if (name == "Concatenate") {
      const Index axis = config_.get("axis", -1);
      if (axis != -1 && axis != 3) unknown();
      layer_.run = [](std::vector<torch::Tensor>& inputs, int) { return at::cat(inputs, 1); };
      return;
    }
    if (name == "Multiply") {
      layer_.run = [](std::vector<torch::Tensor>& inputs, int) {
        torch::Tensor y = inputs[0];
        for (std::size_t i = 1; i < inputs.size(); ++i) y = y * inputs[i];
        return y;
      };
      return;
    }
    layer_.makes_memory = true;
    layer_.run = [](std::vector<torch::Tensor>& inputs, int overwritten) {
      if (overwritten > 0) std::swap(inputs[0], inputs[static_cast<std::size_t>(overwritten)]);
      torch::Tensor y = overwritten >= 0 ? inputs[0].add_(inputs[1]) : inputs[0] + inputs[1];
      for (std::size_t i = 2; i < inputs.size(); ++i) y.add_(inputs[i]);
      return y;
    };
  }
  void activation(const std::string& name) {
    const auto f = name == "Activation" ? function() : graft::detail::activation_from_object(name, config_);
    layer_.run = [f](std::vector<torch::Tensor>& inputs, int overwritten) {
      return activate(f, inputs[0], overwritten == 0);
    };
  }
  void dropout() {
    const double rate = config_.get("rate", 0.5);
    layer_.identity = !training_ || rate == 0;
    if (layer_.identity) return;
    if (config_.find_set("noise_shape")) unknown();
    each([=](const torch::Tensor& x) { return at::dropout(x, rate, true); });
  }
  /// A factor and a summand for each channel.
  void affine(const std::string& name) {
    torch::Tensor factor, summand;
    if (name == "LayerScale") {
      factor = weight(node_->layer->variables().at(0)->name());
    } else if (name == "Rescaling") {
      factor = numbers("scale");
      summand = numbers("offset");
    } else {
      torch::Tensor mean = weight("mean"), variance = weight("variance");
      if (!mean.defined()) mean = numbers("mean"), variance = numbers("variance");
      factor = 1 / variance.sqrt().clamp_min(1e-7);
      summand = -mean * factor;
    }
    each([=](const torch::Tensor& x) {
      const auto over = [&](const torch::Tensor& values) { return x.dim() == 4 ? values.view({1, -1, 1, 1}) : values; };
      torch::Tensor y = x * over(factor);
      return summand.defined() ? y.add_(over(summand)) : y;
    });
  }
  torch::Tensor numbers(const char* key) const {
    return torch::tensor(graft::NumberOrList::from_config(config_.at(key), key).values(), torch::kFloat);
  }

  /// Layers that only move numbers, or take means and maxima.
  bool shape_layer(const std::string& name) {
    if (name == "ZeroPadding2D") {
      const Edges edges = edges_of(config_);
      each([=](const torch::Tensor& x) { return pad(x, edges); });
    } else if (name == "GlobalAveragePooling2D" || name == "GlobalMaxPooling2D") {
      const bool max = name == "GlobalMaxPooling2D", keep = config_.get("keepdims", false);
      each([=](const torch::Tensor& x) { return max ? x.amax({2, 3}, keep) : x.mean({2, 3}, keep); });
    } else if (name == "Flatten") {
      each([](const torch::Tensor& x) { return (x.dim() == 4 ? x.permute({0, 2, 3, 1}) : x).flatten(1); });
    } else if (name == "Reshape") {
      std::vector<Index> shape{-1};
      for (const Config& size : config_.at("target_shape").items()) shape.push_back(size.as_int());
      if (shape.size() != 2 && shape.size() != 4) return false;
      each([=](const torch::Tensor& x) {
        std::vector<Index> target = shape;
        target[0] = x.size(0);
        const torch::Tensor y = (x.dim() == 4 ? x.permute({0, 2, 3, 1}) : x).reshape(target);
        return y.dim() == 4 ? y.permute({0, 3, 1, 2}) : y;
      });
    } else if (name == "InputLayer" || name == "Identity") {
      layer_.identity = true;
    } else {
      return false;
    }
    return true;
  }

  torch::MemoryFormat format_;
  bool training_;
  const Node* node_ = nullptr;
  Config config_;
  TorchLayer layer_;
};

}  // namespace peers
