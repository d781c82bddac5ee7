#pragma once

#include "graft/models/clone.hpp"
#include "graft/transfer/fine_tune.hpp"
#include "graft/transfer/linear_probe.hpp"
#include "graft/transfer/reuse_cuts.hpp"

namespace graft {

template <class Scalar>
struct ReuseDepthOptions {
  TuningPhase<Scalar> head = {.epochs = 10};  ///< of each candidate that is fine-tuned: see FineTuneOptions
  TuningPhase<Scalar> tuning = {.epochs = 10};
  std::optional<Optimizer<Scalar>> optimizer = std::nullopt;  ///< default Adam(1e-2); phase 2 at a hundredth of it
  LossList<Scalar> loss = {};  ///< default: sparse or categorical crossentropy, or the mean squared error
  ProbeTask task = ProbeTask::automatic;
  Index folds = 5;           ///< of the cross-validation of the probe
  Index fine_tune_best = 3;  ///< depths with the best probes that are fine-tuned, at most …
  double max_cost = 0.2;     ///< … as long as all costs this share of training at every depth, or less; one always is
  double validation = 0.2;   ///< share of the samples that fine-tuned candidates are compared on
  bool flatten = false;      ///< probe all numbers of a map, not the mean of each channel
  Index max_features = 1024;    ///< longer rows are hashed into that many for the probe
  bool drop_classifier = true;  ///< the source's own softmax or sigmoid layer is no depth
  Index batch_size = 32;
  Verbose verbose = Verbose::silent;  ///< of the trainings
};

struct ReuseDepthRow {
  Index depth = 0;    ///< layers with a kernel that are reused; 0: the inputs
  std::string layer;  ///< the uppermost that is reused
  double probe = 0;   ///< cross-validated accuracy, or R^2, of a linear model on the features
  std::optional<double> fine_tuned = std::nullopt;  ///< the same of the fine-tuned model, on the validation samples
  double cost = 0;  ///< node-steps (a layer run forward or backward on a sample) spent on this depth
};

template <class Scalar>
struct ReuseDepthResult {
  std::vector<ReuseDepthRow> table;  ///< by depth
  Index depth = 0;                   ///< the best
  Model<Scalar> model;               ///< the source's layers up to there, with a new head, fine-tuned
  double cost = 0;                   ///< node-steps of the whole search
  double full_cost = 0;              ///< that training at every depth would have taken
  std::string text;                  ///< all that in words
};

namespace detail {

template <class Scalar>
class ReuseDepthSearch {
  using Real = double;
  using Flat = FlatGraph<Scalar>;

 public:
  GRAFT_COLD ReuseDepthSearch(const Model<Scalar>& source, const TrainingData<Scalar>& data,
                              ReuseDepthOptions<Scalar> options)
      : source_(source), options_(std::move(options)) {
    const std::string where = "search_reuse_depth of " + source_.impl().where();
    check(where, data);
    build_from_data(source_.impl(), data.x);
    x_ = checked_inputs("search_reuse_depth", source_.impl(), data.x);
    y_ = data.y[0].view();
    targets_ = probe_targets<Real, Scalar>(where, y_, options_.task);
    if (static_cast<Index>(targets_.y.rows()) != x_[0].dim(0)) {
      fail<ShapeError>(where, "as many labels as samples: " + std::to_string(x_[0].dim(0)),
                       std::to_string(targets_.y.rows()));
    }
    if (x_[0].dim(0) < 2 * options_.folds) {
      fail<ConfigError>(where, "two samples a fold or more", std::to_string(x_[0].dim(0)) + " samples");
    }
    graph_ = flatten(source_.impl().graph(), false);
    cuts_ = reuse_cuts(graph_);
    if (options_.drop_classifier && ends_in_classifier(graph_) && !cuts_.empty()) {
      // The cut at the very end: a softmax layer of its own goes with the Dense below it.
      if (cuts_.size() > 1 && cuts_.back().nodes == graph_.nodes.size()) cuts_.pop_back();
    }
    if (cuts_.empty() || cuts_.back().depth == 0) {
      fail<ConfigError>(where, "a net with layers that can be reused", "none that stands alone between others");
    }
    split();
  }

