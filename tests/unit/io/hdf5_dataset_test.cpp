#include <graft/graft.hpp>
#include <graft/io/hdf5/file.hpp>
#include <graft/io/hdf5_dataset.hpp>

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::Dataset;
using graft::hdf5_dataset;
using graft::Index;
using graft::Shape;
using graft::Tensor;
using graft::test::TempDir;

TEST_CASE("hdf5_dataset: rows of a file, streamed, shuffled, and as arrays in fit", "[io][dataset]") {
  const TempDir folder;
  const std::string path = folder / "data.h5";
  Tensor<float> x({40, 3, 2}), y({40});
  graft::Rng rng(4);
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  for (Index i = 0; i < 40; ++i) y[i] = static_cast<float>(i % 2);
  std::vector<std::int64_t> integers(40);
  for (std::size_t i = 0; i < 40; ++i) integers[i] = static_cast<std::int64_t>(i);
  graft::hdf5::write_file(path, [&](const graft::hdf5::Group& root) {
    root.write_dataset("x", x.shape(), x.data());
    root.write_dataset("y", y.shape(), y.data());
    root.write_dataset("numbers", Shape{40}, integers.data());
    root.write_dataset("short", Shape{39}, y.data());
    const Tensor<float> many({40, 1000}, 1.0f);
    root.write_dataset("packed", many.shape(), many.data(), 4);
    root.write_dataset("table", Shape{40, 1}, y.data());
  });

  const auto dataset = hdf5_dataset(path);
  CHECK(dataset.cardinality() == 40);
  Index next = 0;
  for (const auto& batch : dataset.batch(16).prefetch(2)) {
    REQUIRE(batch.x[0].shape() == Shape{batch.size(), 3, 2});
    CHECK(std::equal(batch.x[0].begin(), batch.x[0].end(), x.data() + next * 6));
    CHECK(std::equal(batch.y[0].begin(), batch.y[0].end(), y.data() + next));
    next += batch.size();
  }
  CHECK(next == 40);
  // Numbers of another type, as weights and as targets; a double dataset.
  const auto weighted =
      hdf5_dataset<double>(path, {.y = {"numbers"}, .sample_weight = "numbers"}).shuffle(40, {.seed = 1});
  for (const auto& sample : weighted) {
    const auto id = static_cast<Index>(sample.ids[0]);
    CHECK(sample.y[0][0] == static_cast<double>(id));
    CHECK(sample.sample_weight[0] == static_cast<double>(id));
    CHECK(sample.x[0][5] == static_cast<double>(x[6 * id + 5]));
  }
  CHECK(hdf5_dataset(path, {.y = {}}).first().y.empty());

  const auto train = [&](bool stream) {
    graft::set_random_seed(5);
    graft::Sequential<float> model;
    model.add(graft::Flatten<float>());
    model.add(graft::Dense<float>(1, {.activation = "sigmoid"}));
    model.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
    const graft::FitOptions<float> options{
        .batch_size = 16, .epochs = 2, .verbose = graft::Verbose::silent, .shuffle = false};
    return stream ? model.fit(dataset.batch(16).prefetch(2), options)["loss"] : model.fit(x, y, options)["loss"];
  };
  CHECK(train(true) == train(false));

  CHECK_THROWS_WITH(hdf5_dataset(path, {.x = {"packed"}}), ContainsSubstring("h5repack"));
  CHECK_THROWS_AS(hdf5_dataset(path, {.y = {"short"}}), graft::ShapeError);
  CHECK_THROWS_AS(hdf5_dataset(path, {.sample_weight = "table"}), graft::ShapeError);
  CHECK_THROWS_AS(hdf5_dataset(path, {.x = {}}), graft::ConfigError);
  CHECK_THROWS_AS(hdf5_dataset(path, {.x = {"missing"}}), graft::FileError);
  CHECK_THROWS_AS(hdf5_dataset(folder / "missing.h5"), graft::FileError);
}
