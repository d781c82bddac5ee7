#include <filesystem>

#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

// What files hold of LoRA: small files of adapters, and models in Keras's formats.
using namespace graft;
using test::contains;
using test::message;
using test::same;

namespace {

// Nested, with a convolution, LoRA of numbers that are not the initial ones.
Sequential<float> base_net(std::uint64_t seed = 1) {
  set_random_seed(seed);
  const Sequential<float> base({Conv2D(12, 3, {.activation = "relu", .name = "conv", .input_shape = Shape{8, 8, 4}}),
                                Flatten(), Dense(128, {.activation = "relu", .name = "wide"})},
                               {.name = "base"});
  return Sequential<float>({base, Dense(2, {.activation = "softmax", .name = "head"})});
}
void fill_adapters(const Model<float>& model) {
  Rng rng(std::uint64_t{5});
  for (const auto& variable : model.weights()) {
    if (!variable->is_adapter()) continue;
    for (Index i = 0; i < variable->size(); ++i) variable->mutable_value()[i] = static_cast<float>(0.1 * rng.normal());
  }
}
Tensor<float> pictures() {
  Tensor<float> x({5, 8, 8, 4});
  Rng rng(std::uint64_t{6});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  return x;
}
double difference(const Tensor<float>& a, const Tensor<float>& b) {
  double most = 0;
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, static_cast<double>(std::abs(a[i] - b[i])));
  return most;
}

}  // namespace

TEST_CASE("adapters: a small file, into the same base and back bit by bit") {
  const test::TempDir dir;
  const auto model = base_net(), fresh = base_net();
  const auto x = pictures();
  CHECK(add_lora<float>(model, {.rank = 2, .lora_alpha = 3}) == 2);
  fill_adapters(model);
  model.get_layer("head").weights()[0]->mutable_value().fill(0.5F);
  CHECK(save_lora<float>(model, dir / "a.h5", {.layers = {"head"}}) == 2);
  CHECK(std::filesystem::file_size(dir / "a.h5") < 24000);
  model.save(dir / "whole.h5");
  CHECK(std::filesystem::file_size(dir / "whole.h5") > 5 * std::filesystem::file_size(dir / "a.h5"));
  CHECK(load_lora<float>(fresh, dir / "a.h5") == 2);
  CHECK(same(fresh.get_weights(), model.get_weights()));
  CHECK(same(fresh.predict(x), model.predict(x)));
  // Once more into a model that has LoRA; the same model makes the same bytes.
  CHECK(load_lora<float>(fresh, dir / "a.h5") == 2);
  CHECK(same(fresh.predict(x), model.predict(x)));

  // Wrong files and models: nothing changes.
  const auto other = base_net(2);
  const auto before = other.get_weights();
  CHECK(contains(message<FileError>([&] { load_lora<float>(other, dir / "a.h5"); }), "any_base"));
  CHECK(same(other.get_weights(), before));
  CHECK(load_lora<float>(other, dir / "a.h5", {.any_base = true}) == 2);
  const Sequential<float> small({Dense(2, {.name = "head", .input_shape = Shape{128}})});
  CHECK(contains(message<FileError>([&] { load_lora<float>(small, dir / "a.h5"); }), "layers that the model has"));
  CHECK_THROWS_AS(load_lora<float>(other, dir / "whole.h5"), FileError);
  CHECK_THROWS_AS(load_lora<float>(other, dir / "none.h5"), FileError);
  CHECK_THROWS_AS(load_lora<float>(other, dir.write("text.h5", "no HDF5")), FileError);
  const auto ranked = base_net();
  add_lora<float>(ranked, {.rank = 1});
  CHECK(contains(message<FileError>([&] { load_lora<float>(ranked, dir / "a.h5"); }), "remove_lora"));
  CHECK_THROWS_AS(save_lora<float>(base_net(), dir / "b.h5"), StateError);
  CHECK(contains(message<ConfigError>([&] { save_lora<float>(model, dir / "b.h5", {.layers = {"haed"}}); }), "head"));
  CHECK_FALSE(std::filesystem::exists(dir / "b.h5"));
}

TEST_CASE("models with LoRA in .keras and .weights.h5: the sum of kernel and LoRA, as Keras writes it") {
  const test::TempDir dir;
  const auto model = base_net();
  const auto x = pictures();
  add_lora<float>(model, {.rank = 2, .lora_alpha = 3});
  fill_adapters(model);
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .lints = {.silence = {"all"}}});
  model.fit(x, Tensor<float>({5}, {0, 1, 1, 0, 1}), {.verbose = Verbose::silent});
  const auto expected = model.predict(x);
  model.save(dir / "m.keras");
  const auto again = load_model<float>(dir / "m.keras");
  CHECK(difference(again.predict(x), expected) < 1e-5);
  // LoRA is on, as lora_rank in the config says, and begins anew on top of the sum; its A can learn.
  const auto conv =
      Model<float>(std::static_pointer_cast<ModelImpl<float>>(again.get_layer("base").shared())).get_layer("conv");
  REQUIRE(conv.weights().size() == 4);
  CHECK(conv.config().at("lora_alpha") == Config(3.0));
  for (const float b : conv.weights()[3]->value()) CHECK(b == 0);
  double a = 0;
  for (const float value : conv.weights()[2]->value()) a += static_cast<double>(std::abs(value));
  CHECK(a > 0.1);
  again.fit(x, Tensor<float>({5}, {0, 1, 1, 0, 1}), {.verbose = Verbose::silent});

  model.save_weights(dir / "m.weights.h5");
  const auto plain = base_net(3);
  plain.load_weights(dir / "m.weights.h5");
  CHECK(difference(plain.predict(x), expected) < 1e-5);
  // Into a model with LoRA of its own: its change is over.
  const auto adapted = base_net(4);
  add_lora<float>(adapted, {.rank = 1});
  fill_adapters(adapted);
  adapted.load_weights(dir / "m.weights.h5");
  CHECK(difference(adapted.predict(x), expected) < 1e-5);
}

TEST_CASE("models with LoRA in .h5: plain layers, which every Keras reads") {
  const test::TempDir dir;
  const auto model = base_net();
  const auto x = pictures();
  add_lora<float>(model, {.rank = 2});
  fill_adapters(model);
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .lints = {.silence = {"all"}}});
  model.fit(x, Tensor<float>({5}, {0, 1, 1, 0, 1}), {.verbose = Verbose::silent});
  model.save(dir / "m.h5");
  LoadReport report;
  const auto again = load_model<float>(dir / "m.h5", {.report = &report});
  CHECK(again.weights().size() == 6);
  CHECK(difference(again.predict(x), model.predict(x)) < 1e-5);
  again.fit(x, Tensor<float>({5}, {0, 1, 1, 0, 1}), {.verbose = Verbose::silent});
  model.save_weights(dir / "w.h5");
  const auto plain = base_net(3);
  plain.load_weights(dir / "w.h5");
  CHECK(difference(plain.predict(x), model.predict(x)) < 1e-5);
}
