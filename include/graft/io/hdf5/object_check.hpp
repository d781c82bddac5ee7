#pragma once

#include "graft/io/hdf5/checksum.hpp"
#include "graft/io/hdf5/group_check.hpp"

namespace graft::hdf5::detail {

/// Looks through one object, its messages and what they lead to, before the library does.
class ObjectCheck {
 public:
  explicit ObjectCheck(CheckState& state) : state_(state) {}

  /// `sets_nodes`: the extension of a superblock, which may say how large the nodes of trees are.
  GRAFT_COLD void check(std::uint64_t at, bool sets_nodes) {
    sets_nodes_ = sets_nodes;
    const auto head = state_.block(at, 4, "an object");
    if (std::memcmp(head.data(), "OHDR", 4) == 0) version2(at);
    else version1(at);
    for (std::size_t i = 0; i < continued_.size(); ++i) continuation(continued_[i].first, continued_[i].second);
    check_whole();
    state_.objects.insert(at);
  }

 private:
  GRAFT_COLD void version1(std::uint64_t at) {
    const auto head = state_.block(at, 16, "an object");
    ByteCursor in(head.data(), head.size(), "an object");
    in.require(in.number(1) == 1, "it does not begin as one");
    (void)in.number(1);
    most_messages_ = in.number(2);
    (void)in.number(4);
    const std::uint64_t size = in.number(4);
    const auto body = state_.block(at + 16, size, "an object");
    messages1(ByteCursor(body.data(), body.size(), "an object"));
  }

  GRAFT_COLD void messages1(ByteCursor in) {
    while (in.left() >= 8) {
      const std::uint64_t kind = in.number(2), size = in.number(2), flags = in.number(1);
      (void)in.take(3);
      in.require(++messages_ <= most_messages_, "it has more messages than it says");
      message(kind, flags, in.part(size, "a message of an object"));
    }
    in.require(in.left() == 0, "its messages do not add up");
  }

  GRAFT_COLD void version2(std::uint64_t at) {
    const auto head = state_.block(at, 6, "an object");
    ByteCursor in(head.data(), head.size(), "an object");
    (void)in.take(4);
    in.require(in.number(1) == 2, "it is of an unknown version");
    flags_ = in.number(1);
    is_version2_ = true;
    const std::uint64_t more = (flags_ & 0x20 ? 16u : 0u) + (flags_ & 0x10 ? 4u : 0u),
                        width = std::uint64_t{1} << (flags_ & 3);
    const auto sizes = state_.block(at + 6, more + width, "an object");
    ByteCursor rest(sizes.data(), sizes.size(), "an object");
    (void)rest.take(more);
    const std::uint64_t size = rest.number(static_cast<int>(width));
    const std::uint64_t first = 6 + more + width;
    rest.require(size <= CheckState::kMaxBlock, "it is larger than 64 MiB");
    const auto whole = state_.block(at, first + size + 4, "an object");
    check_sum_of(whole.data(), whole.size(), "an object");
    messages2(ByteCursor(whole.data() + first, static_cast<std::size_t>(size), "an object"));
  }

  GRAFT_COLD void messages2(ByteCursor in) {
    const std::uint64_t head = flags_ & 4 ? 6 : 4;
    while (in.left() >= head) {  // what is less is a gap
      const std::uint64_t kind = in.number(1), size = in.number(2), flags = in.number(1);
      if (flags_ & 4) (void)in.number(2);
      in.require(++messages_ <= CheckState::kMaxEntries, "it has too many messages");
      message(kind, flags, in.part(size, "a message of an object"));
    }
  }

  GRAFT_COLD void continuation(std::uint64_t at, std::uint64_t size) {
    const auto body = state_.block(at, size, "the rest of an object");
    ByteCursor in(body.data(), body.size(), "the rest of an object");
    in.require(state_.continuations.insert(at).second, "it is used twice");
    if (!is_version2_) {
      messages1(in);
      return;
    }
    in.require(size >= 8 && in.take_signature("OCHK"), "it does not begin as one");
    check_sum_of(body.data(), body.size(), "the rest of an object");
    messages2(in.part(size - 8, "the rest of an object"));
  }

