#include "tests/support/golden.hpp"
#include "tests/support/layer_contract.hpp"
#include "tests/support/shared_dir.hpp"

// Random image layers whose factors have equal ends, or that are told what to draw, against Keras.
TEST_CASE("Golden augmentation: changed images are Keras's", "[golden]") {
  GRAFT_NEEDS(graft::test::golden_path("augmentation/index.json"));
  const auto folder = golden::folder("augmentation");
  const auto file = graft::hdf5::File::open(folder.path + "/augmentation.h5");
  int checked = 0;
  for (const auto& entry : folder.index) {
    const std::string layer = entry["layer"], group = entry["name"];
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
    } else if (layer == "RandomShear") {
      const std::vector<std::vector<double>> shears = entry["transformation"]["shear_factor"];
      const auto made = graft::make_layer<float>(layer, graft::json::parse(entry["config"].dump()));
      const auto& impl = dynamic_cast<const graft::RandomShearImpl<float>&>(made.impl());
      impl.transform_images(x.view(), moved.view(), [&](graft::Index sample) {
        const auto& factor = shears.at(static_cast<std::size_t>(sample));
        return impl.shear(factor.at(0), factor.at(1));
      });
    } else if (layer == "RandomContrast") {
      const std::vector<float> contrasts = entry["transformation"]["contrast_factor"];
      const graft::RandomContrastImpl<float> impl(entry["config"]["factor"].get<double>(), {});
      graft::detail::ImageArgs<float> image;
      image.picture = impl.picture(x.shape());
      for (std::size_t i = 0; i < contrasts.size(); ++i) {
        const auto at = static_cast<graft::Index>(i) * image.picture.size();
        image.x = x.data() + at;
        image.y = moved.data() + at;
        impl.adjust(image, contrasts[i]);
      }
    } else {
      REQUIRE(entry["transformation"].is_null());
      const graft::Layer<float> made = graft::make_layer<float>(layer, graft::json::parse(entry["config"].dump()));
      graft::test::LayerRun<float> run(made, x, {true, true, false, false});
      moved = run.forward().y();
    }
    REQUIRE(moved.shape() == y.shape());
    CHECK(golden::difference(moved, y, 20) <= 1e-4);  // absolute 0.002 of 255
    ++checked;
  }
  CHECK(checked == 82);
}
