#include "catch.hpp"
#include "graft/graft.hpp"

using Catch::Matchers::ContainsSubstring;

namespace {
const std::string kSequential = R"({"class_name": "Sequential", "config": {"name": "net", "layers": [
{"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "dtype": "float32", "name": "x"}},
{"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "relu"}}]}})";
}

TEST_CASE("model_from_json: the architecture alone") {
  const auto model = graft::model_from_json(kSequential);
  CHECK(model.name() == "net");
  CHECK(model.count_params() == 15);
  CHECK(model.get_layer("d").get_weights()[0][0] != model.get_layer("d").get_weights()[0][1]);
  // Of Keras 2.
  graft::LoadReport report;
  const auto older = graft::model_from_json(
      R"({"class_name": "Sequential", "keras_version": "2.4.0", "backend": "tensorflow", "config": {"name": "net", "layers":
[{"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [null, 4], "units": 3}}]}})",
      {.report = &report});
  CHECK(older.count_params() == 15);
  CHECK(report.keras_version == "2.4.0");
}

TEST_CASE("model_from_json: what it refuses") {
  for (const char* text : {"", "[1]", "7", "{}", "{\"class_name\": \"Sequential\"}", "{\"class_name"}) {
    CHECK_THROWS_AS(graft::model_from_json(text), graft::FileError);
  }
  std::string unknown = kSequential;
  unknown.replace(unknown.find("Dense"), 5, "Dence");
  CHECK_THROWS_WITH(graft::model_from_json(unknown), ContainsSubstring("Dence"));
}
