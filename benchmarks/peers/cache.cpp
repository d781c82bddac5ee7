// cache ROUNDS CLOCK
//
// Phase 1 of a transfer: the trunk 784-300-100-50-50-50 (selu) is frozen, a sigmoid on it trains for 20 epochs. Three
// ways take turns: fit with cache_frozen_prefix; what that should cost, which is one pass of the data through the trunk
// and 20 epochs of the head alone on its features; and fit without the cache. Medians, as lines of benchmarks/compare.

#include <cstring>

#include "graft/graft.hpp"
#include "measure.hpp"

namespace {

constexpr graft::Index kSamples = 6400, kEpochs = 20;

graft::Sequential<float> trunk() {
  graft::Sequential model({graft::Flatten({.input_shape = graft::Shape{28, 28}})});
  for (const graft::Index units : {300, 100, 50, 50, 50}) {
    model.add(graft::Dense(units, {.activation = "selu", .kernel_initializer = "lecun_normal"}));
  }
  return model;
}

void compile(const graft::Sequential<float>& model) {
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const bool cpu = argc > 2 && std::strcmp(argv[2], "cpu") == 0;
  graft::set_num_threads(1);
  graft::set_random_seed(42);
  const graft::Tensor<float> x({kSamples, 28, 28}, measure::numbers(kSamples * 28 * 28, 1, 0.0f, 1.0f));
  std::vector<float> y = measure::numbers(kSamples, 2, 0.0f, 2.0f);
  for (float& label : y) label = static_cast<float>(static_cast<int>(label));

  const graft::Sequential base = trunk();
  graft::Sequential model(base.layers());
  model.add(graft::Dense(1, {.activation = "sigmoid"}));
  graft::freeze(base.layers());
  compile(model);
  const graft::Sequential head({graft::Dense(1, {.activation = "sigmoid", .input_shape = graft::Shape{50}})});
  compile(head);

  const auto fit = [&](bool cached) {
    const graft::History history =
        model.fit(x, y, {.epochs = kEpochs, .verbose = graft::Verbose::silent, .cache_frozen_prefix = cached});
    if (cached != (history.cached_layers > 0)) {
      std::fprintf(stderr, "fit cached %d layers: %s\n", static_cast<int>(history.cached_layers),
                   history.uncached_reason.c_str());
      std::exit(1);
    }
  };
  const auto parts = [&] {
    const graft::Tensor<float> features = base.predict(x);
    head.fit(features, y, {.epochs = kEpochs, .verbose = graft::Verbose::silent});
  };
  parts();  // not counted
  std::vector<double> cached_times, parts_times, plain_times;
  for (int round = 0; round < rounds; ++round) {
    const auto time = [&](auto&& work, std::vector<double>& times) {
      const measure::Time one = measure::of_a_call(0, work);
      times.push_back(cpu ? one.cpu : one.wall);
    };
    time([&] { fit(true); }, cached_times);
    time(parts, parts_times);
    time([&] { fit(false); }, plain_times);
  }
  const double cached = measure::median(cached_times), least = measure::median(parts_times),
               plain = measure::median(plain_times);
  std::printf(
      "summary | Phase 1, %d epochs over a frozen trunk, cached | %.1f ms | one forward pass and the head alone "
      "%.1f ms | %.2f × | ≤ 1.2 |\n",
      static_cast<int>(kEpochs), cached * 1e3, least * 1e3, cached / least);
  std::printf(
      "summary | Phase 1, %d epochs over a frozen trunk, cached | %.1f ms | not cached %.1f ms | %.1f × as fast | "
      "– |\n",
      static_cast<int>(kEpochs), cached * 1e3, plain * 1e3, plain / cached);
  return 0;
}
