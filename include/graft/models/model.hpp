#pragma once

#include "graft/models/fit_options.hpp"
#include "graft/models/functional_impl.hpp"
#include "graft/models/load_report.hpp"
#include "graft/models/save_options.hpp"
#include "graft/models/summary.hpp"

namespace graft {

template <class Scalar>
class Sequential;
namespace detail {
template <class Scalar>
class DatasetCache;
}

/// Handle of a model: graph + what `compile` chose. A model is a layer and can be used as one. Copying the handle
/// shares the model; clone_model makes another with fresh weights.
///
/// `predict` and `evaluate` are const. Any number of threads may call `predict` on one model at the same time, as long
/// as none trains it, and no layer in it is stateful.
template <class Scalar = float>
class Model : public Layer<Scalar> {
 public:
  Model() = default;
  explicit Model(std::shared_ptr<ModelImpl<Scalar>> impl) : Layer<Scalar>(std::move(impl)) {}
  /// A functional model: the layers between inputs and outputs.
  Model(const Symbol<Scalar>& input, const Symbol<Scalar>& output, ModelOptions options = {})
      : Model(std::vector{input}, std::vector{output}, std::move(options)) {}
  Model(std::vector<Symbol<Scalar>> inputs, std::vector<Symbol<Scalar>> outputs, ModelOptions options = {})
      : Model(std::make_shared<FunctionalImpl<Scalar>>(std::move(inputs), std::move(outputs), std::move(options))) {}

  /// Makes a model from {"class_name": "Sequential" | "Functional", "config": …}, with fresh weights. Throws
  /// ConfigError.
  static Model from_config(const Config& config);

  LayerList<Scalar> layers() const { return LayerList<Scalar>(impl().layers()); }
  /// Throws ConfigError with the nearest name when there is none.
  Layer<Scalar> get_layer(const std::string& name) const;
  /// By position; negative ones count from the end.
  Layer<Scalar> get_layer(Index index) const { return layers()[index]; }

  /// Symbols at both ends of the graph.
  std::vector<Symbol<Scalar>> inputs() const { return impl().graph().inputs(); }
  std::vector<Symbol<Scalar>> outputs() const { return impl().graph().outputs(); }
  /// The first input and the first output.
  Symbol<Scalar> input() const { return inputs().front(); }
  Symbol<Scalar> output() const { return outputs().front(); }
  /// Shapes with the unknown batch: (None, 28, 28). Of the first input or output when there are several.
  Shape input_shape() const { return inputs().front().shape(); }
  Shape output_shape() const { return outputs().front().shape(); }

  /// Creates the weights for inputs of this shape, batch included: build({-1, 28, 28}).
  void build(const Shape& input_shape) const { impl().build_model({&input_shape, 1}); }

  /// Prints the table of layers; summary_text returns it. Layout of Keras 2.
  void summary(const SummaryOptions& options = {}) const { std::fputs(summary_text(options).c_str(), stdout); }
  std::string summary_text(const SummaryOptions& options = {}) const { return summarize(*this, impl(), options); }

  /// Chooses optimizer, loss and metrics, and records which variables train. Throws ConfigError.
  GRAFT_COLD void compile(CompileOptions<Scalar> options) const {
    auto compiled = std::make_shared<Compiled<Scalar>>(std::move(options), *this);
    if (const auto& before = impl().compiled()) compiled->lints().take_printed(before->lints());
    impl().set_compiled(std::move(compiled));
    lint_layers();
  }
  bool compiled() const { return impl().compiled() != nullptr; }
  /// Likely mistakes that compile and fit found: see LintOptions. Empty before compile.
  std::vector<Lint> lints() const { return compiled() ? impl().compiled()->lints().lints() : std::vector<Lint>(); }
  /// The optimizer of compile, its state included. Throws StateError before compile.
  Optimizer<Scalar> optimizer() const { return compiled_or_throw("optimizer").optimizer(); }

