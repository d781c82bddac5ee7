#pragma once

#include "graft/models/wrappers/wrapper_impl.hpp"
#include "graft/nn/layers/add.hpp"
#include "graft/nn/layers/average.hpp"
#include "graft/nn/layers/concatenate.hpp"
#include "graft/nn/layers/multiply.hpp"
#include "graft/nn/layers/time_views.hpp"

namespace graft {

template <class Scalar = float>
struct BidirectionalOptions {
  /// "concat", "sum", "mul", "ave", or std::nullopt (Keras's None): the two outputs stay two.
  std::optional<std::string> merge_mode = "concat";
  Layer<Scalar> backward_layer = {};  ///< none: as the forward layer, in the other direction
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class BidirectionalImpl final : public WrapperImpl<Scalar> {
 public:
  GRAFT_COLD BidirectionalImpl(const Layer<Scalar>& layer, const BidirectionalOptions<Scalar>& options)
      : WrapperImpl<Scalar>("Bidirectional", options),
        merge_mode_(options.merge_mode),
        own_backward_(static_cast<bool>(options.backward_layer)) {
    const std::string where = this->where();
    if (merge_mode_) {
      const std::vector<std::string> known = {"concat", "sum", "mul", "ave"};
      if (std::find(known.begin(), known.end(), *merge_mode_) == known.end()) {
        fail<ConfigError>(where, "merge_mode concat, sum, mul, ave or None", "\"" + *merge_mode_ + "\"",
                          text::did_you_mean(*merge_mode_, known));
      }
    }
    if (!this->input_shape()) this->set_input_shape(layer.impl().input_shape());
    const Config config = layer.config();
    require_recurrent(config, layer, where);
    const bool backwards = config.get("go_backwards", false);
    inner_name_ = without_prefix(layer.name(), "forward_");
    forward_ = twin(layer, config, "forward_" + inner_name_, backwards);
    if (!own_backward_) {
      backward_ = twin(layer, config, "backward_" + inner_name_, !backwards);
      return;
    }
    const Config other = options.backward_layer.config();
    require_recurrent(other, options.backward_layer, where);
    for (const char* key : {"return_sequences", "return_state", "stateful"}) {
      if (other.get(key, false) == config.get(key, false)) continue;
      fail<ConfigError>(where, std::string("forward and backward layer with the same ") + key, "different ones");
    }
    if (other.get("go_backwards", false) == backwards) {
      fail<ConfigError>(where, "a backward_layer with another go_backwards than the forward layer", "the same");
    }
    backward_ = twin(options.backward_layer, other,
                     "backward_" + without_prefix(options.backward_layer.name(), "backward_"), !backwards);
  }
  std::string_view class_name() const override { return "Bidirectional"; }
  std::vector<Layer<Scalar>> sublayers() const override { return {forward_, backward_}; }

  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    const std::vector<Shape> all(inputs.begin(), inputs.end());
    auto forward = forward_.impl().output_shapes(half(all, 0)), backward = backward_.impl().output_shapes(half(all, 1));
    std::vector<Shape> result = {forward[0]};
    if (!merge_mode_) {
      result.push_back(backward[0]);
    } else if (*merge_mode_ == "concat") {
      Shape& y = result[0];
      if (y.rank() == backward[0].rank()) y[-1] += backward[0][-1];
    } else if (!(forward[0] == backward[0])) {
      fail<ShapeError>(this->where(), "outputs of one shape to merge", forward[0].str() + " and " + backward[0].str());
    }
    result.insert(result.end(), forward.begin() + 1, forward.end());
    result.insert(result.end(), backward.begin() + 1, backward.end());
    return result;
  }
  Shape output_shape(std::span<const Shape> inputs) const override { return output_shapes(inputs)[0]; }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["layer"] = this->layer_config(forward_);
    config["layer"]["config"]["name"] = inner_name_;
    config["merge_mode"] = merge_mode_ ? Config(*merge_mode_) : Config();
    if (own_backward_ || forward_.trainable() != backward_.trainable()) {
      config["backward_layer"] = this->layer_config(backward_);
    }
    return config;
  }

