#pragma once

#include <cstring>
#include <optional>
#include <vector>

#include "graft/core/shape.hpp"
#include "graft/io/hdf5/read_driver.hpp"

// Attributes as Keras writes them: strings of every kind, numbers, and lists that were split into chunks because one
// object header holds at most 64 KB.
namespace graft::hdf5 {

/// Largest list of strings, and largest number of bytes, that is read from one attribute.
inline constexpr Index kMaxAttributeItems = 1 << 20;
inline constexpr Index kMaxAttributeBytes = Index{1} << 28;

/// One attribute, opened for reading. Throws FileError.
class Attribute {
 public:
  GRAFT_COLD Attribute(hid_t object, const std::string& name, const std::string& where)
      : where_(where + ", attribute \"" + name + "\"") {
    const Call call(where_);
    id_ = Handle(call.check(H5Aopen(object, name.c_str(), H5P_DEFAULT), "open it"), &H5Aclose);
    type_ = Handle(call.check(H5Aget_type(id_.get()), "read its type"), &H5Tclose);
    const Handle space(call.check(H5Aget_space(id_.get()), "read its shape"), &H5Sclose);
    const hssize_t items = call.check(H5Sget_simple_extent_npoints(space.get()), "read its shape");
    scalar_ = H5Sget_simple_extent_type(space.get()) == H5S_SCALAR;
    item_bytes_ = static_cast<Index>(H5Tget_size(type_.get()));
    items_ = static_cast<Index>(items);
    if (items_ > kMaxAttributeItems || item_bytes_ > kMaxAttributeBytes || items_ * item_bytes_ > kMaxAttributeBytes) {
      fail<FileError>(where_, "at most " + std::to_string(kMaxAttributeItems) + " items in 256 MiB",
                      std::to_string(items_) + " items of " + std::to_string(item_bytes_) + " bytes",
                      "The file is damaged or hostile.");
    }
    if (static_cast<Index>(H5Aget_storage_size(id_.get())) < items_ * item_bytes_) {
      fail<FileError>(where_, std::to_string(items_ * item_bytes_) + " bytes",
                      std::to_string(H5Aget_storage_size(id_.get())), "The file is damaged.");
    }
  }

  Index items() const { return items_; }
  bool is_scalar() const { return scalar_; }
  bool is_string() const { return H5Tget_class(type_.get()) == H5T_STRING; }

  /// All strings, whether of fixed or of variable length. An empty list may be of any type: Keras writes float64.
  GRAFT_COLD std::vector<std::string> strings() const {
    if (items_ == 0) return {};
    const Call call(where_);
    if (!is_string()) fail<FileError>(where_, "strings", "numbers");
    return call.check(H5Tis_variable_str(type_.get()), "read its type") > 0 ? variable(call) : fixed(call);
  }

  /// One number of any numeric type.
  GRAFT_COLD double number() const {
    const Call call(where_);
    const H5T_class_t kind = H5Tget_class(type_.get());
    if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || items_ != 1)
      fail<FileError>(where_, "one number", "something else");
    double value = 0;
    call.check(H5Aread(id_.get(), H5T_NATIVE_DOUBLE, &value), "read it");
    return value;
  }

