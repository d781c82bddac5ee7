#pragma once

#include <zlib.h>

#include <array>
#include <vector>

#include "graft/core/shape.hpp"
#include "graft/io/hdf5/read_driver.hpp"

namespace graft::hdf5 {

/// Reads arrays that are stored in chunks, packed or not. The library itself would trust that a chunk unpacks to the
/// size that it should have.
class PackedArray {
 public:
  PackedArray(hid_t dataset, const Shape& shape, MetadataGuard& guard, const Call& call)
      : id_(dataset), shape_(shape), guard_(guard), call_(call) {}

  /// All numbers, converted to a type of memory, row-major. Throws FileError that does not say where.
  GRAFT_COLD void read(hid_t memory, void* into) {
    const Handle type(call_.check(H5Dget_type(id_), "read its type"), &H5Tclose);
    const Handle properties(call_.check(H5Dget_create_plist(id_), "read how it is stored"), &H5Pclose);
    const std::size_t stored = H5Tget_size(type.get()), wanted = H5Tget_size(memory);
    read_filters(properties.get());
    const int rank = shape_.rank();
    std::array<hsize_t, Shape::kMaxRank> chunk{};
    if (rank == 0 || H5Pget_chunk(properties.get(), rank, chunk.data()) != rank)
      throw FileError("chunks of another rank");
    fill(properties.get(), memory, wanted, into);
    std::size_t elements = 1;
    for (int axis = 0; axis < rank; ++axis) elements *= static_cast<std::size_t>(chunk[static_cast<std::size_t>(axis)]);

    if (shape_.elements() == 0) return;
    std::vector<unsigned char> numbers;
    std::array<hsize_t, Shape::kMaxRank> at{};
    do {
      if (unpack(at.data(), elements * stored, numbers)) {
        numbers.resize(elements * std::max(stored, wanted));
        call_.check(H5Tconvert(type.get(), memory, elements, numbers.data(), nullptr, H5P_DEFAULT),
                    "convert its numbers");
        copy(at, chunk, numbers.data(), wanted, static_cast<unsigned char*>(into));
      }
    } while (next(at, chunk));
  }

 private:
  struct Filter {
    H5Z_filter_t id;
    unsigned value;
  };

  GRAFT_COLD void read_filters(hid_t properties) {
    const int count = call_.check(H5Pget_nfilters(properties), "read its filters");
    for (int i = 0; i < count; ++i) {
      unsigned flags = 0, values[8] = {}, config = 0;
      size_t size = 8;
      const H5Z_filter_t id =
          H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &size, values, 0, nullptr, &config);
      if (id < 1 || id > 3) throw FileError("a filter other than gzip, shuffle and fletcher32");
      filters_.push_back({id, size > 0 ? values[0] : 0});
    }
  }

  // What chunks that were never written hold.
  GRAFT_COLD void fill(hid_t properties, hid_t memory, std::size_t bytes, void* into) const {
    std::array<unsigned char, 16> value{};
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    if (H5Pfill_value_defined(properties, &defined) >= 0 && defined == H5D_FILL_VALUE_USER_DEFINED)
      call_.check(H5Pget_fill_value(properties, memory, value.data()), "read its fill value");
    auto* to = static_cast<unsigned char*>(into);
    for (Index i = 0; i < shape_.elements(); ++i, to += bytes) std::memcpy(to, value.data(), bytes);
  }

  // The numbers of one chunk; false when it was never written.
  GRAFT_COLD bool unpack(const hsize_t* at, std::size_t bytes, std::vector<unsigned char>& numbers) {
    guard_.count_lookup();
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    call_.check(H5Dget_chunk_info_by_coord(id_, at, &mask, &address, &size), "find a chunk");
    if (address == HADDR_UNDEF) return false;
    if (size > static_cast<hsize_t>(guard_.source().size())) throw FileError("a chunk that is larger than the file");
    numbers.resize(static_cast<std::size_t>(size));
    if (!guard_.source().read(guard_.base() + address, numbers.size(), numbers.data()))
      throw FileError("a chunk behind the end of the file");
    for (std::size_t i = filters_.size(); i-- > 0;) {
      if (i < 32 && (mask >> i & 1)) continue;
      if (filters_[i].id == H5Z_FILTER_DEFLATE) inflate(bytes + 4 * filters_.size(), numbers);
      else if (filters_[i].id == H5Z_FILTER_SHUFFLE) unshuffle(filters_[i].value, numbers);
      else check_sum(numbers);
    }
    if (numbers.size() != bytes) throw FileError("a chunk of another size than its array says");
    return true;
  }

