#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace graft::hdf5 {

/// The bytes of a file in memory. Not initialised: what is never written costs no memory.
class Image {
 public:
  explicit Image(std::size_t size) : bytes_(new char[size]), size_(size) {}

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::string_view text() const { return {data(), size()}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

}  // namespace graft::hdf5
