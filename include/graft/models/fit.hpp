#pragma once

#include <cmath>
#include <list>

#include "graft/models/fit_run.hpp"
#include "graft/models/model.hpp"
#include "graft/models/run_batches.hpp"
#include "graft/models/trainer.hpp"

namespace graft {

namespace detail {

/// Everything of one call of fit or evaluate that owns memory: the arrays as views, and the combined sample weights.
template <class Scalar>
struct CheckedData {
  PassData<Scalar> pass;
  Tensor<Scalar> weights;  // of classes and samples, multiplied
};

/// Weight of a class by label: the index of a sparse or binary label, the argmax of a one-hot one.
template <class Scalar>
GRAFT_COLD void multiply_class_weights(const std::map<Index, double>& class_weight, const TensorView<const Scalar>& y,
                                       Tensor<Scalar>& weights) {
  for (const auto& entry : class_weight) {
    if (!(entry.second >= 0)) {
      fail<ConfigError>("class_weight", "weights of at least 0", std::to_string(entry.second));
    }
  }
  const Index samples = y.dim(0), columns = y.size() / samples;
  for (Index i = 0; i < samples; ++i) {
    Index label = 0;
    if (columns == 1) {
      label = static_cast<Index>(y[i]);
    } else {
      for (Index c = 1; c < columns; ++c) {
        if (y[i * columns + c] > y[i * columns + label]) label = c;
      }
    }
    const auto found = class_weight.find(label);
    if (found != class_weight.end()) weights[i] *= static_cast<Scalar>(found->second);
  }
}

template <class Scalar>
GRAFT_COLD CheckedData<Scalar> check_data(const char* what, const ModelImpl<Scalar>& model,
                                          const Compiled<Scalar>& compiled, const Arrays<Scalar>& x,
                                          const Arrays<Scalar>& y, const ArrayLike<Scalar>& sample_weight,
                                          const std::map<Index, double>& class_weight = {}) {
  CheckedData<Scalar> data;
  data.pass.x = checked_inputs(what, model, x);
  const Index samples = data.pass.samples();
  const std::string where = std::string(what) + " of " + model.where();
  const auto& outputs = model.graph().outputs();
  if (y.size() != outputs.size()) {
    fail<ShapeError>(where, "targets for " + std::to_string(outputs.size()) + " outputs", std::to_string(y.size()));
  }
  if (compiled.losses().size() != outputs.size()) {
    fail<ConfigError>("compile of " + model.where(),
                      "one loss for each of " + std::to_string(outputs.size()) + " outputs",
                      std::to_string(compiled.losses().size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorView<const Scalar> view = y[i].view();
    if (view.rank() == 0 || view.dim(0) != samples) {
      fail<ShapeError>(where, "as many targets as samples: " + std::to_string(samples), view.shape().str());
    }
    compiled.losses()[i].check_labels(view, outputs[i].shape().replace_batch(samples));
    data.pass.y.push_back(view);
  }
  if (sample_weight && (sample_weight.shape().rank() != 1 || sample_weight.samples() != samples)) {
    fail<ShapeError>(where + ", sample_weight", "shape " + Shape{samples}.str(), sample_weight.shape().str());
  }
  data.pass.sample_weight = sample_weight.view();
  if (!class_weight.empty()) {
    if (outputs.size() != 1) throw ConfigError(where + ": class_weight is for models with one output only.");
    data.weights = sample_weight ? Tensor<Scalar>(sample_weight.view()) : Tensor<Scalar>(Shape{samples}, Scalar(1));
    multiply_class_weights(class_weight, data.pass.y[0], data.weights);
    data.pass.sample_weight = std::as_const(data.weights).view();
  }
  for (const Scalar weight : data.pass.sample_weight.span()) {
    if (!std::isfinite(weight)) fail<DataError>(where + ", sample_weight", "finite numbers", std::to_string(weight));
  }
  return data;
}

/// Cuts the last fraction off, as Keras does before any shuffling.
template <class Scalar>
GRAFT_COLD PassData<Scalar> split_validation(PassData<Scalar>& data, double fraction) {
  if (!(fraction > 0 && fraction < 1)) {
    fail<ConfigError>("validation_split", "a number between 0 and 1", std::to_string(fraction));
  }
  const Index samples = data.samples();
  const auto cut = static_cast<Index>(std::floor(static_cast<double>(samples) * (1 - fraction)));
  if (cut == 0 || cut == samples) {
    fail<ConfigError>("validation_split", "samples on both sides of the cut",
                      std::to_string(fraction) + " of " + std::to_string(samples) + " samples");
  }
  PassData<Scalar> validation;
  for (auto& x : data.x) {
    validation.x.push_back(x.rows(cut, samples));
    x = x.rows(0, cut);
  }
  for (auto& y : data.y) {
    validation.y.push_back(y.rows(cut, samples));
    y = y.rows(0, cut);
  }
  if (data.sample_weight) {
    validation.sample_weight = data.sample_weight.rows(cut, samples);
    data.sample_weight = data.sample_weight.rows(0, cut);
  }
  return validation;
}

/// The frozen prefix of a graph, run once: its outputs stand in for the inputs from then on.
template <class Scalar>
class PrefixCache {
 public:
  /// Splits the graph if that pays and the features of `samples` samples fit the budget; `history` says what was done.
  GRAFT_COLD PrefixCache(FlatGraph<Scalar>& graph, const PassData<Scalar>& data, Index samples, Index batch_size,
                         Index budget, History& history)
      : batch_size_(batch_size) {
    SplitGraph<Scalar> split = split_frozen_prefix(graph);
    if (split.rest.nodes.empty()) {
      history.uncached_reason = "no layer trains";
      return;
    }
    std::vector<Shape> shapes;
    for (const auto& x : data.x) shapes.push_back(x.shape().replace_batch(1));
    const Plan<Scalar> plan(split.prefix, shapes, {});
    Index computing = 0;
    for (const auto& node : plan.nodes()) computing += !node.needs.is_view;
    if (computing == 0) {
      history.uncached_reason = "the first layer " + split.rest.nodes.front().layer->where() +
                                (split.rest.nodes.front().layer->is_random() ? " draws random numbers" : " trains");
      return;
    }
    double bytes = 0;
    for (const std::size_t output : plan.outputs()) {
      bytes += static_cast<double>(plan.values()[output].shape.elements()) * sizeof(Scalar);
    }
    bytes *= static_cast<double>(samples);
    if (bytes > static_cast<double>(budget)) {
      history.uncached_reason = "features of " + text::with_commas(static_cast<Index>(bytes)) +
                                " bytes exceed the budget of " + text::with_commas(budget);
      return;
    }
    history.cached_layers = computing;
    history.cached_bytes = static_cast<Index>(bytes);
    prefix_ = std::move(split.prefix);
    graph = std::move(split.rest);
    active_ = true;
  }

  /// Replaces the inputs by the features. The tensors are kept here.
  GRAFT_COLD void apply(PassData<Scalar>& data) {
    if (!active_ || data.samples() == 0) return;
    auto features = run_batches<Scalar>(
        data.x, batch_size_,
        [this](const std::vector<Shape>& shapes) {
          return std::make_unique<Executor<Scalar>>(Plan<Scalar>(prefix_, shapes, {}));
        },
        [](std::vector<Shape>, std::unique_ptr<Executor<Scalar>>) {});
    data.x.clear();
    for (auto& feature : features) {
      features_.push_back(std::move(feature));
      data.x.push_back(std::as_const(features_.back()).view());
    }
  }

 private:
  FlatGraph<Scalar> prefix_;
  std::list<Tensor<Scalar>> features_;
  Index batch_size_;
  bool active_ = false;
};

template <class Scalar>
std::vector<double> values_of(const Logs& logs) {
  std::vector<double> values;
  for (const auto& entry : logs) values.push_back(entry.second);
  return values;
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD History Model<Scalar>::fit(Arrays<Scalar> x, Arrays<Scalar> y, FitOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("fit");
  // A callback may compile again; what this training uses must stay.
  const std::shared_ptr<Compiled<Scalar>> keep = impl().compiled();
  if (options.batch_size < 1) fail<ConfigError>("fit batch_size", "at least 1", std::to_string(options.batch_size));
  if (options.epochs < 0) fail<ConfigError>("fit epochs", "at least 0", std::to_string(options.epochs));
  if (options.validation_freq < 1) {
    fail<ConfigError>("fit validation_freq", "at least 1", std::to_string(options.validation_freq));
  }
  detail::build_from_data(impl(), x);
  compiled.check_trainable(*this);

  auto data = detail::check_data("fit", impl(), compiled, x, y, options.sample_weight, options.class_weight);
  std::optional<detail::CheckedData<Scalar>> given_validation;
  PassData<Scalar> validation;
  if (options.validation_data) {
    const auto& v = *options.validation_data;
    given_validation = detail::check_data("fit validation_data", impl(), compiled, v.x, v.y, v.sample_weight);
    validation = given_validation->pass;
  } else if (options.validation_split != 0) {
    validation = detail::split_validation(data.pass, options.validation_split);
  }

  Model self = *this;
  FitRun<Scalar> run(self, options);
  FlatGraph<Scalar> graph = flatten(impl().graph(), this->trainable());
  compiled.apply_recorded(graph);
  History history;
  std::optional<detail::PrefixCache<Scalar>> cache;
  if (options.cache_frozen_prefix && options.epochs > options.initial_epoch) {
    cache.emplace(graph, data.pass, data.pass.samples() + validation.samples(), options.batch_size,
                  options.cache_budget, history);
    cache->apply(data.pass);
    cache->apply(validation);
  }
  Trainer<Scalar> trainer(std::move(graph), compiled, impl().output_names());

  const Index samples = data.pass.samples();
  const Index steps = (samples + options.batch_size - 1) / options.batch_size;
  const Index validation_batch = options.validation_batch_size > 0 ? options.validation_batch_size : options.batch_size;
  SampleOrder order(samples);
  run.run(
      trainer, samples, steps, history,
      [&](RandomKey epoch_key, const FitPosition& position, const auto& before_batch, const auto& on_batch) {
        if (options.shuffle) order.shuffle(epoch_key);
        trainer.train_epoch(data.pass, order, options.batch_size, epoch_key, before_batch, on_batch, position);
      },
      [&](Index epoch, Logs& logs) {
        if (validation.samples() == 0 || (epoch + 1) % options.validation_freq != 0) return;
        trainer.evaluate(validation, validation_batch, logs, "val_");
      });
  return history;
}

template <class Scalar>
GRAFT_COLD Logs Model<Scalar>::evaluate_logs(Arrays<Scalar> x, Arrays<Scalar> y,
                                             EvaluateOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("evaluate");
  if (options.batch_size < 1)
    fail<ConfigError>("evaluate batch_size", "at least 1", std::to_string(options.batch_size));
  detail::build_from_data(impl(), x);
  const auto data = detail::check_data("evaluate", impl(), compiled, x, y, options.sample_weight);
  Trainer<Scalar> trainer(flatten(impl().graph(), this->trainable()), compiled, impl().output_names());
  ProgressLine progress(options.verbose, (data.pass.samples() + options.batch_size - 1) / options.batch_size);
  Logs logs;
  trainer.evaluate(data.pass, options.batch_size, logs);
  progress.end_epoch(logs);
  return logs;
}

template <class Scalar>
GRAFT_COLD std::vector<double> Model<Scalar>::evaluate(Arrays<Scalar> x, Arrays<Scalar> y,
                                                       EvaluateOptions<Scalar> options) const {
  return detail::values_of<Scalar>(evaluate_logs(std::move(x), std::move(y), std::move(options)));
}

template <class Scalar>
GRAFT_COLD std::vector<double> Model<Scalar>::test_on_batch(Arrays<Scalar> x, Arrays<Scalar> y,
                                                            BatchOptions<Scalar> options) const {
  const Index batch = std::max<Index>(x.samples(), 1);
  return evaluate(std::move(x), std::move(y), {.batch_size = batch, .sample_weight = options.sample_weight});
}

template <class Scalar>
std::vector<double> Model<Scalar>::train_on_batch(Arrays<Scalar> x, Arrays<Scalar> y,
                                                  BatchOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("train_on_batch");
  detail::build_from_data(impl(), x);
  compiled.check_trainable(*this);
  const auto data =
      detail::check_data("train_on_batch", impl(), compiled, x, y, options.sample_weight, options.class_weight);
  auto& trainer = impl().batch_trainer();
  if (!trainer) {
    FlatGraph<Scalar> graph = flatten(impl().graph(), this->trainable());
    compiled.apply_recorded(graph);
    trainer = std::make_shared<Trainer<Scalar>>(std::move(graph), compiled, impl().output_names());
  }
  const SampleOrder order(data.pass.samples());
  trainer->train_epoch(
      data.pass, order, data.pass.samples(), next_random_key(), [](Index) {}, [](Index, double) { return true; });
  Logs logs;
  trainer->write_logs(logs);
  return detail::values_of<Scalar>(logs);
}

}  // namespace graft
