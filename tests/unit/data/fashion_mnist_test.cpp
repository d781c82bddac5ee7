#include "graft/data/fashion_mnist.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::FileError;
using graft::load_fashion_mnist;
using graft::Shape;
using graft::test::TempDir;

namespace {

/// Sets an environment variable, and puts it back at the end.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (old_) ::setenv(name_, old_->c_str(), 1);
    else ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

std::string idx(std::initializer_list<int> dims, const std::string& bytes) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(dims.size())};
  for (const int dim : dims) text += std::string{'\0', '\0', '\0', static_cast<char>(dim)};
  return text + bytes;
}

void write_small(const TempDir& folder) {
  folder.write("train-images-idx3-ubyte", idx({2, 1, 2}, std::string("\x00\x01\x02\xff", 4)));
  folder.write("train-labels-idx1-ubyte", idx({2}, "\x07\x09"));
  folder.write("t10k-images-idx3-ubyte", idx({1, 1, 2}, "\x05\x06"));
  folder.write("t10k-labels-idx1-ubyte", idx({1}, "\x03"));
}

}  // namespace

TEST_CASE("Fashion-MNIST: from GRAFT_DATA or a named folder, pixels as in Keras unless scaled", "[data]") {
  const TempDir folder, nothing;
  write_small(folder);
  const Environment environment("GRAFT_DATA", folder.path());
  const auto data = load_fashion_mnist();
  REQUIRE(data.x_train.shape() == Shape{2, 1, 2});
  CHECK(data.x_train[3] == 255.0f);
  CHECK(data.y_train[0] == 7.0f);
  CHECK(data.y_train[1] == 9.0f);
  CHECK(data.x_test[1] == 6.0f);
  CHECK(data.y_test[0] == 3.0f);
  CHECK(load_fashion_mnist<double>({.scale = 1.0 / 255}).x_train[3] == 1.0);
  CHECK(load_fashion_mnist({.scale = 1.0 / 255}).y_train[1] == 9.0f);

  const Environment other("GRAFT_DATA", nothing.path());
  CHECK(load_fashion_mnist({.path = folder.path()}).x_train.size() == 4);
}

TEST_CASE("Fashion-MNIST: missing data say the line that gets them", "[data][errors]") {
  const TempDir nothing;
  const Environment environment("GRAFT_DATA", nothing.path());
  CHECK_THROWS_AS(load_fashion_mnist(), FileError);
  CHECK_THROWS_WITH(load_fashion_mnist(),
                    ContainsSubstring("apt install dataset-fashion-mnist") && ContainsSubstring(nothing.path()));
}

TEST_CASE("Fashion-MNIST: a missing file and labels that do not fit are FileErrors", "[data][errors]") {
  const TempDir folder;
  write_small(folder);
  folder.write("t10k-labels-idx1-ubyte", idx({2}, "\x03\x04"));
  CHECK_THROWS_AS(load_fashion_mnist({.path = folder.path()}), FileError);
  CHECK_THROWS_WITH(load_fashion_mnist({.path = folder.path()}), ContainsSubstring("(1, 1, 2) and (2,)"));
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  CHECK_THROWS_WITH(load_fashion_mnist({.path = folder.path()}), ContainsSubstring("t10k-labels-idx1-ubyte.gz"));
}

TEST_CASE("Fashion-MNIST: the real data, when they are installed", "[data]") {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) {
    WARN("dataset-fashion-mnist is not installed");
    return;
  }
  const auto data = load_fashion_mnist({.path = folder});
  CHECK(data.x_train.shape() == Shape{60000, 28, 28});
  CHECK(data.y_train.shape() == Shape{60000});
  CHECK(data.x_test.shape() == Shape{10000, 28, 28});
  CHECK(data.y_test.shape() == Shape{10000});
  // Each class has 6,000 and 1,000 pictures (README of the data set).
  for (int label = 0; label < 10; ++label) {
    CHECK(std::count(data.y_train.begin(), data.y_train.end(), static_cast<float>(label)) == 6000);
    CHECK(std::count(data.y_test.begin(), data.y_test.end(), static_cast<float>(label)) == 1000);
  }
  CHECK(*std::max_element(data.x_train.begin(), data.x_train.end()) == 255.0f);
  CHECK(*std::min_element(data.x_train.begin(), data.x_train.end()) == 0.0f);
}
