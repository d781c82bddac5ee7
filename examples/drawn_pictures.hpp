#pragma once

#include <graft/graft.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>

// Pictures that a program draws itself, for runs without any: shapes of random size, place and colour on noise.
namespace example {

/// A folder that is gone when the program ends.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "graft_example_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot create " + pattern);
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct DrawnShape {
  const char* name;
  bool (*inside)(double x, double y);  ///< in the square from -1 to 1
};

inline constexpr DrawnShape kSourceShapes[] = {
    {"disc", [](double x, double y) { return x * x + y * y < 1; }},
    {"square", [](double x, double y) { return std::abs(x) < 0.85 && std::abs(y) < 0.85; }},
    {"cross", [](double x, double y) { return std::abs(x) < 0.3 || std::abs(y) < 0.3; }},
    {"stripes", [](double x, double) { return std::fmod(x + 1, 0.5) < 0.25; }}};
inline constexpr DrawnShape kTargetShapes[] = {
    {"diamond", [](double x, double y) { return std::abs(x) + std::abs(y) < 1; }},
    {"ring", [](double x, double y) { return x * x + y * y < 1 && x * x + y * y > 0.4; }},
    {"triangle", [](double x, double y) { return y > -0.8 && std::abs(x) < (0.9 - y) / 1.7; }}};

/// (size, size, 3), numbers 0 … 255.
inline graft::Tensor<float> draw_picture(const DrawnShape& shape, graft::Index size, graft::Rng& rng) {
  graft::Tensor<float> picture({size, size, 3});
  const double half = 0.5 * static_cast<double>(size), radius = half * rng.uniform(0.45, 0.8);
  const double x0 = half + (half - radius) * rng.uniform(-0.8, 0.8),
               y0 = half + (half - radius) * rng.uniform(-0.8, 0.8);
  const double turn = rng.uniform(-0.2, 0.2);
  double back[3], front[3];
  for (int c = 0; c < 3; ++c) {
    back[c] = rng.uniform(0, 110);
    front[c] = rng.uniform(130, 255);
  }
  for (graft::Index h = 0; h < size; ++h) {
    for (graft::Index w = 0; w < size; ++w) {
      const double x = (static_cast<double>(w) - x0) / radius, y = (y0 - static_cast<double>(h)) / radius;
      const double u = x * std::cos(turn) - y * std::sin(turn), v = x * std::sin(turn) + y * std::cos(turn);
      const bool inside = std::abs(u) < 1 && std::abs(v) < 1 && shape.inside(u, v);
      for (int c = 0; c < 3; ++c) {
        const double value = (inside ? front[c] : back[c]) + rng.uniform(-20, 20);
        picture[(h * size + w) * 3 + c] = static_cast<float>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return picture;
}

/// folder/<shape>/<number>.png, `count` of each shape.
template <std::size_t Count>
void draw_pictures(const std::string& folder, const DrawnShape (&shapes)[Count], int count, graft::Rng& rng) {
  for (const DrawnShape& shape : shapes) {
    std::filesystem::create_directories(folder + "/" + shape.name);
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(1000 + i).substr(1) + ".png";
      graft::save_img(folder + "/" + shape.name + "/" + name, draw_picture(shape, 48, rng), {.scale = false});
    }
  }
}

/// A small net trained on the source shapes (pixels in 0 … 1), saved as a Keras file in the folder; returns its path.
inline std::string pretrain_small_base(const std::string& folder, graft::Rng& rng) {
  constexpr graft::Index kEach = 100;
  const auto classes = static_cast<graft::Index>(std::size(kSourceShapes));
  graft::Tensor<float> x({classes * kEach, 48, 48, 3}), y({classes * kEach});
  for (graft::Index i = 0; i < y.size(); ++i) {
    const auto picture = draw_picture(kSourceShapes[i % classes], 48, rng);
    y[i] = static_cast<float>(i % classes);
    for (graft::Index k = 0; k < picture.size(); ++k) x[i * picture.size() + k] = picture[k] / 255;
  }
  const auto conv = [](graft::Index filters, const char* name) {
    return graft::Conv2D(filters, 3, {.padding = "same", .activation = "relu", .name = name});
  };
  const graft::Sequential model(
      {graft::Conv2D(
           16, 3, {.padding = "same", .activation = "relu", .name = "conv1", .input_shape = graft::Shape{48, 48, 3}}),
       graft::MaxPooling2D(2), conv(32, "conv2"), graft::MaxPooling2D(2), conv(48, "conv3"), graft::MaxPooling2D(2),
       conv(64, "conv4"), graft::GlobalMaxPooling2D(),
       graft::Dense(classes, {.activation = "softmax", .name = "shapes"})},
      {.name = "small_base"});
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const auto history = model.fit(x, y, {.epochs = 10, .verbose = graft::Verbose::silent});
  std::printf("small base: accuracy %.4f on its own shapes\n", history["accuracy"].back());
  const std::string path = folder + "/small_base.h5";
  model.save(path);
  return path;
}

struct DrawnTask {
  std::string folder;  ///< pictures of three shapes
  std::string base;    ///< the file of a small net that knows four others; it takes pixels from 0 to 1
};

inline DrawnTask draw_task(const std::string& folder, int each) {
  graft::set_random_seed(1);
  graft::Rng rng(1);
  draw_pictures(folder + "/target", kTargetShapes, each, rng);
  return {folder + "/target", pretrain_small_base(folder, rng)};
}

}  // namespace example
