#pragma once

#include <cstring>

#include "graft/core/error.hpp"

namespace graft::hdf5 {

/// Walks through bytes of a file that may say anything: every step is checked. Throws FileError.
class ByteCursor {
 public:
  ByteCursor(const void* first, std::size_t size, const char* what)
      : at_(static_cast<const unsigned char*>(first)), left_(size), what_(what) {}

  std::size_t left() const { return left_; }
  const unsigned char* at() const { return at_; }

  GRAFT_COLD const unsigned char* take(std::uint64_t bytes) {
    if (bytes > left_) refuse("it ends too early");
    const unsigned char* from = at_;
    at_ += bytes;
    left_ -= static_cast<std::size_t>(bytes);
    return from;
  }
  /// A little-endian number of 1 to 8 bytes.
  GRAFT_COLD std::uint64_t number(int bytes) {
    const unsigned char* from = take(static_cast<std::uint64_t>(bytes));
    std::uint64_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | from[i];
    return value;
  }
  /// The next bytes as a cursor of their own.
  ByteCursor part(std::uint64_t bytes, const char* what) {
    return ByteCursor(take(bytes), static_cast<std::size_t>(bytes), what);
  }
  bool take_signature(const char* four) {
    if (left_ < 4 || std::memcmp(at_, four, 4) != 0) return false;
    (void)take(4);
    return true;
  }
  void require(bool good, const char* trouble) const {
    if (!good) refuse(trouble);
  }
  [[noreturn]] GRAFT_COLD void refuse(const char* trouble) const {
    throw FileError(std::string(what_) + ": " + trouble);
  }

 private:
  const unsigned char* at_;
  std::size_t left_;
  const char* what_;
};

}  // namespace graft::hdf5
