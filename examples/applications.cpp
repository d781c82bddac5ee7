// The networks of keras.applications: the code of docs/applications.md, which a test compares with what stands between
// the markers. Around it: stand-ins for Keras's files, with random numbers, in a temporary folder.
//
// Short run:

#include <graft/graft.hpp>

#include <filesystem>
#include <fstream>
#include <random>

#include "common.hpp"

// README: begin
namespace apps = graft::applications;
// README: end

namespace {

constexpr const char* kUsage = "applications";

graft::Tensor<float> some_pictures(graft::Index count, graft::Index size) {
  graft::Tensor<float> x({count, size, size, 3});
  for (graft::Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 256);
  return x;
}

void write_files() {
  apps::MobileNetV2().save_weights("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5");
  apps::MobileNetV2({.input_shape = {96, 96, 3}, .alpha = 0.35, .include_top = false})
      .save_weights("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5");
  std::ofstream file("imagenet_class_index.json");
  for (int i = 0; i < 1000; ++i)
    file << (i ? ", " : "{") << '"' << i << "\": [\"n" << i << "\", \"thing_" << i << "\"]";
  file << "}";
}

bool classify() {
  const auto pictures = some_pictures(1, 224);
  // README: begin
  auto model = apps::MobileNetV2({.weights = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"});
  auto x = apps::mobilenet_v2::preprocess_input(pictures);  // (samples, 224, 224, 3), 0 … 255
  auto best = apps::decode_predictions(model.predict(x), 5, "imagenet_class_index.json");
  for (const auto& guess : best[0]) std::printf("%-20s %.3f\n", guess.class_description.c_str(), guess.score);
  // README: end
  return best.size() == 1 && best[0].size() == 5 && best[0][0].score >= best[0][4].score;
}

bool transfer() {
  const auto pictures = some_pictures(8, 96);
  const graft::Tensor<float> labels({8}, {0, 1, 0, 1, 0, 1, 0, 1});
  // README: begin
  auto base = apps::MobileNetV2({.input_shape = {96, 96, 3},
                                 .alpha = 0.35,
                                 .include_top = false,
                                 .weights = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
                                 .pooling = "avg"});
  base.set_trainable(false);
  graft::Sequential model({base, graft::Dense(2, {.activation = "softmax"})});
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(apps::preprocess_input(pictures, "mobilenet_v2"), labels, {.epochs = 5, .cache_frozen_prefix = true});
  // README: end
  return graft::preprocessing_mode_of(model) == graft::PreprocessingMode::tf;
}

int run(example::Arguments& arguments) {
  arguments.finish();
  const auto folder =
      std::filesystem::temp_directory_path() / ("graft-applications-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  std::filesystem::current_path(folder);
  write_files();
  const bool done = classify() && transfer();
  std::filesystem::current_path(folder.parent_path());
  std::filesystem::remove_all(folder);
  std::puts(done ? "as expected" : "NOT as expected");
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, run); }
