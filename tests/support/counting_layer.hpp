#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <map>
#include <memory>

#include "graft/graft.hpp"

// A layer that passes its input on and counts how often it is asked to.
namespace graft::test {

struct CountingOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

struct CountingTotals {
  Index forward_rows = 0, backward_rows = 0;  ///< samples
  Index kill_after = -1;                      ///< forward_rows after which the process ends by SIGKILL
  std::function<void()> on_forward;
};

template <class Scalar>
class CountingImpl final : public LayerImpl<Scalar> {
 public:
  explicit CountingImpl(const CountingOptions& options) : LayerImpl<Scalar>("Counting", options) {}
  std::string_view class_name() const override { return "Counting"; }
  void forward(const ForwardArgs<Scalar>& args) const override {
    totals->forward_rows += args.x().dim(0);
    if (totals->on_forward) totals->on_forward();
    if (totals->kill_after >= 0 && totals->forward_rows > totals->kill_after) ::kill(::getpid(), SIGKILL);
    std::copy_n(args.x().data(), args.x().size(), args.y().data());
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    totals->backward_rows += args.dy().dim(0);
    std::copy_n(args.dy().data(), args.dy().size(), args.dx().data());
  }

  std::shared_ptr<CountingTotals> totals = std::make_shared<CountingTotals>();
};

/// The totals of the layers that were made from a config of this name: clones of one layer share them.
inline std::shared_ptr<CountingTotals>& shared_totals(const std::string& name) {
  static std::map<std::string, std::shared_ptr<CountingTotals>> totals;
  auto& entry = totals[name];
  if (!entry) entry = std::make_shared<CountingTotals>();
  return entry;
}

template <class Scalar = float>
class Counting : public Layer<Scalar> {
 public:
  explicit Counting(const CountingOptions& options = {}) : Layer<Scalar>(new CountingImpl<Scalar>(options)) {}

  static Counting from_config(const Config& config) {
    Counting layer({.name = config.get("name", ""), .trainable = config.get("trainable", true)});
    static_cast<CountingImpl<Scalar>&>(layer.impl()).totals = shared_totals(layer.name());
    return layer;
  }

  CountingTotals& totals() const { return *static_cast<CountingImpl<Scalar>&>(this->impl()).totals; }
  void reset() const { totals() = {}; }
  void kill_after(Index rows) const { totals().kill_after = rows; }
  void on_forward(std::function<void()> call) const { totals().on_forward = std::move(call); }
};

}  // namespace graft::test
