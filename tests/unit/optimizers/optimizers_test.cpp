#include "graft/optimizers/optimizers.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "shared_dir.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "unit/losses/golden_numbers.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using graft::Config;
using graft::Gradient;
using graft::Index;
using graft::Optimizer;
using graft::Tensor;
using graft::Variable;
using graft::VariableKind;
using graft::VariablePtr;

template <class Scalar = float>
VariablePtr<Scalar> variable(std::vector<Scalar> values, std::string name = "w") {
  const graft::Shape shape{static_cast<Index>(values.size())};
  return std::make_shared<Variable<Scalar>>(name, Tensor<Scalar>(shape, values), VariableKind::trainable);
}

template <class Scalar>
void apply_gradient(const Optimizer<Scalar>& optimizer, const VariablePtr<Scalar>& w, std::vector<Scalar> gradient) {
  Tensor<Scalar> g(w->shape(), gradient);
  const Gradient<Scalar> list[] = {{w.get(), g.view()}};
  optimizer.apply(list);
}

// The three steps of the golden vectors: w0 = [1, -2].
template <class Scalar>
Tensor<Scalar> three_steps(const Optimizer<Scalar>& optimizer) {
  const auto w = variable<Scalar>({1, -2});
  apply_gradient<Scalar>(optimizer, w, {Scalar(0.5), -1});
  apply_gradient<Scalar>(optimizer, w, {Scalar(0.25), 3});
  apply_gradient<Scalar>(optimizer, w, {Scalar(-0.125), Scalar(0.5)});
  return w->value();
}

TEST_CASE("three steps of every optimizer as Keras 3.11.3 makes them, and as the formulas say in double", "[golden]") {
  struct Case {
    Optimizer<float> optimizer;
    double keras[2], formula[2];
  };
  const Case cases[] = {
      {graft::SGD({.learning_rate = 0.1, .momentum = 0.9}), {.82950002, -2.34899998}, {.8295, -2.349}},
      {graft::SGD({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}),
       {.78404999, -2.56409979},
       {.78405, -2.5641}},
      {graft::RMSprop({.learning_rate = 0.1}), {.61179471, -2.03752589}, {.61179467, -2.03752602}},
      {graft::RMSprop({.learning_rate = 0.1, .momentum = 0.9, .centered = true}),
       {-.13166887, -1.73669231},
       {-.13166888, -1.73669241}},
      {graft::Adam({.learning_rate = 0.1}), {.75041920, -1.99713302}, {.75041737, -1.99713292}},
      {graft::Adam({.learning_rate = 0.1, .amsgrad = true}), {.75041920, -1.99713302}, {.75041737, -1.99713292}},
      {graft::AdamW({.learning_rate = 0.1}), {.74933696, -1.99479401}, {.74933512, -1.99479410}},
      {graft::Nadam({.learning_rate = 0.1}), {.85441595, -2.01069427}, {.85441479, -2.01069468}},
      {graft::Adamax({.learning_rate = 0.1}), {.78889811, -1.96626878}, {.78889805, -1.96626883}},
      {graft::Adagrad({.learning_rate = 0.1}), {.89566368, -2.01459312}, {.89566366, -2.01459301}},
      {graft::Adadelta({.learning_rate = 1.0}), {.99816895, -2.00092816}, {.99816892, -2.00092805}},
      {graft::Ftrl({.learning_rate = 0.1}), {.36114118, -1.41157031}, {.36114116, -1.41157032}},
      {graft::Lamb({.learning_rate = 0.1}), {.50671417, -2.06900382}, {.50671420, -2.06900375}},
      {graft::Lion({.learning_rate = 0.1}), {.89999998, -2.09999990}, {.9, -2.1}},
  };
  for (const Case& c : cases) {
    INFO(c.optimizer.class_name());
    const auto in_float = three_steps<float>(Optimizer<float>::from_config(c.optimizer.config()));
    CHECK(in_float[0] == Approx(c.keras[0]).margin(5e-6).epsilon(0));
    CHECK(in_float[1] == Approx(c.keras[1]).margin(5e-6).epsilon(0));
    // The learning rate went through a file's float32: 0.1 is 0.100000001.
    const auto in_double = three_steps<double>(Optimizer<double>(c.optimizer));
    CHECK(in_double[0] == Approx(c.formula[0]).margin(5e-8).epsilon(0));
    CHECK(in_double[1] == Approx(c.formula[1]).margin(5e-8).epsilon(0));
  }
}