 private:
  GRAFT_COLD std::vector<std::string> variable(const Call& call) const {
    // The library trusts what the global heap says. It hands out the places of the strings, and they are read here.
    MetadataGuard* guard = ReadDriver::guard_of(id_.get(), call);
    if (!guard) fail<FileError>(where_, "strings in a file that is read", "others");
    const std::size_t count = static_cast<std::size_t>(items_), width = static_cast<std::size_t>(kReferenceBytes);
    std::vector<unsigned char> places(count * width);
    call.check(H5Aread(id_.get(), reference_type(call), places.data()), "read it");
    std::vector<std::string> result;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      ByteCursor in(places.data() + i * width, width, "a string");
      const std::uint64_t length = in.number(4), collection = in.number(8), index = in.number(4);
      total += length;
      if (total > static_cast<std::uint64_t>(kMaxAttributeBytes))
        fail<FileError>(where_, "at most 256 MiB of text", "more", "The file is damaged or hostile.");
      if (length == 0 || collection == 0) {
        result.emplace_back();
        continue;
      }
      try {
        result.push_back(guard->heap_bytes(collection, index, length));
      } catch (const FileError& error) {
        throw FileError(where_ + ": " + error.what() + ". The file is damaged.");
      }
      result.back().resize(std::strlen(result.back().c_str()));
    }
    return result;
  }

  // A type for the 16 bytes by which a file refers to a string in its global heap, and a conversion to it, which leaves
  // them as they are.
  static constexpr Index kReferenceBytes = 16;
  static herr_t keep_references(hid_t from, hid_t to, H5T_cdata_t* data, size_t, size_t, size_t, void*, void*, hid_t) {
    if (data->command != H5T_CONV_INIT) return 0;
    data->need_bkg = H5T_BKG_NO;
    char* tag = H5Tget_class(to) == H5T_OPAQUE ? H5Tget_tag(to) : nullptr;
    const bool ours = tag && std::strcmp(tag, kReferenceTag) == 0 && H5Tis_variable_str(from) > 0 &&
                      H5Tget_size(from) == static_cast<std::size_t>(kReferenceBytes);
    if (tag) H5free_memory(tag);
    return ours ? 0 : -1;
  }
  GRAFT_COLD static hid_t reference_type(const Call& call) {
    static const hid_t type = [&] {
      Handle made(call.check(H5Tcreate(H5T_OPAQUE, static_cast<std::size_t>(kReferenceBytes)), "make a type"),
                  &H5Tclose);
      call.check(H5Tset_tag(made.get(), kReferenceTag), "make a type");
      const Handle text(call.check(H5Tcopy(H5T_C_S1), "make a type"), &H5Tclose);
      call.check(H5Tset_size(text.get(), H5T_VARIABLE), "make a type");
      call.check(H5Tregister(H5T_PERS_SOFT, "graft_references", text.get(), made.get(), &keep_references),
                 "make a type");
      return made.release();
    }();
    return type;
  }
  static constexpr const char* kReferenceTag = "graft: places of strings";

  GRAFT_COLD std::vector<std::string> fixed(const Call& call) const {
    const auto width = static_cast<std::size_t>(item_bytes_);
    std::vector<char> bytes(static_cast<std::size_t>(items_) * width);
    call.check(H5Aread(id_.get(), type_.get(), bytes.data()), "read it");
    const bool space_padded = H5Tget_strpad(type_.get()) == H5T_STR_SPACEPAD;
    std::vector<std::string> result;
    for (Index i = 0; i < items_; ++i) {
      const char* first = bytes.data() + static_cast<std::size_t>(i) * width;
      std::size_t size = strnlen(first, width);
      while (space_padded && size > 0 && first[size - 1] == ' ') --size;
      result.emplace_back(first, size);
    }
    return result;
  }

  std::string where_;
  Handle id_, type_;
  Index items_ = 0, item_bytes_ = 0;
  bool scalar_ = false;
};

GRAFT_COLD inline bool has_attribute(hid_t object, const std::string& name, const std::string& where) {
  const Call call(where);
  return call.check(H5Aexists(object, name.c_str()), "look for an attribute") > 0;
}

/// The only string of an attribute, or nothing when there is no such attribute.
GRAFT_COLD inline std::optional<std::string> read_string(hid_t object, const std::string& name,
                                                         const std::string& where) {
  if (!has_attribute(object, name, where)) return std::nullopt;
  const auto strings = Attribute(object, name, where).strings();
  if (strings.size() != 1) {
    fail<FileError>(where + ", attribute \"" + name + "\"", "one string", std::to_string(strings.size()));
  }
  return strings.front();
}

