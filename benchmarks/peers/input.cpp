// input ROUNDS [STEPS [BATCH]]
//
// What reading pictures costs a training of MobileNetV2 on one thread: JPEG files of about 500 × 375 that it writes
// itself are decoded, resized to 224 × 224, flipped, rotated and zoomed by image_dataset_from_directory with one
// background thread. STEPS (8) steps with batches (of 16) as they come take turns with as many steps on one batch that
// is kept in memory: all layers training, and a head on the frozen base. Medians of a step, and the time that the input
// alone takes for a batch, as lines of benchmarks/compare.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#ifdef GRAFT_HAS_JPEG
#include <jpeglib.h>

#include <filesystem>

#include "graft/data/image_dataset.hpp"
#include "graft/graft.hpp"
#endif
#include "measure.hpp"

#ifdef GRAFT_HAS_JPEG
namespace {

using graft::Index;
using graft::Model;

constexpr Index kSize = 224, kFiles = 64;

/// Smooth colours and some noise: as many bytes as a photograph has. Returns how many.
long write_jpeg(const std::string& path, unsigned width, unsigned height, std::uint32_t seed) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) {
    std::perror(path.c_str());
    std::exit(1);
  }
  jpeg_error_mgr errors{};
  jpeg_compress_struct info{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  jpeg_stdio_dest(&info, file);
  info.image_width = width, info.image_height = height;
  info.input_components = 3, info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 90, TRUE);
  jpeg_start_compress(&info, TRUE);
  const auto noise = measure::numbers(std::int64_t{3} * width * height, seed, -10.0f, 10.0f);
  const auto waves = measure::numbers(9, seed + 1, 0.01f, 0.06f);
  std::vector<JSAMPLE> row(3 * std::size_t{width});
  std::size_t at = 0;
  for (unsigned r = 0; r < height; ++r) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t channel = i % 3;
      const float phase = waves[channel] * static_cast<float>(r) + waves[3 + channel] * static_cast<float>(i / 3);
      row[i] = static_cast<JSAMPLE>(128 + 100 * std::sin(phase) + noise[at++]);
    }
    JSAMPROW rows[] = {row.data()};
    jpeg_write_scanlines(&info, rows, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const long size = std::ftell(file);
  if (std::fclose(file) != 0) std::exit(1);
  return size;
}

/// A folder of two classes that goes when the program does.
struct Folder {
  std::filesystem::path path;
  long bytes = 0;

  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "graft-input-XXXXXX").string();
    if (!mkdtemp(name.data())) {
      std::perror(name.c_str());
      std::exit(1);
    }
    path = name;
    for (const char* label : {"a", "b"}) {
      std::filesystem::create_directory(path / label);
      for (Index i = 0; i < kFiles / 2; ++i) {
        const bool upright = i % 4 == 3;
        const std::string file = (path / label / (std::to_string(i) + ".jpg")).string();
        bytes += write_jpeg(file, upright ? 375 : 500, upright ? 500 : 375, static_cast<std::uint32_t>(2 * i + *label));
      }
    }
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

graft::Dataset<float> dataset_of(const Folder& folder, Index batch) {
  const graft::Sequential<float> augmentation(
      {graft::RandomFlip<float>("horizontal", {.input_shape = graft::Shape{kSize, kSize, 3}}),
       graft::RandomRotation<float>(0.05), graft::RandomZoom<float>(0.1),
       graft::Rescaling<float>(1 / 127.5, {.offset = -1.0})});
  return graft::image_dataset_from_directory<float>(folder.path.string(), {.batch_size = batch,
                                                                           .image_size = {kSize, kSize},
                                                                           .seed = 1,
                                                                           .verbose = false,
                                                                           .num_parallel_calls = 1,
                                                                           .prefetch = 2})
      .map(augmentation)
      .repeat();
}

Model<float> make_model(bool frozen) {
  const Model<float> base = graft::applications::MobileNetV2<float>(
      {.input_shape = graft::Shape{kSize, kSize, 3}, .include_top = false, .pooling = "avg"});
  const Model<float> model(base.input(), graft::Dense<float>(2)(base.output()));
  if (frozen) graft::freeze(model.layers().slice(0, -1));
  model.compile({.optimizer = graft::SGD({.learning_rate = 1e-3}),
                 .loss = graft::SparseCategoricalCrossentropy<float>({.from_logits = true})});
  return model;
}

/// Seconds of a step with batches as they come, when the first one has been waited for.
double fed_step(const Model<float>& model, const graft::Dataset<float>& dataset, int steps) {
  const auto cursor = dataset.open();
  graft::Batch<float> batch;
  double start = 0;
  for (int i = -1; i < steps; ++i) {
    if (i == 0) start = measure::Time::now().wall;
    if (!cursor->next(batch)) std::exit(1);
    model.train_on_batch(batch.x[0], batch.y[0]);
  }
  return (measure::Time::now().wall - start) / steps;
}
double kept_step(const Model<float>& model, const graft::Batch<float>& batch, int steps) {
  const double start = measure::Time::now().wall;
  for (int i = 0; i < steps; ++i) model.train_on_batch(batch.x[0], batch.y[0]);
  return (measure::Time::now().wall - start) / steps;
}

void report(bool frozen, const Folder& folder, int rounds, int steps, Index size) {
  const graft::Dataset<float> dataset = dataset_of(folder, size);
  const Model<float> model = make_model(frozen);
  const graft::Batch<float> batch = dataset.first();
  kept_step(model, batch, 1);  // not counted
  std::vector<double> fed, kept, alone;
  for (int round = 0; round < rounds; ++round) {
    fed.push_back(fed_step(model, dataset, steps));
    kept.push_back(kept_step(model, batch, steps));
    const auto cursor = dataset.prefetch(0).open();
    graft::Batch<float> made;
    cursor->next(made);
    alone.push_back(measure::of_a_call(0.1, [&] { cursor->next(made); }).wall);
  }
  const double with = measure::median(fed), without = measure::median(kept), input = measure::median(alone);
  std::printf(
      "summary | MobileNetV2, %s, batch %d, from JPEG files (500 × 375, %ld kB) read and augmented by one thread "
      "beside it | %.1f ms | the same batch kept in memory %.1f ms; the input alone %.1f ms | %.1f %% of the step | "
      "%s |\n",
      frozen ? "step of a head on the frozen base" : "training step", static_cast<int>(size),
      folder.bytes / kFiles / 1000, 1e3 * with, 1e3 * without, 1e3 * input, 100 * (with - without) / with,
      frozen ? "–" : "≤ 10 %");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3, steps = argc > 2 ? std::atoi(argv[2]) : 8;
  const Index batch = argc > 3 ? std::atoi(argv[3]) : 16;
  graft::set_num_threads(1);
  graft::set_random_seed(1);
  const Folder folder;
  for (const bool frozen : {false, true}) report(frozen, folder, rounds, steps, batch);
  return 0;
}
#else
int main() {
  std::printf(
      "summary | MobileNetV2, training step from JPEG files | – | libjpeg is not installed: apt install libjpeg-dev | "
      "– | ≤ 10 %% |\n");
  return 0;
}
#endif
