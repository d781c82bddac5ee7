#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// What Adafactor, Muon, ScheduleFreeAdamW and MultiOptimizer remember, through .h5 and .keras.
using namespace graft;
using namespace graft::test;

namespace {

Sequential<float> net() {
  const Sequential model({Conv2D(3, {2, 2}, {.activation = "tanh", .name = "conv", .input_shape = Shape{4, 4, 2}}),
                          Flatten(), Dense(5, {.activation = "tanh", .name = "hidden"}), Dense(2, {.name = "head"})},
                         {.name = "net"});
  auto weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    for (Index k = 0; k < weights[i].size(); ++k) {
      weights[i][k] = 0.3F * std::sin(static_cast<float>(k + 1) * (1.0F + static_cast<float>(i)));
    }
  }
  model.set_weights(weights);
  return model;
}

std::vector<Optimizer<float>> optimizers() {
  return {Adafactor({.learning_rate = 0.05}),
          Adafactor({.learning_rate = 0.05, .use_ema = true}),
          Muon({.learning_rate = 0.02, .exclude_layers = {"head"}}),
          Muon({.learning_rate = 0.02, .adam_weight_decay = 0.0, .rms_rate = {}, .weight_decay = 0.0}),
          ScheduleFreeAdamW({.learning_rate = 0.02, .warmup_steps = 4}),
          MultiOptimizer(OptimizerMap(SGD({.learning_rate = 0.05, .momentum = 0.9}),
                                      {{"hidden/.*", Adafactor({.learning_rate = 0.05})},
                                       {"conv/bias", "sgd"},
                                       {"head/kernel", Nadam({.learning_rate = ExponentialDecay(0.05, 3, 0.5)})}}))};
}

}  // namespace

TEST_CASE("the newer optimizers: training goes on where a file stopped") {
  const TempDir dir;
  const auto x = numbers({6, 4, 4, 2}, -1);
  Tensor<float> y({6, 2});
  for (Index i = 0; i < y.size(); ++i) y[i] = static_cast<float>(i % 3);
  for (const auto& optimizer : optimizers()) {
    for (const char* name : {"m.h5", "m.keras"}) {
      CAPTURE(optimizer.class_name(), name);
      const auto model = net();
      model.compile({.optimizer = Optimizer<float>::from_config(optimizer.config()), .loss = "mse"});
      for (int step = 0; step < 3; ++step) (void)model.train_on_batch(x, y);
      model.save(dir / name);
      LoadReport report;
      const auto again = load_model(dir / name, {.report = &report});
      for (const std::string& warning : report.warnings) UNSCOPED_INFO(warning);
      CHECK(report.warnings.empty());
      REQUIRE(again.compiled());
      CHECK(again.optimizer().iterations() == 3);
      CHECK(again.optimizer().config() == model.optimizer().config());
      if (std::string(name) == "m.h5") {
        again.save(dir / "again.h5");
        CHECK(bytes_of(dir / name) == bytes_of(dir / "again.h5"));
      }
      for (int step = 0; step < 4; ++step) {
        const auto live = model.train_on_batch(x, y), resumed = again.train_on_batch(x, y);
        CHECK(live == resumed);
      }
      const auto a = model.get_weights(), b = again.get_weights();
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(same(a[i], b[i]));
    }
  }
}

TEST_CASE(".keras: optimizer variables in the order in which Keras makes them") {
  const TempDir dir;
  const auto shapes = [&](const Optimizer<float>& optimizer, const std::string& group) {
    const Sequential model({Dense(3, {.name = "d", .input_shape = Shape{4}})});
    model.compile({.optimizer = optimizer, .loss = "mse"});
    model.save(dir / "m.keras");
    const keras::WeightStore store = keras::KerasArchive(dir / "m.keras").weights();
    std::vector<Shape> result;
    while (store.contains(group + "/" + std::to_string(result.size()))) {
      result.push_back(store.open(group + "/" + std::to_string(result.size())).data.shape());
    }
    return result;
  };
  const std::string vars = "optimizer/vars";
  // Counter, rate; of the kernel r, c, velocity; of the bias two placeholders and its velocity.
  CHECK(shapes(Adafactor(), vars) == std::vector<Shape>{{}, {}, {4}, {3}, {4, 3}, {}, {}, {3}});
  CHECK(shapes(Muon(), vars) == std::vector<Shape>{{}, {}, {4, 3}, {3}, {3}});
  CHECK(shapes(ScheduleFreeAdamW(), vars) == std::vector<Shape>{{}, {}, {4, 3}, {4, 3}, {3}, {3}});
  const auto multi = [] { return MultiOptimizer(OptimizerMap(Adam(), {{"d/bias", SGD({.momentum = 0.9})}})); };
  // Its own two, then those of SGD, which is in the map, then those of the default.
  CHECK(shapes(multi(), vars) == std::vector<Shape>{{}, {}, {}, {}, {3}, {}, {}, {4, 3}, {4, 3}});
  CHECK(shapes(multi(), "optimizer/_inner_optimizers/sgd/vars") == std::vector<Shape>{{}, {}, {3}});
  CHECK(shapes(multi(), "optimizer/_inner_optimizers/adam/vars") == std::vector<Shape>{{}, {}, {4, 3}, {4, 3}});
}

TEST_CASE(".keras: MultiOptimizer in Keras's words") {
  const auto model = net();
  model.compile({.optimizer = MultiOptimizer(OptimizerMap("sgd", {{"head/.*", "adam"}})), .loss = "mse"});
  const Config config = keras::write_compile_config(model.impl().compiled()->options()).at("optimizer");
  CHECK(config.at("module").as_string() == "keras.optimizers");
  const Config& map = config.at("config").at("optimizer_map");
  CHECK(map.at("class_name").as_string() == "OptimizerMap");
  CHECK(map.at("module").as_string() == "keras.optimizers");
  CHECK(map.at("config").at("default_optimizer").at("class_name").as_string() == "SGD");
  const Config& adam = map.at("config").at("optimizer_map").at("head/.*");
  CHECK(adam.at("module").as_string() == "keras.optimizers");
  CHECK(adam.at("class_name").as_string() == "Adam");
  CHECK(Optimizer<float>::from_config(config).config() == model.optimizer().config());
}
