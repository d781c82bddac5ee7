#pragma once

#include <bit>
#include <cstdio>
#include <cstring>

#include "graft/core/atomic_file.hpp"
#include "graft/core/crc32c.hpp"
#include "graft/models/fit_run.hpp"
#include "graft/models/model.hpp"

namespace graft::detail {

/// Writes numbers, texts and tensors one behind the other, little-endian as the machine is.
class BackupWriter {
 public:
  void integer(std::uint64_t value) { bytes(&value, sizeof value); }
  void number(double value) { integer(std::bit_cast<std::uint64_t>(value)); }
  void text(std::string_view value) {
    integer(value.size());
    bytes(value.data(), value.size());
  }
  void numbers(const std::vector<double>& values) {
    integer(values.size());
    for (const double value : values) number(value);
  }
  template <class Scalar>
  void tensor(TensorView<const Scalar> value) {
    integer(static_cast<std::uint64_t>(value.rank()));
    for (const Index dim : value.shape()) integer(static_cast<std::uint64_t>(dim));
    bytes(value.data(), static_cast<std::size_t>(value.size()) * sizeof(Scalar));
  }
  void bytes(const void* data, std::size_t size) { content_.append(static_cast<const char*>(data), size); }
  const std::string& content() const { return content_; }

 private:
  std::string content_;
};

/// Reads it again. Throws FileError when the file ends early or says what cannot be.
class BackupReader {
 public:
  BackupReader(std::string content, std::string path) : content_(std::move(content)), path_(std::move(path)) {}

  std::uint64_t integer() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  /// A count of things of at least `size` bytes each.
  std::size_t count(std::size_t size) {
    const std::uint64_t value = integer();
    if (value > (content_.size() - at_) / size) damaged();
    return static_cast<std::size_t>(value);
  }
  double number() { return std::bit_cast<double>(integer()); }
  std::string text() {
    const std::size_t size = count(1);
    return std::string(take(size), size);
  }
  std::vector<double> numbers() {
    std::vector<double> values(count(8));
    for (double& value : values) value = number();
    return values;
  }
  template <class Scalar>
  Tensor<Scalar> tensor() {
    const std::uint64_t rank = integer();
    if (rank > static_cast<std::uint64_t>(Shape::kMaxRank)) damaged();
    Shape shape;
    std::size_t elements = 1;
    for (std::uint64_t i = 0; i < rank; ++i) {
      const std::uint64_t dim = integer();
      if (dim > content_.size()) damaged();
      elements *= static_cast<std::size_t>(dim);
      if (elements > content_.size()) damaged();
      shape.push_back(static_cast<Index>(dim));
    }
    auto value = Tensor<Scalar>::uninitialized(shape);
    std::memcpy(value.data(), take(elements * sizeof(Scalar)), elements * sizeof(Scalar));
    return value;
  }
  bool done() const { return at_ == content_.size(); }
  [[noreturn]] GRAFT_COLD void damaged() const {
    throw FileError("BackupAndRestore: \"" + path_ + "\" is damaged. Remove it to train from the beginning.");
  }

 private:
  const char* take(std::size_t size) {
    if (size > content_.size() - at_) damaged();
    at_ += size;
    return content_.data() + at_ - size;
  }

  std::string content_, path_;
  std::size_t at_ = 0;
};

/// Config values of callbacks: null, booleans, integers, numbers and texts by name.
GRAFT_COLD inline void write_values(BackupWriter& to, const Config& values) {
  if (!values.is_object()) return to.integer(0);
  to.integer(values.members().size());
  for (const auto& [name, value] : values.members()) {
    to.text(name);
    if (value.is_bool()) to.text("b"), to.integer(value.as_bool());
    else if (value.is_integer()) to.text("i"), to.integer(static_cast<std::uint64_t>(value.as_int(name.c_str())));
    else if (value.is_number()) to.text("f"), to.number(value.as_double(name.c_str()));
    else if (value.is_string()) to.text("s"), to.text(value.as_string());
    else to.text("n");
  }
}
GRAFT_COLD inline Config read_values(BackupReader& from) {
  Config values = Config::object();
  for (std::size_t left = from.count(8); left > 0; --left) {
    Config& value = values[from.text()];
    const std::string kind = from.text();
    if (kind == "b") value = from.integer() != 0;
    else if (kind == "i") value = static_cast<Index>(from.integer());
    else if (kind == "f") value = from.number();
    else if (kind == "s") value = from.text();
    else if (kind != "n") from.damaged();
  }
  return values;
}

}  // namespace graft::detail
