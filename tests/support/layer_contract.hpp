#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "graft/core/thread_pool.hpp"
#include "graft/nn/layers.hpp"

// The rules of the layer contract (nn/layer_impl.hpp), checked for any layer with one output. All memory
// that the contract says may not be read is NaN; all that it says must be written is NaN before.
namespace graft::test {

struct LayerCase {
  std::string label;
  Layer<double> layer;         ///< not built
  std::vector<Shape> samples;  ///< shape of one sample, for every input
  Index classes = 0;           ///< above 0: inputs without a gradient are class indices below it
  Index least_batch = 1;       ///< the smallest that it trains on

  /// Another layer of the same configuration.
  Layer<double> make() const { return make_layer<double>(std::string(layer.class_name()), layer.config()); }
  std::vector<Shape> shapes(Index batch = Shape::kUnknown) const {
    std::vector<Shape> result;
    for (const Shape& sample : samples) result.push_back(sample.with_batch(batch));
    return result;
  }
};

/// The cases of one test file. Every file with such cases makes one at namespace scope, so that the test that no layer
/// is left out sees them all.
struct LayerCases {
  using List = std::vector<LayerCase> (*)();
  explicit LayerCases(List list) { all().push_back(list); }
  static std::vector<List>& all() {
    static std::vector<List> lists;
    return lists;
  }
};

template <class Scalar>
using Tensors = std::vector<Tensor<Scalar>>;

template <class Scalar>
std::vector<Shape> shapes_of(const Tensors<Scalar>& tensors) {
  std::vector<Shape> result;
  for (const auto& tensor : tensors) result.push_back(tensor.shape());
  return result;
}

/// One use of a layer: its buffers as a plan would hand them out.
template <class Scalar>
class LayerRun {
 public:
  LayerRun(const Layer<Scalar>& layer, Tensor<Scalar> x, Use use, RandomKey key = {42})
      : LayerRun(layer, Tensors<Scalar>{std::move(x)}, use, key) {}
  LayerRun(const Layer<Scalar>& layer, Tensors<Scalar> x, Use use, RandomKey key = {42})
      : layer_(layer), use_(use), key_(key), x_(std::move(x)) {
    const std::vector<Shape> shapes = shapes_of(x_);
    layer_.impl().ensure_built(shapes);
    needs_ = layer_.impl().needs(shapes, use_);
    y_ = poisoned(layer_.impl().output_shapes(shapes)[0]);
    cache_ = bytes(needs_.cache_bytes);
  }

  const Needs& needs() const { return needs_; }
  /// Whether a gradient of input i is asked for.
  bool wants(std::size_t i) const { return use_.input_gradients && layer_.impl().differentiable(i); }
  const Tensor<Scalar>& x(std::size_t i = 0) const { return x_[i]; }
  const Tensor<Scalar>& y() const { return y_; }
  const Tensor<Scalar>& dx(std::size_t i = 0) const { return dx_[i]; }
  const std::vector<Tensor<Scalar>>& dw() const { return dw_; }
  const std::byte* cache() const { return pointer(cache_); }
  /// What forward gave to add_loss.
  double losses() const { return losses_; }

  LayerRun& forward() {
    forward_into(y_.view());
    return *this;
  }
  /// With the output on input 0.
  LayerRun& forward_in_place() {
    std::copy_n(x_[0].data(), x_[0].size(), y_.data());
    in_place_ = true;
    forward_into(y_.view());
    return *this;
  }

  /// `wanted`: which weight gradients are asked for; none given: all that the use wants.
  LayerRun& backward(const Tensor<Scalar>& dy, std::vector<bool> wanted = {}) {
    poison_input_gradients();
    run_backward(dy.view(), wanted, false);
    return *this;
  }
  /// The gradient of one input only.
  LayerRun& backward_to(std::size_t input, const Tensor<Scalar>& dy) {
    poison_input_gradients();
    run_backward(dy.view(), {}, false, input);
    return *this;
  }
  LayerRun& backward_in_place(const Tensor<Scalar>& dy) {
    poison_input_gradients();
    dx_[0] = Tensor<Scalar>(dy.view()).reshaped(x_[0].shape());
    run_backward(dx_[0].view().reshaped(y_.shape()), {}, false);
    return *this;
  }
  LayerRun& backward_adding(const Tensor<Scalar>& dy, const Tensors<Scalar>& start) {
    dx_ = start;
    run_backward(dy.view(), {}, true);
    return *this;
  }

