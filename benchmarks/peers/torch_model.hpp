#pragma once

#include <algorithm>

#include "torch_layers.hpp"

namespace peers {

/// A model of graft as LibTorch computes it, with copies of its weights: one input, one output (batch, numbers).
///
/// What a careful LibTorch user would do is done: values are dropped after their last use, activations and sums are
/// written over values that nobody else needs, zeros in front of a convolution are its padding, only weights that train
/// want gradients, frozen BatchNormalization uses its moving statistics, and what lies below the first layer that
/// trains runs without autograd.
class TorchModel {
 public:
  /// Throws ConfigError for a layer that TorchLayerMaker does not know.
  TorchModel(const graft::Model<float>& model, torch::MemoryFormat format, bool training)
      : format_(format), graph_(graft::flatten(model.impl().graph(), model.trainable())), source_(graph_.values) {
    if (graph_.inputs.size() != 1 || graph_.outputs.size() != 1) {
      throw graft::ConfigError("the LibTorch peer: models with one input and one output");
    }
    for (std::size_t value = 0; value < graph_.values; ++value) source_[value] = value;
    TorchLayerMaker maker(format, training);
    std::vector<Edges> zeros(graph_.values);  // in front of a value, not written
    for (const auto& node : graph_.nodes) {
      const std::size_t input = node.inputs[0], output = node.outputs[0];
      if (becomes_padding(node)) {
        zeros[output] = TorchLayerMaker::edges_of(node.layer->config());
        source_[output] = source_[input];
        continue;
      }
      Step step;
      step.layer = maker.make(node, zeros[input]);
      if (step.layer.identity) {
        source_[output] = source_[input];
        continue;
      }
      for (const std::size_t from : node.inputs) step.inputs.push_back(source_[from]);
      step.output = output;
      for (const torch::Tensor& weight : step.layer.learned) learned_.push_back(weight);
      steps_.push_back(std::move(step));
    }
    split_frozen();
    find_last_uses();
    graph_.nodes.clear();  // and with them graft's weights
  }

  /// (batch, height, width, channels) in the layout of this model.
  torch::Tensor input(const graft::Tensor<float>& x) const {
    const std::vector<Index> shape(x.shape().begin(), x.shape().begin() + x.rank());
    const torch::Tensor own = torch::from_blob(const_cast<float*>(x.data()), shape);
    return own.permute({0, 3, 1, 2}).clone(format_);
  }

  torch::Tensor predict(const torch::Tensor& x) const {
    const c10::InferenceMode guard;
    auto values = start(x);
    run(values, 0, steps_.size());
    return values[output()];
  }

  /// One step of SGD on the mean cross-entropy of logits and labels.
  void train_on_batch(const torch::Tensor& x, const torch::Tensor& labels, double rate) {
    auto values = start(x);
    {
      const torch::NoGradGuard guard;
      run(values, 0, first_live_);
    }
    run(values, first_live_, steps_.size());
    const torch::Tensor logits = std::move(values[output()]);
    values.clear();
    torch::nn::functional::cross_entropy(logits, labels).backward();
    const torch::NoGradGuard guard;
    for (torch::Tensor& weight : learned_) {
      weight.sub_(weight.grad(), rate);
      weight.mutable_grad().reset();
    }
  }

 private:
  struct Step {
    TorchLayer layer;
    std::vector<std::size_t> inputs, last_uses = {};
    std::size_t output = 0;
    int overwritten = -1;
  };

  std::size_t output() const { return source_[graph_.outputs[0]]; }

  /// Zeros in front of convolutions become their padding. In front of a pooling they do where they change nothing: the
  /// padding of a maximum is -infinity, and numbers behind a ReLU are not below 0.
  bool becomes_padding(const graft::FlatGraph<float>::FlatNode& node) const {
    if (node.layer->class_name() != "ZeroPadding2D") return false;
    const Edges edges = TorchLayerMaker::edges_of(node.layer->config());
    bool positive = false;
    for (const auto& other : graph_.nodes) {
      if (other.outputs[0] == node.inputs[0]) positive = rectifies(*other.layer);
    }
    if (graph_.outputs[0] == node.outputs[0]) return false;
    for (const auto& other : graph_.nodes) {
      if (std::find(other.inputs.begin(), other.inputs.end(), node.outputs[0]) == other.inputs.end()) continue;
      const auto name = other.layer->class_name();
      const bool convolution = name == "Conv2D" || name == "DepthwiseConv2D" || name == "SeparableConv2D";
      if (!convolution && !(name == "MaxPooling2D" && positive && symmetric(edges))) return false;
    }
    return true;
  }
  static bool rectifies(const graft::LayerImpl<float>& layer) {
    const Config config = layer.config();
    const Config* function = config.find("activation");
    return layer.class_name() == "ReLU" || (function && *function == Config("relu"));
  }

  /// What needs no gradient goes first, its order kept.
  void split_frozen() {
    std::vector<bool> live(graph_.values, false);
    const auto is_live = [&](const Step& step) { return live[step.output]; };
    for (const Step& step : steps_) {
      live[step.output] = !step.layer.learned.empty();
      for (const std::size_t input : step.inputs) live[step.output] = live[step.output] || live[input];
    }
    std::stable_partition(steps_.begin(), steps_.end(), [&](const Step& step) { return !is_live(step); });
    first_live_ = static_cast<std::size_t>(std::find_if(steps_.begin(), steps_.end(), is_live) - steps_.begin());
  }

  void find_last_uses() {
    std::vector<std::size_t> uses(graph_.values, 0), last(graph_.values, 0);
    std::vector<bool> makes_memory(graph_.values, false);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      for (const std::size_t input : steps_[i].inputs) ++uses[input], last[input] = i;
      makes_memory[steps_[i].output] = steps_[i].layer.makes_memory;
    }
    ++uses[output()], last[output()] = steps_.size();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      Step& step = steps_[i];
      for (std::size_t k = 0; k < step.inputs.size(); ++k) {
        const std::size_t input = step.inputs[k];
        if (last[input] == i &&
            std::find(step.last_uses.begin(), step.last_uses.end(), input) == step.last_uses.end()) {
          step.last_uses.push_back(input);
        }
        if (step.overwritten < 0 && uses[input] == 1 && makes_memory[input]) step.overwritten = static_cast<int>(k);
      }
    }
  }

  std::vector<torch::Tensor> start(const torch::Tensor& x) const {
    std::vector<torch::Tensor> values(graph_.values);
    values[source_[graph_.inputs[0]]] = x;
    return values;
  }
  void run(std::vector<torch::Tensor>& values, std::size_t first, std::size_t last) const {
    std::vector<torch::Tensor> inputs;
    for (std::size_t i = first; i < last; ++i) {
      const Step& step = steps_[i];
      for (const std::size_t input : step.inputs) inputs.push_back(values[input]);
      values[step.output] = step.layer.run(inputs, step.overwritten);
      inputs.clear();
      for (const std::size_t value : step.last_uses) values[value].reset();
    }
  }

  torch::MemoryFormat format_;
  graft::FlatGraph<float> graph_;
  std::vector<std::size_t> source_;  ///< of each value, the one that it is
  std::vector<Step> steps_;
  std::size_t first_live_ = 0;
  std::vector<torch::Tensor> learned_;
};

}  // namespace peers
