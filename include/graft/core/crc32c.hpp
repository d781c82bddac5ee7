#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace graft {

namespace detail {
/// Of every byte its remainder by the Castagnoli polynomial, bits reversed.
inline constexpr std::array<std::uint32_t, 256> kCrc32cTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82F63B78u : 0);
    table[byte] = value;
  }
  return table;
}();
}  // namespace detail

/// CRC-32C (Castagnoli; RFC 3720, B.4) of some bytes. `before`: the sum of those in front of them.
inline std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t before = 0) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint32_t sum = ~before;
  for (std::size_t i = 0; i < size; ++i) sum = (sum >> 8) ^ detail::kCrc32cTable[(sum ^ bytes[i]) & 0xff];
  return ~sum;
}

/// The form in which TFRecord files keep a sum, so that a sum over data with sums stays a good one.
inline std::uint32_t masked_crc32c(const void* data, std::size_t size) {
  const std::uint32_t sum = crc32c(data, size);
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8u;
}

}  // namespace graft
