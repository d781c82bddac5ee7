#include <chrono>
#include <fstream>

#include "graft/io/hdf5.hpp"
#include "keras_file.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::bytes_of;
using graft::test::error_of;
using graft::test::TempDir;

namespace {

hdf5::File open(const std::string& bytes) {
  return hdf5::File::open(hdf5::ByteSource::memory(bytes.data(), static_cast<Index>(bytes.size())), "image");
}

// Reads all that there is; graft::Errors end what they concern. Returns how many things were read.
int read_all(const hdf5::Group& group, int depth = 0) {
  int count = 0;
  if (depth > 5) return count;
  const auto attempt = [&](auto&& action) {
    try {
      action();
      ++count;
    } catch (const Error&) {
    }
  };
  for (const char* name : {"model_config", "keras_version"}) attempt([&] { (void)group.string(name); });
  for (const char* name : {"layer_names", "weight_names", "texts"}) attempt([&] { (void)group.strings(name); });
  std::vector<std::string> children;
  attempt([&] { children = group.children(); });
  for (std::size_t i = 0; i < children.size() && i < 50; ++i) {
    attempt([&] {
      if (group.is_group(children[i])) {
        count += read_all(group.group(children[i]), depth + 1);
      } else {
        const auto data = group.dataset(children[i]);
        std::vector<float> numbers(static_cast<std::size_t>(std::max<Index>(data.shape().elements(), 1)));
        data.read(numbers.data());
      }
    });
  }
  return count;
}

// All that models use: groups, strings of both kinds, plain and packed arrays, and objects of version 2 when `latest`.
std::string sample(const TempDir& dir, bool latest) {
  const std::string path = dir / "sample.h5";
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const auto attribute = [&](const char* name, hid_t type, std::vector<hsize_t> dims, const void* data) {
    const hid_t space = dims.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, dims.data(), nullptr);
    const hid_t made = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(made, type, data);
    H5Aclose(made);
    H5Sclose(space);
  };
  const hid_t variable = H5Tcopy(H5T_C_S1), fixed = H5Tcopy(H5T_C_S1);
  H5Tset_size(variable, H5T_VARIABLE);
  H5Tset_size(fixed, 8);
  const std::string config(300, 'c');
  const char* texts[] = {config.c_str(), "two", "three"};
  attribute("model_config", variable, {}, texts);
  attribute("texts", variable, {3}, texts);
  attribute("layer_names", fixed, {2}, "dense\0\0\0conv\0\0\0\0");
  const hid_t group = H5Gcreate2(file, "dense", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  std::vector<float> numbers(60);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  const hsize_t dims[] = {6, 10}, chunk[] = {4, 4};
  const hid_t space = H5Screate_simple(2, dims, nullptr), packed = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(packed, 2, chunk);
  H5Pset_shuffle(packed);
  H5Pset_deflate(packed, 6);
  for (const char* name : {"plain", "packed"}) {
    const hid_t made =
        H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, name[1] == 'l' ? H5P_DEFAULT : packed, H5P_DEFAULT);
    H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data());
    H5Dclose(made);
  }
  H5Pclose(packed);
  H5Sclose(space);
  H5Gclose(group);
  H5Tclose(fixed);
  H5Tclose(variable);
  H5Fclose(file);
  H5Pclose(access);
  return bytes_of(path);
}