struct TwoVariables {
  VariablePtr<float> first = variable<float>({0.f, 0.f}), second = variable<float>({0.f, 0.f});
  // With SGD and a learning rate of 1 the weights are what is left of the gradients, with the other sign.
  void apply(const Optimizer<float>& optimizer) {
    Tensor<float> a({2}, {0.9f, 100.f}), b({2}, {3.f, 4.f});
    const Gradient<float> list[] = {{first.get(), a.view()}, {second.get(), b.view()}};
    optimizer.apply(list);
  }
};

TEST_CASE("R-74: clipvalue, clipnorm for each variable, global_clipnorm for all together") {
  const auto check = [](const Optimizer<float>& optimizer, std::vector<double> first, std::vector<double> second) {
    TwoVariables pair;
    pair.apply(optimizer);
    for (Index i = 0; i < 2; ++i) {
      CHECK(-pair.first->value()[i] == Approx(first[static_cast<std::size_t>(i)]).margin(2e-7));
      CHECK(-pair.second->value()[i] == Approx(second[static_cast<std::size_t>(i)]).margin(2e-7));
    }
  };
  check(graft::SGD({.learning_rate = 1, .clipvalue = 1.0}), {.9, 1.0}, {1.0, 1.0});
  check(graft::SGD({.learning_rate = 1, .clipnorm = 1.0}), {.0089996, .9999595}, {.6, .8});
  check(graft::SGD({.learning_rate = 1, .global_clipnorm = 1.0}), {.0089884, .9987119}, {.0299614, .0399485});
  // Below the limit nothing changes.
  check(graft::SGD({.learning_rate = 1, .clipnorm = 1e3}), {.9, 100}, {3, 4});
  check(graft::SGD({.learning_rate = 1, .global_clipnorm = 1e3}), {.9, 100}, {3, 4});
  check(graft::SGD({.learning_rate = 1, .clipvalue = 1e3}), {.9, 100}, {3, 4});
}

TEST_CASE("R-74: more than one kind of clipping is an error") {
  CHECK_THROWS_AS(graft::SGD({.clipnorm = 1.0, .clipvalue = 1.0}), graft::ConfigError);
  CHECK_THROWS_AS(graft::Adam({.clipnorm = 1.0, .global_clipnorm = 1.0}), graft::ConfigError);
  CHECK_THROWS_WITH(graft::RMSprop({.clipvalue = 1.0, .global_clipnorm = 1.0}),
                    ContainsSubstring("only one of clipnorm, clipvalue and global_clipnorm"));
  CHECK_THROWS_AS(graft::SGD({.clipnorm = -1.0}), graft::ConfigError);
}

TEST_CASE("R-74: a gradient that is not finite is not clipped into a good-looking one") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Optimizer<float>& optimizer :
       {Optimizer<float>(graft::SGD({.clipnorm = 1.0})), Optimizer<float>(graft::SGD({.global_clipnorm = 1.0})),
        Optimizer<float>(graft::SGD({.clipvalue = 1.0}))}) {
    const auto w = variable<float>({1.f, 1.f});
    apply_gradient<float>(optimizer, w, {nan, 1.f});
    CHECK(std::isnan(w->value()[0]));
  }
}

