#include <graft/graft.hpp>

#include "graft/data/pictures/numpy_shuffle.hpp"
#include "support/catch.hpp"
#include "support/pictures.hpp"
#include "support/shared_dir.hpp"
#include "support/temp_dir.hpp"

#if defined(GRAFT_HAS_JPEG) && defined(GRAFT_HAS_PNG)

using Catch::Matchers::ContainsSubstring;
using namespace graft::test;
using graft::Batch;
using graft::Dataset;
using graft::image_dataset_from_directory;
using graft::image_datasets_from_directory;
using graft::ImageDatasetOptions;
using graft::Index;
using graft::Shape;

namespace {

/// cat: 5 JPEG, dog: 3 JPEG and 1 PNG, of different sizes; ape: 2 grey ones.
class Zoo {
 public:
  Zoo() {
    for (const char* name : {"cat", "dog", "ape", "dog/deep", ".hidden"}) {
      std::filesystem::create_directory(folder / name);
    }
    for (int i = 0; i < 5; ++i)
      folder.write("cat/cat." + std::to_string(8 + i) + ".jpg", drawn_jpeg(40 + i, 30 + 2 * i, i));
    for (int i = 0; i < 2; ++i) folder.write("dog/dog" + std::to_string(i) + ".JPEG", drawn_jpeg(33, 50 + i, 9 + i));
    folder.write("dog/deep/a.jpg", drawn_jpeg(20, 20, 20));
    folder.write("dog/b.png", png_of(drawn_pixels(25, 31, 4), 25, 31, {.type = PNG_COLOR_TYPE_RGB_ALPHA}));
    for (int i = 0; i < 2; ++i) {
      folder.write("ape/" + std::to_string(i) + ".jpg",
                   jpeg_of(drawn_pixels(30, 30, 1, i), 30, 30, {.colours = JCS_GRAYSCALE}));
    }
    folder.write("cat/notes.txt", "no picture");
    folder.write("README.md", "a zoo");
    folder.write(".hidden/x.jpg", "not looked at");
  }
  std::string error(const ImageDatasetOptions& options) const {
    try {
      for (const auto& batch : image_dataset_from_directory(folder.path(), options)) (void)batch;
    } catch (const graft::Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::vector<std::string> names(const Dataset<>& dataset) const {
    std::vector<std::string> result;
    for (const auto& path : dataset.file_paths()) result.push_back(path.substr(folder.path().size() + 1));
    return result;
  }
  TempDir folder;
};

}  // namespace

TEST_CASE("numpy_shuffle: as numpy.random.RandomState(seed).permutation", "[data][pictures]") {
  const auto shuffled = [](Index count, std::uint32_t seed) {
    std::vector<Index> items;
    for (Index i = 0; i < count; ++i) items.push_back(i);
    graft::detail::numpy_shuffle(items, seed);
    return items;
  };
  CHECK(shuffled(10, 0) == std::vector<Index>{2, 8, 4, 9, 1, 6, 7, 3, 0, 5});
  CHECK(shuffled(10, 42) == std::vector<Index>{8, 1, 5, 0, 7, 2, 9, 4, 3, 6});
  CHECK(shuffled(1, 3) == std::vector<Index>{0});
  CHECK(shuffled(0, 3).empty());
}

TEST_CASE("image_dataset_from_directory: class folders by name, files in the order of Python", "[data][pictures]") {
  const Zoo zoo;
  const auto dataset = image_dataset_from_directory(
      zoo.folder.path(), {.batch_size = 4, .image_size = {12, 16}, .shuffle = false, .verbose = false});
  CHECK(dataset.class_names() == std::vector<std::string>{"ape", "cat", "dog"});
  CHECK(zoo.names(dataset) == std::vector<std::string>{"ape/0.jpg", "ape/1.jpg", "cat/cat.10.jpg", "cat/cat.11.jpg",
                                                       "cat/cat.12.jpg", "cat/cat.8.jpg", "cat/cat.9.jpg", "dog/b.png",
                                                       "dog/dog0.JPEG", "dog/dog1.JPEG", "dog/deep/a.jpg"});
  CHECK(dataset.cardinality() == 3);
  std::vector<float> labels;
  for (const auto& batch : dataset) {
    CHECK(batch.x[0].shape() == Shape{batch.size(), 12, 16, 3});
    CHECK(batch.y[0].shape() == Shape{batch.size()});
    labels.insert(labels.end(), batch.y[0].begin(), batch.y[0].end());
    for (const float value : batch.x[0]) CHECK((value >= 0 && value <= 255));
  }
  CHECK(labels == std::vector<float>{0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2});
}

TEST_CASE("image_dataset_from_directory: labels, modes, classes and colours", "[data][pictures]") {
  const Zoo zoo;
  ImageDatasetOptions options{.batch_size = std::nullopt, .image_size = {8, 8}, .shuffle = false, .verbose = false};
  const auto make = [&](auto change) {
    ImageDatasetOptions changed = options;
    change(changed);
    return image_dataset_from_directory(zoo.folder.path(), changed);
  };
  CHECK(make([](auto&) {}).first().y[0].shape() == Shape{});
  const Batch<> categorical = make([](auto& o) { o.label_mode = "categorical"; }).skip(3).first();
  REQUIRE(categorical.y[0].shape() == Shape{3});
  CHECK(categorical.y[0][1] == 1.0f);
  CHECK(categorical.y[0][0] + categorical.y[0][2] == 0.0f);
  // A subset of the classes, in another order.
  const auto two = make([](auto& o) { o.label_mode = "binary", o.class_names = {"dog", "cat"}; });
  CHECK(two.cardinality() == 9);
  CHECK(two.class_names() == std::vector<std::string>{"dog", "cat"});
  CHECK(two.first().y[0].shape() == Shape{1});
  CHECK(two.first().y[0][0] == 0.0f);
  CHECK(two.skip(4).first().y[0][0] == 1.0f);
  const auto unlabelled = make([](auto& o) { o.labels = std::nullopt; });
  CHECK(unlabelled.cardinality() == 12);  // .hidden too: no folder is a class now
  CHECK(unlabelled.class_names().empty());
  const auto given = [&](std::vector<int> labels) {
    ImageDatasetOptions changed = options;
    changed.labels = std::move(labels);
    return image_dataset_from_directory(zoo.folder / "cat", changed);
  };
  CHECK(given({4, 0, 4, 2, 0}).class_names() == std::vector<std::string>{"0", "2", "4"});
  CHECK(given({4, 0, 4, 2, 0}).skip(3).first().y[0][0] == 2.0f);
  CHECK(make([](auto& o) { o.color_mode = "grayscale"; }).first().x[0].shape() == Shape{8, 8, 1});
  CHECK(make([](auto& o) { o.color_mode = "rgba"; }).first().x[0][3] == 255.0f);
  const Batch<> grey = make([](auto&) {}).first();  // a grey picture for an RGB net
  CHECK(grey.x[0].shape() == Shape{8, 8, 3});
  CHECK(grey.x[0][0] == grey.x[0][2]);
}

TEST_CASE("image_dataset_from_directory: the split is Keras's, and both parts are the whole", "[data][pictures]") {
  const Zoo zoo;
  const ImageDatasetOptions options{.image_size = {8, 8}, .seed = 42, .validation_split = 0.3, .verbose = false};
  const auto [training, validation] = image_datasets_from_directory(zoo.folder.path(), options);
  const auto train_names = zoo.names(training), valid_names = zoo.names(validation);
  CHECK(train_names.size() == 8);
  CHECK(valid_names.size() == 3);
  std::vector<std::string> all = train_names;
  all.insert(all.end(), valid_names.begin(), valid_names.end());
  // numpy's RandomState(42).permutation(11) of the sorted files.
  ImageDatasetOptions sorted{.shuffle = false, .verbose = false};
  std::vector<std::string> expected = zoo.names(image_dataset_from_directory(zoo.folder.path(), sorted));
  graft::detail::numpy_shuffle(expected, 42);
  CHECK(all == expected);
  for (const char* subset : {"training", "validation"}) {
    ImageDatasetOptions one = options;
    one.subset = subset;
    CHECK(zoo.names(image_dataset_from_directory(zoo.folder.path(), one)) ==
          (*subset == 't' ? train_names : valid_names));
  }
  // Training is shuffled anew in every epoch, validation is not.
  const auto order = [](const Dataset<>& dataset, std::uint64_t epoch) {
    std::vector<std::uint64_t> ids;
    const auto cursor = dataset.open(epoch);
    for (Batch<> batch; cursor->next(batch);) ids.insert(ids.end(), batch.ids.begin(), batch.ids.end());
    return ids;
  };
  CHECK(order(training, 0) != order(training, 1));
  CHECK(order(training, 0) == order(training, 0));
  CHECK(order(validation, 0) == std::vector<std::uint64_t>{0, 1, 2});
  // Without shuffling the last pictures are for validation.
  const auto [a, b] =
      image_datasets_from_directory(zoo.folder.path(), {.shuffle = false, .validation_split = 0.2, .verbose = false});
  CHECK(zoo.names(b) == std::vector<std::string>{"dog/dog1.JPEG", "dog/deep/a.jpg"});
}

TEST_CASE("image_dataset_from_directory: a damaged picture is an error, or left out and counted",
          "[data][pictures][errors]") {
  const Zoo zoo;
  const std::string cut = drawn_jpeg(50, 50).substr(0, 700);
  zoo.folder.write("cat/cut.jpg", cut);
  zoo.folder.write("cat/empty.jpg", "");
  zoo.folder.write("dog/fake.png", "hello");
  ImageDatasetOptions options{.image_size = {8, 8}, .verbose = false};
  for (const Index threads : {0, 1, 3}) {
    options.num_parallel_calls = threads;
    CHECK_THAT(zoo.error(options), ContainsSubstring("cat/cut.jpg") || ContainsSubstring("cat/empty.jpg") ||
                                       ContainsSubstring("dog/fake.png"));
  }
  options.on_error = "skip";
  const auto dataset = image_dataset_from_directory(zoo.folder.path(), options);
  CHECK(dataset.file_paths().size() == 11);
  REQUIRE(dataset.skipped().size() == 3);
  CHECK_THAT(dataset.skipped()[0], ContainsSubstring("cat/cut.jpg") && ContainsSubstring("undamaged"));
  CHECK_THAT(dataset.skipped()[1], ContainsSubstring("cat/empty.jpg") && ContainsSubstring("no bytes"));
  Index samples = 0;
  for (const auto& batch : dataset) samples += batch.size();
  CHECK(samples == 11);

  // A file that goes away later.
  const auto later = image_dataset_from_directory(zoo.folder.path(), options);
  std::filesystem::remove(zoo.folder / "cat/cat.9.jpg");
  CHECK_THROWS_WITH(
      [&] {
        for (const auto& batch : later) (void)batch;
      }(),
      ContainsSubstring("cat.9.jpg"));
}

TEST_CASE("image_dataset_from_directory: other kinds of pictures are counted and refused", "[data][pictures][errors]") {
  const Zoo zoo;
  zoo.folder.write("cat/a.gif", "GIF89a");
  zoo.folder.write("dog/b.BMP", "BM");
  ImageDatasetOptions options{.image_size = {8, 8}, .verbose = false};
  CHECK_THAT(zoo.error(options), ContainsSubstring("2 .bmp or .gif files") && ContainsSubstring("cat/a.gif"));
  options.on_error = "skip";
  CHECK(image_dataset_from_directory(zoo.folder.path(), options).skipped().size() == 2);
}

TEST_CASE("image_dataset_from_directory: folders and arguments that make no sense", "[data][pictures][errors]") {
  const Zoo zoo;
  const auto error = [&](auto change) {
    ImageDatasetOptions options{.image_size = {8, 8}, .verbose = false};
    change(options);
    return zoo.error(options);
  };
  CHECK_THAT(error([](auto& o) { o.class_names = {"cat", "dgo"}; }), ContainsSubstring("Did you mean \"dog\"?"));
  CHECK_THAT(error([](auto& o) { o.class_names = {"cat", "cat"}; }), ContainsSubstring("each name once"));
  CHECK_THAT(error([](auto& o) { o.label_mode = "binary"; }), ContainsSubstring("exactly 2 classes"));
  CHECK_THAT(error([](auto& o) { o.label_mode = "sparse"; }), ContainsSubstring("label_mode"));
  CHECK_THAT(error([](auto& o) { o.color_mode = "rgbb"; }), ContainsSubstring("color_mode"));
  CHECK_THAT(error([](auto& o) { o.image_size = {0, 8}; }), ContainsSubstring("image_size"));
  CHECK_THAT(error([](auto& o) { o.interpolation = "cubic"; }), ContainsSubstring("interpolation"));
  CHECK_THAT(error([](auto& o) { o.crop_to_aspect_ratio = o.pad_to_aspect_ratio = true; }), ContainsSubstring("both"));
  CHECK_THAT(error([](auto& o) { o.validation_split = 0.2; }), ContainsSubstring("one without the other"));
  CHECK_THAT(error([](auto& o) { o.validation_split = 0.2, o.subset = "training"; }), ContainsSubstring("seed"));
  CHECK_THAT(error([](auto& o) { o.validation_split = 1.2, o.subset = "training"; }), ContainsSubstring("0 … 1"));
  CHECK_THAT(error([](auto& o) { o.validation_split = 0.01, o.subset = "training", o.seed = 1; }),
             ContainsSubstring("both sides"));
  CHECK_THAT(error([](auto& o) { o.subset = "both", o.validation_split = 0.2, o.seed = 1; }),
             ContainsSubstring("image_datasets_from_directory"));
  CHECK_THAT(error([](auto& o) { o.on_error = "ignore"; }), ContainsSubstring("on_error"));
  CHECK_THAT(error([](auto& o) { o.batch_size = 0; }), ContainsSubstring("batch_size"));
  CHECK_THAT(error([](auto& o) { o.max_pixels = 100; }), ContainsSubstring("max_pixels"));
  // More labels than pictures.
  CHECK_THAT(error([](auto& o) { o.labels = std::vector<int>(13, 0); }),
             ContainsSubstring("12 pictures") && ContainsSubstring("13 labels"));
  CHECK_THAT(error([](auto& o) { o.labels = std::vector<int>(12, 5), o.label_mode = "categorical"; }),
             ContainsSubstring("without gaps"));
  CHECK_THROWS_WITH(graft::ImageLabels("infered"), ContainsSubstring("inferred"));

  std::filesystem::create_directory(zoo.folder / "emu");
  CHECK_THAT(error([](auto&) {}), ContainsSubstring("class \"emu\"") && ContainsSubstring("none"));
  CHECK(error([](auto& o) { o.class_names = {"ape", "cat"}; }) == "no error");
  const TempDir nothing;
  CHECK_THROWS_WITH(image_dataset_from_directory(nothing.path()), ContainsSubstring("a folder for each class"));
  CHECK_THROWS_WITH(image_dataset_from_directory(nothing.path(), {.labels = std::nullopt}), ContainsSubstring("none"));
  CHECK_THROWS_WITH(image_dataset_from_directory(nothing / "missing"), ContainsSubstring("No such file"));
}

TEST_CASE("image_dataset_from_directory: links are followed when told, and loops end", "[data][pictures]") {
  const Zoo zoo;
  std::filesystem::create_directory_symlink("..", zoo.folder / "cat/loop");
  ImageDatasetOptions options{.image_size = {8, 8}, .verbose = false};
  CHECK(image_dataset_from_directory(zoo.folder.path(), options).file_paths().size() == 11);
  options.follow_links = true;
  CHECK_THROWS_WITH(image_dataset_from_directory(zoo.folder.path(), options), ContainsSubstring("cat/loop"));
  std::filesystem::remove(zoo.folder / "cat/loop");
  std::filesystem::create_directory_symlink("../ape", zoo.folder / "cat/more");
  CHECK(image_dataset_from_directory(zoo.folder.path(), options).file_paths().size() == 13);
}

TEST_CASE("image_dataset_from_directory: resizing is that of the Resizing layer", "[data][pictures]") {
  const Zoo zoo;
  const auto raw = graft::load_img(zoo.folder / "cat/cat.10.jpg");
  const graft::Tensor<float> one = raw.reshaped({1, raw.dim(0), raw.dim(1), 3});
  for (const char* interpolation : {"bilinear", "nearest"}) {
    for (int ratio = 0; ratio < 3; ++ratio) {
      INFO(interpolation << ", ratio " << ratio);
      graft::Sequential<float> model;
      model.add(graft::Resizing<float>(
          20, 13,
          {.interpolation = interpolation, .crop_to_aspect_ratio = ratio == 1, .pad_to_aspect_ratio = ratio == 2}));
      const auto expected = model.predict(one);
      const auto dataset = image_dataset_from_directory(zoo.folder.path(), {.class_names = {"cat"},
                                                                            .image_size = {20, 13},
                                                                            .shuffle = false,
                                                                            .interpolation = interpolation,
                                                                            .crop_to_aspect_ratio = ratio == 1,
                                                                            .pad_to_aspect_ratio = ratio == 2,
                                                                            .verbose = false});
      const auto batch = dataset.first();
      CHECK(std::equal(expected.begin(), expected.end(), batch.x[0].begin()));
    }
  }
  // fast_decode reads a smaller picture where there is one to read: nearly the same.
  std::vector<std::uint8_t> ramp;
  for (int i = 0; i < 320 * 240; ++i) {
    const int x = i % 320, y = i / 320;
    for (const int value : {x / 2, y, (x + y) / 3}) ramp.push_back(static_cast<std::uint8_t>(value));
  }
  zoo.folder.write("cat/large.jpg", jpeg_of(ramp, 320, 240));
  ImageDatasetOptions options{.class_names = {"cat"}, .image_size = {24, 32}, .shuffle = false, .verbose = false};
  const auto exact = image_dataset_from_directory(zoo.folder.path(), options).first();
  options.fast_decode = true;
  const auto fast = image_dataset_from_directory(zoo.folder.path(), options).first();
  const Index size = 24 * 32 * 3, at = exact.x[0].size() - size;
  double difference = 0;
  for (Index i = 0; i < size; ++i)
    difference += std::abs(exact.x[0][at + i] - fast.x[0][at + i]) / static_cast<double>(size);
  CHECK(difference > 0);
  CHECK(difference < 2);
}

TEST_CASE("image_dataset_from_directory: trains a model, the same on any number of threads", "[data][pictures]") {
  const Zoo zoo;
  const auto run = [&](Index threads, Index ahead) {
    graft::set_random_seed(3);
    graft::Sequential<float> model;
    model.add(graft::Rescaling<float>(1.0 / 255));
    model.add(graft::RandomFlip<float>("horizontal"));
    model.add(graft::Conv2D<float>(4, {3, 3}, {.activation = "relu"}));
    model.add(graft::GlobalAveragePooling2D<float>());
    model.add(graft::Dense<float>(3, {.activation = "softmax"}));
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
    const auto dataset = image_dataset_from_directory(zoo.folder.path(), {.batch_size = 4,
                                                                          .image_size = {16, 16},
                                                                          .seed = 1,
                                                                          .verbose = false,
                                                                          .num_parallel_calls = threads,
                                                                          .prefetch = ahead})
                             .map(graft::RandomZoom<float>(0.2), {.seed = 2});
    return model.fit(dataset, {.epochs = 2, .verbose = graft::Verbose::silent})["loss"];
  };
  const auto expected = run(0, 0);
  CHECK(run(1, 2) == expected);
  CHECK(run(4, 3) == expected);
}

TEST_CASE("image_dataset_from_directory: cats and dogs", "[data][pictures]") {
  const std::string folder = graft::test::shared_path("data/dogcat");
  GRAFT_NEEDS(folder + "/cat/cat.0.jpg");
  const auto dataset = image_dataset_from_directory(
      folder, {.image_size = {96, 96}, .shuffle = false, .verbose = false, .on_error = "skip"});
  CHECK(dataset.class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(dataset.file_paths().size() == 700);
  CHECK(dataset.skipped().empty());
  CHECK(dataset.file_paths()[2].substr(folder.size()) == "/cat/cat.10.jpg");
  Index samples = 0;
  for (const auto& batch : dataset.take(3)) samples += batch.size();
  CHECK(samples == 96);
}

#endif
