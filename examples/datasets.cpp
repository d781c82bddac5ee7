// Datasets: pictures of a folder, augmentation, data larger than memory: the code of docs/data.md, which a test
// compares with what stands between the markers. It draws its pictures itself, in a temporary folder.
//
// Short run:

#include <graft/graft.hpp>
#include <graft/io/hdf5.hpp>

#include <cmath>
#include <filesystem>
#include <random>

#include "common.hpp"

namespace {

constexpr const char* kUsage = "datasets    the code of docs/data.md, on pictures that it draws";

// Rising and falling lines, 40 of each.
void draw_pictures() {
  graft::Rng rng(1);
  for (const char* name : {"rising", "falling"}) {
    std::filesystem::create_directories(std::string("pictures/") + name);
    for (int i = 0; i < 40; ++i) {
      graft::Tensor<float> image({40, 40, 3}, 230.0f);
      const double slope = (name[0] == 'r' ? -1 : 1) * rng.uniform(0.4, 1.0), start = rng.uniform(-4, 4);
      for (graft::Index x = 0; x < 40; ++x) {
        const double y = 20 + start + slope * (static_cast<double>(x) - 20);
        for (graft::Index row = 0; row < 40; ++row) {
          if (std::abs(static_cast<double>(row) - y) > 2) continue;
          for (graft::Index c = 0; c < 3; ++c) image[(row * 40 + x) * 3 + c] = static_cast<float>(60 * c);
        }
      }
      graft::save_img("pictures/" + std::string(name) + "/" + std::to_string(i) + ".png", image, {.scale = false});
    }
  }
}

graft::Sequential<float> small_net() {
  graft::Sequential model;
  model.add(graft::Rescaling(1.0 / 127.5, {.offset = -1.0}));
  model.add(graft::Conv2D(8, {5, 5}, {.strides = {2, 2}, .activation = "relu"}));
  model.add(graft::Conv2D(16, {3, 3}, {.strides = {2, 2}, .activation = "relu"}));
  model.add(graft::Flatten());
  model.add(graft::Dense(1, {.activation = "sigmoid"}));
  model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  return model;
}

double train_on_pictures() {
  auto model = small_net();
  // README: begin
  auto [train, valid] = graft::image_datasets_from_directory(
      "pictures", {.label_mode = "binary", .image_size = {32, 32}, .seed = 1, .validation_split = 0.2});

  auto augmented = train.map(graft::RandomTranslation(0.05, 0.05), {.seed = 2});
  model.fit(augmented, {.epochs = 12, .validation_data = valid});
  auto scores = model.evaluate(valid);  // loss, accuracy
  // README: end
  return scores[1];
}

bool stream_a_file() {
  graft::Tensor<float> x({500, 6}), y({500});
  graft::Rng rng(3);
  for (graft::Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  for (graft::Index i = 0; i < 500; ++i) y[i] = x[6 * i] > x[6 * i + 1] ? 1.0f : 0.0f;
  graft::hdf5::write_file("large.h5", [&](const graft::hdf5::Group& root) {
    root.write_dataset("x", x.shape(), x.data());
    root.write_dataset("y", y.shape(), y.data());
  });
  graft::Sequential model;
  model.add(graft::Dense(1, {.activation = "sigmoid"}));
  model.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
  // README: begin
  auto rows = graft::hdf5_dataset("large.h5", {.x = {"x"}, .y = {"y"}});
  auto history = model.fit(rows.shuffle(10000).batch(32).prefetch(2), {.epochs = 3});
  // README: end
  return history["loss"].back() < history["loss"].front();
}

bool own_function() {
  const graft::Tensor<float> x({10, 4}, 1.0f), y({10});
  // README: begin
  auto noisy = graft::Dataset<>::from_tensors(x, y)
                   .shuffle(10, {.seed = 1})
                   .map(
                       [](graft::Batch<>& sample, graft::RandomKey key) {
                         for (graft::Index i = 0; i < sample.x[0].size(); ++i) {
                           sample.x[0][i] += static_cast<float>(0.1 * key.normal(static_cast<std::uint64_t>(i)));
                         }
                       },
                       {.num_parallel_calls = 2, .seed = 2})
                   .batch(4)
                   .prefetch(2);
  graft::Index samples = 0;
  for (const auto& batch : noisy) samples += batch.size();
  // README: end
  return samples == 10;
}

int run(example::Arguments& arguments) {
  arguments.finish();
  graft::set_random_seed(1);
  const auto folder =
      std::filesystem::temp_directory_path() / ("graft-datasets-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  std::filesystem::current_path(folder);
  draw_pictures();
  const double accuracy = train_on_pictures();
  const bool streamed = stream_a_file(), mapped = own_function();
  std::filesystem::current_path(folder.parent_path());
  std::filesystem::remove_all(folder);
  std::printf("accuracy on pictures that it did not train on: %.3f\n", accuracy);
  return accuracy >= 0.9 && streamed && mapped ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, run); }
