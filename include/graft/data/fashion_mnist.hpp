#pragma once

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "graft/data/idx.hpp"

namespace graft {

/// Names of Fashion-MNIST's classes 0 … 9.
inline constexpr std::array<const char*, 10> kFashionMnistClasses = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

/// Images (n, 28, 28) and class indices 0 … 9 (n,).
template <class Scalar = float>
struct FashionMnist {
  Tensor<Scalar> x_train, y_train;  ///< 60,000
  Tensor<Scalar> x_test, y_test;    ///< 10,000
};

struct FashionMnistOptions {
  std::string path{};  ///< folder of the four idx files; empty: the usual places
  double scale = 1.0;  ///< factor on the pixels: 1 gives 0 … 255, as Keras does; 1.0 / 255 gives 0 … 1
};

namespace detail {

/// "train-images-idx3-ubyte" → its path in `folder`, compressed or not; empty when it is not there.
GRAFT_COLD inline std::string find_idx(const std::string& folder, const std::string& name) {
  for (const char* suffix : {".gz", ""}) {
    std::string path = folder;
    path.append("/").append(name).append(suffix);
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  return {};
}

/// The folder of Fashion-MNIST's files: the one that is named, by argument or GRAFT_DATA, and no other; else the first of
/// the usual places that has them.
GRAFT_COLD inline std::string fashion_mnist_folder(const std::string& named) {
  std::vector<std::string> folders;
  const char* data = std::getenv("GRAFT_DATA");
  if (!named.empty()) {
    folders = {named};
  } else if (data != nullptr && *data != '\0') {
    folders = {data, std::string(data) + "/fashion-mnist"};
  } else {
    folders = {"/usr/share/datasets/fashion-mnist", "/usr/local/share/datasets/fashion-mnist"};
    if (const char* home = std::getenv("HOME")) folders.push_back(std::string(home) + "/.keras/datasets/fashion-mnist");
  }
  std::string looked;
  for (const std::string& folder : folders) {
    if (!find_idx(folder, "train-images-idx3-ubyte").empty()) return folder;
    looked += (looked.empty() ? "" : ", ") + folder;
  }
  fail<FileError>("Fashion-MNIST", "train-images-idx3-ubyte.gz in one of " + looked, "no such file",
                  "To get the data: apt install dataset-fashion-mnist (or set GRAFT_DATA to the folder of the four "
                  ".gz files)");
}

template <class Scalar>
void read_images_and_labels(const std::string& folder, const std::string& part, double scale, Tensor<Scalar>& x,
                            Tensor<Scalar>& y) {
  const std::string names[2] = {part + "-images-idx3-ubyte", part + "-labels-idx1-ubyte"};
  for (const std::string& name : names) {
    if (find_idx(folder, name).empty()) {
      fail<FileError>("Fashion-MNIST", name + ".gz in " + folder, "no such file",
                      "To get the data: apt install dataset-fashion-mnist");
    }
  }
  x = read_idx<Scalar>(find_idx(folder, names[0]), scale);
  y = read_idx<Scalar>(find_idx(folder, names[1]));
  if (x.rank() != 3 || y.rank() != 1 || x.dim(0) != y.dim(0)) {
    fail<FileError>("Fashion-MNIST in " + folder, "images (n, 28, 28) and labels (n,)",
                    x.shape().str() + " and " + y.shape().str());
  }
}

}  // namespace detail

/// Reads Fashion-MNIST from the folder that the environment variable GRAFT_DATA names, else from where Debian's package
/// dataset-fashion-mnist puts it, else from Keras's cache (~/.keras/datasets/fashion-mnist). As
/// `keras.datasets.fashion_mnist.load_data()`, pixels are 0 … 255 unless `scale` says otherwise. Throws FileError, with
/// the line that gets the data, when they are missing, and for damaged files.
template <class Scalar = float>
FashionMnist<Scalar> load_fashion_mnist(const FashionMnistOptions& options = {}) {
  const std::string folder = detail::fashion_mnist_folder(options.path);
  FashionMnist<Scalar> data;
  detail::read_images_and_labels(folder, "train", options.scale, data.x_train, data.y_train);
  detail::read_images_and_labels(folder, "t10k", options.scale, data.x_test, data.y_test);
  return data;
}

}  // namespace graft