TEST_CASE("R-23: one optimizer object through freezing and unfreezing; slots appear on first use and stay") {
  const Optimizer<float> optimizer = graft::Adam({.learning_rate = 0.1});
  const auto head = variable<float>({1.f, -2.f}, "head"), base = variable<float>({1.f, -2.f}, "base");
  const std::vector<VariablePtr<float>> all{head, base};

  apply_gradient<float>(optimizer, head, {0.5f, -1.f});  // base is frozen
  CHECK(optimizer.iterations() == 1);
  CHECK(optimizer.state(all).slots.size() == 2);
  CHECK(base->value()[0] == 1.f);

  Tensor<float> a({2}, {0.25f, 3.f}), b({2}, {0.5f, -1.f});
  const Gradient<float> both[] = {{head.get(), a.view()}, {base.get(), b.view()}};
  optimizer.apply(both);  // unfrozen
  CHECK(optimizer.iterations() == 2);
  const auto state = optimizer.state(all);
  REQUIRE(state.slots.size() == 4);
  CHECK(state.slots[0].name == "momentum");
  CHECK(state.slots[1].name == "velocity");
  CHECK(state.slots[2].variable == base);
  CHECK(state.slots[2].value[0] == Approx(0.05f));  // (1 - beta_1) g, from zero: the slot is new

  apply_gradient<float>(optimizer, head, {-0.125f, 0.5f});  // frozen again
  CHECK(optimizer.iterations() == 3);
  CHECK(head->value()[0] == Approx(.75041920).margin(5e-6));  // as if nothing had happened in between
  CHECK(head->value()[1] == Approx(-1.99713302).margin(5e-6));

  // A new optimizer, and one made from a string, start anew.
  CHECK(Optimizer<float>("adam").iterations() == 0);
}

TEST_CASE("a step allocates nothing once the slots exist") {
  const auto w = variable<float>({1.f, -2.f}), v = variable<float>({3.f, 4.f});
  Tensor<float> a({2}, {0.25f, 3.f}), b({2}, {0.5f, -1.f});
  const Gradient<float> both[] = {{w.get(), a.view()}, {v.get(), b.view()}};
  for (const char* name : {"sgd", "rmsprop", "adam", "nadam", "adamax", "adagrad", "adadelta", "ftrl", "lion"}) {
    Config config = Optimizer<float>(name).config();
    config["config"]["global_clipnorm"] = 1.0;
    config["config"]["use_ema"] = true;
    config["config"]["gradient_accumulation_steps"] = 2;
    const auto optimizer = Optimizer<float>::from_config(config);
    optimizer.apply(both);
    graft::test::AllocationCounter counter;
    for (int i = 0; i < 4; ++i) optimizer.apply(both);
    const long calls = counter.calls();
    INFO(name);
    CHECK(calls == 0);
  }
}

TEST_CASE("weight decay is decoupled, and can leave variables out") {
  const auto kernel = variable<float>({2.f}, "kernel"), bias = variable<float>({2.f}, "bias");
  for (const Optimizer<float>& optimizer :
       {Optimizer<float>(graft::SGD({.learning_rate = 0.5, .weight_decay = 0.1})),
        Optimizer<float>(graft::Lion({.learning_rate = 0.5, .weight_decay = 0.1}))}) {
    kernel->assign(Tensor<float>({1}, 2.f).view());
    bias->assign(Tensor<float>({1}, 2.f).view());
    optimizer.exclude_from_weight_decay({"bias"});
    Tensor<float> a({1}), b({1});
    const Gradient<float> both[] = {{kernel.get(), a.view()}, {bias.get(), b.view()}};
    optimizer.apply(both);
    CHECK(kernel->value()[0] == Approx(2.0 - 2.0 * 0.1 * 0.5));
    CHECK(bias->value()[0] == 2.f);
    CHECK_THROWS_AS(optimizer.exclude_from_weight_decay({"kernel"}), graft::StateError);
  }
  CHECK(Optimizer<float>("adamw").config().at("config").get("weight_decay", 0.0) == 0.004);
}

