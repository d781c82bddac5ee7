#pragma once

#include <algorithm>
#include <map>

#include "graft/core/pattern.hpp"
#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// Which optimizer moves which variable, by Variable::path: the entry of that very path, else the one whose pattern
/// (see Pattern) describes the whole path, else the default. "encoder/.*" is everything inside "encoder".
template <class Scalar = float>
class OptimizerMap {
 public:
  using Handle = std::type_identity_t<Optimizer<Scalar>>;
  using Entries = std::vector<std::pair<std::string, Handle>>;

  /// Throws ConfigError for what set refuses, and for a default optimizer of the same kinds.
  GRAFT_COLD explicit OptimizerMap(Handle default_optimizer, const Entries& optimizer_map = {})
      : default_(std::move(default_optimizer)) {
    check(default_);
    for (const auto& [key, optimizer] : optimizer_map) set(key, optimizer);
  }
  /// Throws ConfigError for a key that is there already or that is no pattern, and for a LossScaleOptimizer or a
  /// MultiOptimizer.
  GRAFT_COLD OptimizerMap& set(const std::string& key, Handle optimizer) {
    for (const Entry& entry : entries_) {
      if (entry.pattern.text() == key) fail<ConfigError>("OptimizerMap", "every key once", "\"" + key + "\" twice");
    }
    check(optimizer);
    entries_.push_back({Pattern(key), std::move(optimizer)});
    return *this;
  }

  const Optimizer<Scalar>& default_optimizer() const { return default_; }
  /// Throws ConfigError when several patterns describe the path.
  GRAFT_COLD const Optimizer<Scalar>& operator[](const std::string& path) const {
    const Entry* found = nullptr;
    for (const Entry& entry : entries_) {
      if (entry.pattern.text() == path) return entry.optimizer;
    }
    for (const Entry& entry : entries_) {
      if (!entry.pattern.full_match(path)) continue;
      if (found) {
        fail<ConfigError>("OptimizerMap: weight \"" + path + "\"", "one pattern that describes it",
                          "\"" + found->pattern.text() + "\" and \"" + entry.pattern.text() + "\"");
      }
      found = &entry;
    }
    return found ? found->optimizer : default_;
  }
  /// Every optimizer once, that of the default last.
  GRAFT_COLD std::vector<Optimizer<Scalar>> optimizers() const {
    std::vector<Optimizer<Scalar>> result;
    const auto add = [&result](const Optimizer<Scalar>& one) {
      if (std::find(result.begin(), result.end(), one) == result.end()) result.push_back(one);
    };
    for (const Entry& entry : entries_) add(entry.optimizer);
    add(default_);
    return result;
  }

  GRAFT_COLD Config config() const {
    Config result = Config::object();
    result["class_name"] = "OptimizerMap";
    Config& inner = result["config"] = Config::object();
    inner["default_optimizer"] = default_.config();
    Config& map = inner["optimizer_map"] = Config::object();
    for (const Entry& entry : entries_) map[entry.pattern.text()] = entry.optimizer.config();
    return result;
  }
  GRAFT_COLD static OptimizerMap from_config(const Config& config) {
    const Config& inner = config.contains("class_name") ? config.at("config") : config;
    OptimizerMap result(Optimizer<Scalar>::from_config(inner.at("default_optimizer")));
    if (const Config* map = inner.find_set("optimizer_map")) {
      for (const auto& [key, value] : map->members()) result.set(key, Optimizer<Scalar>::from_config(value));
    }
    return result;
  }

 private:
  struct Entry {
    Pattern pattern;
    Optimizer<Scalar> optimizer;
  };

  GRAFT_COLD static void check(const Optimizer<Scalar>& optimizer) {
    const std::string_view name = optimizer.class_name();
    if (name == "LossScaleOptimizer" || name == "MultiOptimizer") {
      fail<ConfigError>("OptimizerMap", "plain optimizers", std::string(name));
    }
  }

  Optimizer<Scalar> default_;
  std::vector<Entry> entries_;
};

struct MultiOptimizerOptions {
  std::optional<double> loss_scale_factor = {};  ///< takes the place of those of the optimizers in it
  std::string name = {};
};

template <class Scalar>
class MultiOptimizerImpl final : public OptimizerImpl<Scalar> {
 public:
  GRAFT_COLD MultiOptimizerImpl(OptimizerMap<Scalar> map, const MultiOptimizerOptions& options)
      : OptimizerImpl<Scalar>("MultiOptimizer", "multi_optimizer", common_of(options)), map_(std::move(map)) {
    for (auto& optimizer : map_.optimizers()) {
      optimizer.impl().set_loss_scale_factor(options.loss_scale_factor);
      inner_.push_back({std::move(optimizer), {}});
    }
  }
  /// Those of the map, that of the default last.
  GRAFT_COLD std::vector<Optimizer<Scalar>> optimizers() const { return map_.optimizers(); }
  /// The position in optimizers() of the one that moves `variable`. It is settled when it is first asked for.
  std::size_t optimizer_of(const Variable<Scalar>& variable) const {
    const auto found = chosen_.find(variable.id());
    return found != chosen_.end() ? found->second : choose(variable);
  }

  GRAFT_COLD Config config() const override {
    Config result = Config::object();
    result["class_name"] = this->class_name();
    Config& inner = result["config"] = Config::object();
    inner["optimizer_map"] = map_.config();
    const auto& factor = this->common().loss_scale_factor;
    inner["loss_scale_factor"] = factor ? Config(*factor) : Config();
    inner["name"] = this->name();
    return result;
  }

