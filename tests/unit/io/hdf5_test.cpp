#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "graft/io/hdf5.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::bytes_of;
using graft::test::TempDir;

namespace {

std::string file_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const FileError& error) {
    return error.what();
  }
  return "no FileError";
}

// Attributes and arrays that graft's own writer never makes, with the C API.
struct RawFile {
  hid_t id;
  explicit RawFile(const std::string& path) : id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~RawFile() { H5Fclose(id); }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  void attribute(const char* name, hid_t type, std::vector<hsize_t> dims, const void* data) const {
    const hid_t space =
        dims.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    const hid_t made = H5Acreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (data) H5Awrite(made, type, data);
    H5Aclose(made);
    H5Sclose(space);
  }
  void dataset(const char* name, hid_t disk, hid_t memory, std::vector<hsize_t> dims, const void* data,
               hid_t properties = H5P_DEFAULT) const {
    const hid_t space =
        dims.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    const hid_t made = H5Dcreate2(id, name, disk, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (data) H5Dwrite(made, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(made);
    H5Sclose(space);
  }
};

hid_t string_type(size_t size, H5T_cset_t charset, H5T_str_t padding) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size);
  H5Tset_cset(type, charset);
  H5Tset_strpad(type, padding);
  return type;
}

// A small file as graft writes it.
void write_sample(const std::string& path, float value = 1) {
  hdf5::write_file(path, [value](const hdf5::Group& root) {
    root.write("model_config", std::string(3000, 'x'));
    const auto weights = root.create_group("model_weights");
    weights.write("layer_names", std::vector<std::string>{"dense", "größe"});
    const std::vector<float> numbers(600, value);
    weights.create_group("dense").write_dataset("dense/kernel:0", Shape{20, 30}, numbers.data());
    weights.create_group("größe").write("weight_names", std::vector<std::string>());
    const std::int64_t count = 7;
    root.write_dataset("iter:0", Shape(), &count);
  });
}

}  // namespace

TEST_CASE("hdf5: strings of every kind are read") {
  const TempDir dir;
  const std::string path = dir / "strings.h5";
  {
    const RawFile file(path);
    const char* one = "grüße";
    const char* many[] = {"dense", "größe", ""};
    for (const auto charset : {H5T_CSET_ASCII, H5T_CSET_UTF8}) {
      const std::string suffix = charset == H5T_CSET_UTF8 ? "_utf8" : "_ascii";
      const hid_t variable = string_type(H5T_VARIABLE, charset, H5T_STR_NULLTERM);
      file.attribute(("scalar" + suffix).c_str(), variable, {}, &one);
      file.attribute(("array" + suffix).c_str(), variable, {3}, many);
      H5Tclose(variable);
    }
    const hid_t nul = string_type(8, H5T_CSET_ASCII, H5T_STR_NULLPAD);
    file.attribute("fixed", nul, {2}, "dense\0\0\0flatten_");
    file.attribute("fixed_scalar", nul, {}, "2.1.3\0\0\0");
    H5Tclose(nul);
    const hid_t space = string_type(6, H5T_CSET_ASCII, H5T_STR_SPACEPAD);
    file.attribute("spaces", space, {2}, "ab c  defghi");
    H5Tclose(space);
    const double number = 2.5;
    file.attribute("empty", H5T_IEEE_F64LE, {0}, nullptr);
    file.attribute("number", H5T_NATIVE_DOUBLE, {}, &number);
  }
  const auto root = hdf5::File::open(path).root();
  using Strings = std::vector<std::string>;
  for (const std::string suffix : {"_utf8", "_ascii"}) {
    CHECK(root.string("scalar" + suffix) == "grüße");
    CHECK(root.strings("array" + suffix) == Strings{"dense", "größe", ""});
  }
  CHECK(root.strings("fixed") == Strings{"dense", "flatten_"});
  CHECK(root.string("fixed_scalar") == "2.1.3");
  CHECK(root.strings("spaces") == Strings{"ab c", "defghi"});
  CHECK(root.strings("empty") == Strings{});
  CHECK(root.number("number") == 2.5);
  CHECK_FALSE(root.strings("nothing").has_value());
  CHECK_FALSE(root.string("nothing").has_value());
  CHECK_THAT(file_error_of([&] { (void)root.strings("number"); }), ContainsSubstring("expected strings"));
  CHECK_THAT(file_error_of([&] { (void)root.string("fixed"); }), ContainsSubstring("expected one string, received 2"));
  CHECK_THAT(file_error_of([&] { (void)root.number("fixed"); }), ContainsSubstring("expected one number"));
}