  GRAFT_COLD ReuseDepthResult<Scalar> run() {
    probe();
    const std::vector<std::size_t> candidates = choose();
    for (const std::size_t i : candidates) fine_tune_at(i);
    describe();
    return std::move(result_);
  }

 private:
  GRAFT_COLD void check(const std::string& where, const TrainingData<Scalar>& data) const {
    if (data.y.size() != 1) fail<ConfigError>(where, "one array of labels", std::to_string(data.y.size()));
    if (source_.built() && source_.impl().graph().inputs().size() != 1) {
      fail<ConfigError>(where, "a net with one input", std::to_string(source_.impl().graph().inputs().size()));
    }
    const auto at_least = [&](const char* name, Index least, Index value) {
      if (value < least)
        fail<ConfigError>(where, name + (" of at least " + std::to_string(least)), std::to_string(value));
    };
    at_least("folds", 2, options_.folds);
    at_least("fine_tune_best", 1, options_.fine_tune_best);
    at_least("max_features", 1, options_.max_features);
    at_least("batch_size", 1, options_.batch_size);
    if (!(options_.validation > 0 && options_.validation < 1)) {
      fail<ConfigError>(where, "validation between 0 and 1", text::number("%g", options_.validation));
    }
  }

  // Training and validation samples, by a fixed permutation.
  GRAFT_COLD void split() {
    const Index n = x_[0].dim(0);
    SampleOrder order(n);
    order.shuffle({0x2545F4914F6CDD1Du});
    const Index held = std::clamp<Index>(static_cast<Index>(static_cast<double>(n) * options_.validation), 1, n - 1);
    const auto take = [&](const TensorView<const Scalar>& from, Index first, Index last) {
      auto rows = Tensor<Scalar>::uninitialized(from.shape().replace_batch(last - first));
      const Index size = from.size() / n;
      for (Index i = first; i < last; ++i)
        std::copy_n(from.data() + order[i] * size, size, rows.data() + (i - first) * size);
      return rows;
    };
    x_train_ = take(x_[0], 0, n - held);
    y_train_ = take(y_, 0, n - held);
    x_valid_ = take(x_[0], n - held, n);
    y_valid_ = take(y_, n - held, n);
  }

  // The features of all depths from one pass.
  GRAFT_COLD void probe() {
    Flat all = graph_;
    all.nodes.resize(cuts_.back().nodes);
    all.outputs.clear();
    for (const ReuseCut& cut : cuts_) all.outputs.push_back(cut.value);
    all.output_masks.assign(all.outputs.size(), Flat::kNone);
    const auto features =
        pooled_outputs<Real, Scalar>(all, x_, options_.batch_size, {options_.flatten, options_.max_features});
    const Plan<Scalar> plan(all, std::vector<Shape>{x_[0].shape().replace_batch(1)}, {});
    double nodes = 0;
    for (const auto& node : plan.nodes()) nodes += !node.needs.is_view;
    result_.cost = nodes * static_cast<double>(x_[0].dim(0));
    for (std::size_t i = 0; i < cuts_.size(); ++i) {
      scores_.push_back(cross_validated_probe<Real>(features[i], targets_, options_.folds));
      result_.table.push_back({cuts_[i].depth, cuts_[i].layer, scores_[i].score});
    }
  }

  // By decreasing probe; equal ones by their error, then the deeper one, which has less to learn.
  GRAFT_COLD std::vector<std::size_t> choose() {
    std::vector<std::size_t> order;
    for (std::size_t i = cuts_.size(); i-- > 0;) {
      const double cost = candidate_cost(i, false);
      if (cuts_[i].depth == 0) continue;
      result_.full_cost += cost;
      order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (scores_[a].score != scores_[b].score) return scores_[a].score > scores_[b].score;
      return scores_[a].error < scores_[b].error;
    });
    std::vector<std::size_t> chosen;
    double cost = result_.cost;
    for (const std::size_t i : order) {
      const double more = candidate_cost(i, true);
      if (static_cast<Index>(chosen.size()) == options_.fine_tune_best) break;
      if (!chosen.empty() && cost + more > options_.max_cost * result_.full_cost) continue;
      cost += more;
      chosen.push_back(i);
    }
    return chosen;
  }

