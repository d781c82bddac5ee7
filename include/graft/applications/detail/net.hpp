#pragma once

#include <optional>

#include "graft/applications/detail/application.hpp"
#include "graft/graph/input.hpp"
#include "graft/models/model.hpp"
#include "graft/nn/layers.hpp"

// What the applications share in building their graphs.
namespace graft::applications::detail {

template <class Scalar>
Symbol<Scalar> activation(const Symbol<Scalar>& x, const ActivationFunction& function, const std::string& name = {}) {
  return Activation<Scalar>(function, {.name = name})(x);
}
template <class Scalar>
GRAFT_COLD Symbol<Scalar> relu(const Symbol<Scalar>& x, const std::string& name = {}) {
  return activation(x, "relu", name);
}
/// ReLU(6).
template <class Scalar>
GRAFT_COLD Symbol<Scalar> relu6(const Symbol<Scalar>& x, const std::string& name = {}) {
  return ReLU<Scalar>({.max_value = 6.0, .name = name})(x);
}

/// The zeros that a "valid" convolution of stride 2 needs to give what "same" gives in other libraries.
template <class Scalar>
GRAFT_COLD Borders correct_pad(const Symbol<Scalar>& x, Index kernel) {
  const Index half = kernel / 2;
  const auto before = [&](int axis) {
    const Index size = x.shape()[axis];
    return half - (x.shape()[1] == Shape::kUnknown ? 1 : 1 - size % 2);
  };
  return Borders{{before(1), half}, {before(2), half}};
}

/// One application while it is built: checks the arguments, makes the input, the top and the model, reads the weights.
template <class Scalar>
class Net {
 public:
  using Value = Symbol<Scalar>;

  /// Throws ConfigError.
  GRAFT_COLD Net(Application application, ApplicationOptions options)
      : application_(std::move(application)), options_(std::move(options)) {
    check_options(application_, options_);
    const Shape shape = obtain_input_shape(application_, options_);
    refuse_download(application_, options_);
    // Random numbers for what is read right after would take longer than reading it.
    if (!options_.weights.empty()) without_values_.emplace();
    input_ = Input<Scalar>(shape);
  }

  const Value& input() const { return input_; }
  const ApplicationOptions& options() const { return options_; }
  Index channels() const { return input_.shape()[-1]; }

  /// The layer "predictions".
  GRAFT_COLD Value predictions(const Value& x, const Initializer& kernel_initializer = "glorot_uniform") const {
    return Dense<Scalar>(options_.classes, {.activation = options_.classifier_activation,
                                            .kernel_initializer = kernel_initializer,
                                            .name = "predictions"})(x);
  }
  /// What stands instead of the top: `pooling`. The layers have names, "avg_pool" and "max_pool", or automatic ones.
  GRAFT_COLD Value pooled(const Value& x, bool named) const {
    if (options_.pooling == "avg") return GlobalAveragePooling2D<Scalar>({.name = named ? "avg_pool" : ""})(x);
    if (options_.pooling == "max") return GlobalMaxPooling2D<Scalar>({.name = named ? "max_pool" : ""})(x);
    return x;
  }
  /// The end that most have: average pooling and predictions, or what stands instead.
  GRAFT_COLD Value end(const Value& x, const char* top_pool, bool named) const {
    if (!options_.include_top) return pooled(x, named);
    return predictions(GlobalAveragePooling2D<Scalar>({.name = top_pool})(x));
  }

  /// The model, with the weights of the file. Throws FileError when they do not fit.
  GRAFT_COLD Model<Scalar> model(const Value& output) {
    Model<Scalar> model(input_, output, {.name = options_.name.empty() ? application_.name : options_.name});
    if (!options_.weights.empty()) load(model);
    without_values_.reset();
    return model;
  }

 private:
  GRAFT_COLD void load(const Model<Scalar>& model) const {
    const std::string& url = application_.official_file(options_.include_top);
    const std::string hint = "Keras's own file for " + application_.title +
                             (options_.include_top ? "" : " without a top") + " is " + url.substr(url.rfind('/') + 1) +
                             ".";
    LoadReport report;
    try {
      report = model.load_weights(options_.weights);
    } catch (const FileError& error) {
      throw FileError(application_.where() + ": " + error.what() + " " + hint);
    }
    if (report.missing.empty()) return;
    fail<FileError>(application_.where() + ": \"" + options_.weights + "\"", "weights of all layers",
                    "none for " + report.missing.front(), hint);
  }

  Application application_;
  ApplicationOptions options_;
  std::optional<UninitializedVariables> without_values_;
  Value input_;
};

}  // namespace graft::applications::detail