TEST_CASE("hdf5: lists over 64,512 bytes are split as NumPy splits them, and joined again") {
  const TempDir dir;
  std::vector<std::string> names;
  for (int i = 0; i < 230; ++i) names.push_back(std::string(302, 'n') + std::to_string(100 + i));
  std::vector<std::string> odd;
  for (int i = 0; i < 7; ++i) odd.push_back(std::string(20000, static_cast<char>('a' + i)));
  hdf5::write_file(dir / "chunks.h5", [&](const hdf5::Group& root) {
    root.write("layer_names", names);
    root.write("odd", odd);
    root.write("short", std::vector<std::string>{"a"});
  });
  const auto root = hdf5::File::open(dir / "chunks.h5").root();
  CHECK(root.strings("layer_names") == names);
  CHECK_FALSE(root.has_attribute("layer_names"));
  // 230 names of 305 bytes in two parts of 115; 7 names of 20,000 bytes in three parts of 3, 2, 2.
  CHECK(root.strings("layer_names0")->size() == 115);
  CHECK(root.strings("layer_names1")->size() == 115);
  CHECK_FALSE(root.has_attribute("layer_names2"));
  CHECK(root.strings("odd") == odd);
  CHECK(root.strings("odd0")->size() == 3);
  CHECK(root.strings("odd2")->size() == 2);
  CHECK(root.has_attribute("short"));
  CHECK_THROWS_AS(
      hdf5::write_file(dir / "long.h5",
                       [](const hdf5::Group& g) { g.write("a", std::vector<std::string>{std::string(64513, 'x')}); }),
      FileError);
}

TEST_CASE("hdf5: numbers of every type are read into float and double") {
  const TempDir dir;
  const std::vector<double> values{-1.5, 0, 2, 1024};
  {
    const RawFile file(dir / "types.h5");
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    file.dataset("f16", half, H5T_NATIVE_DOUBLE, {2, 2}, values.data());
    H5Tclose(half);
    file.dataset("f64be", H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, {4}, values.data());
    file.dataset("f32be", H5T_IEEE_F32BE, H5T_NATIVE_DOUBLE, {4}, values.data());
    file.dataset("i16be", H5T_STD_I16BE, H5T_NATIVE_DOUBLE, {4}, values.data());
    file.dataset("u8", H5T_STD_U8LE, H5T_NATIVE_DOUBLE, {4}, values.data());
    file.dataset("scalar", H5T_STD_I32LE, H5T_NATIVE_DOUBLE, {}, &values[2]);
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 3;
    H5Pset_chunk(chunked, 1, &chunk);
    file.dataset("chunked", H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, {4}, values.data(), chunked);
    H5Pclose(chunked);
    const hid_t text = string_type(4, H5T_CSET_ASCII, H5T_STR_NULLPAD);
    file.dataset("text", text, text, {1}, "abcd");
    H5Tclose(text);
    file.dataset("rank9", H5T_IEEE_F32LE, H5T_NATIVE_DOUBLE, std::vector<hsize_t>(9, 1), values.data());
  }
  const auto root = hdf5::File::open(dir / "types.h5").root();
  for (const std::string name : {"f16", "f64be", "f32be", "i16be", "chunked"}) {
    CAPTURE(name);
    const auto data = root.dataset(name);
    REQUIRE(data.shape().elements() == 4);
    CHECK(data.plain() == (name != "chunked"));
    std::vector<float> as_float(4);
    std::vector<double> as_double(4);
    data.read(as_float.data());
    data.read(as_double.data());
    for (std::size_t i = 0; i < 4; ++i) {
      const double expected = name == "i16be" ? std::trunc(values[i]) : values[i];
      CHECK(as_float[i] == static_cast<float>(expected));
      CHECK(as_double[i] == expected);
    }
  }
  CHECK(root.dataset("f16").shape() == Shape{2, 2});
  std::int64_t count = 0;
  CHECK(root.dataset("scalar").shape() == Shape());
  root.dataset("scalar").read(&count);
  CHECK(count == 2);
  CHECK_THAT(file_error_of([&] { (void)root.dataset("text"); }), ContainsSubstring("expected an array of numbers"));
  CHECK_THAT(file_error_of([&] { (void)root.dataset("rank9"); }), ContainsSubstring("at most 8 dimensions"));
}

