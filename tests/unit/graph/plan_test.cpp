#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::message;

namespace {

// An identity that counts what it is asked for.
struct Probe {
  int forward = 0, backward = 0, input_gradients = 0, weight_gradients = 0, with_backward_use = 0;
};

struct ProbeOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

class ProbeImpl final : public LayerImpl<float> {
 public:
  explicit ProbeImpl(Probe& probe, bool random = false)
      : LayerImpl<float>("Probe", ProbeOptions{}), probe_(probe), random_(random) {}
  std::string_view class_name() const override { return "Probe"; }
  bool is_random() const override { return random_; }
  void forward(const ForwardArgs<float>& args) const override {
    ++probe_.forward;
    probe_.with_backward_use += args.use.backward();
    const float w = scale_->value()[0];
    for (Index i = 0; i < args.y().size(); ++i) args.y()[i] = w * args.x()[i];
  }
  void backward(const BackwardArgs<float>& args) const override {
    ++probe_.backward;
    if (args.dx()) {
      ++probe_.input_gradients;
      for (Index i = 0; i < args.dx().size(); ++i) args.dx()[i] = scale_->value()[0] * args.dy()[i];
    }
    if (args.dw(0)) {
      ++probe_.weight_gradients;
      args.dw(0)[0] = 0;
      for (Index i = 0; i < args.dy().size(); ++i) args.dw(0)[0] += args.dy()[i] * args.x()[i];
    }
  }
  Needs needs(std::span<const Shape>, const Use& use) const override { return {.inputs = use.weight_gradients}; }

 protected:
  void build(std::span<const Shape>, Rng& rng) override { scale_ = add_variable("scale", {1}, "ones", rng); }

 private:
  Probe& probe_;
  bool random_;
  VariablePtr<float> scale_;
};

Layer<float> probe(Probe& p, bool random = false) { return Layer<float>(std::make_shared<ProbeImpl>(p, random)); }

std::vector<const float*> pointers(const std::vector<Tensor<float>>& tensors) {
  std::vector<const float*> result;
  for (const auto& tensor : tensors) result.push_back(tensor.data());
  return result;
}

}  // namespace

TEST_CASE("plan_memory: buffers that live at the same time do not overlap, others share") {
  std::vector<Lifetime> buffers = {{1000, 0, 2, 0}, {5000, 1, 3, 0}, {900, 3, 4, 0}, {64, 0, 9, 0}, {0, 0, 9, 0}, {5000, 4, 6, 0}};
  const Index arena = plan_memory(buffers);
  for (std::size_t a = 0; a < buffers.size(); ++a) {
    CHECK(buffers[a].offset % 64 == 0);
    CHECK(buffers[a].offset + buffers[a].bytes <= arena);
    for (std::size_t b = a + 1; b < buffers.size(); ++b) {
      const bool together = buffers[a].first <= buffers[b].last && buffers[b].first <= buffers[a].last;
      const bool overlap = buffers[a].offset < buffers[b].offset + buffers[b].bytes &&
                           buffers[b].offset < buffers[a].offset + buffers[a].bytes;
      if (buffers[a].bytes && buffers[b].bytes) CHECK_FALSE((together && overlap));
    }
  }
  CHECK(arena <= 5056 + 1024 + 64);
  CHECK(buffers[1].offset == buffers[5].offset);

  // At random: never an overlap, never more than the sum, at least what lives at one time.
  Rng rng(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> many;
    Index sum = 0;
    for (int i = 0; i < 40; ++i) {
      const Index first = rng.below(30);
      many.push_back({rng.below(3000), first, first + rng.below(10), 0});
      sum += (many.back().bytes + 63) / 64 * 64;
    }
    const Index size = plan_memory(many);
    Index peak = 0;
    for (Index t = 0; t < 40; ++t) {
      Index now = 0;
      for (const auto& a : many) now += a.first <= t && t <= a.last ? (a.bytes + 63) / 64 * 64 : 0;
      peak = std::max(peak, now);
    }
    CHECK(size >= peak);
    CHECK(size <= sum);
    for (std::size_t a = 0; a < many.size(); ++a) {
      for (std::size_t b = a + 1; b < many.size(); ++b) {
        const bool together = many[a].first <= many[b].last && many[b].first <= many[a].last;
        const bool apart = many[a].offset + many[a].bytes <= many[b].offset || many[b].offset + many[b].bytes <= many[a].offset;
        if (together && many[a].bytes && many[b].bytes) REQUIRE(apart);
      }
    }
  }
}

