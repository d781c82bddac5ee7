#include "tests/support/golden.hpp"
#include "tests/support/layer_contract.hpp"
#include "tests/support/shared_dir.hpp"

// Random image layers whose factors have equal ends, and flips that are told, against Keras.
TEST_CASE("Golden augmentation: moved images are Keras's", "[golden]") {
  GRAFT_NEEDS(graft::test::golden_path("augmentation/index.json"));
  const auto folder = golden::folder("augmentation");
  const auto file = graft::hdf5::File::open(folder.path + "/augmentation.h5");
  int checked = 0;
  for (const auto& entry : folder.index) {
    const std::string layer = entry["layer"], group = entry["name"];
    if (layer != "RandomFlip" && layer != "RandomRotation" && layer != "RandomZoom" && layer != "RandomTranslation") {
      continue;
    }
    CAPTURE(group);
    const auto y = golden::read(file.root(), group + "/y/0");
    const auto x = golden::read(file.root(), *file.root().group(group).string("x"));
    golden::Tensor<float> moved(x.shape());
    if (layer == "RandomFlip") {
      const std::string mode = entry["config"]["mode"];
      const std::vector<bool> flips = entry["transformation"]["flips"];
      const graft::RandomFlipImpl<float> impl(mode, {});
      impl.transform_images(x.view(), moved.view(), [&](graft::Index sample) {
        const bool flip = flips.at(static_cast<std::size_t>(sample));
        return impl.flip(flip && mode != "vertical", flip && mode != "horizontal", x.dim(1), x.dim(2));
      });
    } else {
      const graft::Layer<float> made = graft::make_layer<float>(layer, graft::json::parse(entry["config"].dump()));
      graft::test::LayerRun<float> run(made, x, {true, true, false, false});
      moved = run.forward().y();
    }
    REQUIRE(moved.shape() == y.shape());
    CHECK(golden::difference(moved, y, 20) <= 1e-4);  // absolute 0.002 of 255
    ++checked;
  }
  CHECK(checked == 60);
}
