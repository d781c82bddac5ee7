#include <nlohmann/json.hpp>

#include <fstream>

#include "tests/support/shared_dir.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// Files that Keras and strangers wrote, below GRAFT_SHARED.
using namespace graft;
using namespace graft::test;

namespace {

Tensor<float> read(const std::string& path, const std::string& name) {
  const auto data = hdf5::File::open(path).root().dataset(name);
  auto result = Tensor<float>::uninitialized(data.shape());
  data.read(result.data());
  return result;
}

// Largest |a - b| / (1 + |b|).
double difference(const Tensor<float>& a, const Tensor<float>& b) {
  if (!(a.shape() == b.shape())) return INFINITY;
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]) / (1 + std::abs(static_cast<double>(b[i]))));
  return largest;
}

}  // namespace

TEST_CASE("R-1: real files of the Fashion-MNIST experiment predict what Keras predicts") {
  GRAFT_NEEDS_SHARED();
  const TempDir dir;
  for (const std::string name : {"my_model_A.tfkeras-2.4.0", "my_model_A.tfkeras-2.5.0", "my_model_A.tfkeras-2.9.0",
                                 "my_model_A.tfkeras-2.10.0", "my_keras_model.tfkeras-2.5.0", "silent", "bn", "c"}) {
    CAPTURE(name);
    const std::string stem = shared_path("fixtures/keras/" + name);
    LoadReport report;
    const auto model = load_model(stem + ".h5", {.report = &report});
    CHECK(report.warnings.empty());
    CHECK(model.compiled() == (name != "silent"));
    const auto x = read(stem + ".io.h5", "x/0");
    CHECK(difference(model.predict(x), read(stem + ".io.h5", "y/0")) < 1e-6);
    // What graft writes reloads bit-identically.
    model.save(dir / "copy.h5");
    CHECK(same(load_model(dir / "copy.h5").predict(x), model.predict(x)));
  }
}

TEST_CASE("load_model: silent.h5 does not come out permuted, from file to model and from file to weights") {
  GRAFT_NEEDS_SHARED();
  const std::string stem = shared_path("fixtures/keras/silent");
  const auto x = read(stem + ".io.h5", "x/0"), y = read(stem + ".io.h5", "y/0"),
             wrong = read(stem + ".io.h5", "wrong_y/0");
  const auto in = Input({5});
  const Sequential base(
      {Dense(5, {.name = "d1", .input_shape = Shape{5}}), Dense(5, {.name = "d2"}), Dense(5, {.name = "d3"})},
      {.name = "base"});
  const Model model(in, Dense(2, {.name = "head"})(base(in)));
  CHECK(model.load_weights(stem + ".h5").loaded.size() == 8);
  CHECK(difference(model.predict(x), y) < 1e-6);
  CHECK(difference(model.predict(x), wrong) > 0.1);
}

TEST_CASE("load_model: 230 names in two chunks") {
  GRAFT_NEEDS_SHARED();
  const std::string stem = shared_path("fixtures/keras/big");
  const auto y = load_model(stem + ".h5").predict(read(stem + ".io.h5", "x/0")),
             expected = read(stem + ".io.h5", "y/0");
  REQUIRE(y.size() == expected.size());
  // Numbers of about 1e-9 after 230 layers: what the largest is, is the yardstick.
  float scale = 0, worst = 0;
  for (Index i = 0; i < y.size(); ++i) {
    scale = std::max(scale, std::abs(expected[i]));
    worst = std::max(worst, std::abs(y[i] - expected[i]));
  }
  CHECK(worst < 1e-4F * scale);
}

TEST_CASE("load_model: golden models of Keras 2 and 3 that are made of known layers") {
  GRAFT_NEEDS_SHARED();
  for (const std::string name : {"k231_tf_compiled", "k333_optimizer_state", "optimizer_state", "trap_frozen_first",
                                 "unicode_names", "mixed_policy", "long_names"}) {
    CAPTURE(name);
    const std::string stem = shared_path("golden/models/" + name);
    const auto model = load_model(stem + ".h5");
    CHECK(difference(model.predict(read(stem + ".io.h5", "x/0")), read(stem + ".io.h5", "y/0")) < 1e-5);
  }
}

TEST_CASE("load_model: training resumes as in Keras") {
  GRAFT_NEEDS_SHARED();
  const TempDir dir;
  for (const std::string name : {"adam", "rmsprop", "sgd_momentum"}) {
    CAPTURE(name);
    const std::string stem = shared_path("golden/training/resume/" + name);
    std::ifstream text(stem + ".json");
    const auto expected = nlohmann::json::parse(text).at("loss_after_resuming").get<std::vector<double>>();
    const auto x = read(stem + ".data.h5", "x/0"), y = read(stem + ".data.h5", "y/0");
    LoadReport report;
    auto model = load_model(stem + ".h5", {.report = &report});
    CHECK(report.warnings.empty());
    CHECK(model.optimizer().iterations() == 6);
    for (std::size_t step = 0; step < expected.size(); ++step) {
      const auto first = static_cast<Index>(4 * (6 + step));
      CHECK(model.train_on_batch(x.rows(first, first + 4), y.rows(first, first + 4))[0] ==
            Approx(expected[step]).epsilon(1e-4));
      // Saving and loading in between changes nothing.
      model.save(dir / "between.h5");
      model = load_model(dir / "between.h5");
    }
    const auto after = model.get_weights();
    for (std::size_t i = 0; i < after.size(); ++i) {
      CHECK(difference(after[i], read(stem + ".data.h5", "w_after/" + std::to_string(i))) < 1e-4);
    }
  }
}