TEST_CASE("hdf5: links and arrays that lead out of the file, and shapes that lie, are refused") {
  const TempDir dir;
  {
    const RawFile other(dir / "other.h5");
    const float number = 1;
    other.dataset("x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {1}, &number);
  }
  dir.write("raw.bin", std::string(400, 'r'));
  {
    const RawFile file(dir / "hostile.h5");
    const float number = 1;
    file.dataset("x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {1}, &number);
    H5Lcreate_soft("/x", file.id, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/x", file.id, "external", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/", file.id, "away", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file.id, "/", file.id, "loop", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(outside, "raw.bin", 0, 400);
    file.dataset("raw", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {100}, nullptr, outside);
    H5Pclose(outside);
    // 10^12 numbers declared, none stored.
    file.dataset("bomb", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {1000000, 1000000}, nullptr);
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {1, 1};
    H5Pset_chunk(chunked, 2, chunk);
    file.dataset("overflow", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {hsize_t{1} << 40, hsize_t{1} << 40}, nullptr, chunked);
    H5Pclose(chunked);
    const hid_t source = H5Screate_simple(1, std::vector<hsize_t>{1}.data(), nullptr);
    const hid_t virtual_layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(virtual_layout, source, "other.h5", "/x", source);
    file.dataset("virtual", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {1}, nullptr, virtual_layout);
    H5Pclose(virtual_layout);
    H5Sclose(source);
  }
  const auto root = hdf5::File::open(dir / "hostile.h5").root();
  for (const std::string name : {"soft", "external", "away/x"}) {
    CAPTURE(name);
    CHECK_THAT(file_error_of([&] { (void)root.dataset(name); }), ContainsSubstring("Links are not followed"));
    CHECK_THAT(file_error_of([&] { (void)root.exists(name); }), ContainsSubstring("Links are not followed"));
  }
  for (const std::string name : {"raw", "virtual"}) {
    CAPTURE(name);
    CHECK_THAT(file_error_of([&] { (void)root.dataset(name); }), ContainsSubstring("numbers in the file itself"));
  }
  CHECK_THAT(file_error_of([&] { (void)root.dataset("bomb"); }), ContainsSubstring("damaged or hostile"));
  CHECK_THAT(file_error_of([&] { (void)root.dataset("overflow"); }), ContainsSubstring("fits in memory"));
  // A group that contains itself is harmless: nothing walks a tree without names.
  CHECK(root.dataset("loop/loop/loop/x").shape() == Shape{1});
  CHECK(root.children().size() == 9);
  CHECK_THAT(file_error_of([&] { (void)root.dataset("loop"); }), ContainsSubstring("expected an array"));
  CHECK_THAT(file_error_of([&] { (void)root.group("x"); }), ContainsSubstring("expected a group"));
  CHECK_THAT(file_error_of([&] { (void)root.dataset("x/y"); }), ContainsSubstring("there is no \"y\""));
  CHECK_THAT(file_error_of([&] { (void)root.dataset("bom"); }), ContainsSubstring("Did you mean \"bomb\"?"));
  CHECK_THROWS_AS(root.dataset(""), FileError);
  CHECK_THROWS_AS(root.dataset("loop/../x"), FileError);
}

TEST_CASE("hdf5: files that cannot be read say what they are") {
  const TempDir dir;
  const auto error = [](const std::string& path) { return file_error_of([&] { (void)hdf5::File::open(path); }); };
  CHECK_THAT(error(dir / "missing.h5"), ContainsSubstring("there is no such file"));
  CHECK_THAT(error(dir.path()), ContainsSubstring("received a folder"));
  CHECK_THAT(error(dir.write("empty.h5", "")), ContainsSubstring("an empty file"));
  CHECK_THAT(error(dir.write("zip.keras", std::string("PK\003\004rest", 8))), ContainsSubstring("a zip archive"));
  CHECK_THAT(error(dir.write("lfs.h5", "version https://git-lfs.github.com/spec/v1\n")), ContainsSubstring("Git LFS"));
  CHECK_THAT(error(dir.write("page.h5", "<!DOCTYPE html><html>")), ContainsSubstring("web page"));
  CHECK_THAT(error(dir.write("text.h5", "{\"a\": 1}")), ContainsSubstring("JSON"));
  CHECK_THAT(error(dir.write("noise.h5", std::string(5000, '\x5a'))), ContainsSubstring("expected an HDF5 file"));
  CHECK_THAT(error("/dev/null"), ContainsSubstring("device"));
}

TEST_CASE("hdf5: a file that is truncated anywhere is an error, silently for stderr") {
  const TempDir dir;
  write_sample(dir / "whole.h5");
  const std::string whole = bytes_of(dir / "whole.h5");
  REQUIRE(whole.size() > 5000);
  std::fflush(stderr);
  std::FILE* captured = std::fopen((dir / "stderr.txt").c_str(), "wb");
  const int saved = ::dup(2);
  ::dup2(::fileno(captured), 2);
  std::size_t accepted = 0, tried = 0;
  for (std::size_t size = 0; size < whole.size(); size += size < 600 ? 7 : 61, ++tried) {
    const std::string path = dir.write("cut.h5", whole.substr(0, size));
    try {
      (void)hdf5::File::open(path);
      ++accepted;
    } catch (const FileError&) {
    }
  }
  std::fflush(stderr);
  ::dup2(saved, 2);
  ::close(saved);
  std::fclose(captured);
  CHECK(tried > 150);
  CHECK(accepted == 0);
  CHECK(bytes_of(dir / "stderr.txt").empty());
}

TEST_CASE("hdf5: the same content gives the same bytes") {
  const TempDir dir;
  write_sample(dir / "a.h5");
  write_sample(dir / "b.h5");
  CHECK(bytes_of(dir / "a.h5") == bytes_of(dir / "b.h5"));
  write_sample(dir / "b.h5", 2);
  CHECK_FALSE(bytes_of(dir / "a.h5") == bytes_of(dir / "b.h5"));
}

TEST_CASE("hdf5: a disk that is full at any byte leaves the old file and no rest") {
  const TempDir dir;
  const std::string path = dir / "model.h5";
  write_sample(path);
  const std::string before = bytes_of(path);
  // The limit on file sizes fails a write as a full disk does.
  struct rlimit limit {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  std::size_t failures = 0, changed = 0;
  std::string text;
  for (rlim_t size = 0; size < before.size(); size += 173) {
    struct rlimit small = limit;
    small.rlim_cur = size;
    ::setrlimit(RLIMIT_FSIZE, &small);
    try {
      write_sample(path, 2);
    } catch (const FileError& error) {
      text = error.what();
      ++failures;
    }
    ::setrlimit(RLIMIT_FSIZE, &limit);
    changed += bytes_of(path) != before;
  }
  std::signal(SIGXFSZ, old_handler);
  CHECK(failures == (before.size() + 172) / 173);
  CHECK(changed == 0);
  CHECK_THAT(text, ContainsSubstring("cannot write: File too large") && ContainsSubstring("Nothing was changed"));
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()) == 1);
  write_sample(path, 2);
  CHECK(bytes_of(path) != before);
}

TEST_CASE("hdf5: saving is atomic") {
  const TempDir dir;
  write_sample(dir / "model.h5");
  const std::string before = bytes_of(dir / "model.h5");
  SECTION("an exception while writing") {
    CHECK_THROWS_AS(hdf5::write_file(dir / "model.h5",
                                     [](const hdf5::Group& root) {
                                       root.write("a", std::string("b"));
                                       throw StateError("stop");
                                     }),
                    StateError);
  }
  SECTION("places that cannot be written to") {
    CHECK_THAT(file_error_of([&] { write_sample(dir / "nowhere/model.h5"); }),
               ContainsSubstring("Does the folder exist?"));
    CHECK_THAT(file_error_of([&] { write_sample(dir.path()); }), ContainsSubstring("received a folder"));
    CHECK_THAT(file_error_of([&] { write_sample("/dev/full"); }), ContainsSubstring("a regular file"));
    CHECK_THAT(file_error_of([&] { write_sample(""); }), ContainsSubstring("an empty one"));
  }
  SECTION("through a symbolic link the link stays") {
    std::filesystem::create_symlink("model.h5", dir / "link.h5");
    write_sample(dir / "link.h5", 3);
    CHECK(std::filesystem::is_symlink(dir / "link.h5"));
    CHECK(bytes_of(dir / "model.h5") != before);
    write_sample(dir / "model.h5");
    std::filesystem::remove(dir / "link.h5");
  }
  SECTION("the permissions of the old file stay") {
    std::filesystem::permissions(dir / "model.h5",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    write_sample(dir / "model.h5");
    CHECK((std::filesystem::status(dir / "model.h5").permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
  CHECK(bytes_of(dir / "model.h5") == before);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()) == 1);
}
