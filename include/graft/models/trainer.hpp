#pragma once

#include <cmath>

#include "graft/data/batches.hpp"
#include "graft/graph/executor.hpp"
#include "graft/models/fit_options.hpp"
#include "graft/models/fit_position.hpp"
#include "graft/models/pass_metrics.hpp"

namespace graft {

/// The arrays of one pass over data, checked and ready to be cut into batches.
template <class Scalar>
struct PassData {
  std::vector<TensorView<const Scalar>> x, y;
  TensorView<const Scalar> sample_weight = {};  ///< empty: all 1

  Index samples() const { return x.empty() ? 0 : x.front().dim(0); }
};

/// How a Trainer computes the steps that it trains on.
struct TrainerOptions {
  bool training = true;          ///< the mode: random layers and batch statistics are active
  bool input_gradients = false;  ///< gradients of the inputs are wanted too
};

/// Runs a compiled graph over batches: executors for the two batch sizes of an epoch (the last batch may be short),
/// buffers for losses and gradients, made on first use. A steady-state step allocates nothing.
template <class Scalar>
class Trainer {
  using View = TensorView<Scalar>;
  using ConstView = TensorView<const Scalar>;

 public:
  GRAFT_COLD Trainer(FlatGraph<Scalar> graph, const Compiled<Scalar>& compiled, std::vector<std::string> output_names,
                     const TrainerOptions& options = {})
      : graph_(std::move(graph)), compiled_(compiled), output_names_(std::move(output_names)), options_(options) {
    if (compiled_.losses().size() != graph_.outputs.size()) {
      fail<ConfigError>("compile loss", "one loss for each of " + std::to_string(graph_.outputs.size()) + " outputs",
                        std::to_string(compiled_.losses().size()));
    }
    loss_weights_ = compiled_.options().loss_weights;
    if (loss_weights_.empty()) loss_weights_.assign(graph_.outputs.size(), 1.0);
    if (loss_weights_.size() != graph_.outputs.size()) {
      fail<ConfigError>("compile loss_weights", std::to_string(graph_.outputs.size()) + " numbers, one an output",
                        std::to_string(loss_weights_.size()));
    }
  }

  /// One pass with updates, from step position.step on. What is random about a sample depends on `random`, a key of the
  /// run and the epoch, and on the sample's number in the arrays. before_batch(batch) is called before every step;
  /// on_batch(batch, loss) after it, and says whether to go on.
  template <class BeforeBatch, class OnBatch>
  void train_epoch(const PassData<Scalar>& data, const SampleOrder& order, Index batch_size, RandomKey random,
                   BeforeBatch&& before_batch, OnBatch&& on_batch, const FitPosition& position = {}) {
    // The buffers of shuffled batches last for all epochs.
    if (!train_batches_ || !train_batches_->reads(data, batch_size)) train_batches_.emplace(data, batch_size);
    Batches& batches = *train_batches_;
    PassMetrics<Scalar>& totals = metrics(data, batch_size);
    totals.reset();
    if (position.step > 0) totals.set_gathered(position.gathered);
    const Index steps = (data.samples() + batch_size - 1) / batch_size, rest = data.samples() % batch_size;
    // A layer that cannot learn from the batch that remains says so before the first step.
    if (rest > 0) (void)open(train_sessions_, data, rest, true);
    for (Index step = position.step; step < steps; ++step) {
      const Index first = step * batch_size, last = std::min(first + batch_size, data.samples());
      Session& session = open(train_sessions_, data, last - first, true);
      before_batch(step);
      batches.read(order, first, last);
      const double loss = train_step(session, batches, {random, order.numbers(first)});
      if (!on_batch(step, loss)) return;
    }
  }

  /// One pass without updates. Fills the logs with loss and metrics.
  void evaluate(const PassData<Scalar>& data, Index batch_size, Logs& logs, const std::string& prefix = {}) {
    Batches batches(data, batch_size);
    const SampleOrder order(data.samples());
    auto& totals = metrics(data, batch_size);
    totals.reset();
    for (Index first = 0; first < data.samples(); first += batch_size) {
      const Index last = std::min(first + batch_size, data.samples());
      Session& session = open(test_sessions_, data, last - first, false);
      batches.read(order, first, last);
      test_step(session, batches);
    }
    totals.write(logs, prefix);
  }

