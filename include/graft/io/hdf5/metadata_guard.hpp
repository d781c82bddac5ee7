#pragma once

#include <hdf5.h>

#include "graft/io/hdf5/object_check.hpp"

namespace graft::hdf5 {

/// Stands between the C library and a file that may be damaged or hostile. HDF5 1.10 crashes on about one file in sixty
/// with a few random bytes changed; it only gets to see what was looked through here.
///
/// Limits, all of them with FileError: 1,048,576 links and chunks; 1,048,576 reads of metadata, of together 64 times
/// the size of the file and 256 MiB; a block of metadata of 64 MiB; addresses and sizes of 8 bytes, as h5py writes
/// them. No object of the library is larger than what the file holds, except for a chunk (1000 times the size of the
/// file and 64 MiB).
class MetadataGuard {
 public:
  /// Looks through the superblock. Throws FileError that does not say in which file.
  GRAFT_COLD explicit MetadataGuard(std::shared_ptr<const ByteSource> source) {
    state_.source = std::move(source);
    const std::uint64_t at = find_signature(), size = static_cast<std::uint64_t>(state_.source->size());
    state_.end = size;
    const auto bytes = state_.block(at, std::min<std::uint64_t>(96, size - at), "the head of the file");
    ByteCursor in(bytes.data(), bytes.size(), "the head of the file");
    (void)in.take(8);
    const std::uint64_t version = in.number(1);
    in.require(version <= 3, "it is of an unknown version");
    if (version < 2) (void)in.take(4);
    in.require(in.number(1) == 8 && in.number(1) == 8, "its addresses and sizes do not have 8 bytes");
    (void)in.number(1);
    if (version < 2) {
      state_.group_leaf = in.number(2);
      state_.group_node = in.number(2);
      (void)in.number(4);
      if (version == 1) {
        state_.chunk_node = in.number(2);
        (void)in.number(2);
      }
      in.require(state_.group_leaf > 0 && state_.group_node > 0 && state_.chunk_node > 0, "nodes of a senseless size");
    }
    in.require(in.number(8) == at, "it does not stand where it says");
    const std::uint64_t extension = in.number(8), end = in.number(8);
    if (version >= 2) {
      in.require(bytes.size() >= 48, "it ends too early");
      check_sum_of(bytes.data(), 48, "the head of the file");
      extension_ = extension;
    }
    if (version < 2) in.require(in.number(8) == detail::kNoAddress, "a file of several parts");
    if (end > size - at)
      throw FileError("it ends after " + std::to_string(size - at) + " of " + std::to_string(end) + " bytes");
    state_.base = at;
    state_.end = end;
    if (version < 2) (void)in.number(8);  // the name of the root
    const std::uint64_t root = in.number(8);
    if (extension_ != detail::kNoAddress) object(extension_);
    object(root);
  }

  /// Before the library reads metadata. Throws FileError.
  GRAFT_COLD void before(H5FD_mem_t kind, std::uint64_t at, std::size_t size) {
    if (++reads_ > kMaxReads) throw FileError("more than 1,048,576 reads of metadata");
    state_.spend(size);
    if (kind == H5FD_MEM_SUPER) return;
    if (at < state_.base) throw FileError("metadata in front of the file");
    at -= state_.base;
    if (kind == H5FD_MEM_OHDR) {
      object(at);
    } else if (kind == H5FD_MEM_BTREE) {
      const bool known = state_.trees.count(at) || state_.symbols.count(at);
      if (!known && !begins(at, {"BTHD", "BTIN", "BTLF", "EASB"})) throw FileError("a B-tree of no object");
    } else if (kind == H5FD_MEM_LHEAP) {
      const bool known = state_.heaps.count(at) || state_.segments.count(at);
      if (!known && !begins(at, {"FHDB", "EADB", "FADB", "FSSE"})) throw FileError("a heap of no group");
    } else {
      throw FileError("metadata that no model has");
    }
  }