  GRAFT_COLD double learning_rate() const override { return no_rate(); }
  GRAFT_COLD void set_learning_rate(double) override { no_rate(); }
  Index iterations() const override { return steps_; }
  GRAFT_COLD void exclude_from_weight_decay(std::vector<std::string> names) override {
    for (const Inner& one : inner_) one.optimizer.exclude_from_weight_decay(names);
  }

  void apply(std::span<const Gradient<Scalar>> gradients) override {
    if (gradients.empty()) return;
    for (Inner& one : inner_) one.gradients.clear();
    for (const Gradient<Scalar>& g : gradients) inner_[optimizer_of(*g.variable)].gradients.push_back(g);
    for (const Inner& one : inner_) one.optimizer.apply(one.gradients);
    ++steps_;
  }

  GRAFT_COLD void finalize_variable_values(std::span<const VariablePtr<Scalar>> variables) override {
    for (std::size_t i = 0; i < inner_.size(); ++i) inner_[i].optimizer.finalize_variable_values(of(i, variables));
  }
  GRAFT_COLD std::optional<Shape> slot_shape(std::string_view slot, const Variable<Scalar>& variable) const override {
    return inner_[optimizer_of(variable)].optimizer.slot_shape(slot, variable);
  }
  GRAFT_COLD Tensor<Scalar> fresh_slot(std::string_view slot, const Variable<Scalar>& variable) const override {
    return inner_[optimizer_of(variable)].optimizer.fresh_slot(slot, variable);
  }

  /// The counters and rates of the optimizers are the scalars "steps_0", "rate_0" …
  GRAFT_COLD OptimizerState<Scalar> state(std::span<const VariablePtr<Scalar>> variables) const override {
    OptimizerState<Scalar> result;
    result.iterations = steps_;
    for (std::size_t i = 0; i < inner_.size(); ++i) {
      auto one = inner_[i].optimizer.state(of(i, variables));
      result.scalars.push_back({"steps_" + std::to_string(i), static_cast<double>(one.iterations)});
      result.scalars.push_back({"rate_" + std::to_string(i), one.learning_rate.value_or(0)});
      for (auto& slot : one.slots) result.slots.push_back(std::move(slot));
    }
    return result;
  }
  GRAFT_COLD void set_state(const OptimizerState<Scalar>& state) override {
    this->check_state(state);
    std::vector<OptimizerState<Scalar>> parts(inner_.size());
    for (const auto& slot : state.slots) parts[optimizer_of(*slot.variable)].slots.push_back(slot);
    for (std::size_t i = 0; i < inner_.size(); ++i) {
      parts[i].iterations = state.iterations;
      for (const auto& [name, value] : state.scalars) {
        if (name == "steps_" + std::to_string(i)) parts[i].iterations = static_cast<Index>(value);
        if (name == "rate_" + std::to_string(i)) parts[i].learning_rate = value;
      }
      inner_[i].optimizer.set_state(parts[i]);
    }
    steps_ = state.iterations;
  }

 protected:
  using typename OptimizerImpl<Scalar>::Step;
  void update(const Step&, Index, const Scalar*, Scalar*, std::span<Tensor<Scalar>>) override {}

 private:
  struct Inner {
    Optimizer<Scalar> optimizer;
    std::vector<Gradient<Scalar>> gradients;  // of the step
  };

  GRAFT_COLD static OptimizerCommon common_of(const MultiOptimizerOptions& options) {
    OptimizerCommon common;
    common.loss_scale_factor = options.loss_scale_factor;
    common.name = options.name;
    return common;
  }
  GRAFT_COLD std::size_t choose(const Variable<Scalar>& variable) const {
    const Optimizer<Scalar>& wanted = map_[variable.path()];
    std::size_t i = 0;
    while (!(inner_[i].optimizer == wanted)) ++i;
    chosen_.emplace(variable.id(), i);
    return i;
  }
  GRAFT_COLD std::vector<VariablePtr<Scalar>> of(std::size_t optimizer,
                                                 std::span<const VariablePtr<Scalar>> variables) const {
    std::vector<VariablePtr<Scalar>> result;
    for (const auto& variable : variables) {
      if (optimizer_of(*variable) == optimizer) result.push_back(variable);
    }
    return result;
  }
  [[noreturn]] GRAFT_COLD double no_rate() const {
    throw StateError(
        "optimizer MultiOptimizer: it has no learning rate of its own. Read or set those of its optimizers().");
  }

  OptimizerMap<Scalar> map_;
  std::vector<Inner> inner_;
  mutable std::map<std::uint64_t, std::size_t> chosen_;  // by the variable's id
  Index steps_ = 0;
};

/// Several optimizers, each for its own weights; what they do stays their own affair (clipping, averages, decay,
/// accumulation):
///
///     MultiOptimizer(OptimizerMap("sgd", {{"head/.*", Adam({.learning_rate = 1e-3})}}))
///
/// As in Keras it has no learning rate, so that callbacks that set one (ReduceLROnPlateau, LearningRateScheduler) throw
/// StateError. Source: Keras 3.15.
template <class Scalar = float>
class MultiOptimizer : public Optimizer<Scalar> {
 public:
  explicit MultiOptimizer(const OptimizerMap<Scalar>& optimizer_map, const MultiOptimizerOptions& options = {})
      : Optimizer<Scalar>(new MultiOptimizerImpl<Scalar>(optimizer_map, options)) {}
  std::vector<Optimizer<Scalar>> optimizers() const {
    return static_cast<const MultiOptimizerImpl<Scalar>&>(this->impl()).optimizers();
  }
};

}  // namespace graft