/// A list of strings, joined from its chunks `name0`, `name1` … when Keras had to split it. Nothing when there is none.
GRAFT_COLD inline std::optional<std::vector<std::string>> read_strings(hid_t object, const std::string& name,
                                                                       const std::string& where) {
  if (has_attribute(object, name, where)) return Attribute(object, name, where).strings();
  std::vector<std::string> all;
  Index chunk = 0;
  for (;; ++chunk) {
    const std::string chunk_name = name + std::to_string(chunk);
    if (!has_attribute(object, chunk_name, where)) break;
    for (std::string& text : Attribute(object, chunk_name, where).strings()) all.push_back(std::move(text));
    if (static_cast<Index>(all.size()) > kMaxAttributeItems) fail<FileError>(where, "at most 1,048,576 names", "more");
  }
  if (chunk == 0) return std::nullopt;
  return all;
}

/// One string of variable length: how Keras writes model_config, training_config, backend and keras_version.
GRAFT_COLD inline void write_string(hid_t object, const std::string& name, const std::string& text,
                                    const std::string& where) {
  const Call call(where);
  const Handle type(call.check(H5Tcopy(H5T_C_S1), "make a type"), &H5Tclose);
  call.check(H5Tset_size(type.get(), H5T_VARIABLE), "make a type");
  call.check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "make a type");
  const Handle space(call.check(H5Screate(H5S_SCALAR), "make a shape"), &H5Sclose);
  const Handle attribute(call.check(H5Acreate2(object, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                                    "add an attribute"),
                         &H5Aclose);
  const char* pointer = text.c_str();
  call.check(H5Awrite(attribute.get(), type.get(), &pointer), "write an attribute");
}

namespace detail {
// Items first … last-1, NUL-padded to a common width; an empty list is of float64, as NumPy makes it.
GRAFT_COLD inline void write_chunk(hid_t object, const std::string& name, const std::vector<std::string>& items,
                                   std::size_t first, std::size_t last, std::size_t width, const std::string& where) {
  const Call call(where);
  const hsize_t count = last - first;
  std::vector<char> bytes(count * width, '\0');
  for (std::size_t i = first; i < last; ++i) {
    std::copy(items[i].begin(), items[i].end(), bytes.begin() + static_cast<std::ptrdiff_t>((i - first) * width));
  }
  Handle type(call.check(H5Tcopy(count ? H5T_C_S1 : H5T_IEEE_F64LE), "make a type"), &H5Tclose);
  if (count) {
    call.check(H5Tset_size(type.get(), width), "make a type");
    call.check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "make a type");
  }
  const Handle space(call.check(H5Screate_simple(1, &count, nullptr), "make a shape"), &H5Sclose);
  const Handle attribute(call.check(H5Acreate2(object, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                                    "add an attribute"),
                         &H5Aclose);
  if (count) call.check(H5Awrite(attribute.get(), type.get(), bytes.data()), "write an attribute");
}
}  // namespace detail

/// A list of strings of fixed length, split into `name0`, `name1` … when it exceeds the 64,512 bytes that Keras allows.
GRAFT_COLD inline void write_strings(hid_t object, const std::string& name, const std::vector<std::string>& items,
                                     const std::string& where) {
  constexpr std::size_t kLimit = 64512;
  std::size_t width = 1;
  for (const std::string& item : items) width = std::max(width, item.size());
  if (width > kLimit)
    fail<FileError>(where + ", attribute \"" + name + "\"", "names of at most 64,512 bytes", std::to_string(width));
  // NumPy's array_split: the first (size mod chunks) chunks are longer by one.
  std::size_t chunks = 1;
  while ((items.size() + chunks - 1) / chunks * width > kLimit) ++chunks;
  for (std::size_t chunk = 0, first = 0; chunk < chunks; ++chunk) {
    const std::size_t last = first + items.size() / chunks + (chunk < items.size() % chunks ? 1 : 0);
    detail::write_chunk(object, chunks == 1 ? name : name + std::to_string(chunk), items, first, last, width, where);
    first = last;
  }
}

}  // namespace graft::hdf5