  static Tensor<Scalar> poisoned(const Shape& shape) {
    return Tensor<Scalar>(shape, std::numeric_limits<Scalar>::quiet_NaN());
  }

 private:
  using Bytes = Tensor<unsigned char>;
  static Bytes bytes(Index count) { return count ? Bytes(Shape{count}, 0xff) : Bytes(); }  // 0xff… is a NaN
  static std::byte* pointer(Bytes& memory) { return reinterpret_cast<std::byte*>(memory.data()); }
  static const std::byte* pointer(const Bytes& memory) { return reinterpret_cast<const std::byte*>(memory.data()); }

  static constexpr std::size_t kAll = static_cast<std::size_t>(-1);

  void poison_input_gradients() {
    dx_.clear();
    for (const auto& x : x_) dx_.push_back(poisoned(x.shape()));
  }
  /// Input 0 is in y when the layer works in place.
  std::vector<TensorView<const Scalar>> input_views() const {
    std::vector<TensorView<const Scalar>> result;
    for (const auto& x : x_) result.push_back(x.view());
    if (in_place_) result[0] = TensorView<const Scalar>(y_.data(), x_[0].shape());
    return result;
  }

  void forward_into(const TensorView<Scalar>& to) {
    Bytes scratch = bytes(needs_.scratch_bytes);
    const auto inputs = input_views();
    const TensorView<Scalar> outputs[] = {to};
    ForwardArgs<Scalar> args;
    args.inputs = inputs;
    args.outputs = outputs;
    args.use = use_;
    args.cache = pointer(cache_);
    args.scratch = pointer(scratch);
    args.random = {key_, nullptr, x_[0].rank() > 0 ? x_[0].dim(0) : 1};
    losses_ = 0;
    args.losses = &losses_;
    layer_.impl().forward(args);
  }

  void run_backward(const TensorView<const Scalar>& dy, std::vector<bool> wanted, bool add, std::size_t only = kAll) {
    Bytes scratch = bytes(needs_.scratch_bytes);
    const auto variables = layer_.weights();
    wanted.resize(variables.size(), wanted.empty() && use_.weight_gradients);
    dw_.clear();
    std::vector<TensorView<Scalar>> weight_gradients;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      dw_.push_back(poisoned(variables[i]->shape()));
      const bool asked = wanted[i] && variables[i]->trainable();
      weight_gradients.push_back(asked ? dw_.back().view() : TensorView<Scalar>());
    }
    const auto inputs = needs_.inputs ? input_views() : std::vector<TensorView<const Scalar>>(x_.size());
    const TensorView<const Scalar> outputs[] = {needs_.outputs ? std::as_const(y_).view() : TensorView<const Scalar>()};
    const TensorView<const Scalar> output_gradients[] = {dy};
    std::vector<TensorView<Scalar>> input_gradients(x_.size());
    for (std::size_t i = 0; i < x_.size(); ++i) {
      if (wants(i) && (only == kAll || only == i)) input_gradients[i] = dx_[i].view();
    }
    BackwardArgs<Scalar> args;
    args.inputs = inputs;
    args.outputs = outputs;
    args.output_gradients = output_gradients;
    args.input_gradients = input_gradients;
    args.weight_gradients = weight_gradients;
    args.use = use_;
    args.cache = pointer(cache_);
    args.scratch = pointer(scratch);
    args.add_to_input = add;
    layer_.impl().backward(args);
  }

  Layer<Scalar> layer_;
  Use use_;
  RandomKey key_;
  Needs needs_;
  bool in_place_ = false;
  double losses_ = 0;
  Tensors<Scalar> x_, dx_;
  Tensor<Scalar> y_;
  std::vector<Tensor<Scalar>> dw_;
  Bytes cache_;
};

template <class Scalar>
Tensor<Scalar> random_tensor(const Shape& shape, std::uint64_t seed, double spread = 1.5) {
  Rng rng(seed);
  auto result = Tensor<Scalar>::uninitialized(shape);
  for (Index i = 0; i < result.size(); ++i) result[i] = static_cast<Scalar>(spread * rng.normal());
  return result;
}

/// One for every input of a case, with `batch` samples.
template <class Scalar>
Tensors<Scalar> random_inputs(const LayerCase& test, Index batch, std::uint64_t seed) {
  Tensors<Scalar> result;
  for (const Shape& shape : test.shapes(batch))
    result.push_back(random_tensor<Scalar>(shape, seed + 100 * result.size()));
  for (std::size_t i = 0; test.classes > 0 && i < result.size(); ++i) {
    if (test.layer.impl().differentiable(i)) continue;
    Rng rng(seed + i);
    for (Scalar& x : result[i].view().span()) x = static_cast<Scalar>(rng.below(test.classes));
  }
  return result;
}