  // A head of its own on a copy of the layers below a cut.
  GRAFT_COLD Model<Scalar> assemble(const ReuseCut& cut) const {
    Model<Scalar> copy = clone_model(source_);
    copy.set_weights(source_.get_weights());
    auto [input, x] = replay(flatten(copy.impl().graph(), true), source_.inputs()[0].shape().without_batch(), cut);
    const int rank = x.shape().rank();
    if (rank > 2 && options_.flatten) x = Flatten<Scalar>({.name = unique_name("reuse_flatten")})(x);
    else if (rank == 3) x = GlobalAveragePooling1D<Scalar>({.name = unique_name("reuse_pool")})(x);
    else if (rank == 4) x = GlobalAveragePooling2D<Scalar>({.name = unique_name("reuse_pool")})(x);
    else if (rank > 4) x = GlobalAveragePooling3D<Scalar>({.name = unique_name("reuse_pool")})(x);
    x = Dense<Scalar>(
        static_cast<Index>(targets_.y.cols()),
        {.activation = targets_.classification ? "softmax" : "linear", .name = unique_name("reuse_head")})(x);
    return Model<Scalar>(input, x);
  }
  GRAFT_COLD FineTuneOptions<Scalar> tuning(const ReuseCut& cut) const {
    FineTuneOptions<Scalar> result;
    result.head = options_.head;
    result.tuning = options_.tuning;
    result.loss = options_.loss;
    if (result.loss.empty()) {
      result.loss = !targets_.classification ? LossList<Scalar>("mse")
                    : y_.size() == y_.dim(0) ? LossList<Scalar>("sparse_categorical_crossentropy")
                                             : LossList<Scalar>("categorical_crossentropy");
    }
    if (targets_.classification) result.metrics = {"accuracy"};
    result.optimizer =
        options_.optimizer ? *options_.optimizer : Optimizer<Scalar>(Adam<Scalar>({.learning_rate = 1e-2}));
    result.batch_size = options_.batch_size;
    result.head_layers = graph_value_rank(cut) > 2 ? 2 : 1;
    result.verbose = options_.verbose;
    result.lints = LintOptions{.print = options_.verbose != Verbose::silent};
    return result;
  }
  GRAFT_COLD int graph_value_rank(const ReuseCut& cut) const {
    Flat until = graph_;
    until.nodes.resize(cut.nodes);
    until.outputs = {cut.value};
    until.output_masks = {Flat::kNone};
    const Plan<Scalar> plan(until, std::vector<Shape>{x_[0].shape().replace_batch(1)}, {});
    return plan.values()[cut.value].shape.rank();
  }

  // Both phases, and the evaluation that compares.
  GRAFT_COLD double candidate_cost(std::size_t i, bool cached) const {
    const ReuseCut& cut = cuts_[i];
    Flat below = graph_;
    below.nodes.resize(cut.nodes);
    below.outputs = {cut.value};
    below.output_masks = {Flat::kNone};
    const double head = graph_value_rank(cut) > 2 ? 2 : 1;
    const std::vector<Shape> samples{x_[0].shape().without_batch()};
    for (auto& node : below.nodes) node.trainable = false;
    const double nodes = NodeSteps<Scalar>(below, samples).forward();
    for (auto& node : below.nodes) node.trainable = !is_normalization(Layer<Scalar>(node.layer));
    const NodeSteps<Scalar> open(below, samples);
    const double n = static_cast<double>(x_train_.dim(0)), valid = static_cast<double>(x_valid_.dim(0));
    const double first = static_cast<double>(options_.head.epochs),
                 second = static_cast<double>(options_.tuning.epochs);
    const double of_head = 2 * head;  // forward and backward
    const double frozen = first > 0 ? (cached ? nodes : first * nodes) + first * of_head : 0;
    return n * (frozen + second * of_head) + open.training(x_train_.dim(0), options_.tuning.epochs, cached) +
           valid * (nodes + head);
  }