  /// The same batch by batch, for who has the batches: a pass begins with the first of them.
  GRAFT_COLD void begin_pass(const PassData<Scalar>& first, const FitPosition& position = {}) {
    PassMetrics<Scalar>& totals = metrics(first, first.samples());
    totals.reset();
    if (position.step > 0) totals.set_gathered(position.gathered);
  }
  /// One step; returns the loss. What is random about a sample depends on `random` alone.
  double train_on(const PassData<Scalar>& batch, const RandomStreams& random) {
    return train_step(open(train_sessions_, batch, batch.samples(), true), whole(batch), random);
  }
  void test_on(const PassData<Scalar>& batch) {
    test_step(open(test_sessions_, batch, batch.samples(), false), whole(batch));
  }
  /// The loss of a batch and its gradients, with no step taken: they are there until the next call of anything. With
  /// `move_state` layers move their own state as in a step, unless the loss is no number.
  struct Differentiated {
    double loss = 0;
    std::span<const Gradient<Scalar>> gradients;
    const std::vector<Tensor<Scalar>>& sample_losses;  ///< of each output, before weights and reduction
    const Executor<Scalar>& executor;
  };
  Differentiated differentiate(const PassData<Scalar>& batch, const RandomStreams& random, bool move_state) {
    Session& session = open(train_sessions_, batch, batch.samples(), true);
    (void)metrics(batch, batch.samples());
    const double loss = differentiate(session, whole(batch), random);
    if (move_state && !std::isnan(loss)) session.executor.update_state();
    return {loss, session.gradients, session.losses, session.executor};
  }

  /// After the last epoch: the optimizer may put averages in place of the weights (use_ema).
  GRAFT_COLD void finish() {
    if (!train_sessions_.empty()) {
      compiled_.optimizer().finalize_variable_values(train_sessions_.front()->executor.plan().variables());
    }
  }

  /// What was gathered in the pass so far (PassMetrics).
  GRAFT_COLD std::vector<std::vector<double>> gathered() const { return metrics_->gathered(); }
  /// Keras's class of the metric with this key in the logs; empty when there is none.
  GRAFT_COLD std::string metric_class(const std::string& name) const {
    return metrics_ ? metrics_->class_of(name) : std::string();
  }
  /// The numbers of the pass so far.
  GRAFT_COLD void write_logs(Logs& logs, const std::string& prefix = {}) const {
    if (metrics_) metrics_->write(logs, prefix);
  }

 private:
  // A plan with its memory, and the buffers of the losses.
  struct Session {
    Session(Plan<Scalar> plan, Index batch_) : executor(std::move(plan)), batch(batch_) {}

    bool fits(const PassData<Scalar>& data, Index size) const {
      if (batch != size) return false;
      for (std::size_t i = 0; i < data.x.size(); ++i) {
        if (!(data.x[i].shape().without_batch() == x_shapes[i])) return false;
      }
      for (std::size_t i = 0; i < data.y.size(); ++i) {
        if (!(data.y[i].shape().without_batch() == y_shapes[i])) return false;
      }
      return true;
    }

    Executor<Scalar> executor;
    Index batch;
    std::vector<Shape> x_shapes, y_shapes;  // of one sample
    std::vector<Tensor<Scalar>> losses, scales, masked_weights;
    std::vector<Gradient<Scalar>> gradients;
    std::vector<VariablePtr<Scalar>> regularized;
  };

  // What one step reads.
  struct Step {
    std::vector<const Scalar*> inputs;
    std::vector<ConstView> targets;
    ConstView weights;
  };

  // The batch at hand, cut out of the arrays.
  struct Batches : Step {
    using Step::inputs;
    using Step::targets;
    using Step::weights;