template <class Scalar>
bool all_finite(const Tensor<Scalar>& tensor) {
  return std::all_of(tensor.begin(), tensor.end(), [](Scalar value) { return std::isfinite(value); });
}
template <class Scalar>
bool all_nan(const Tensor<Scalar>& tensor) {
  return std::all_of(tensor.begin(), tensor.end(), [](Scalar value) { return std::isnan(value); });
}
/// Same shape, same bits.
template <class Scalar>
bool same(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
}
/// Largest |a - b| / (1 + |b|); infinite when shapes differ or a number is NaN.
template <class Scalar>
double distance(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {
  double largest = a.shape() == b.shape() ? 0 : HUGE_VAL;
  for (Index i = 0; largest < HUGE_VAL && i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    const double d = std::abs(x - y) / (1 + std::abs(y));
    largest = std::isnan(d) ? HUGE_VAL : std::max(largest, d);
  }
  return largest;
}

/// Random weights; what a layer keeps itself (variances among it) is positive.
template <class Scalar>
void randomize(const Layer<Scalar>& layer, std::uint64_t seed) {
  for (const auto& variable : layer.weights()) {
    Tensor<Scalar> value = random_tensor<Scalar>(variable->shape(), ++seed, 0.7);
    if (variable->kind() == VariableKind::state) {
      for (Scalar& x : value.view().span()) x = Scalar(0.5) + std::abs(x);
    }
    variable->assign(std::as_const(value).view());
  }
}

inline double objective(const Layer<double>& layer, const Tensors<double>& x, const Tensor<double>& dy, Use use) {
  LayerRun<double> run(layer, x, use);
  run.forward();
  double total = run.losses();
  for (Index i = 0; i < dy.size(); ++i) total += run.y()[i] * dy[i];
  return total;
}

/// Compares gradients with central differences of sum(y * dy), and what the layer adds to the loss, in double.
inline void check_gradients(const Layer<double>& layer, const Tensors<double>& x, Use use) {
  LayerRun<double> run(layer, x, use);
  run.forward();
  const Tensor<double> dy = random_tensor<double>(run.y().shape(), 99, 1.0);
  run.backward(dy);
  const double h = 1e-5;
  const auto agrees = [](double gradient, double difference) {
    return std::abs(gradient - difference) <= 2e-6 * (1 + std::abs(difference));
  };
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!run.wants(k)) continue;
    Tensors<double> moved = x;
    const Index step = std::max<Index>(1, x[k].size() / 150);
    for (Index i = 0; i < x[k].size(); i += step) {
      moved[k][i] = x[k][i] + h;
      const double above = objective(layer, moved, dy, use);
      moved[k][i] = x[k][i] - h;
      const double difference = (above - objective(layer, moved, dy, use)) / (2 * h);
      moved[k][i] = x[k][i];
      INFO("gradient of input " << k << ", " << i << ": " << run.dx(k)[i] << ", difference quotient " << difference
                                << ", x " << x[k][i]);
      REQUIRE(agrees(run.dx(k)[i], difference));
    }
  }
  const auto variables = layer.weights();
  for (std::size_t v = 0; v < variables.size(); ++v) {
    if (!use.weight_gradients || !variables[v]->trainable()) continue;
    const Index step = std::max<Index>(1, variables[v]->size() / 40);
    for (Index i = 0; i < variables[v]->size(); i += step) {
      const double before = variables[v]->value()[i];
      variables[v]->mutable_value()[i] = before + h;
      const double above = objective(layer, x, dy, use);
      variables[v]->mutable_value()[i] = before - h;
      const double difference = (above - objective(layer, x, dy, use)) / (2 * h);
      variables[v]->mutable_value()[i] = before;
      INFO("gradient of " << variables[v]->name() << " " << i << ": " << run.dw()[v][i] << ", difference quotient "
                          << difference);
      REQUIRE(agrees(run.dw()[v][i], difference));
    }
  }
}

