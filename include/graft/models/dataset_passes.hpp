#pragma once

#include <cstdio>

#include "graft/models/check_data.hpp"

namespace graft::detail {

/// Batches of a dataset as a model takes them: as views, checked. Shapes are looked at when they are new, labels and
/// weights always.
template <class Scalar>
class BatchAdapter {
 public:
  /// Without `compiled` (predict) only the inputs count.
  BatchAdapter(const char* what, const ModelImpl<Scalar>& model, const Compiled<Scalar>* compiled,
               std::map<Index, double> class_weight)
      : what_(what), model_(model), compiled_(compiled), class_weight_(std::move(class_weight)) {}

  /// The views hold until the next call and as long as `batch` stays as it is. Throws ShapeError and DataError.
  const PassData<Scalar>& operator()(const Batch<Scalar>& batch) {
    if (!same_shapes(batch)) {
      check(batch);
    } else {
      for (std::size_t i = 0; i < batch.x.size(); ++i) {
        pass_.x[i] = {batch.x[i].data(), pass_.x[i].shape().replace_batch(batch.x[i].dim(0))};
      }
      if (compiled_) look_at_targets(batch);
    }
    return pass_;
  }

  GRAFT_COLD static Arrays<Scalar> arrays(const std::vector<Tensor<Scalar>>& tensors) {
    std::vector<ArrayLike<Scalar>> result;
    for (const auto& tensor : tensors) result.emplace_back(tensor);
    return Arrays<Scalar>(std::move(result));
  }

 private:
  bool same_shapes(const Batch<Scalar>& batch) const {
    if (shapes_.empty() || batch.sample_weight.allocated() != weighted_) return false;
    const std::size_t targets = compiled_ ? batch.y.size() : 0;
    if (batch.x.size() + targets != shapes_.size()) return false;
    const Index samples = batch.x[0].rank() > 0 ? batch.x[0].dim(0) : 0;
    const auto same = [&](const Tensor<Scalar>& tensor, const Shape& shape) {
      return tensor.rank() == shape.rank() + 1 && tensor.dim(0) == samples && tensor.shape().without_batch() == shape;
    };
    for (std::size_t i = 0; i < batch.x.size(); ++i) {
      if (!same(batch.x[i], shapes_[i])) return false;
    }
    for (std::size_t i = 0; i < targets; ++i) {
      if (!same(batch.y[i], shapes_[batch.x.size() + i])) return false;
    }
    return samples > 0 && (!weighted_ || batch.sample_weight.dim(0) == samples);
  }

  GRAFT_COLD void check(const Batch<Scalar>& batch) {
    shapes_.clear();
    const Arrays<Scalar> x = arrays(batch.x);
    if (compiled_) {
      if (batch.y.empty()) {
        throw ConfigError(std::string(what_) + " of " + model_.where() +
                          ": the dataset has no targets (y), and training and evaluation need them.");
      }
      const ArrayLike<Scalar> weight =
          batch.sample_weight.allocated() ? ArrayLike<Scalar>(batch.sample_weight) : ArrayLike<Scalar>();
      auto checked = check_data(what_, model_, *compiled_, x, arrays(batch.y), weight, class_weight_);
      weights_ = std::move(checked.weights);
      pass_ = std::move(checked.pass);
    } else {
      pass_ = {};
      pass_.x = checked_inputs(what_, model_, x);
    }
    weighted_ = batch.sample_weight.allocated();
    for (const auto& tensor : batch.x) shapes_.push_back(tensor.shape().without_batch());
    if (!compiled_) return;
    for (const auto& tensor : batch.y) shapes_.push_back(tensor.shape().without_batch());
  }

  void look_at_targets(const Batch<Scalar>& batch) {
    const auto& outputs = model_.graph().outputs();
    for (std::size_t i = 0; i < batch.y.size(); ++i) {
      pass_.y[i] = batch.y[i].view();
      compiled_->losses()[i].check_labels(pass_.y[i], outputs[i].shape().replace_batch(batch.y[i].dim(0)));
    }
    pass_.sample_weight = weighted_ ? batch.sample_weight.view() : TensorView<const Scalar>{};
    if (!class_weight_.empty()) {
      const Index samples = batch.y[0].dim(0);
      ensure_shape(weights_, Shape{samples});
      for (Index i = 0; i < samples; ++i) weights_[i] = weighted_ ? batch.sample_weight[i] : Scalar(1);
      multiply_class_weights(class_weight_, pass_.y[0], weights_);
      pass_.sample_weight = std::as_const(weights_).view();
    }
    for (const Scalar weight : pass_.sample_weight.span()) {
      if (!std::isfinite(weight)) {
        fail<DataError>(std::string(what_) + " of " + model_.where() + ", sample_weight", "finite numbers",
                        std::to_string(weight));
      }
    }
  }

