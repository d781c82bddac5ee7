// How long a large Keras file takes to load, and how much memory that takes: writes the VGG16 architecture with random
// weights (553 MB as .h5), reads the file's bytes alone into memory, then loads the model, and prints both.
//
// Exit status: 0 when loading takes at most 1.5 times as long as reading and 1.1 times the file's size of memory,
// else 1.
// --small makes every layer 16 times narrower, for a quick look; then no limit is checked.
//
// Short run: --small load_speed.h5

#include <graft/graft.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>

#include "common.hpp"

namespace {

constexpr const char* kUsage = "load_speed [--small] [--runs 5] FILE.h5";

graft::Sequential<float> vgg16(graft::Index narrower) {
  graft::Sequential<float> model({graft::InputLayer({224, 224, 3})}, {.name = "vgg16"});
  graft::Index block = 1;
  for (const auto& [count, filters] : {std::pair{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}) {
    const std::string name = "block" + std::to_string(block++) + "_";
    for (int i = 1; i <= count; ++i) {
      model.add(graft::Conv2D(filters / narrower, {3, 3},
                              {.padding = "same", .activation = "relu", .name = name + "conv" + std::to_string(i)}));
    }
    model.add(graft::MaxPooling2D(2, {.name = name + "pool"}));
  }
  model.add(graft::Flatten({.name = "flatten"}));
  model.add(graft::Dense(4096 / narrower, {.activation = "relu", .name = "fc1"}));
  model.add(graft::Dense(4096 / narrower, {.activation = "relu", .name = "fc2"}));
  model.add(graft::Dense(1000, {.activation = "softmax", .name = "predictions"}));
  return model;
}

// A number of /proc/self/status in bytes: VmRSS (memory in use), VmHWM (the most so far).
double memory(const char* key) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, std::strlen(key), key) == 0)
      return 1024 * std::strtod(line.c_str() + std::strlen(key) + 1, nullptr);
  }
  return 0;
}

double seconds_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Reads a file in pieces of 1 MiB, into one place (which stays in the processor's cache) or into memory for all of it.
double read_bytes(const std::string& path, bool keep) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) throw graft::FileError("cannot open " + path);
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::size_t bytes = 0, capacity = kPiece;
  if (keep) {
    std::fseek(file, 0, SEEK_END);
    capacity += static_cast<std::size_t>(std::ftell(file));
    std::rewind(file);
  }
  const std::unique_ptr<char[]> buffer(new char[capacity]);
  while (const std::size_t got = std::fread(buffer.get() + (keep ? bytes : 0), 1, kPiece, file)) bytes += got;
  std::fclose(file);
  return static_cast<double>(bytes);
}

int measure(example::Arguments& arguments) {
  const bool small = arguments.flag("--small");
  const long runs = arguments.count("--runs", 5);
  const std::string path = arguments.finish(1)[0];
  if (!std::ifstream(path)) vgg16(small ? 16 : 1).save(path);
  const double size = read_bytes(path, false);  // and into the disk cache
  std::vector<double> passing, reading, loading;
  double extra = 0;
  for (long i = 0; i < runs; ++i) {
    passing.push_back(seconds_of([&] { (void)read_bytes(path, false); }));
    reading.push_back(seconds_of([&] { (void)read_bytes(path, true); }));
    const double before = memory("VmRSS:");
    std::ofstream("/proc/self/clear_refs") << "5";  // the most so far is what there is now
    graft::Model<float> model;
    loading.push_back(seconds_of([&] { model = graft::load_model(path); }));
    extra = std::max(extra, memory("VmHWM:") - before);
  }
  const double read = *std::min_element(reading.begin(), reading.end());
  const double load = *std::min_element(loading.begin(), loading.end());
  std::printf("%s: %.1f MB\n", path.c_str(), size / 1e6);
  std::printf("its bytes through a buffer of 1 MiB %7.3f s\n", *std::min_element(passing.begin(), passing.end()));
  std::printf("its bytes into memory               %7.3f s\n", read);
  std::printf("load_model                          %7.3f s, %.2f times as long as into memory\n", load, load / read);
  std::printf("memory of load_model                %7.1f MB, %.2f times the size\n", extra / 1e6, extra / size);
  std::printf("(the fastest of %ld runs, file in the disk cache)\n", runs);
  return small || (load <= 1.5 * read && extra <= 1.1 * size) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, measure); }