/// The memory rules, for one use: poisoned buffers, unasked gradients, in place, adding.
inline void check_memory(const Layer<double>& layer, const Tensors<double>& x, Use use) {
  INFO("training " << use.training << ", trainable " << use.trainable << ", weight gradients " << use.weight_gradients
                   << ", input gradients " << use.input_gradients);
  LayerRun<double> run(layer, x, use);
  const Needs needs = run.needs();
  run.forward();
  CHECK(all_finite(run.y()));
  CHECK(std::isfinite(run.losses()));
  CHECK((run.losses() == 0 || layer.impl().adds_loss()));
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(same(run.x(i), x[i]));

  LayerRun<double> bare(layer, x, {use.training, use.trainable, false, false});
  CHECK(distance(bare.forward().y(), run.y()) < 1e-14);
  if (bare.needs().in_place) {
    LayerRun<double> in_place(layer, x, {use.training, use.trainable, false, false});
    CHECK(same(in_place.forward_in_place().y(), bare.y()));
  }
  if (needs.is_view) {
    CHECK(std::equal(x[0].begin(), x[0].end(), run.y().begin()));
    CHECK(!needs.inputs);
    CHECK(!needs.outputs);
  }
  if (!use.backward()) return;

  const Tensor<double> dy = random_tensor<double>(run.y().shape(), 17, 1.0);
  run.backward(dy);
  Tensors<double> dx;
  for (std::size_t i = 0; i < x.size(); ++i) dx.push_back(run.dx(i));
  const std::vector<Tensor<double>> dw = run.dw();
  const auto variables = layer.weights();
  for (std::size_t i = 0; i < x.size(); ++i) CHECK((run.wants(i) ? all_finite(dx[i]) : all_nan(dx[i])));
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const bool asked = use.weight_gradients && variables[i]->trainable();
    INFO("gradient of " << variables[i]->name());
    CHECK((asked ? all_finite(dw[i]) : all_nan(dw[i])));
  }
  // Each input gradient alone, then each weight gradient alone.
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!run.wants(i)) continue;
    run.backward_to(i, dy);
    for (std::size_t j = 0; j < x.size(); ++j) {
      INFO("asked for input " << i << " alone: gradient of input " << j);
      CHECK((i == j ? distance(run.dx(j), dx[j]) < 1e-14 : all_nan(run.dx(j))));
    }
  }
  for (std::size_t i = 0; use.weight_gradients && i < variables.size(); ++i) {
    if (!variables[i]->trainable()) continue;
    std::vector<bool> wanted(variables.size(), false);
    wanted[i] = true;
    run.backward(dy, wanted);
    for (std::size_t j = 0; j < variables.size(); ++j) {
      INFO("asked for " << variables[i]->name() << " alone: gradient of " << variables[j]->name());
      CHECK((i == j ? distance(run.dw()[j], dw[j]) < 1e-14 : all_nan(run.dw()[j])));
    }
  }
  if (needs.in_place) {
    LayerRun<double> in_place(layer, x, use);
    in_place.forward_in_place().backward_in_place(dy);
    CHECK(same(in_place.y(), run.y()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (run.wants(i)) CHECK(distance(in_place.dx(i), dx[i]) < 1e-14);
    }
  }
  if (needs.can_add && use.input_gradients) {
    Tensors<double> start;
    for (const auto& input : x) start.push_back(random_tensor<double>(input.shape(), 23 + start.size(), 1.0));
    run.backward_adding(dy, start);
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (!run.wants(k)) continue;
      Tensor<double> expected = start[k];
      for (Index i = 0; i < expected.size(); ++i) expected[i] += dx[k][i];
      CHECK(distance(run.dx(k), expected) < 1e-12);
    }
  }
}

/// Building: variables are made once, frozen layers' too, whatever is known of the batch.
inline void check_build(const LayerCase& test) {
  const std::vector<Shape> open = test.shapes(), five = test.shapes(5);
  set_random_seed(11);
  const Layer<double> layer = test.make();
  CHECK_FALSE(layer.built());
  CHECK_THROWS_AS(layer.count_params(), StateError);
  const Shape open_output = layer.impl().output_shapes(open)[0];
  const Shape output = layer.impl().output_shapes(five)[0];
  CHECK(open_output[0] == Shape::kUnknown);
  CHECK(open_output.replace_batch(5) == output);
  layer.impl().ensure_built(open);
  CHECK(layer.built());

  Index total = 0;
  for (const auto& variable : layer.weights()) {
    total += variable->size();
    CHECK(all_finite(variable->value()));
  }
  CHECK(layer.count_params() == total);

  set_random_seed(11);
  const Layer<double> frozen = test.make();
  frozen.set_trainable(false);
  frozen.impl().ensure_built(five);
  const auto weights = layer.get_weights(), frozen_weights = frozen.get_weights();
  REQUIRE(weights.size() == frozen_weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) CHECK(same(weights[i], frozen_weights[i]));
  CHECK(frozen.trainable_weights().empty());
  CHECK(frozen.non_trainable_weights().size() == weights.size());

  randomize(layer, 5);
  const auto variables = layer.weights();
  const auto before = layer.get_weights();
  layer.impl().ensure_built(five);
  CHECK(layer.weights() == variables);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(same(layer.get_weights()[i], before[i]));
}