TEST_CASE("gradient accumulation updates with the mean of the gradients, then clips") {
  const Optimizer<float> optimizer =
      graft::SGD({.learning_rate = 1, .clipvalue = 1.0, .gradient_accumulation_steps = 3});
  const auto w = variable<float>({0.f, 0.f});
  apply_gradient<float>(optimizer, w, {3.f, 1.f});
  apply_gradient<float>(optimizer, w, {3.f, -4.f});
  CHECK(w->value()[0] == 0.f);
  CHECK(optimizer.iterations() == 0);
  apply_gradient<float>(optimizer, w, {3.f, 1.5f});
  CHECK(w->value()[0] == Approx(-1.0));  // mean 3, clipped
  CHECK(w->value()[1] == Approx(0.5));   // mean -0.5
  CHECK(optimizer.iterations() == 1);
  apply_gradient<float>(optimizer, w, {9.f, 9.f});
  CHECK(w->value()[1] == Approx(0.5));  // the sum started again
  CHECK_THROWS_AS(graft::SGD({.gradient_accumulation_steps = 1}), graft::ConfigError);
}

TEST_CASE("loss_scale_factor: the gradients are divided by it") {
  const Optimizer<float> optimizer = graft::SGD({.learning_rate = 1, .loss_scale_factor = 128.0});
  CHECK(optimizer.loss_scale() == 128.0);
  const auto w = variable<float>({0.f});
  apply_gradient<float>(optimizer, w, {64.f});
  CHECK(w->value()[0] == Approx(-0.5));
}

TEST_CASE("LossScaleOptimizer leaves out steps that overflow, and adapts its scale") {
  const auto inner = graft::SGD({.learning_rate = 1});
  const Optimizer<float> optimizer = graft::LossScaleOptimizer(inner, {.initial_scale = 8, .dynamic_growth_steps = 2});
  const auto w = variable<float>({0.f, 0.f});
  apply_gradient<float>(optimizer, w, {8.f, 16.f});
  CHECK(w->value()[1] == Approx(-2.0));
  apply_gradient<float>(optimizer, w, {std::numeric_limits<float>::infinity(), 0.f});
  CHECK(w->value()[1] == Approx(-2.0));
  CHECK(optimizer.loss_scale() == 4.0);
  CHECK(optimizer.iterations() == 1);
  apply_gradient<float>(optimizer, w, {0.f, 4.f});
  CHECK(optimizer.loss_scale() == 4.0);
  apply_gradient<float>(optimizer, w, {0.f, 4.f});
  CHECK(optimizer.loss_scale() == 8.0);  // two good steps since the bad one
  CHECK(w->value()[1] == Approx(-4.0));

  const auto state = optimizer.state(std::vector{w});
  const auto again = Optimizer<float>::from_config(optimizer.config());
  CHECK(again.config() == optimizer.config());
  again.set_state(state);
  CHECK(again.loss_scale() == 8.0);
  CHECK(again.iterations() == 3);
}

TEST_CASE("use_ema averages the weights; they come in on demand or every so many steps") {
  const auto w = variable<float>({0.f});
  const Optimizer<float> optimizer = graft::SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.75});
  apply_gradient<float>(optimizer, w, {-4.f});  // w = 4, and so is the average
  apply_gradient<float>(optimizer, w, {-4.f});  // w = 8
  CHECK(w->value()[0] == 8.f);
  optimizer.finalize_variable_values(std::vector{w});
  CHECK(w->value()[0] == Approx(0.75 * 4 + 0.25 * 8));

  const auto v = variable<float>({0.f});
  const Optimizer<float> often =
      graft::SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = 0.75, .ema_overwrite_frequency = 2});
  apply_gradient<float>(often, v, {-4.f});
  CHECK(v->value()[0] == 4.f);
  apply_gradient<float>(often, v, {-4.f});
  CHECK(v->value()[0] == Approx(5.0));
}

TEST_CASE("constraints are applied after the update") {
  const auto w = variable<float>({3.f, 4.f});
  w->set_constraint(graft::MaxNorm(1.0));
  apply_gradient<float>(graft::SGD({.learning_rate = 0.0}), w, {0.f, 0.f});
  CHECK(w->value()[0] == Approx(0.6));
  CHECK(w->value()[1] == Approx(0.8));
}

