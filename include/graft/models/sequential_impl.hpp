#pragma once

#include <set>

#include "graft/models/model_impl.hpp"

namespace graft {

/// A chain of layers. It is built as soon as the shape of the input is known: from an InputLayer, the input_shape of
/// the first layer, a first layer that is built already, or the first data.
template <class Scalar>
class SequentialImpl final : public ModelImpl<Scalar> {
 public:
  GRAFT_COLD explicit SequentialImpl(ModelOptions options) : ModelImpl<Scalar>("Sequential", options) {
    if (options.input_shape) set_input(InputLayer<Scalar>(*options.input_shape));
  }

  std::string_view class_name() const override { return "Sequential"; }
  bool built() const override { return graph_.has_value(); }
  std::vector<Layer<Scalar>> layers() const override { return layers_; }
  GRAFT_COLD std::vector<Layer<Scalar>> layers_with_input() const override {
    std::vector<Layer<Scalar>> result = layers_;
    if (input_) result.insert(result.begin(), input_);
    return result;
  }

  GRAFT_COLD void add(const Layer<Scalar>& layer) {
    if (layer.class_name() == "InputLayer") {
      if (!layers_.empty() || input_) {
        throw ConfigError(this->where() + ".add: an InputLayer stands first and alone; \"" + layer.name() +
                          "\" does not.");
      }
      set_input(layer);
      return;
    }
    for (const auto& other : layers_) {
      if (other.name() == layer.name()) refuse_name(layer);
    }
    if (layers_.empty() && !input_) infer_input(layer);
    layers_.push_back(layer);
    const bool was_built = graph_.has_value();
    this->forget_plans();
    graph_.reset();
    try {
      if (input_ && (was_built || layers_.size() == 1)) make_graph();
    } catch (...) {
      layers_.pop_back();
      if (was_built) make_graph();
      throw;
    }
  }

  /// Several at once: one by one, the graph would be made anew for each.
  GRAFT_COLD void add_all(const std::vector<Layer<Scalar>>& layers) {
    std::set<std::string> names;
    for (const auto& layer : layers_) names.insert(layer.name());
    for (const auto& layer : layers) {
      if (layer.class_name() == "InputLayer") {
        add(layer);
        continue;
      }
      if (!names.insert(layer.name()).second) refuse_name(layer);
      if (layers_.empty() && !input_) infer_input(layer);
      layers_.push_back(layer);
    }
    this->forget_plans();
    graph_.reset();
    if (input_ && !layers_.empty()) make_graph();
  }

  GRAFT_COLD Layer<Scalar> pop() {
    if (layers_.empty()) throw StateError(this->where() + ".pop: there are no layers in the model.");
    Layer<Scalar> last = layers_.back();
    layers_.pop_back();
    this->forget_plans();
    const bool was_built = graph_.has_value();
    graph_.reset();
    if (was_built && !layers_.empty()) make_graph();
    return last;
  }

  GRAFT_COLD void build_model(std::span<const Shape> inputs) override {
    if (graph_) return;
    if (layers_.empty()) throw StateError(this->where() + ": the model has no layers. Add one first.");
    if (!input_) {
      if (inputs.size() != 1) {
        fail<ShapeError>(this->where(), "one input", std::to_string(inputs.size()));
      }
      input_ = InputLayer<Scalar>(inputs[0].without_batch(), {.name = layers_.front().name() + "_input"});
    }
    make_graph();
  }

  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    if (graph_) return ModelImpl<Scalar>::output_shapes(inputs);
    std::vector<Shape> shapes(inputs.begin(), inputs.end());
    for (const auto& layer : layers_) shapes = layer.impl().output_shapes(shapes);
    return shapes;
  }

  GRAFT_COLD Config config() const override {
    Config layers = Config::array();
    for (const auto& layer : layers_with_input()) {
      Config entry = Config::object();
      entry["class_name"] = layer.class_name();
      entry["config"] = layer.config();
      layers.push_back(entry);
    }
    Config config = Config::object();
    config["name"] = this->name();
    if (!this->trainable()) config["trainable"] = false;
    config["layers"] = layers;
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng&) override { build_model(inputs); }

  const Graph<Scalar>& graph_of_layers() const override {
    if (!graph_) {
      throw StateError(this->where() +
                       ": the model is not built, because the shape of its input is not known. Give the first layer an "
                       "input_shape, call build(shape), or fit it to data.");
    }
    return *graph_;
  }

 private:
  void set_input(const Layer<Scalar>& input) { input_ = input; }

  [[noreturn]] GRAFT_COLD void refuse_name(const Layer<Scalar>& layer) const {
    throw ConfigError(this->where() + ".add: all layers should have unique names; \"" + layer.name() +
                      "\" is already the name of a layer in this model.");
  }

  GRAFT_COLD void infer_input(const Layer<Scalar>& first) {
    std::optional<Shape> shape = first.impl().input_shape();
    if (!shape) {
      if (const auto* model = dynamic_cast<const ModelImpl<Scalar>*>(&first.impl()); model && model->built()) {
        if (model->graph().inputs().size() == 1) shape = model->graph().inputs()[0].shape().without_batch();
      } else if (first.built() && first.impl().build_shapes().size() == 1) {
        shape = first.impl().build_shapes()[0].without_batch();
      }
    }
    if (shape) input_ = InputLayer<Scalar>(*shape, {.name = first.name() + "_input"});
  }

  GRAFT_COLD void make_graph() {
    const Symbol<Scalar> in = input_symbol(input_);
    std::vector<Symbol<Scalar>> x{in};
    for (const auto& layer : layers_) x = call_layer<Scalar>(layer, x);
    graph_.emplace(std::vector<Symbol<Scalar>>{in}, x);
  }

  Layer<Scalar> input_;
  std::vector<Layer<Scalar>> layers_;
  std::optional<Graph<Scalar>> graph_;
};

}  // namespace graft