TEST_CASE("Freezing: below the lowest trainable layer nothing is kept and backward never goes there") {
  Probe a, b, c;
  const Sequential<float> model(ModelOptions{.input_shape = Shape{8}});
  model.add(probe(a));
  model.add(Dense(8));
  model.add(probe(b));
  model.add(probe(c));
  model.add(Dense(2));
  model.layers()[0].set_trainable(false);
  model.layers()[1].set_trainable(false);
  model.layers()[3].set_trainable(false);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor<float> x({4, 8}, 0.5f), y({4, 2});
  model.train_on_batch(x, y);
  CHECK(a.forward == 1);
  CHECK(a.backward == 0);
  CHECK(a.with_backward_use == 0);
  CHECK(b.backward == 1);
  CHECK(b.weight_gradients == 1);
  CHECK(b.input_gradients == 0);  // the first live layer: weight gradients only
  CHECK(c.backward == 1);
  CHECK(c.weight_gradients == 0);  // frozen above it: data gradients only
  CHECK(c.input_gradients == 1);
}

TEST_CASE("A frozen step needs less memory than a full one") {
  Sequential<float> model(ModelOptions{.input_shape = Shape{64}});
  for (int i = 0; i < 10; ++i) model.add(Dense(64, {.activation = "tanh"}));
  const std::vector<Shape> shapes{{32, 64}};
  const auto bytes = [&](bool backward) {
    return Plan<float>(flatten(model.impl().graph()), shapes, {.training = backward, .backward = backward}).arena_bytes();
  };
  const Index activations = 32 * 64 * 4;
  const Index full = bytes(true), inference = bytes(false);
  freeze(model.layers().slice(0, -1));
  const Index frozen = bytes(true);
  CHECK(full >= 10 * activations);
  CHECK(frozen <= 5 * activations);
  CHECK(inference <= 2 * activations);
}

TEST_CASE("Values with several readers, layers with several calls: gradients add up") {
  // y = D(x) + 2 calls of the same layer on one value and on another; numbers against central differences.
  const auto in = Input<double>({3});
  const Dense<double> shared(3, {.activation = "tanh", .name = "shared"});
  const Dense<double> other(3, {.name = "other"});
  const auto a = shared(in);
  const auto b = shared(a);
  const auto c = other(a);
  const auto d = Activation<double>("sigmoid")(c);
  const Model<double> model({in}, {b, d, a});

  const Index batch = 4;
  Rng rng(5);
  Tensor<double> x({batch, 3});
  for (Index i = 0; i < x.size(); ++i) x[i] = rng.uniform(-1, 1);
  std::vector<Tensor<double>> cotangents;
  for (int i = 0; i < 3; ++i) {
    cotangents.emplace_back(Shape{batch, 3});
    for (Index j = 0; j < 12; ++j) cotangents.back()[j] = rng.uniform(-1, 1);
  }
  const auto value = [&] {
    const auto outputs = model.predict_all(x);
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (Index j = 0; j < 12; ++j) sum += outputs[i][j] * cotangents[i][j];
    }
    return sum;
  };
  const std::vector<Shape> shapes{x.shape()};
  Executor<double> executor(
      Plan<double>(flatten(model.impl().graph()), shapes, {.training = true, .backward = true, .input_gradients = true}));
  std::vector<Tensor<double>> gradients;
  std::vector<TensorView<double>> views;
  for (const auto& variable : executor.plan().variables()) gradients.emplace_back(variable->shape(), NAN);
  for (auto& gradient : gradients) views.push_back(gradient.view());
  executor.bind_gradients(views);
  const double* input = x.data();
  executor.forward({&input, 1});
  for (std::size_t i = 0; i < 3; ++i) std::copy_n(cotangents[i].data(), 12, executor.output_gradient(i).data());
  executor.backward();

  REQUIRE(gradients.size() == 4);
  const double h = 1e-6;
  for (std::size_t v = 0; v < gradients.size(); ++v) {
    auto& variable = *executor.plan().variables()[v];
    for (Index i = 0; i < variable.size(); ++i) {
      const double old = variable.value()[i];
      variable.mutable_value()[i] = old + h;
      const double up = value();
      variable.mutable_value()[i] = old - h;
      const double down = value();
      variable.mutable_value()[i] = old;
      CHECK(gradients[v][i] == Approx((up - down) / (2 * h)).epsilon(1e-6).margin(1e-8));
    }
  }
  for (Index i = 0; i < x.size(); ++i) {
    const double old = x[i];
    x[i] = old + h;
    const double up = value();
    x[i] = old - h;
    const double down = value();
    x[i] = old;
    CHECK(executor.input_gradient(0)[i] == Approx((up - down) / (2 * h)).epsilon(1e-6).margin(1e-8));
  }
}