  /// Trains. Throws StateError before compile or when the trainable flags changed since, ShapeError and DataError for
  /// data that do not fit.
  History fit(Arrays<Scalar> x, Arrays<Scalar> y, FitOptions<Scalar> options = {}) const;
  /// Trains on the batches of a dataset: epoch e runs its pass e. batch_size and shuffle are the dataset's own affair.
  /// The result is that of the same arrays passed directly. Throws what errors in making the batches are, too.
  History fit(Dataset<Scalar> dataset, FitOptions<Scalar> options = {}) const;
  /// Loss and metrics over the data: [loss, metric …], in the order of metrics_names.
  std::vector<double> evaluate(Arrays<Scalar> x, Arrays<Scalar> y, EvaluateOptions<Scalar> options = {}) const;
  std::vector<double> evaluate(Dataset<Scalar> dataset, EvaluateOptions<Scalar> options = {}) const;
  /// As evaluate, with names.
  Logs evaluate_logs(Arrays<Scalar> x, Arrays<Scalar> y, EvaluateOptions<Scalar> options = {}) const;
  Logs evaluate_logs(Dataset<Scalar> dataset, EvaluateOptions<Scalar> options = {}) const;
  /// Outputs in inference mode. Of a model with one output; predict_all for several.
  Tensor<Scalar> predict(Arrays<Scalar> x, PredictOptions options = {}) const;
  std::vector<Tensor<Scalar>> predict_all(Arrays<Scalar> x, PredictOptions options = {}) const;
  /// Of the batches of a dataset, in its order (that of pass 0 when it is shuffled); its targets are ignored.
  Tensor<Scalar> predict(Dataset<Scalar> dataset, PredictOptions options = {}) const;
  std::vector<Tensor<Scalar>> predict_all(Dataset<Scalar> dataset, PredictOptions options = {}) const;
  /// One step on one batch; loss and metrics of the batch before the step.
  std::vector<double> train_on_batch(Arrays<Scalar> x, Arrays<Scalar> y, BatchOptions<Scalar> options = {}) const;
  std::vector<double> test_on_batch(Arrays<Scalar> x, Arrays<Scalar> y, BatchOptions<Scalar> options = {}) const;

  // Files; defined in io/keras.
  /// Writes architecture, weights and the compiled state: "x.keras" in Keras 3's format, "x.h5" in the one that
  /// tf.keras and Keras 3 read. The same model makes the same bytes. Atomic: a failure leaves an old file as it was.
  /// Throws FileError, StateError when the model is not built.
  void save(const std::string& path, const SaveOptions& options = {}) const;
  /// Writes the weights alone: "x.weights.h5" in Keras 3's format (with the optimizer's state), "x.h5" in the old one.
  void save_weights(const std::string& path, const SaveOptions& options = {}) const;
  /// Reads weights into this model. Throws FileError, with nothing changed, when they do not fit.
  LoadReport load_weights(const std::string& path, const LoadWeightsOptions& options = {}) const;

  ModelImpl<Scalar>& impl() const { return static_cast<ModelImpl<Scalar>&>(Layer<Scalar>::impl()); }

  GRAFT_COLD const Compiled<Scalar>& compiled_or_throw(const char* what) const {
    if (!compiled()) {
      throw StateError(std::string(what) + " of " + impl().where() +
                       ": the model is not compiled. Call compile({.optimizer = …, .loss = …}) first.");
    }
    return *impl().compiled();
  }

 private:
  /// The epochs over the kept features of a dataset.
  History fit_features(const detail::DatasetCache<Scalar>& cache, FlatGraph<Scalar> graph, FitRun<Scalar>& run,
                       History history) const;
  GRAFT_COLD void lint_layers() const {
    if (!this->built()) return;
    Compiled<Scalar>::name_paths(*this);
    impl().compiled()->lint_layers(impl().where(), flatten(impl().graph(), this->trainable()));
  }
};

template <class Scalar>
GRAFT_COLD Layer<Scalar> Model<Scalar>::get_layer(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& layer : impl().layers_with_input()) {
    if (layer.name() == name) return layer;
    names.push_back(layer.name());
  }
  throw ConfigError("get_layer of " + impl().where() + ": no layer has the name \"" + name + "\". " +
                    text::did_you_mean(name, names));
}

}  // namespace graft

// clang-format off: fit looks for preprocessing_mode_of
#include "graft/models/preprocessing_mode.hpp"
#include "graft/models/fit.hpp"
// clang-format on
#include "graft/models/model_from_config.hpp"
#include "graft/models/predict.hpp"