  GRAFT_COLD void fine_tune_at(std::size_t i) {
    const Model<Scalar> model = assemble(cuts_[i]);
    (void)fine_tune<Scalar>(model, {x_train_, y_train_}, tuning(cuts_[i]));
    double score;
    if (targets_.classification) {
      score = model.evaluate(x_valid_, y_valid_, {.batch_size = options_.batch_size})[1];
    } else {
      score = r_squared(model.predict(x_valid_, {.batch_size = options_.batch_size}));
    }
    ReuseDepthRow& row = result_.table[i];
    row.fine_tuned = score;
    row.cost = candidate_cost(i, true);
    result_.cost += row.cost;
    const bool first = !best_;
    if (first || score > *result_.table[*best_].fine_tuned) {
      best_ = i;
      result_.depth = cuts_[i].depth;
      result_.model = model;
    }
  }
  GRAFT_COLD double r_squared(const Tensor<Scalar>& predicted) const {
    const Index n = y_valid_.dim(0), columns = y_valid_.size() / n;
    double residual = 0, spread = 0;
    for (Index c = 0; c < columns; ++c) {
      double mean = 0;
      for (Index i = 0; i < n; ++i) mean += static_cast<double>(y_valid_[i * columns + c]);
      mean /= static_cast<double>(n);
      for (Index i = 0; i < n; ++i) {
        const double y = static_cast<double>(y_valid_[i * columns + c]);
        residual += std::pow(static_cast<double>(predicted[i * columns + c]) - y, 2);
        spread += std::pow(y - mean, 2);
      }
    }
    return 1 - residual / (spread > 0 ? spread : 1);
  }

  GRAFT_COLD void describe() {
    std::string& out = result_.text;
    out = std::string("depth  probe    fine-tuned  node-steps   layer\n");
    for (const ReuseDepthRow& row : result_.table) {
      out += text::number("%5.0f", static_cast<double>(row.depth)) + text::number("  %.4f ", row.probe) +
             (row.fine_tuned ? text::number("  %.4f    ", *row.fine_tuned) : "  -         ") +
             text::number("  %-11.4g", row.cost) + "  " + row.layer + (row.depth == result_.depth ? "  <- best" : "") +
             "\n";
    }
    out += text::number("%.4g", result_.cost) +
           " node-steps, the one pass for all probes included; training at every "
           "depth: " +
           text::number("%.4g", result_.full_cost) + ", " + text::number("%.1f", result_.full_cost / result_.cost) +
           " times as many\n";
  }

  const Model<Scalar>& source_;
  ReuseDepthOptions<Scalar> options_;
  std::vector<TensorView<const Scalar>> x_;
  TensorView<const Scalar> y_;
  ProbeTargets<Real> targets_;
  Flat graph_;
  std::vector<ReuseCut> cuts_;
  std::vector<ProbeScore> scores_;
  Tensor<Scalar> x_train_, y_train_, x_valid_, y_valid_;
  std::optional<std::size_t> best_;
  ReuseDepthResult<Scalar> result_;
};

}  // namespace detail

/// How many layers of a trained net are worth reusing for a task. One pass over the data gives the features at every
/// depth at once; a linear model on each (ridge regression, closed form) is scored by cross-validation; the few best
/// depths are fine-tuned, each on a copy of the source with a new head (fine_tune's two phases), and compared on
/// samples that were held out. Lower layers are general, upper ones belong to the old task (Yosinski et al. 2014):
/// somewhere in between the features are best. Returns a table, the best depth and its model; the source stays as it
/// is.
///
/// Cost is counted in node-steps: one layer run forward or backward on one sample. The fine-tuning goes on to the next
/// candidate only while all of it stays below max_cost of what training at every depth takes, so that nets of ten
/// depths and more are searched five times cheaper; the text says how much it was.
///
/// Throws ConfigError for a net of several inputs or without a layer to reuse, labels of one class, options without
/// meaning; ShapeError for data that do not fit.
template <class Scalar>
GRAFT_COLD ReuseDepthResult<Scalar> search_reuse_depth(const Model<Scalar>& source, const TrainingData<Scalar>& data,
                                                       ReuseDepthOptions<Scalar> options = {}) {
  return detail::ReuseDepthSearch<Scalar>(source, data, std::move(options)).run();
}

}  // namespace graft
