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