TEST_CASE("learning rates: numbers can be set, schedules run by the step") {
  const Optimizer<float> plain = "sgd";
  CHECK(plain.learning_rate() == Approx(0.01));
  plain.set_learning_rate(0.5);
  const auto w = variable<float>({0.f});
  apply_gradient<float>(plain, w, {1.f});
  CHECK(w->value()[0] == Approx(-0.5));

  const Optimizer<float> scheduled = graft::SGD({.learning_rate = graft::PiecewiseConstantDecay({1}, {0.5, 0.25})});
  CHECK_THROWS_AS(scheduled.set_learning_rate(0.1), graft::StateError);
  apply_gradient<float>(scheduled, w, {1.f});
  apply_gradient<float>(scheduled, w, {1.f});
  CHECK(scheduled.learning_rate() == 0.25);
  apply_gradient<float>(scheduled, w, {1.f});
  CHECK(w->value()[0] == Approx(-1.75));

  const Optimizer<float> own = graft::SGD({.learning_rate = [](Index t) { return 1.0 / static_cast<double>(t + 1); }});
  apply_gradient<float>(own, w, {0.f});
  CHECK(own.learning_rate() == 0.5);
  CHECK_THROWS_AS(own.config(), graft::ConfigError);
}

TEST_CASE("schedules at chosen steps") {
  CHECK(graft::ExponentialDecay(0.1, 10, 0.5)(5) == Approx(0.1 * std::sqrt(0.5)));
  CHECK(graft::ExponentialDecay(0.1, 10, 0.5, {.staircase = true})(19) == Approx(0.05));
  CHECK(graft::InverseTimeDecay(0.1, 10, 0.5)(20) == Approx(0.05));
  CHECK(graft::InverseTimeDecay(0.1, 10, 0.5, {.staircase = true})(19) == Approx(0.1 / 1.5));
  const graft::PiecewiseConstantDecay pieces({4, 9}, {3, 2, 1});
  CHECK((pieces(0) == 3 && pieces(4) == 3 && pieces(5) == 2 && pieces(9) == 2 && pieces(10) == 1));
  CHECK_THROWS_AS(graft::PiecewiseConstantDecay({4, 9}, {3, 2}), graft::ConfigError);
  const graft::PolynomialDecay line(1.0, 10, {.end_learning_rate = 0.5});
  CHECK((line(0) == Approx(1.0) && line(5) == Approx(0.75) && line(10) == Approx(0.5) && line(99) == Approx(0.5)));
  const graft::PolynomialDecay cycle(1.0, 10, {.end_learning_rate = 0.0, .power = 2, .cycle = true});
  CHECK((cycle(0) == Approx(1.0) && cycle(10) == Approx(0.0).margin(1e-12) && cycle(15) == Approx(0.0625)));
  const graft::CosineDecay warm(0.1, 10, {.alpha = 0.2, .warmup_target = 1.0, .warmup_steps = 4});
  CHECK((warm(0) == Approx(0.1) && warm(2) == Approx(0.55) && warm(4) == Approx(1.0)));
  CHECK((warm(9) == Approx(0.6) && warm(14) == Approx(0.2) && warm(50) == Approx(0.2)));
  const graft::CosineDecayRestarts even(1.0, 4, {.t_mul = 1.0, .m_mul = 0.5, .alpha = 0.1});
  CHECK((even(0) == Approx(1.0) && even(2) == Approx(0.55) && even(4) == Approx(0.55) && even(6) == Approx(0.325)));
  for (const graft::LearningRateSchedule& schedule :
       std::vector<graft::LearningRateSchedule>{graft::ExponentialDecay(0.1, 10, 0.5), pieces, line, cycle, warm, even,
                                                graft::InverseTimeDecay(0.1, 10, 0.5)}) {
    const auto again = graft::LearningRateSchedule::from_config(schedule.config());
    CHECK(again.config() == schedule.config());
    for (const Index t : {0, 3, 7, 20}) CHECK(again(t) == schedule(t));
  }
}