  GRAFT_COLD void message(std::uint64_t kind, std::uint64_t flags, ByteCursor in) {
    if (kind == 0) return;
    in.require((flags & 2) == 0, "it refers to one that stands elsewhere, which graft does not read");
    switch (kind) {
      case 1: elements_ = check_dataspace(in, rank_); return;
      case 2: link_info(in); return;
      case 3: item_ = check_datatype(in); return;
      case 4:
      case 5: fill_ = std::max(fill_, check_fill(in, kind == 4)); return;
      case 6:
        state_.count_entry();
        check_link(in, state_.end);
        return;
      case 8: layout_ = check_layout(in); return;
      case 10:
        (void)in.number(1);
        if (const std::uint64_t set = in.number(1); set & 3) (void)in.take((set & 1 ? 4u : 0u) + (set & 2 ? 4u : 0u));
        return;
      case 11:
        in.require(in.left() >= 2, "it ends too early");
        filtered_ = in.at()[1] > 0;
        check_filters(in);
        return;
      case 12: check_attribute(in); return;
      case 13: in.require(std::memchr(in.at(), 0, in.left()) != nullptr, "a comment that does not end"); return;
      case 14: (void)in.take(14); return;
      case 16: {
        const std::uint64_t at = in.number(8), size = in.number(8);
        continued_.emplace_back(at, size);
        return;
      }
      case 17: {
        const std::uint64_t tree = in.number(8), heap = in.number(8);
        in.require(!tabled_, "a group with two tables");
        tabled_ = true;
        TreeCheck(state_).check_group(tree, heap);
        return;
      }
      case 18: (void)in.take(8); return;
      case 19: node_sizes(in); return;
      case 21: attribute_info(in); return;
      case 22: (void)in.take(5); return;
      case 7: in.refuse("expected numbers in the file itself, received a reference to another file");
      default: in.refuse("a message that no model has");
    }
  }

  GRAFT_COLD static void link_info(ByteCursor in) {
    in.require(in.number(1) == 0, "links of an unknown version");
    const std::uint64_t flags = in.number(1);
    (void)in.take((flags & 1 ? 8u : 0u) + 16u + (flags & 2 ? 8u : 0u));
  }

  GRAFT_COLD static void attribute_info(ByteCursor in) {
    in.require(in.number(1) == 0, "attributes of an unknown version");
    const std::uint64_t flags = in.number(1);
    if (flags & 1) (void)in.number(2);
    in.require(in.number(8) == kNoAddress, "attributes in a store of their own, which graft does not read");
    (void)in.take(flags & 2 ? 16 : 8);
  }

  GRAFT_COLD void node_sizes(ByteCursor in) {
    in.require(sets_nodes_ && in.number(1) == 0, "it stands in the wrong place");
    state_.chunk_node = in.number(2);
    state_.group_node = in.number(2);
    state_.group_leaf = in.number(2);
    in.require(state_.chunk_node > 0 && state_.group_node > 0 && state_.group_leaf > 0, "nodes of a senseless size");
  }

  // What messages say of each other.
  GRAFT_COLD void check_whole() {
    using Kind = LayoutFacts::Kind;
    if (layout_.kind == Kind::none) return;
    const auto require = [](bool good, const char* trouble) {
      if (!good) throw FileError(std::string("an array: ") + trouble);
    };
    require(item_ > 0 && rank_ > -2, "it has no type or no shape");
    require(elements_ <= kMaxElements / item_, "expected a shape that fits in memory, received a larger one");
    require(fill_ == 0 || fill_ == item_, "its fill value is of another type");
    const std::uint64_t bytes = elements_ * item_;
    if (layout_.kind == Kind::compact) require(layout_.size >= bytes, "it has less data than its shape says");
    if (layout_.kind == Kind::contiguous && layout_.address != kNoAddress) {
      if (layout_.sized) require(layout_.size >= bytes, "it has less data than its shape says");
      state_.check_inside(layout_.address, bytes, "an array");
    }
    if (layout_.kind != Kind::chunked) {
      require(!filtered_, "filters without chunks");
      return;
    }
    require(rank_ >= 1 && layout_.chunk_rank == static_cast<std::uint64_t>(rank_) + 1 && layout_.item_bytes == item_,
            "its chunks are of another kind");
    // Chunks are read as a whole.
    require(layout_.chunk_bytes <= 1000 * static_cast<std::uint64_t>(state_.source->size()) + (std::uint64_t{1} << 26),
            "chunks of a senseless size");
    if (layout_.tree && layout_.address != kNoAddress)
      TreeCheck(state_).check_chunks(layout_.address, layout_.chunk_rank, filtered_ ? 0 : layout_.chunk_bytes);
  }

  CheckState& state_;
  bool sets_nodes_ = false, is_version2_ = false, filtered_ = false, tabled_ = false;
  std::uint64_t flags_ = 0, messages_ = 0, most_messages_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> continued_;
  int rank_ = -2;
  std::uint64_t elements_ = 0, item_ = 0, fill_ = 0;
  LayoutFacts layout_;
};

}  // namespace graft::hdf5::detail