double seconds(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, int width = 8) {
  for (int i = 0; i < width; ++i) bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> 8 * i);
}
std::uint64_t get(const std::string& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

TEST_CASE("hostile files: a file in memory reads as on disk, behind a user's block too") {
  const TempDir dir;
  for (const bool latest : {false, true}) {
    const std::string bytes = sample(dir, latest);
    const hdf5::Group root = open(bytes).root();
    CHECK(root.strings("texts").value() == std::vector<std::string>{std::string(300, 'c'), "two", "three"});
    CHECK(root.strings("layer_names").value() == std::vector<std::string>{"dense", "conv"});
    for (const char* name : {"dense/plain", "dense/packed"}) {
      const auto data = root.dataset(name);
      REQUIRE(data.shape() == Shape{6, 10});
      std::vector<double> numbers(60);
      data.read(numbers.data());
      for (std::size_t i = 0; i < 60; ++i) CHECK(numbers[i] == static_cast<double>(i));
    }
    CHECK(read_all(root) == 15);
  }
}

TEST_CASE("hostile files: any byte may be anything") {
  const TempDir dir;
  for (const bool latest : {false, true}) {
    const std::string bytes = sample(dir, latest);
    const int whole = read_all(open(bytes).root());
    int opened = 0, complete = 0;
    const double time = seconds([&] {
      for (std::size_t at = 0; at < bytes.size(); ++at) {
        if (at > 1500 && at % 3 != 0) continue;
        for (const int value : {0, 1, 0x40, 0xFF}) {
          std::string damaged = bytes;
          if (damaged[at] == static_cast<char>(value)) continue;
          damaged[at] = static_cast<char>(value);
          try {
            const int read = read_all(open(damaged).root());
            ++opened;
            complete += read == whole ? 1 : 0;
          } catch (const FileError&) {
          }
        }
      }
    });
    CAPTURE(latest, opened, complete, time);
    CHECK(opened > 500);
    CHECK(complete < opened);
  }
}

TEST_CASE("hostile files: what would send the library in circles or out of its memory is refused") {
  const TempDir dir;
  const std::string bytes = sample(dir, false);
  const auto message = [](const std::string& damaged) {
    return error_of([&] {
      const hdf5::Group root = open(damaged).root();
      (void)root.children();
      (void)root.string("model_config");
      (void)root.strings("texts");
      (void)root.group("dense").children();
      (void)root.dataset("dense/packed");
    });
  };
  REQUIRE(message(bytes) == "no error");
  SECTION("strings that are elsewhere, or longer than they are") {
    const std::size_t heap = bytes.find("GCOL");
    REQUIRE(heap != std::string::npos);
    std::string damaged = bytes;
    put(damaged, heap + 16, 77, 2);  // the index of the first object
    CHECK_THAT(message(damaged), ContainsSubstring("does not stand where it should"));
    damaged = bytes;
    put(damaged, heap + 24, 5);  // its length
    CHECK_THAT(message(damaged), ContainsSubstring("The file is damaged"));
    damaged = bytes;
    put(damaged, heap + 24, ~std::uint64_t{0} - 7);
    CHECK_THAT(message(damaged), ContainsSubstring("too long"));
    damaged = bytes;
    put(damaged, heap + 8, std::uint64_t{1} << 40);  // the size of the collection
    CHECK_THAT(message(damaged), ContainsSubstring("behind the end"));
  }
  SECTION("an attribute of gigabytes") {
    std::string damaged = bytes;
    const std::size_t name = bytes.find("texts");
    REQUIRE(name != std::string::npos);
    // Name, then datatype, then dataspace: its one dimension is the first 3 behind it.
    const std::size_t dimension = bytes.find(std::string("\3\0\0\0\0\0\0\0", 8), name);
    REQUIRE(dimension < name + 100);
    put(damaged, dimension, std::uint64_t{1} << 34);
    CHECK_THAT(message(damaged), ContainsSubstring("less data than it says"));
  }
  SECTION("a tree that grows out of itself") {
    std::string damaged = bytes;
    const std::size_t tree = bytes.find("TREE");
    REQUIRE(tree != std::string::npos);
    damaged[tree + 5] = 1;  // the level
    put(damaged, tree + 32, tree);
    CHECK_THAT(message(damaged), ContainsSubstring("levels do not count down"));
  }
  SECTION("free blocks that follow each other in a circle") {
    std::string damaged = bytes;
    const std::size_t heap = bytes.find("HEAP");
    REQUIRE(heap != std::string::npos);
    const std::uint64_t segment = get(bytes, heap + 24), free = get(bytes, heap + 16);
    REQUIRE(free + 16 <= get(bytes, heap + 8));
    put(damaged, static_cast<std::size_t>(segment + free), free);
    CHECK_THAT(message(damaged), ContainsSubstring("free blocks"));
  }
  SECTION("numbers that are not in the file") {
    std::string damaged = bytes.substr(0, bytes.size() - 100);
    CHECK_THAT(message(damaged), ContainsSubstring("it ends after"));
  }
}

TEST_CASE("hostile files: packed arrays that unpack to another size, or to anything out of nothing") {
  const TempDir dir;
  const auto packed = [&](std::vector<hsize_t> dims, std::vector<hsize_t> chunk, const std::vector<float>& numbers) {
    const hid_t file = H5Fcreate((dir / "packed.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    const hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(how, static_cast<int>(chunk.size()), chunk.data());
    H5Pset_deflate(how, 9);
    const float fill = 2.5F;
    H5Pset_fill_value(how, H5T_NATIVE_FLOAT, &fill);
    const hid_t made = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    if (!numbers.empty()) H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data());
    H5Dclose(made);
    H5Pclose(how);
    H5Sclose(space);
    H5Fclose(file);
    return bytes_of(dir / "packed.h5");
  };
  SECTION("a chunk that says that it is larger") {
    std::string bytes = packed({16}, {16}, std::vector<float>(16, 1.0F));
    const std::size_t layout = bytes.find(std::string("\x10\0\0\0\4\0\0\0", 8));  // chunk of 16, items of 4 bytes
    REQUIRE(layout != std::string::npos);
    put(bytes, layout, 64, 4);
    std::vector<float> numbers(16);
    CHECK_THAT(error_of([&] { open(bytes).root().dataset("x").read(numbers.data()); }),
               ContainsSubstring("another size"));
  }
  SECTION("what was never written is the fill value; more of it than 64 MiB is refused") {
    std::vector<float> numbers(1000);
    open(packed({1000}, {100}, {})).root().dataset("x").read(numbers.data());
    CHECK(std::count(numbers.begin(), numbers.end(), 2.5F) == 1000);
    CHECK_THAT(error_of([&] { (void)open(packed({std::uint64_t{1} << 25}, {1024}, {})).root().dataset("x"); }),
               ContainsSubstring("damaged or hostile"));
  }
  SECTION("a million chunks that are not there") {
    std::vector<float> numbers(4'000'000);
    const std::string bytes = packed({4'000'000}, {1}, {});
    const double time = seconds([&] {
      CHECK_THAT(error_of([&] { open(bytes).root().dataset("x").read(numbers.data()); }),
                 ContainsSubstring("1,048,576"));
    });
    CHECK(time < 60);
  }
}
