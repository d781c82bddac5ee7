#pragma once

#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "graft/core/crc32c.hpp"
#include "graft/core/folders.hpp"
#include "graft/core/macros.hpp"

namespace graft {

/// A file of numbers as TensorBoard reads them: TFRecord frames (length, its sum, data, its sum; CRC-32C, masked) that
/// hold protobuf messages Event {wall_time, step, file_version | summary {tag, simple_value}}.
class EventFile {
 public:
  /// Begins a new file in a folder, which is made. Throws FileError.
  GRAFT_COLD explicit EventFile(const std::string& folder) {
    make_folders(folder);
    static std::atomic<unsigned> counter{0};
    char host[256] = "localhost";
    (void)::gethostname(host, sizeof host - 1);
    path_ = folder + "/events.out.tfevents." + std::to_string(static_cast<long long>(now())) + "." + host + "." +
            std::to_string(::getpid()) + "." + std::to_string(counter++) + ".v2";
    file_ = std::fopen(path_.c_str(), "wb");
    if (!file_) fail_with("made");
    std::string event;
    put_double(event, 1, now());
    put_bytes(event, 3, "brain.Event:2");
    write(event);
  }
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  ~EventFile() {
    if (file_) std::fclose(file_);
  }

  const std::string& path() const { return path_; }

  GRAFT_COLD void scalar(const std::string& tag, double value, Index step) {
    std::string number, summary, event;
    put_bytes(number, 1, tag);
    put_float(number, 2, static_cast<float>(value));
    put_bytes(summary, 1, number);
    put_double(event, 1, now());
    put_integer(event, 2, static_cast<std::uint64_t>(step));
    put_bytes(event, 5, summary);
    write(event);
  }
  GRAFT_COLD void flush() {
    if (std::fflush(file_) != 0) fail_with("written");
  }

 private:
  static double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  // Protobuf: (field number << 3 | kind), then the value; numbers of fixed size are little-endian.
  static void put_varint(std::string& to, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) to += static_cast<char>((value & 0x7f) | 0x80);
    to += static_cast<char>(value);
  }
  static void put_fixed(std::string& to, std::uint64_t bits, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>((bits >> (8 * i)) & 0xff);
  }
  static void put_integer(std::string& to, std::uint64_t field, std::uint64_t value) {
    put_varint(to, field << 3);
    put_varint(to, value);
  }
  static void put_double(std::string& to, std::uint64_t field, double value) {
    put_varint(to, field << 3 | 1);
    put_fixed(to, std::bit_cast<std::uint64_t>(value), 8);
  }
  static void put_float(std::string& to, std::uint64_t field, float value) {
    put_varint(to, field << 3 | 5);
    put_fixed(to, std::bit_cast<std::uint32_t>(value), 4);
  }
  static void put_bytes(std::string& to, std::uint64_t field, const std::string& bytes) {
    put_varint(to, field << 3 | 2);
    put_varint(to, bytes.size());
    to += bytes;
  }

  GRAFT_COLD void write(const std::string& event) {
    std::string record;
    put_fixed(record, event.size(), 8);
    put_fixed(record, masked_crc32c(record.data(), 8), 4);
    record += event;
    put_fixed(record, masked_crc32c(event.data(), event.size()), 4);
    if (std::fwrite(record.data(), 1, record.size(), file_) != record.size()) fail_with("written");
  }
  [[noreturn]] GRAFT_COLD void fail_with(const char* action) const {
    throw FileError("TensorBoard: \"" + path_ + "\" cannot be " + action + ": " + std::strerror(errno) + ".");
  }

  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace graft