 protected:
  GRAFT_COLD std::vector<Symbol<Scalar>> connect(const std::vector<Symbol<Scalar>>& inputs) const override {
    auto forward = call_layer(forward_, half(inputs, 0)), backward = call_layer(backward_, half(inputs, 1));
    if (forward_.config().get("return_sequences", false)) {
      backward[0] =
          this->template helper<detail::ReverseStepsImpl>("reverse", detail::InnerLayerOptions{})(backward[0]);
    }
    std::vector<Symbol<Scalar>> outputs;
    if (merge_mode_) outputs.push_back(merge_layer()({forward[0], backward[0]}));
    else outputs = {forward[0], backward[0]};
    outputs.insert(outputs.end(), forward.begin() + 1, forward.end());
    outputs.insert(outputs.end(), backward.begin() + 1, backward.end());
    return outputs;
  }
  const char* inner_key(std::size_t k) const override { return k == 0 ? "forward_layer" : "backward_layer"; }

 private:
  GRAFT_COLD static void require_recurrent(const Config& config, const Layer<Scalar>& layer, const std::string& where) {
    if (config.contains("go_backwards") && config.contains("return_sequences")) return;
    fail<ConfigError>(where, "a recurrent layer", layer.impl().where());
  }
  GRAFT_COLD static std::string without_prefix(const std::string& name, const std::string& prefix) {
    return name.compare(0, prefix.size(), prefix) == 0 ? name.substr(prefix.size()) : name;
  }
  // A new layer like another one, as in Keras: the layer that was given stays outside. Where it is masked, the output
  // of a sequence is zero, so that the two directions can be merged.
  GRAFT_COLD static Layer<Scalar> twin(const Layer<Scalar>& layer, Config config, const std::string& name,
                                       bool backwards) {
    config["name"] = name;
    config["go_backwards"] = backwards;
    config["zero_output_for_mask"] = config.get("return_sequences", false);
    config.erase("batch_input_shape");
    return detail::make_layer<Scalar>(std::string(layer.class_name()), config, 0);
  }

  // The sequence, and one half of the initial states, for one of the directions.
  template <class T>
  static std::vector<T> half(const std::vector<T>& inputs, std::size_t which) {
    std::vector<T> result = {inputs[0]};
    const std::size_t states = (inputs.size() - 1) / 2;
    // An odd one out is for the layer to complain about.
    const std::size_t last = which == 0 ? 1 + states : inputs.size();
    for (std::size_t i = 1 + which * states; i < last; ++i) result.push_back(inputs[i]);
    return result;
  }

  GRAFT_COLD Layer<Scalar> merge_layer() const {
    if (*merge_mode_ == "concat") return this->template helper<ConcatenateImpl>("merge", ConcatenateOptions{});
    if (*merge_mode_ == "sum") return this->template helper<AddImpl>("merge", MergeOptions{});
    if (*merge_mode_ == "mul") return this->template helper<MultiplyImpl>("merge", MergeOptions{});
    return this->template helper<AverageImpl>("merge", MergeOptions{});
  }

  std::optional<std::string> merge_mode_;
  bool own_backward_;
  std::string inner_name_;
  Layer<Scalar> forward_, backward_;
};

/// Runs a recurrent layer and its mirror image over a sequence and merges what they say: outputs of step t come from
/// the steps before and after it. Input: a sequence, or one and the initial states of the forward layer, then those of
/// the backward layer. With return_state the states come behind the output in the same order. The layer is copied from
/// its configuration, as in Keras: the copies are called forward_<name> and backward_<name>. Throws ConfigError for a
/// layer that is not recurrent and for two that do not fit together.
template <class Scalar = float>
class Bidirectional : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Bidirectional(const Layer<Scalar>& layer, const BidirectionalOptions<Scalar>& options = {})
      : Layer<Scalar>(std::make_shared<BidirectionalImpl<Scalar>>(layer, options)) {}

  Layer<Scalar> forward_layer() const { return this->impl().sublayers()[0]; }
  Layer<Scalar> backward_layer() const { return this->impl().sublayers()[1]; }

  GRAFT_COLD static Bidirectional from_config(const Config& config) {
    BidirectionalOptions<Scalar> options;
    if (const Config* mode = config.find("merge_mode")) {
      options.merge_mode = mode->is_null() ? std::nullopt : std::optional(mode->as_string("merge_mode"));
    }
    if (const Config* other = config.find_set("backward_layer")) {
      options.backward_layer = detail::make_inner_layer<Scalar>(*other);
    }
    detail::read_base(config, options);
    return Bidirectional(detail::make_inner_layer<Scalar>(config.at("layer")), options);
  }
};

}  // namespace graft