    Batches(const PassData<Scalar>& data, Index batch_size) : batch_size_(batch_size) {
      for (const auto& x : data.x) x_readers.emplace_back(x, batch_size);
      for (const auto& y : data.y) y_readers.emplace_back(y, batch_size);
      if (data.sample_weight) weight_reader.emplace_back(data.sample_weight, batch_size);
      inputs.resize(x_readers.size());
      targets.resize(y_readers.size());
    }
    bool reads(const PassData<Scalar>& data, Index size) const {
      bool same = size == batch_size_ && data.x.size() == x_readers.size() && data.y.size() == y_readers.size() &&
                  static_cast<bool>(data.sample_weight) == !weight_reader.empty();
      for (std::size_t i = 0; same && i < data.x.size(); ++i) same = x_readers[i].reads(data.x[i]);
      for (std::size_t i = 0; same && i < data.y.size(); ++i) same = y_readers[i].reads(data.y[i]);
      return same && (weight_reader.empty() || weight_reader[0].reads(data.sample_weight));
    }
    void read(const SampleOrder& order, Index first, Index last) {
      for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = x_readers[i].read(order, first, last);
      for (std::size_t i = 0; i < targets.size(); ++i) {
        targets[i] = {y_readers[i].read(order, first, last), y_readers[i].shape(last - first)};
      }
      if (!weight_reader.empty()) weights = {weight_reader[0].read(order, first, last), Shape{last - first}};
    }
    std::vector<BatchReader<Scalar>> x_readers, y_readers, weight_reader;
    Index batch_size_;
  };

  // A batch that is one already.
  const Step& whole(const PassData<Scalar>& batch) {
    whole_.inputs.clear();
    for (const ConstView& x : batch.x) whole_.inputs.push_back(x.data());
    whole_.targets.assign(batch.y.begin(), batch.y.end());
    whole_.weights = batch.sample_weight;
    return whole_;
  }

  void test_step(Session& session, const Step& step) {
    session.executor.forward(step.inputs, session.executor.plan().inference_streams());
    double total = session.executor.layer_losses() + regularization(session, false);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      total += loss_weights_[i] * loss_of(session, step, i, false);
    metrics_->add_loss(total, session.batch);
  }

  double train_step(Session& session, const Step& batches, const RandomStreams& random) {
    const double total = differentiate(session, batches, random);
    // A loss that is NaN would make all weights NaN. The step is not taken; who runs it says so.
    if (!std::isnan(total)) {
      compiled_.optimizer().apply(session.gradients);
      session.executor.update_state();
    }
    metrics_->add_loss(total, session.batch);
    return total;
  }

  double differentiate(Session& session, const Step& batches, const RandomStreams& random) {
    session.executor.forward(batches.inputs, random);
    double total = session.executor.layer_losses();
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      total += loss_weights_[i] * loss_of(session, batches, i, true);
    session.executor.backward(compiled_.optimizer().loss_scale());
    return total + regularization(session, true);
  }

  // Loss and metrics of one output; its gradient too when training.
  double loss_of(Session& session, const Step& batches, std::size_t i, bool train) {
    const auto& loss = compiled_.losses()[i];
    const ConstView y_pred = session.executor.output(i);
    const ConstView mask = session.executor.output_mask(i);
    const View gradient = train ? session.executor.output_gradient(i) : View{};
    double value;
    if (gradient) {
      value = loss.value_and_gradient(batches.targets[i], y_pred, batches.weights, session.losses[i].view(),
                                      session.scales[i].view(), gradient,
                                      loss_weights_[i] * compiled_.optimizer().loss_scale(), mask);
    } else {
      value = loss.value(batches.targets[i], y_pred, batches.weights, session.losses[i].view(), mask);
    }
    metrics_->update(i, batches.targets[i], y_pred, masked_weights(session, batches.weights, mask, i));
    metrics_->add_output_loss(i, value, session.batch);
    return value;
  }

  // Keras 3 applies a mask to metrics only where there are weights, too.
  ConstView masked_weights(Session& session, const ConstView& weights, const ConstView& mask, std::size_t i) {
    if (!weights || !mask) return weights;
    const View product = session.masked_weights[i].view();
    const Index steps = mask.dim(1);
    for (Index k = 0; k < product.size(); ++k) product[k] = mask[k] * weights[k / steps];
    return product;
  }

  // Penalties of the trainable variables, and their gradients when training. As in Keras, frozen ones pay none.
  double regularization(Session& session, bool train) {
    double total = 0;
    if (train) {
      const auto scale = static_cast<Scalar>(compiled_.optimizer().loss_scale());
      for (auto& [variable, gradient] : session.gradients) {
        if (variable->regularizer()) {
          total += variable->regularizer().value_and_gradient(std::as_const(*variable).value().view(), gradient, scale);
        }
      }
    } else {
      for (const auto& variable : session.regularized) {
        total += variable->regularizer().value_and_gradient(std::as_const(*variable).value().view(), View{});
      }
    }
    return total;
  }

