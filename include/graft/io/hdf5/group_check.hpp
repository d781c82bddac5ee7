#pragma once

#include <map>
#include <set>
#include <vector>

#include "graft/io/hdf5/byte_source.hpp"
#include "graft/io/hdf5/message_check.hpp"

namespace graft::hdf5::detail {

/// What was looked through, and how much of that there may be: shared by the checks below.
///
/// Structures of version 1 (old-style objects, B-trees, local heaps) are read here before the library reads them, each
/// once; the library gets at no others. Structures that HDF5 protects with checksums (dense groups, B-trees of version
/// 2) are the library's affair; what stands in their objects is looked through all the same.
struct CheckState {
  std::shared_ptr<const ByteSource> source;
  std::uint64_t base = 0;  ///< of all addresses: the length of a user's block in front
  std::uint64_t end = 0;   ///< of the file, as the file itself says, counted from base
  std::uint64_t group_leaf = 4, group_node = 16, chunk_node = 32;  ///< half of what fits into a node
  std::set<std::uint64_t> objects, continuations, trees, symbols, heaps, segments;
  std::uint64_t bytes = 0, entries = 0;

  static constexpr std::uint64_t kMaxEntries = std::uint64_t{1} << 20;  ///< links and chunks in a file
  static constexpr std::uint64_t kMaxBlock = std::uint64_t{1} << 26;

  /// Bytes of metadata that may be read: each of them a few times, and something for the library's reading ahead.
  std::uint64_t budget() const { return 64 * static_cast<std::uint64_t>(source->size()) + (std::uint64_t{1} << 28); }

  GRAFT_COLD void spend(std::uint64_t more) {
    bytes += more;
    if (bytes > budget()) throw FileError("more is to be read than a file of this size can hold");
  }
  GRAFT_COLD void count_entry() {
    if (++entries > kMaxEntries) throw FileError("more than 1,048,576 links and chunks");
  }
  GRAFT_COLD std::vector<unsigned char> block(std::uint64_t at, std::uint64_t size, const char* what) {
    check_inside(at, size, what);
    if (size > kMaxBlock) throw FileError(std::string(what) + ": it is larger than 64 MiB");
    spend(size);
    std::vector<unsigned char> bytes_there(static_cast<std::size_t>(size));
    if (!source->read(base + at, bytes_there.size(), bytes_there.data()))
      throw FileError(std::string(what) + ": it cannot be read");
    return bytes_there;
  }
  GRAFT_COLD void check_inside(std::uint64_t at, std::uint64_t size, const char* what) const {
    if (at > end || size > end - at) throw FileError(std::string(what) + ": it lies behind the end of the file");
  }
};

/// B-trees of version 1 and what hangs on them: the links of a group, or the chunks of an array. Every node may be met
/// once, and levels must count down, so that no walk goes on for ever.
class TreeCheck {
 public:
  explicit TreeCheck(CheckState& state) : state_(state) {}

  GRAFT_COLD void check_group(std::uint64_t tree, std::uint64_t heap) {
    read_heap(heap);
    const std::uint64_t bytes = 24 + 8 * (4 * state_.group_node + 1);
    walk(
        tree, 0, bytes, [&](ByteCursor& key) { check_name(key.number(8)); }, 8,
        [&](std::uint64_t at, const ByteCursor*) { check_symbols(at); });
  }

  /// `stored`: bytes of a chunk when there is no filter, else 0.
  GRAFT_COLD void check_chunks(std::uint64_t tree, std::uint64_t rank, std::uint64_t stored) {
    const std::uint64_t key = 8 + 8 * rank, bytes = 24 + 2 * state_.chunk_node * (key + 8) + key;
    walk(
        tree, 1, bytes, [](ByteCursor&) {}, key,
        [&](std::uint64_t at, const ByteCursor* last_key) {
          ByteCursor in = *last_key;
          const std::uint64_t size = in.number(4), mask = in.number(4);
          state_.count_entry();
          state_.check_inside(at, size, "a chunk of an array");
          in.require(stored == 0 || (size == stored && mask == 0), "a chunk of another size than its array says");
        });
  }