TEST_CASE("schedules give the learning rates that Keras 3.11.3 used", "[golden]") {
  for (const char* name :
       {"lr_exponential", "lr_inverse_time", "lr_piecewise", "lr_polynomial", "lr_cosine", "lr_cosine_restarts"}) {
    const std::string path = graft::test::golden_path(std::string("training/") + name + ".json");
    GRAFT_NEEDS(path);
    const auto phase = graft::test::read_json(path)["phases"][0];
    const auto optimizer = Optimizer<float>::from_config(graft::test::to_config(phase["optimizer"]));
    const auto w = variable<float>({0.f});
    INFO(name);
    for (const double rate : phase["learning_rate_before_step"]) {
      CHECK(optimizer.learning_rate() == Approx(rate).epsilon(1e-5).margin(1e-8));
      apply_gradient<float>(optimizer, w, {1.f});
    }
  }
}

TEST_CASE("optimizers come back from their config") {
  for (const char* name :
       {"SGD", "RMSprop", "Adam", "AdamW", "Nadam", "Adamax", "Adagrad", "Adadelta", "Ftrl", "Lamb", "Lion"}) {
    INFO(name);
    const Optimizer<float> optimizer(name);
    CHECK(optimizer.class_name() == name);
    CHECK(Optimizer<float>::from_config(optimizer.config()).config() == optimizer.config());
  }
  const Optimizer<float> adam = graft::Adam({.learning_rate = graft::CosineDecay(0.1, 50),
                                             .beta_1 = 0.8,
                                             .amsgrad = true,
                                             .weight_decay = 0.01,
                                             .clipnorm = 2.0,
                                             .use_ema = true,
                                             .ema_overwrite_frequency = 7,
                                             .name = "mine"});
  CHECK(Optimizer<float>::from_config(adam.config()).config() == adam.config());
  CHECK(Optimizer<double>(adam).config() == adam.config());

  const Config sgd = graft::SGD({.learning_rate = 0.1}).config();
  const char* keys[] = {"name",
                        "learning_rate",
                        "weight_decay",
                        "clipnorm",
                        "global_clipnorm",
                        "clipvalue",
                        "use_ema",
                        "ema_momentum",
                        "ema_overwrite_frequency",
                        "loss_scale_factor",
                        "gradient_accumulation_steps",
                        "momentum",
                        "nesterov"};
  const auto& members = sgd.at("config").members();
  REQUIRE(members.size() == std::size(keys));
  for (std::size_t i = 0; i < members.size(); ++i) CHECK(members[i].first == keys[i]);
  CHECK(members[0].second.as_string() == "SGD");
  CHECK(members[1].second.as_double() == 0.10000000149011612);
}

TEST_CASE("optimizers of every Keras can be read") {
  const auto object = [](const char* class_name, std::vector<Config::Member> config) {
    return Optimizer<float>::from_config(
        Config::object({{"class_name", class_name}, {"config", Config::object(std::move(config))}}));
  };
  // Keras 2.2: lr, decay; tf.keras 2.11 and later: "Custom>", is_legacy_optimizer, jit_compile.
  const auto keras_2 =
      object("SGD", {{"lr", 0.009999999776482582}, {"momentum", 0.9}, {"decay", 0.5}, {"nesterov", true}});
  CHECK(keras_2.learning_rate() == Approx(0.01));
  apply_gradient<float>(keras_2, variable<float>({0.f}), {1.f});
  CHECK(keras_2.learning_rate() == Approx(0.01 / 1.5));
  const auto custom = object("Custom>Adam", {{"name", "Adam"},
                                             {"learning_rate", 0.0010000000474974513},
                                             {"weight_decay", nullptr},
                                             {"clipnorm", nullptr},
                                             {"jit_compile", true},
                                             {"is_legacy_optimizer", false},
                                             {"epsilon", 9.999999974752427e-07}});
  CHECK(custom.class_name() == "Adam");
  CHECK(custom.config().at("config").get("epsilon", 0.0) == Approx(1e-6));
  const auto old_adam = object("Adam", {{"lr", 0.001}, {"epsilon", nullptr}, {"decay", 0.0}, {"amsgrad", false}});
  CHECK(old_adam.config().at("config").get("epsilon", 0.0) == 1e-7);
  CHECK_NOTHROW(old_adam.set_learning_rate(0.1));
  const Config keras_3 = Config::object({{"module", "keras.optimizers"},
                                         {"class_name", "RMSprop"},
                                         {"config", Config::object({{"learning_rate", 0.5}, {"rho", 0.8}})},
                                         {"registered_name", nullptr}});
  CHECK(Optimizer<float>::from_config(keras_3).learning_rate() == 0.5);
  CHECK_THROWS_AS(object("SGD", {{"momentum", "much"}}), graft::ConfigError);
}

