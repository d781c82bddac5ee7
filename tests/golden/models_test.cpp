#include "tests/support/golden.hpp"

TEST_CASE("Golden models: predictions are Keras's", "[golden]") {
  const auto folder = golden::folder("models");
  int checked = 0, others = 0;
  for (const auto& entry : folder.index) {
    const std::string name = entry["name"], path = folder.path + "/" + name + ".h5";
    if (!golden::supported(golden::model_config(path))) {
      ++others;
      continue;
    }
    DYNAMIC_SECTION(name) {
      const auto model = graft::load_model(path);
      const auto file = graft::hdf5::File::open(folder.path + "/" + name + ".io.h5");
      const auto x = golden::read_list(file.root(), "x"), y = golden::read_list(file.root(), "y");
      const auto predicted = model.predict_all(golden::arrays(x));
      REQUIRE(predicted.size() == y.size());
      for (std::size_t i = 0; i < y.size(); ++i) CHECK(golden::difference(predicted[i], y[i], 1) <= 1e-5);
      CHECK(model.count_params() == entry["params"].get<graft::Index>());
    }
    ++checked;
  }
  INFO(others << " models have layers that graft does not have");
  CHECK(checked >= 6);
}

// Its base is called with training = False.
TEST_CASE("Golden models: nested_frozen_base stays at inference when it is unfrozen", "[golden]") {
  const auto folder = golden::folder("models");
  std::vector<std::string> files{"nested_frozen_base.h5"};
#ifdef GRAFT_HAS_LIBZIP
  files.push_back("nested_frozen_base.keras");
#endif
  for (const std::string& file : files) {
    CAPTURE(file);
    const auto model = graft::load_model(folder.path + "/" + file);
    model.set_trainable(true);
    model.compile({.optimizer = graft::SGD({.learning_rate = 0.1}), .loss = "mse"});
    const auto inputs = model.inputs()[0].shape().replace_batch(4);
    golden::Tensor<float> x(inputs), y(model.output_shape().replace_batch(4));
    for (graft::Index i = 0; i < x.size(); ++i) x[i] = 0.01F * static_cast<float>(i % 17);
    const auto before = model.get_weights();
    (void)model.train_on_batch(x, y);
    const auto after = model.get_weights();
    int moved = 0, state = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const bool is_state = model.weights()[i]->kind() != graft::VariableKind::trainable;
      state += is_state;
      const bool same = std::equal(before[i].begin(), before[i].end(), after[i].begin());
      if (is_state) CHECK(same);
      else moved += !same;
    }
    CHECK(state >= 2);
    CHECK(moved >= 4);
  }
}