  GRAFT_COLD Session& open(std::vector<std::unique_ptr<Session>>& sessions, const PassData<Scalar>& data, Index batch,
                           bool train) {
    for (auto& session : sessions) {
      if (session->fits(data, batch)) return *session;
    }
    std::vector<Shape> shapes;
    for (const auto& x : data.x) shapes.push_back(x.shape().replace_batch(batch));
    const PlanOptions use{.training = train && options_.training,
                          .backward = train,
                          .input_gradients = train && options_.input_gradients};
    auto session = std::make_unique<Session>(Plan<Scalar>(graph_, shapes, use), batch);
    for (const auto& x : data.x) session->x_shapes.push_back(x.shape().without_batch());
    for (const auto& y : data.y) session->y_shapes.push_back(y.shape().without_batch());
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const Shape target = data.y[i].shape().replace_batch(batch);
      const Shape size{compiled_.losses()[i].losses_size(target, session->executor.output(i).shape())};
      session->losses.emplace_back(size);
      session->scales.emplace_back(size);
      const auto& plan = session->executor.plan();
      const std::size_t mask = plan.output_masks()[i];
      session->masked_weights.emplace_back(mask == Plan<Scalar>::kNone ? Shape{0} : plan.values()[mask].shape);
    }
    if (train) {
      bind_gradients(*session);
      for (const auto& variable : session->executor.plan().variables()) {
        if (variable->origin() == Origin::fresh) variable->set_origin(Origin::trained);
      }
    }
    PointerMap seen;
    for (const auto& node : graph_.nodes) {
      if (!FlatGraph<Scalar>::learns(node)) continue;
      const auto variables = node.layer->variables();
      for (std::size_t i = 0; i < variables.size(); ++i) {
        const auto& variable = variables[i];
        const bool counts = variable->trainable() && node.layer->may_train(i);
        if (!counts || !variable->regularizer() || !seen.emplace(variable.get(), 0).second) continue;
        session->regularized.push_back(variable);
      }
    }
    sessions.push_back(std::move(session));
    return *sessions.back();
  }

  // One block for the gradients of all variables, shared by the sessions: only one of them runs at a time.
  GRAFT_COLD void bind_gradients(Session& session) {
    const auto& variables = session.executor.plan().variables();
    if (!gradients_) {
      Index total = 0;
      for (const auto& variable : variables) total += padded(variable->size());
      gradients_ = allocate_aligned<Scalar>(total);
    }
    Index at = 0;
    std::vector<View> views;
    for (const auto& variable : variables) {
      views.emplace_back(gradients_.get() + at, variable->shape());
      session.gradients.push_back({variable.get(), views.back()});
      at += padded(variable->size());
    }
    session.executor.bind_gradients(views);
  }
  static Index padded(Index count) {
    const auto unit = static_cast<Index>(kAlignment / sizeof(Scalar));
    return (count + unit - 1) / unit * unit;
  }

  GRAFT_COLD PassMetrics<Scalar>& metrics(const PassData<Scalar>& data, Index batch_size) {
    if (!metrics_) {
      const Index batch = std::min(batch_size, data.samples());
      std::vector<Shape> inputs, targets, outputs;
      for (const auto& x : data.x) inputs.push_back(x.shape().replace_batch(batch));
      for (const auto& y : data.y) targets.push_back(y.shape().replace_batch(batch));
      const Plan<Scalar> plan(graph_, inputs, {});
      for (const std::size_t output : plan.outputs()) outputs.push_back(plan.values()[output].shape);
      metrics_ = std::make_unique<PassMetrics<Scalar>>(compiled_, output_names_, targets, outputs);
    }
    return *metrics_;
  }

  FlatGraph<Scalar> graph_;
  const Compiled<Scalar>& compiled_;
  std::vector<std::string> output_names_;
  TrainerOptions options_;
  std::vector<double> loss_weights_;
  std::optional<Batches> train_batches_;
  Step whole_;
  std::vector<std::unique_ptr<Session>> train_sessions_, test_sessions_;
  std::unique_ptr<Scalar[], AlignedDelete> gradients_;
  std::unique_ptr<PassMetrics<Scalar>> metrics_;
};

}  // namespace graft