  GRAFT_COLD static void inflate(std::size_t most, std::vector<unsigned char>& bytes) {
    std::vector<unsigned char> out(most);
    auto size = static_cast<uLongf>(most);
    if (::uncompress(out.data(), &size, bytes.data(), static_cast<uLong>(bytes.size())) != Z_OK)
      throw FileError("a chunk that cannot be unpacked");
    out.resize(size);
    bytes.swap(out);
  }

  // The first bytes of all items, then the second ones, and so on, become items again.
  GRAFT_COLD static void unshuffle(std::size_t width, std::vector<unsigned char>& bytes) {
    if (width < 2) return;
    const std::size_t items = bytes.size() / width;
    std::vector<unsigned char> out(bytes);
    for (std::size_t byte = 0; byte < width; ++byte) {
      for (std::size_t item = 0; item < items; ++item) out[item * width + byte] = bytes[byte * items + item];
    }
    bytes.swap(out);
  }

  // HDF5's Fletcher checksum: of big-endian 16-bit words, in the last four bytes.
  GRAFT_COLD static void check_sum(std::vector<unsigned char>& bytes) {
    if (bytes.size() < 4) throw FileError("a chunk without its checksum");
    const std::size_t size = bytes.size() - 4;
    std::uint32_t first = 0, second = 0, expected = 0;
    for (std::size_t i = 0; i < size; i += 2) {
      const unsigned low = i + 1 < size ? bytes[i + 1] : 0;
      first = (first + (static_cast<unsigned>(bytes[i]) << 8 | low)) % 65535;
      second = (second + first) % 65535;
    }
    for (std::size_t i = 4; i-- > 0;) expected = expected << 8 | bytes[size + i];
    // The sums are counted modulo 65535, in which 0 and 65535 are the same.
    if ((expected & 0xFFFF) % 65535 != first || (expected >> 16) % 65535 != second)
      throw FileError("a chunk whose checksum is wrong");
    bytes.resize(size);
  }

  bool next(std::array<hsize_t, Shape::kMaxRank>& at, const std::array<hsize_t, Shape::kMaxRank>& chunk) const {
    for (int axis = shape_.rank(); axis-- > 0;) {
      const auto a = static_cast<std::size_t>(axis);
      at[a] += chunk[a];
      if (at[a] < static_cast<hsize_t>(shape_[axis])) return true;
      at[a] = 0;
    }
    return false;
  }

  // The part of a chunk that lies inside of the array, row by row.
  GRAFT_COLD void copy(const std::array<hsize_t, Shape::kMaxRank>& at,
                       const std::array<hsize_t, Shape::kMaxRank>& chunk, const unsigned char* from, std::size_t bytes,
                       unsigned char* into) const {
    const int rank = shape_.rank();
    std::array<hsize_t, Shape::kMaxRank> inside{}, row{};
    for (int axis = 0; axis < rank; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      inside[a] = std::min(chunk[a], static_cast<hsize_t>(shape_[axis]) - at[a]);
    }
    const auto last = static_cast<std::size_t>(rank - 1);
    for (;;) {
      hsize_t source = 0, target = 0;
      for (int axis = 0; axis < rank; ++axis) {
        const auto a = static_cast<std::size_t>(axis);
        source = source * chunk[a] + row[a];
        target = target * static_cast<hsize_t>(shape_[axis]) + at[a] + row[a];
      }
      std::memcpy(into + target * bytes, from + source * bytes, inside[last] * bytes);
      int axis = rank - 2;
      for (; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        if (++row[a] < inside[a]) break;
        row[a] = 0;
      }
      if (axis < 0) return;
    }
  }

  hid_t id_;
  const Shape& shape_;
  MetadataGuard& guard_;
  const Call& call_;
  std::vector<Filter> filters_;
};

}  // namespace graft::hdf5
