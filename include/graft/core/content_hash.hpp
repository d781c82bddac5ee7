#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "graft/core/macros.hpp"

namespace graft {

/// XXH64, the 64-bit hash of Yann Collet's xxHash (its specification is public), over bytes that come in pieces. It
/// tells accidents apart, not adversaries.
class Xxh64 {
 public:
  explicit Xxh64(std::uint64_t seed = 0)
      : lanes_{seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1}, seed_(seed) {}

  void add(const void* bytes, std::size_t count) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    total_ += count;
    if (held_ > 0) {
      const std::size_t take = count < kBlock - held_ ? count : kBlock - held_;
      std::memcpy(block_ + held_, at, take);
      held_ += take;
      at += take;
      count -= take;
      if (held_ < kBlock) return;
      eat(block_);
      held_ = 0;
    }
    for (; count >= kBlock; count -= kBlock, at += kBlock) eat(at);
    if (count > 0) std::memcpy(block_, at, count);
    held_ = count;
  }

  /// The hash of all bytes so far; more may follow.
  std::uint64_t value() const {
    std::uint64_t hash = seed_ + kPrime5;
    if (total_ >= kBlock) {
      hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
      for (const std::uint64_t lane : lanes_) hash = (hash ^ round(0, lane)) * kPrime1 + kPrime4;
    }
    hash += total_;
    const unsigned char* at = block_;
    std::size_t count = held_;
    for (; count >= 8; count -= 8, at += 8) {
      hash = std::rotl(hash ^ round(0, read<std::uint64_t>(at)), 27) * kPrime1 + kPrime4;
    }
    if (count >= 4) {
      hash = std::rotl(hash ^ (read<std::uint32_t>(at) * kPrime1), 23) * kPrime2 + kPrime3;
      count -= 4;
      at += 4;
    }
    for (; count > 0; --count, ++at) hash = std::rotl(hash ^ (*at * kPrime5), 11) * kPrime1;
    hash = (hash ^ (hash >> 33)) * kPrime2;
    hash = (hash ^ (hash >> 29)) * kPrime3;
    return hash ^ (hash >> 32);
  }

 private:
  static constexpr std::size_t kBlock = 32;
  static constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87u, kPrime2 = 0xC2B2AE3D27D4EB4Fu,
                                 kPrime3 = 0x165667B19E3779F9u, kPrime4 = 0x85EBCA77C2B2AE63u,
                                 kPrime5 = 0x27D4EB2F165667C5u;

  template <class T>
  static std::uint64_t read(const unsigned char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    if constexpr (std::endian::native == std::endian::big) {
      T turned = 0;
      for (std::size_t i = 0; i < sizeof value; ++i) turned = static_cast<T>((turned << 8) | at[sizeof value - 1 - i]);
      value = turned;
    }
    return value;
  }
  static std::uint64_t round(std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * kPrime2, 31) * kPrime1;
  }
  void eat(const unsigned char* at) {
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = round(lanes_[i], read<std::uint64_t>(at + 8 * i));
  }

  std::array<std::uint64_t, 4> lanes_;
  std::uint64_t seed_, total_ = 0;
  unsigned char block_[kBlock] = {};
  std::size_t held_ = 0;
};

/// A 128-bit hash of contents: two XXH64 of different seeds. What is added is set off from what comes before, so that
/// ("ab", "c") and ("a", "bc") differ.
class ContentHash {
 public:
  void add_bytes(const void* bytes, std::size_t count) {
    first_.add(bytes, count);
    second_.add(bytes, count);
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(T number) { add_bytes(&number, sizeof number); }
  void add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    add_bytes(text.data(), text.size());
  }

  /// 32 hexadecimal digits.
  GRAFT_COLD std::string hex() const {
    std::string result;
    for (const std::uint64_t half : {first_.value(), second_.value()}) {
      for (int shift = 60; shift >= 0; shift -= 4) result += "0123456789abcdef"[(half >> shift) & 15];
    }
    return result;
  }

 private:
  Xxh64 first_{0}, second_{0x9E3779B97F4A7C15u};
};

}  // namespace graft
