#include "graft/io/keras/model_config.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// A model of two inputs of 4 and 6 steps of 5 features, and one layer, in the words of a Keras.
Model<float> model_of(const std::string& layer, keras::Generation generation) {
  const bool keras3 = generation == keras::Generation::keras3;
  const auto input = [&](const std::string& name, const std::string& shape) {
    return R"({"class_name":"InputLayer","config":{")" + std::string(keras3 ? "batch_shape" : "batch_input_shape") +
           "\":" + shape + R"(,"dtype":"float32","name":")" + name + R"("},"name":")" + name +
           R"(","inbound_nodes":[]},)";
  };
  const std::string config = R"({"class_name":"Functional","config":{"name":"m","layers":[)" +
                             input("q", "[null,4,5]") + input("v", "[null,6,5]") + input("mask", "[null,4,6]") + layer +
                             R"(],"input_layers":[["q",0,0],["v",0,0],["mask",0,0]],"output_layers":[["a",0,0]]}})";
  std::vector<std::string> warnings;
  return Model<float>::from_config(keras::ModelConfigReader(generation, false, warnings).read(json::parse(config)));
}

std::string entry(const std::string& class_name, const std::string& config, const std::string& inbound) {
  return R"({"class_name":")" + class_name + R"(","config":{"name":"a","trainable":true,"dtype":"float32",)" + config +
         R"(},"name":"a","inbound_nodes":[)" + inbound + "]}";
}

const char* const kHeads = R"("num_heads":2,"key_dim":3,"use_bias":true,"query_shape":[null,4,5])";

std::vector<Tensor<float>> run(const Model<float>& model) {
  const Tensor<float> q = numbers({2, 4, 5}, -0.3F), v = numbers({2, 6, 5}, 0.2F);
  Tensor<float> mask({2, 4, 6}, 1.0F);
  for (Index i = 0; i < mask.size(); i += 5) mask[i] = 0;
  auto weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = numbers(weights[i].shape(), -0.1F * static_cast<float>(i));
  model.set_weights(weights);
  return model.predict_all({ArrayLike<float>(q), ArrayLike<float>(v), ArrayLike<float>(mask)});
}

}  // namespace

TEST_CASE("attention: how both generations call it comes to the same") {
  const auto tf = [](const std::string& inbound) {
    return run(model_of(entry("MultiHeadAttention", kHeads, inbound), keras::Generation::keras2));
  };
  const auto tensor = [](const std::string& name) {
    return R"({"class_name":"__keras_tensor__","config":{"shape":[null,4,5],"dtype":"float32","keras_history":[")" +
           name + R"(",0,0]}})";
  };
  const auto three = [&](const std::string& args, const std::string& kwargs) {
    const std::string call = R"({"args":[)" + args + R"(],"kwargs":{)" + kwargs + "}}";
    return run(model_of(entry("MultiHeadAttention", kHeads, call), keras::Generation::keras3));
  };
  const auto plain = tf(R"([["q",0,0,{"value":["v",0,0]}]])");
  REQUIRE(plain[0].shape() == Shape{2, 4, 5});
  CHECK(test::same(plain[0], tf(R"([["q",0,0,{"value":["v",0,0],"key":["v",0,0]}]])")[0]));
  CHECK(test::same(plain[0], three(tensor("q") + "," + tensor("v"), "")[0]));
  CHECK(test::same(plain[0], three("", "\"query\":" + tensor("q") + ",\"value\":" + tensor("v"))[0]));
  CHECK(test::same(plain[0], three(tensor("q"), "\"value\":" + tensor("v") + ",\"query_mask\":null")[0]));

  const auto causal = tf(R"([["q",0,0,{"value":["v",0,0],"use_causal_mask":true}]])");
  CHECK_FALSE(test::same(plain[0], causal[0]));
  CHECK(test::same(causal[0], three(tensor("q") + "," + tensor("v"), "\"use_causal_mask\":true")[0]));
  const auto masked = tf(R"([["q",0,0,{"value":["v",0,0],"attention_mask":["mask",0,0]}]])");
  CHECK_FALSE(test::same(plain[0], masked[0]));
  CHECK(test::same(masked[0], three(tensor("q") + "," + tensor("v"), "\"attention_mask\":" + tensor("mask"))[0]));
  CHECK_THROWS_WITH(three(tensor("q") + "," + tensor("v"), "\"value_mask\":" + tensor("mask")),
                    ContainsSubstring("value_mask"));
  // tf.keras until 2.10 has `causal` in the config of Attention.
  const auto dot = [&](const std::string& config) {
    return run(model_of(entry("Attention", config, R"([["q",0,0,{}],["v",0,0,{}]])"), keras::Generation::keras2))[0];
  };
  CHECK_FALSE(test::same(dot(R"("use_scale":false,"causal":true)"), dot(R"("use_scale":false)")));
}

TEST_CASE("attention: models are saved and load again, bit for bit") {
  const auto q = Input({4, 5}), v = Input({6, 5}), mask = Input({4, 6});
  const auto scored = call_layer<float>(
      MultiHeadAttention(2, 3, {.value_dim = 2, .use_causal_mask = true, .return_attention_scores = true}), {q, v});
  const auto masked = MultiHeadAttention(3, 2, {.output_shape = {4}})({q, v, v, mask});
  const auto grouped = GroupQueryAttention(3, 4, 2)({q, v});
  const auto dot = call_layer<float>(Attention({.use_scale = true, .return_attention_scores = true}), {q, v});
  const auto additive = AdditiveAttention({.use_causal_mask = true})({q, v, v});
  const Model<float> model({q, v, mask}, {scored[0], scored[1], masked, grouped, dot[0], dot[1], additive});
  const auto before = run(model);
  CHECK(before[1].shape() == Shape{2, 2, 4, 6});
  for (Index t = 0; t < 4; ++t) CHECK(before[5][t * 6] + before[5][t * 6 + 1] > 0);
  CHECK(before[1][1] == 0);  // step 0 does not see step 1
  const Tensor<float> x = numbers({2, 4, 5}, -0.3F), y = numbers({2, 6, 5}, 0.2F), m({2, 4, 6}, 1.0F);
  const auto expected = model.predict_all({ArrayLike<float>(x), ArrayLike<float>(y), ArrayLike<float>(m)});
  for (const std::string name : {"a.h5",
#ifdef GRAFT_HAS_LIBZIP
                                 "a.keras"
#endif
       }) {
    INFO(name);
    const TempDir folder;
    model.save(folder / name);
    const auto again =
        load_model(folder / name).predict_all({ArrayLike<float>(x), ArrayLike<float>(y), ArrayLike<float>(m)});
    REQUIRE(again.size() == expected.size());
    for (std::size_t i = 0; i < again.size(); ++i) CHECK(test::same(again[i], expected[i]));
  }
}