TEST_CASE("R-76: optimizers by string; unknown names suggest the nearest") {
  CHECK(Optimizer<float>("sgd").class_name() == "SGD");
  CHECK(Optimizer<float>("RMSprop").name() == "rmsprop");
  CHECK_THROWS_WITH(Optimizer<float>("adan"), ContainsSubstring("Did you mean \"adam\"?"));
  CHECK_THROWS_WITH(Optimizer<float>("rms_prop"), ContainsSubstring("Did you mean \"rmsprop\"?"));
  CHECK_THROWS_AS(Optimizer<float>().iterations(), graft::StateError);
}

TEST_CASE("a state taken and given back goes on as if nothing had happened") {
  for (const char* name :
       {"SGD", "RMSprop", "Adam", "AdamW", "Nadam", "Adamax", "Adagrad", "Adadelta", "Ftrl", "Lamb", "Lion"}) {
    INFO(name);
    Config config = Optimizer<float>(name).config();
    config["config"]["use_ema"] = true;
    config["config"]["gradient_accumulation_steps"] = 2;
    if (config["config"].contains("momentum")) config["config"]["momentum"] = 0.9;
    const auto original = Optimizer<float>::from_config(config), copy = Optimizer<float>::from_config(config);
    const auto w = variable<float>({1.f, -2.f});
    for (int i = 0; i < 3; ++i) apply_gradient<float>(original, w, {0.5f, -1.f});
    original.set_learning_rate(0.05);
    const auto v = variable<float>({w->value()[0], w->value()[1]});
    auto state = original.state(std::vector{w});
    for (auto& slot : state.slots) slot.variable = v;
    copy.set_state(state);
    for (int i = 0; i < 5; ++i) {
      apply_gradient<float>(original, w, {0.25f, 3.f});
      apply_gradient<float>(copy, v, {0.25f, 3.f});
    }
    CHECK(w->value()[0] == v->value()[0]);
    CHECK(w->value()[1] == v->value()[1]);
    CHECK(copy.iterations() == original.iterations());
    original.finalize_variable_values(std::vector{w});
    copy.finalize_variable_values(std::vector{v});
    CHECK(w->value()[0] == v->value()[0]);
  }
}

TEST_CASE("a state that does not fit is refused, and nothing is changed") {
  const Optimizer<float> optimizer = "adam";
  const auto w = variable<float>({1.f, -2.f});
  apply_gradient<float>(optimizer, w, {0.5f, -1.f});
  auto state = optimizer.state(std::vector{w});
  const auto before = state;
  state.iterations = 77;
  state.slots[1].name = "velocty";
  CHECK_THROWS_WITH(optimizer.set_state(state), ContainsSubstring("velocty") && ContainsSubstring("velocity"));
  state = before;
  state.iterations = 77;
  state.slots[0].value = Tensor<float>({3});
  CHECK_THROWS_AS(optimizer.set_state(state), graft::ShapeError);
  CHECK(optimizer.iterations() == 1);
  CHECK(optimizer.state(std::vector{w}).slots[0].value[0] == before.slots[0].value[0]);
}

}  // namespace