  /// Before the library reads numbers. Global heaps pass for numbers there; the library, which trusts them, must not.
  GRAFT_COLD void before_numbers(std::uint64_t at, std::size_t size) const {
    char head[4];
    if (size >= 4 && state_.source->read(at, 4, head) && std::memcmp(head, "GCOL", 4) == 0)
      throw FileError("a global heap is not read this way");
  }

  /// `length` bytes of an object in a global heap: where strings of variable length are. Throws FileError.
  GRAFT_COLD std::string heap_bytes(std::uint64_t collection, std::uint64_t index, std::uint64_t length) {
    if (collection != collection_ || heap_.empty()) read_collection(collection);
    const auto found = places_.find(index);
    if (found == places_.end() || found->second.second < length)
      throw FileError("a string: it does not stand where it should");
    state_.spend(length);
    return std::string(reinterpret_cast<const char*>(heap_.data()) + found->second.first,
                       static_cast<std::size_t>(length));
  }

  /// Before a chunk is looked for. Throws FileError.
  void count_lookup() { state_.count_entry(); }

  const ByteSource& source() const { return *state_.source; }
  std::uint64_t base() const { return state_.base; }

 private:
  static constexpr std::uint64_t kMaxReads = std::uint64_t{1} << 20;

  // At 0, or at 512, 1024, 2048 … behind a user's block.
  GRAFT_COLD std::uint64_t find_signature() const {
    for (std::uint64_t at = 0; at <= (std::uint64_t{1} << 32); at = at ? at * 2 : 512) {
      char bytes[8];
      if (!state_.source->read(at, 8, bytes)) break;
      if (std::memcmp(bytes, "\211HDF\r\n\032\n", 8) == 0) return at;
    }
    throw FileError("it has no signature");
  }

  GRAFT_COLD bool begins(std::uint64_t at, std::initializer_list<const char*> signatures) const {
    char head[4];
    if (!state_.source->read(state_.base + at, 4, head)) return false;
    for (const char* signature : signatures) {
      if (std::memcmp(head, signature, 4) == 0) return true;
    }
    return false;
  }

  GRAFT_COLD void object(std::uint64_t at) {
    if (state_.objects.count(at)) return;
    if (state_.continuations.count(at)) {
      // The library does not say whether it takes this for the rest of an object or for one: it must do as both.
      char first = 0;
      if (!state_.source->read(state_.base + at, 1, &first) || first != 1) return;
    }
    if (begins(at, {"FRHP", "FHIB", "FSHD", "EAHD", "EAIB", "FAHD"})) return;
    detail::ObjectCheck(state_).check(at, at == extension_);
  }

  GRAFT_COLD void read_collection(std::uint64_t at) {
    heap_.clear();
    places_.clear();
    const auto head = state_.block(at, 16, "a global heap");
    ByteCursor in(head.data(), head.size(), "a global heap");
    in.require(in.take_signature("GCOL") && in.number(1) == 1, "it does not begin as one");
    (void)in.take(3);
    const std::uint64_t size = in.number(8);
    in.require(size >= 16, "it is of a senseless size");
    heap_ = state_.block(at, size, "a global heap");
    ByteCursor objects(heap_.data(), heap_.size(), "a global heap");
    (void)objects.take(16);
    while (objects.left() >= 16) {
      const std::uint64_t index = objects.number(2);
      (void)objects.take(6);
      const std::uint64_t length = objects.number(8);
      if (index == 0) break;  // the free rest
      places_[index] = {heap_.size() - objects.left(), length};
      objects.require(length <= objects.left(), "an object in it is too long");
      (void)objects.take(std::min<std::uint64_t>((length + 7) / 8 * 8, objects.left()));
    }
    collection_ = at;
  }

  detail::CheckState state_;
  std::uint64_t reads_ = 0, extension_ = detail::kNoAddress;
  std::uint64_t collection_ = 0;
  std::vector<unsigned char> heap_;
  std::map<std::uint64_t, std::pair<std::size_t, std::uint64_t>> places_;
};

}  // namespace graft::hdf5