 private:
  GRAFT_COLD void read_heap(std::uint64_t at) {
    const auto head = state_.block(at, 32, "a heap of names");
    ByteCursor in(head.data(), head.size(), "a heap of names");
    in.require(in.take_signature("HEAP") && in.number(1) == 0, "it does not begin as one");
    (void)in.take(3);
    const std::uint64_t size = in.number(8), first_free = in.number(8), segment = in.number(8);
    names_ = state_.block(segment, size, "a heap of names");
    in.require(size < 4 || std::memcmp(names_.data(), "HEAP", 4) != 0, "it does not add up");
    // The list of free blocks, which the library follows to its end.
    std::uint64_t free_blocks = 0;
    for (std::uint64_t free = first_free; free != 1 && free != kNoAddress; ++free_blocks) {
      in.require(free <= size && size - free >= 16 && free_blocks <= size / 16, "its list of free blocks is damaged");
      ByteCursor block(names_.data() + free, 16, "a heap of names");
      const std::uint64_t next = block.number(8), length = block.number(8);
      block.require(length >= 16 && length <= size - free, "its list of free blocks is damaged");
      free = next;
    }
    state_.heaps.insert(at);
    state_.segments.insert(segment);
  }

  GRAFT_COLD void check_name(std::uint64_t at) const {
    if (at >= names_.size() || !std::memchr(names_.data() + at, 0, names_.size() - static_cast<std::size_t>(at)))
      throw FileError("a link: its name does not end inside of the heap of names");
  }

  GRAFT_COLD void check_symbols(std::uint64_t at) {
    const auto node = state_.block(at, 8 + 80 * state_.group_leaf, "a list of links");
    ByteCursor in(node.data(), node.size(), "a list of links");
    in.require(in.take_signature("SNOD") && in.number(1) == 1, "it does not begin as one");
    (void)in.number(1);
    const std::uint64_t count = in.number(2);
    in.require(count <= 2 * state_.group_leaf, "it has more links than fit in");
    in.require(state_.symbols.insert(at).second, "it is used twice");
    for (std::uint64_t i = 0; i < count; ++i) {
      state_.count_entry();
      check_name(in.number(8));
      const std::uint64_t object = in.number(8);
      const std::uint64_t kind = in.number(4);
      (void)in.number(4);
      ByteCursor cached = in.part(16, "a link");
      cached.require(kind <= 2, "it is of an unknown kind");
      if (kind == 2) check_name(cached.number(4));
      else state_.check_inside(object, 16, "a link");
    }
  }

  template <class Key, class Leaf>
  GRAFT_COLD void walk(std::uint64_t root, std::uint64_t kind, std::uint64_t bytes, Key&& check_key,
                       std::uint64_t key_bytes, Leaf&& leaf) {
    struct Step {
      std::uint64_t at, level;
    };
    constexpr std::uint64_t kAnyLevel = 256;
    std::vector<Step> open{{root, kAnyLevel}};
    while (!open.empty()) {
      const Step step = open.back();
      open.pop_back();
      const auto node = state_.block(step.at, bytes, "a B-tree");
      ByteCursor in(node.data(), node.size(), "a B-tree");
      in.require(in.take_signature("TREE") && in.number(1) == kind, "it does not begin as one");
      const std::uint64_t level = in.number(1), count = in.number(2);
      in.require(step.level == kAnyLevel || level + 1 == step.level, "its levels do not count down");
      in.require(level <= 16 && count <= (bytes - 24 - key_bytes) / (key_bytes + 8), "it has more than fits in");
      in.require(state_.trees.insert(step.at).second, "it leads to the same place twice");
      (void)in.take(16);
      ByteCursor key = in.part(key_bytes, "a B-tree");
      for (std::uint64_t i = 0; i < count; ++i) {
        const ByteCursor before = key;
        check_key(key);
        const std::uint64_t child = in.number(8);
        if (level > 0) open.push_back({child, level});
        else leaf(child, &before);
        key = in.part(key_bytes, "a B-tree");
      }
      if (count > 0) check_key(key);
    }
  }

  CheckState& state_;
  std::vector<unsigned char> names_;
};

}  // namespace graft::hdf5::detail