  const char* what_;
  const ModelImpl<Scalar>& model_;
  const Compiled<Scalar>* compiled_;
  std::map<Index, double> class_weight_;
  std::vector<Shape> shapes_;  // of one sample, of x and then of y, when they are checked
  bool weighted_ = false;
  PassData<Scalar> pass_;
  Tensor<Scalar> weights_;
};

/// The passes of fit, evaluate or predict over a dataset of batches.
template <class Scalar>
class DatasetPasses {
 public:
  /// Builds the model, when it is not, for the shapes of the first batch. Throws StateError for a dataset that is not
  /// batched, ConfigError for one without an end when `steps` is 0.
  GRAFT_COLD DatasetPasses(const char* what, const ModelImpl<Scalar>& model, const Compiled<Scalar>* compiled,
                           Dataset<Scalar> dataset, Index steps, std::map<Index, double> class_weight = {})
      : what_(what),
        where_(std::string(what) + " of " + model.where()),
        dataset_(std::move(dataset)),
        steps_(steps),
        adapter_(what, model, compiled, std::move(class_weight)) {
    if (!dataset_.batched())
      throw StateError(where_ + ": the dataset gives single samples. Call batch(32), for example.");
    in_pass_ = dataset_.cardinality();
    if (in_pass_ == kInfiniteCardinality && steps == 0) {
      throw ConfigError(where_ +
                        ": the dataset has no end (repeat). Say how many batches: steps_per_epoch, "
                        "validation_steps or steps.");
    }
    if (in_pass_ == 0) fail<ShapeError>(where_, "at least one sample", "an empty dataset");
    if (!model.built()) build_from_data(model, BatchAdapter<Scalar>::arrays(dataset_.first().x));
  }

  /// Batches of an epoch.
  Index steps() const { return steps_ > 0 ? steps_ : in_pass_; }

  /// As if `epochs` epochs had been trained.
  GRAFT_COLD void start_at(Index epochs) {
    if (steps_ == 0 || epochs == 0) return;
    if (in_pass_ == kInfiniteCardinality) {
      taken_ = steps_ * epochs;
    } else {
      const Index each = (in_pass_ + steps_ - 1) / steps_;  // epochs that a pass lasts
      pass_ = epochs / each;
      taken_ = epochs % each * steps_;
    }
  }

  template <class BeforeBatch, class OnBatch>
  void train(Trainer<Scalar>& trainer, Index epoch, RandomKey key, const BeforeBatch& before_batch,
             const OnBatch& on_batch) {
    // Without steps_per_epoch every epoch is a pass of its own; with it a pass goes on where the last epoch stopped.
    if (steps_ == 0) {
      pass_ = epoch;
      taken_ = 0;
      cursor_.reset();
    }
    bool first = true;
    for (Index step = 0; steps_ == 0 || step < steps_; ++step) {
      if (!cursor_) {
        cursor_ = dataset_.open(static_cast<std::uint64_t>(pass_));
        cursor_->skip(taken_);
      }
      if (!cursor_->next(batch_)) {
        if (steps_ > 0 && step > 0) warn_short();
        break;
      }
      ++taken_;
      const PassData<Scalar>& data = adapter_(batch_);
      if (first) trainer.begin_pass(data);
      first = false;
      before_batch(step);
      if (!on_batch(step, trainer.train_on(data, {key, batch_.ids.data()}))) break;
    }
    if (taken_ == in_pass_) {
      cursor_.reset();
      ++pass_;
      taken_ = 0;
    }
  }

  GRAFT_COLD void evaluate(Trainer<Scalar>& trainer, Index steps, Logs& logs, const std::string& prefix) {
    const auto cursor = dataset_.open(0);
    for (Index step = 0; (steps == 0 || step < steps) && cursor->next(batch_); ++step) {
      const PassData<Scalar>& data = adapter_(batch_);
      if (step == 0) trainer.begin_pass(data);
      trainer.test_on(data);
    }
    trainer.write_logs(logs, prefix);
  }

  /// Calls fn(inputs) for every batch.
  template <class Fn>
  void for_each(Index steps, Fn&& fn) {
    const auto cursor = dataset_.open(0);
    for (Index step = 0; (steps == 0 || step < steps) && cursor->next(batch_); ++step) fn(adapter_(batch_).x);
  }

 private:
  GRAFT_COLD void warn_short() {
    if (!warned_) {
      std::fprintf(stderr, "graft: %s: the dataset ended before steps_per_epoch batches. Use repeat().\n",
                   where_.c_str());
    }
    warned_ = true;
  }

  const char* what_;
  std::string where_;
  Dataset<Scalar> dataset_;
  Index steps_, in_pass_ = 0;
  BatchAdapter<Scalar> adapter_;
  std::unique_ptr<DatasetCursor<Scalar>> cursor_;
  Batch<Scalar> batch_;
  Index pass_ = 0, taken_ = 0;
  bool warned_ = false;
};

}  // namespace graft::detail