inline void check_config(const LayerCase& test, const Tensors<double>& x) {
  const Layer<double> layer = test.layer, twin = test.make();
  const Config config = layer.config();
  CHECK(twin.class_name() == layer.class_name());
  CHECK(twin.name() == layer.name());
  CHECK(twin.config() == config);
  LayerRun<double> a(layer, x, {}), b(twin, x, {});
  randomize(layer, 7);
  twin.set_weights(layer.get_weights());
  CHECK(same(a.forward().y(), b.forward().y()));
  // A frozen layer's config says so.
  layer.set_trainable(false);
  if (layer.config().contains("trainable")) {
    CHECK_FALSE(test.make().trainable());
  }
  layer.set_trainable(true);
}

/// State moves only when the layer says so, and weights never move by themselves.
inline void check_state(const Layer<double>& layer, const Tensors<double>& x, Use use) {
  LayerRun<double> run(layer, x, use);
  const auto before = layer.get_weights();
  run.forward();
  const auto unchanged = [&](std::size_t i) { return same(layer.weights()[i]->value(), before[i]); };
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(unchanged(i));
  const std::vector<Shape> shapes = shapes_of(x);
  const bool moves = layer.impl().updates_state(use);
  CHECK((!moves || (use.training && use.trainable)));
  layer.impl().update_state({shapes, use, run.cache()});
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool state = layer.weights()[i]->kind() == VariableKind::state;
    INFO(layer.weights()[i]->name());
    CHECK(unchanged(i) == !(moves && state));
  }
}

/// Forward is bitwise the same for any number of threads, in float, with enough samples to be shared out.
inline void check_threads(const LayerCase& test) {
  const Layer<float> layer = make_layer<float>(std::string(test.layer.class_name()), test.layer.config());
  const Tensors<float> x = random_inputs<float>(test, 1200, 31);
  const int threads = num_threads();
  for (const bool training : {false, true}) {
    const Use use{training, true, true, true};
    LayerRun<float> one(layer, x, use), two(layer, x, use);
    randomize(layer, 3);
    set_num_threads(1);
    one.forward();
    const Tensor<float> dy = random_tensor<float>(one.y().shape(), 8);
    one.backward(dy);
    set_num_threads(2);
    two.forward().backward(dy);
    set_num_threads(threads);
    INFO("training " << training);
    CHECK(same(one.y(), two.y()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (one.wants(i)) CHECK(same(one.dx(i), two.dx(i)));
    }
  }
}

/// At inference a sample's output does not depend on the samples beside it.
inline void check_samples(const Layer<double>& layer, const Tensors<double>& x) {
  LayerRun<double> all(layer, x, {});
  all.forward();
  for (Index sample = 0; sample < x[0].dim(0); ++sample) {
    Tensors<double> alone;
    for (const auto& input : x) alone.push_back(input.rows(sample, sample + 1));
    LayerRun<double> one(layer, alone, {});
    CHECK(distance(one.forward().y(), all.y().rows(sample, sample + 1)) < 1e-14);
  }
}

/// Everything above.
inline void check_layer_contract(const LayerCase& test) {
  INFO(test.label);
  check_build(test);
  const Tensors<double> five = random_inputs<double>(test, 5, 1), one = random_inputs<double>(test, 1, 2);
  const Tensors<double> least = random_inputs<double>(test, test.least_batch, 2);
  check_config(test, five);

  const Layer<double> layer = test.make();
  layer.impl().ensure_built(shapes_of(five));
  randomize(layer, 13);
  check_samples(layer, five);
  for (const bool training : {false, true}) {
    for (const bool trainable : {false, true}) {
      for (const bool input_gradients : {false, true}) {
        for (const bool weight_gradients : {false, true}) {
          if (weight_gradients && !trainable) continue;
          const Use use{training, trainable, weight_gradients, input_gradients};
          check_memory(layer, five, use);
          check_memory(layer, training && trainable ? least : one, use);
        }
      }
      const Use use{training, trainable, trainable, true};
      check_gradients(layer, five, use);
      check_state(layer, five, use);
      if (!training) check_gradients(layer, one, use);
    }
  }
  check_threads(test);
}

}  // namespace graft::test
