#pragma once

#include "graft/io/hdf5/byte_cursor.hpp"

// The messages of which an object in an HDF5 file consists, looked through before the C library decodes them: 1.10
// trusts most of what they say. HDF5 File Format Specification 3.0, section IV.A.2.
namespace graft::hdf5::detail {

inline constexpr std::uint64_t kNoAddress = ~std::uint64_t{0};
inline constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 56;

/// Checks a datatype and returns the bytes of one element. Compound and array types, which no model has, are refused.
GRAFT_COLD inline std::uint64_t check_datatype(ByteCursor& in, int depth = 0) {
  const std::uint64_t head = in.number(1), kind = head & 15, version = head >> 4, bits = in.number(3),
                      size = in.number(4);
  in.require(version >= 1 && version <= 4 && depth < 4, "a datatype of an unknown version");
  in.require(size > 0 && size <= (std::uint64_t{1} << 28), "a datatype of a senseless size");
  switch (kind) {
    case 0:    // integers
    case 4: {  // bit fields
      const std::uint64_t offset = in.number(2), precision = in.number(2);
      in.require(size <= 8 && precision >= 1 && offset + precision <= 8 * size, "an integer type that does not add up");
      return size;
    }
    case 1: {
      const std::uint64_t offset = in.number(2), precision = in.number(2), exponent_at = in.number(1),
                          exponent = in.number(1), mantissa_at = in.number(1), mantissa = in.number(1);
      (void)in.number(4);
      const bool fits =
          exponent_at + exponent <= precision && mantissa_at + mantissa <= precision && (bits >> 8 & 255) < precision;
      const bool common = (bits & 64) == 0 && exponent >= 1 && exponent <= 15 && mantissa >= 1 && mantissa <= 64;
      in.require((size == 2 || size == 4 || size == 8) && offset == 0 && precision <= 8 * size && fits && common,
                 "a floating point type that does not add up");
      return size;
    }
    case 3:  // strings of fixed length
      in.require((bits & 15) <= 2 && (bits >> 4 & 15) <= 1, "a string type of an unknown kind");
      return size;
    case 5:  // opaque bytes with a name
      (void)in.take(bits & 255);
      return size;
    case 7:  // references
      in.require(size == 8 || size == 12, "a reference of an unknown size");
      return size;
    case 8: {  // enumerations: h5py's bool
      in.require((*in.at() & 15) == 0, "an enumeration of something else than integers");
      in.require(check_datatype(in, depth + 1) == size, "an enumeration that does not add up");
      const std::uint64_t members = bits & 0xFFFF;
      for (std::uint64_t i = 0; i < members; ++i) {
        std::uint64_t length = 1;
        while (in.number(1) != 0) ++length;
        if (version < 3) (void)in.take((8 - length % 8) % 8);
      }
      (void)in.take(members * size);
      return size;
    }
    case 9:  // variable length: 4 bytes for the length, 8 and 4 for the place in the global heap
      in.require((bits & 15) <= 1 && size == 16, "a type of variable length that does not add up");
      (void)check_datatype(in, depth + 1);
      return size;
    default: in.refuse("a datatype (time, compound or array) that graft does not read");
  }
}

/// Checks a dataspace and returns its number of elements; `rank` is -1 for the empty space.
GRAFT_COLD inline std::uint64_t check_dataspace(ByteCursor& in, int& rank) {
  const std::uint64_t version = in.number(1), dimensions = in.number(1), flags = in.number(1);
  std::uint64_t kind = dimensions == 0 ? 0 : 1;
  in.require(version == 1 || version == 2, "a dataspace of an unknown version");
  if (version == 1) (void)in.take(5);
  else kind = in.number(1);
  in.require(dimensions <= 32 && kind <= 2 && (kind == 1 || dimensions == 0) && (flags & ~std::uint64_t{1}) == 0,
             "a dataspace that does not add up");
  rank = kind == 2 ? -1 : static_cast<int>(dimensions);
  std::uint64_t elements = kind == 2 ? 0 : 1;
  for (std::uint64_t axis = 0; axis < dimensions; ++axis) {
    const std::uint64_t dim = in.number(8);
    in.require(dim <= kMaxElements && (dim == 0 || elements <= kMaxElements / dim),
               "expected a shape that fits in memory, received a larger one");
    elements *= dim;
  }
  if (flags & 1) (void)in.take(8 * dimensions);
  return elements;
}

/// A fill value: returns its bytes, 0 for none.
GRAFT_COLD inline std::uint64_t check_fill(ByteCursor& in, bool old) {
  std::uint64_t size = 0;
  if (old) {
    size = in.number(4);
  } else if (const std::uint64_t version = in.number(1); version <= 2) {
    in.require(version >= 1, "a fill value of an unknown version");
    (void)in.take(2);
    const std::uint64_t defined = in.number(1);
    if (version == 1 || defined != 0) size = in.number(4);
    if (size >> 31) size = 0;  // -1: undefined
  } else {
    in.require(version == 3, "a fill value of an unknown version");
    if (in.number(1) & 0x20) size = in.number(4);
  }
  (void)in.take(size);
  return size;
}

/// An attribute: its own datatype, dataspace and data.
GRAFT_COLD inline void check_attribute(ByteCursor& in) {
  const std::uint64_t version = in.number(1), flags = in.number(1);
  in.require(version >= 1 && version <= 3 && (version == 1 || flags == 0),
             "an attribute of an unknown version, or with a type that stands elsewhere");
  const std::uint64_t name = in.number(2), type = in.number(2), space = in.number(2);
  if (version == 3) (void)in.number(1);
  const auto padded = [&](std::uint64_t size) { return version == 1 ? (size + 7) / 8 * 8 : size; };
  const unsigned char* text = in.take(padded(name));
  in.require(name >= 1 && std::memchr(text, 0, name) != nullptr, "an attribute whose name does not end");
  ByteCursor type_part = in.part(padded(type), "an attribute"), space_part = in.part(padded(space), "an attribute");
  int rank = 0;
  const std::uint64_t bytes = check_datatype(type_part), elements = check_dataspace(space_part, rank);
  in.require(elements <= in.left() / bytes, "an attribute with less data than it says");
}

/// Filters of packed arrays: those that HDF5 itself brings and Keras's users use; others would make the library look
/// for plug-ins.
GRAFT_COLD inline void check_filters(ByteCursor& in) {
  const std::uint64_t version = in.number(1), filters = in.number(1);
  in.require((version == 1 || version == 2) && filters <= 32, "a list of filters of an unknown version");
  if (version == 1) (void)in.take(6);
  for (std::uint64_t i = 0; i < filters; ++i) {
    const std::uint64_t id = in.number(2), name = version == 1 || id >= 256 ? in.number(2) : 0;
    (void)in.number(2);
    const std::uint64_t values = in.number(2);
    in.require(id >= 1 && id <= 3, "a filter other than gzip, shuffle and fletcher32");
    in.require(version == 2 || name % 8 == 0, "a filter whose name does not add up");
    in.require(values <= 8, "a filter with too many values");
    const unsigned char* text = in.take(name);
    in.require(name == 0 || std::memchr(text, 0, static_cast<std::size_t>(name)) != nullptr,
               "a filter whose name does not end");
    (void)in.take(4 * (values + (version == 1 ? values % 2 : 0)));
  }
}

/// How an array is stored.
struct LayoutFacts {
  enum class Kind { none, compact, contiguous, chunked } kind = Kind::none;
  std::uint64_t address = kNoAddress, size = 0;  // of contiguous and compact ones
  bool sized = false;
  std::uint64_t chunk_rank = 0;  // of chunked ones: with the axis of the element's bytes
  std::uint64_t chunk_bytes = 0, item_bytes = 0;
  bool tree = false;  // indexed by a B-tree of version 1
};

GRAFT_COLD inline void check_chunk(ByteCursor& in, LayoutFacts& facts, std::uint64_t rank, int width) {
  in.require(rank >= 2 && rank <= 33, "chunks of a senseless rank");
  facts.chunk_rank = rank;
  facts.chunk_bytes = 1;
  for (std::uint64_t axis = 0; axis < rank; ++axis) {
    const std::uint64_t dim = in.number(width);
    in.require(dim >= 1 && dim < (std::uint64_t{1} << 32) && facts.chunk_bytes * dim < (std::uint64_t{1} << 32),
               "chunks of a senseless size");
    facts.chunk_bytes *= dim;
    facts.item_bytes = dim;
  }
}

GRAFT_COLD inline LayoutFacts check_layout(ByteCursor& in) {
  LayoutFacts facts;
  const std::uint64_t version = in.number(1);
  in.require(version >= 1 && version <= 4, "a layout of an unknown version");
  if (version < 3) {
    const std::uint64_t rank = in.number(1), kind = in.number(1);
    (void)in.take(5);
    in.require(kind <= 2 && rank <= 33, "a layout of an unknown kind");
    facts.kind = kind == 0   ? LayoutFacts::Kind::compact
                 : kind == 1 ? LayoutFacts::Kind::contiguous
                             : LayoutFacts::Kind::chunked;
    if (kind != 0) facts.address = in.number(8);
    if (kind == 2) {
      facts.tree = true;
      check_chunk(in, facts, rank, 4);
      return facts;
    }
    (void)in.take(4 * rank);
    if (kind == 0) {
      facts.size = in.number(4);
      facts.sized = true;
      (void)in.take(facts.size);
    }
    return facts;
  }
  const std::uint64_t kind = in.number(1);
  in.require(kind != 3, "expected numbers in the file itself, received a reference to other files");
  in.require(kind <= 2, "a layout of an unknown kind");
  facts.sized = kind < 2;
  if (kind == 0) {
    facts.kind = LayoutFacts::Kind::compact;
    facts.size = in.number(2);
    (void)in.take(facts.size);
  } else if (kind == 1) {
    facts.kind = LayoutFacts::Kind::contiguous;
    facts.address = in.number(8);
    facts.size = in.number(8);
  } else if (version == 3) {
    facts.kind = LayoutFacts::Kind::chunked;
    facts.tree = true;
    const std::uint64_t rank = in.number(1);
    facts.address = in.number(8);
    check_chunk(in, facts, rank, 4);
  } else {
    facts.kind = LayoutFacts::Kind::chunked;
    const std::uint64_t flags = in.number(1), rank = in.number(1), width = in.number(1);
    in.require(width >= 1 && width <= 8, "chunks of a senseless size");
    check_chunk(in, facts, rank, static_cast<int>(width));
    const std::uint64_t index = in.number(1);
    in.require(index >= 1 && index <= 5, "an index of chunks of an unknown kind");
    constexpr int kParameters[] = {0, 0, 0, 1, 5, 6};
    (void)in.take(index == 1 && (flags & 2) ? 12 : static_cast<std::uint64_t>(kParameters[index]));
    facts.address = in.number(8);
  }
  return facts;
}

/// A link inside of the group's own header. Soft and external ones may stand there; graft follows none.
GRAFT_COLD inline void check_link(ByteCursor& in, std::uint64_t end) {
  const std::uint64_t version = in.number(1), flags = in.number(1);
  in.require(version == 1 && flags <= 0x1F, "a link of an unknown version");
  const std::uint64_t kind = flags & 8 ? in.number(1) : 0;
  if (flags & 4) (void)in.number(8);
  if (flags & 16) (void)in.number(1);
  const std::uint64_t length = in.number(1 << (flags & 3));
  in.require(length >= 1, "a link without a name");
  (void)in.take(length);
  if (kind == 0) in.require(in.number(8) < end, "a link to a place behind the end of the file");
  else (void)in.take(in.number(2));
}

}  // namespace graft::hdf5::detail
