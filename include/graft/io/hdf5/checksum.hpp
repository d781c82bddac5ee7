#pragma once

#include <bit>

#include "graft/io/hdf5/byte_cursor.hpp"

namespace graft::hdf5 {

/// Jenkins's lookup3, with which HDF5 protects its structures of version 2.
GRAFT_COLD inline std::uint32_t lookup3(const unsigned char* bytes, std::size_t size) {
  std::uint32_t a = 0xDEADBEEF + static_cast<std::uint32_t>(size), b = a, c = a;
  const auto add = [&](std::size_t count) {
    std::uint32_t* const sums[] = {&a, &b, &c};
    for (std::size_t i = 0; i < count; ++i) *sums[i / 4] += std::uint32_t{bytes[i]} << 8 * (i % 4);
  };
  for (; size > 12; size -= 12, bytes += 12) {
    add(12);
    a = (a - c) ^ std::rotl(c, 4), c += b;
    b = (b - a) ^ std::rotl(a, 6), a += c;
    c = (c - b) ^ std::rotl(b, 8), b += a;
    a = (a - c) ^ std::rotl(c, 16), c += b;
    b = (b - a) ^ std::rotl(a, 19), a += c;
    c = (c - b) ^ std::rotl(b, 4), b += a;
  }
  if (size == 0) return c;
  add(size);
  c = (c ^ b) - std::rotl(b, 14);
  a = (a ^ c) - std::rotl(c, 11);
  b = (b ^ a) - std::rotl(a, 25);
  c = (c ^ b) - std::rotl(b, 16);
  a = (a ^ c) - std::rotl(c, 4);
  b = (b ^ a) - std::rotl(a, 14);
  return (c ^ b) - std::rotl(b, 24);
}

/// The last four bytes of a block hold the checksum of those before. Throws FileError when they do not.
GRAFT_COLD inline void check_sum_of(const unsigned char* block, std::size_t size, const char* what) {
  ByteCursor in(block, size, what);
  in.require(size >= 4, "it ends too early");
  (void)in.take(size - 4);
  in.require(in.number(4) == lookup3(block, size - 4), "its checksum is wrong");
}

}  // namespace graft::hdf5