TEST_CASE("A value that several layers want is not overwritten in place") {
  // Two in-place activations read one value; a view of it is read again later.
  const auto in = Input({6});
  const auto h = Dense(6, {.name = "h"})(in);
  const auto r = ReLU()(h);
  const auto e = ELU()(h);
  const auto v = Reshape(Shape{2, 3})(h);
  const auto f = Flatten()(v);
  const auto s = Activation("tanh")(f);
  const Model<float> model({in}, {r, e, s, h});
  const Tensor<float> x({5, 6}, 0.7f);
  const auto outputs = model.predict_all(x);
  for (Index i = 0; i < 30; ++i) {
    const float z = outputs[3][i];
    CHECK(outputs[0][i] == Approx(std::max(z, 0.f)));
    CHECK(outputs[1][i] == Approx(z > 0 ? z : std::expm1(z)).margin(1e-6));
    CHECK(outputs[2][i] == Approx(std::tanh(z)).margin(1e-6));
  }
}

TEST_CASE("split_frozen_prefix: the longest frozen, deterministic part") {
  Probe a, b;
  Sequential<float> model(ModelOptions{.input_shape = Shape{4}});
  model.add(probe(a));
  model.add(Dense(4));
  model.add(probe(b, true));
  model.add(Dense(2));
  freeze(model);
  model.impl().set_own_trainable(true);
  model.layers()[3].set_trainable(true);
  auto split = split_frozen_prefix(flatten(model.impl().graph()));
  CHECK(split.prefix.nodes.size() == 2);  // a random layer ends it
  CHECK(split.rest.nodes.size() == 2);
  REQUIRE(split.prefix.outputs.size() == 1);
  CHECK(split.prefix.outputs == split.rest.inputs);

  const Tensor<float> x({3, 4}, 0.3f);
  const std::vector<Shape> shapes{x.shape()};
  Executor<float> prefix(Plan<float>(split.prefix, shapes, {})), rest(Plan<float>(split.rest, shapes, {}));
  prefix.forward(pointers({x}));
  const float* feature = prefix.output(0).data();
  rest.forward({&feature, 1});
  const auto whole = model.predict(x);
  for (Index i = 0; i < whole.size(); ++i) CHECK(rest.output(0)[i] == whole[i]);

  model.layers()[0].set_trainable(true);
  CHECK(split_frozen_prefix(flatten(model.impl().graph())).prefix.nodes.empty());
}

TEST_CASE("Graphs: disconnected inputs, duplicate names, another shape than built for") {
  const auto in = Input({3}), lost = Input({3});
  const auto x = Dense(2)(in);
  CHECK(contains(message<ConfigError>([&] { Model<float>(lost, x); }), "disconnected"));
  const auto y = Dense(2, {.name = "same"})(in);
  const auto z = Dense(2, {.name = "same"})(y);
  CHECK(contains(message<ConfigError>([&] { Model<float>(in, z); }), "unique"));
  const Dense<float> layer(4);
  (void)layer(in);
  CHECK(contains(message<ShapeError>([&] { layer(Input({5})); }), "5"));
  CHECK_THROWS_AS(layer(Symbol<float>()), StateError);
}

TEST_CASE("A deep chain needs no deep stack") {
  auto x = Input({1});
  const auto in = x;
  for (int i = 0; i < 3000; ++i) x = ReLU()(x);
  const Model<float> model(in, x);
  CHECK(model.layers().size() == 3001);
  CHECK(model.predict(Tensor<float>({1, 1}, 2.f))[0] == 2.f);
}
