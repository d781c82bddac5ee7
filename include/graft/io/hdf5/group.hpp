#pragma once

#include <algorithm>

#include "graft/core/text.hpp"
#include "graft/io/hdf5/dataset.hpp"

namespace graft::hdf5 {

/// A folder in a file. Paths go through hard links only: a link that could lead elsewhere is refused.
class Group {
 public:
  Group() = default;
  Group(Handle id, std::string where) : where_(std::move(where)), id_(std::move(id)) {}

  const std::string& where() const { return where_; }
  hid_t id() const { return id_.get(); }

  bool has_attribute(const std::string& name) const { return hdf5::has_attribute(id(), name, where_); }
  std::optional<std::string> string(const std::string& name) const { return read_string(id(), name, where_); }
  std::optional<std::vector<std::string>> strings(const std::string& name) const {
    return read_strings(id(), name, where_);
  }
  std::optional<double> number(const std::string& name) const {
    if (!has_attribute(name)) return std::nullopt;
    return Attribute(id(), name, where_).number();
  }

  /// Names of everything inside, in alphabetical order of their bytes.
  std::vector<std::string> children() const { return children_of(id(), where_); }

  /// Whether a path leads to something; it may contain '/'. Throws FileError when a link stands in the way.
  bool exists(const std::string& path) const { return static_cast<bool>(find(path, false)); }
  GRAFT_COLD bool is_group(const std::string& path) const { return exists(path) && type_of(open(path)) == H5I_GROUP; }

  /// Size of the file that the group is in.
  GRAFT_COLD Index file_bytes() const {
    const Call call(where_);
    hsize_t bytes = 0;
    const Handle file(call.check(H5Iget_file_id(id()), "find its file"), &H5Fclose);
    call.check(H5Fget_filesize(file.get(), &bytes), "read the size of the file");
    return static_cast<Index>(bytes);
  }

  /// Another handle of this group.
  GRAFT_COLD Group again() const {
    const Call call(where_);
    call.check(H5Iinc_ref(id()), "open it");
    return Group(Handle(id(), &H5Oclose), where_);
  }
  /// Throws FileError when there is no such group.
  GRAFT_COLD Group group(const std::string& path) const {
    Handle object = open(path);
    if (type_of(object) != H5I_GROUP) fail<FileError>(below(path), "a group", "something else");
    return Group(std::move(object), below(path));
  }
  /// Throws FileError when there is no such array.
  GRAFT_COLD Dataset dataset(const std::string& path) const {
    Handle object = open(path);
    if (type_of(object) != H5I_DATASET) fail<FileError>(below(path), "an array", "something else");
    return Dataset(std::move(object), below(path));
  }

  // Writing.
  GRAFT_COLD Group create_group(const std::string& path) const {
    const Call call(where_);
    const Handle links = intermediate_groups(call);
    const Handle properties(call.check(H5Pcreate(H5P_GROUP_CREATE), "make a group"), &H5Pclose);
    call.check(H5Pset_obj_track_times(properties.get(), false), "make a group");
    Handle made(call.check(H5Gcreate2(id(), path.c_str(), links.get(), properties.get(), H5P_DEFAULT), "make a group"),
                &H5Gclose);
    return Group(std::move(made), below(path));
  }
  void write(const std::string& name, const std::string& text) const { write_string(id(), name, text, where_); }
  void write(const std::string& name, const std::vector<std::string>& items) const {
    write_strings(id(), name, items, where_);
  }

  /// A little-endian array of float, double or std::int64_t, without a time stamp: contiguous, or packed with `gzip`
  /// 1 … 9 when it has more than a few numbers.
  template <class T>
  void write_dataset(const std::string& path, const Shape& shape, const T* numbers, int gzip = 0) const {
    write_array(path, shape, numbers, native_type<T>(), disk_type<T>(), gzip);
  }
  /// The place of a contiguous array whose numbers are written later, past the library: see Dataset::offset.
  template <class T>
  void reserve_dataset(const std::string& path, const Shape& shape) const {
    write_array(path, shape, nullptr, native_type<T>(), disk_type<T>(), 0);
  }

 private:
  GRAFT_COLD std::string below(const std::string& path) const {
    return where_ + (where_.empty() || where_.back() == '/' ? "" : "/") + path;
  }

  GRAFT_COLD static std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> parts;
    std::size_t first = 0;
    while (first <= path.size()) {
      const std::size_t last = std::min(path.find('/', first), path.size());
      if (last > first) parts.push_back(path.substr(first, last - first));
      first = last + 1;
    }
    return parts;
  }

  // The path is walked link by link, because the library itself would follow links out of the file. A missing part
  // gives an empty handle, or an error if `required`.
  GRAFT_COLD Handle find(const std::string& path, bool required) const {
    const Call call(where_);
    Handle at;
    for (const std::string& part : split(path)) {
      const hid_t from = at ? at.get() : id();
      const H5I_type_t kind = H5Iget_type(from);
      if (kind != H5I_GROUP || part == "." || part == ".." || H5Lexists(from, part.c_str(), H5P_DEFAULT) <= 0) {
        if (required)
          fail_missing(path, part, kind == H5I_GROUP ? children_of(from, where_) : std::vector<std::string>());
        return Handle();
      }
      H5L_info_t info;
      call.check(H5Lget_info(from, part.c_str(), &info, H5P_DEFAULT), "look at a link");
      if (info.type != H5L_TYPE_HARD) {
        fail<FileError>(below(path), "data in place", "a soft or external link", "Links are not followed.");
      }
      at = Handle(call.check(H5Oopen(from, part.c_str(), H5P_DEFAULT), "open it"), &H5Oclose);
    }
    return at;
  }

  [[noreturn]] GRAFT_COLD void fail_missing(const std::string& path, const std::string& part,
                                            const std::vector<std::string>& known) const {
    throw FileError(below(path) + ": there is no \"" + part + "\" in the file." +
                    (known.empty() || known.size() > 100 ? "" : " " + text::did_you_mean(part, known)));
  }

  GRAFT_COLD Handle open(const std::string& path) const {
    Handle object = find(path, true);
    if (!object) fail<FileError>(where_, "a name", "\"" + path + "\"");
    return object;
  }

  GRAFT_COLD static std::vector<std::string> children_of(hid_t group, const std::string& where) {
    const Call call(where);
    std::vector<std::string> names;
    hsize_t position = 0;
    // In the order of the file: for another one, 1.10 makes a table first, and crashes when it cannot finish it.
    call.check(H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &position, &add_name, &names), "list what is inside");
    std::sort(names.begin(), names.end());
    return names;
  }

  GRAFT_COLD static H5I_type_t type_of(const Handle& object) {
    const std::lock_guard lock(mutex());
    return H5Iget_type(object.get());
  }

  GRAFT_COLD static Handle intermediate_groups(const Call& call) {
    Handle links(call.check(H5Pcreate(H5P_LINK_CREATE), "make a link"), &H5Pclose);
    call.check(H5Pset_create_intermediate_group(links.get(), 1), "make a link");
    return links;
  }

  GRAFT_COLD void write_array(const std::string& path, const Shape& shape, const void* numbers, hid_t memory,
                              hid_t disk, int gzip) const {
    const std::string place = below(path);
    const Call call(place);
    hsize_t dims[Shape::kMaxRank] = {};
    for (int axis = 0; axis < shape.rank(); ++axis) dims[axis] = static_cast<hsize_t>(shape[axis]);
    const Handle space(call.check(shape.rank() ? H5Screate_simple(shape.rank(), dims, nullptr) : H5Screate(H5S_SCALAR),
                                  "make a shape"),
                       &H5Sclose);
    const Handle links = intermediate_groups(call);
    const Handle properties(call.check(H5Pcreate(H5P_DATASET_CREATE), "make an array"), &H5Pclose);
    call.check(H5Pset_obj_track_times(properties.get(), false), "make an array");
    if (!numbers) {
      call.check(H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY), "make an array");
      call.check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), "make an array");
    }
    if (gzip > 0 && shape.elements() >= kWorthPacking) pack(properties.get(), shape, dims, gzip, call);
    const Handle made(
        call.check(H5Dcreate2(id(), path.c_str(), disk, space.get(), links.get(), properties.get(), H5P_DEFAULT),
                   "make an array"),
        &H5Dclose);
    if (shape.elements() > 0 && numbers) {
      call.check(H5Dwrite(made.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers), "write its numbers");
    }
  }

  // In pieces of whole rows of about a megabyte; bytes of equal weight are brought together first.
  GRAFT_COLD static void pack(hid_t properties, const Shape& shape, const hsize_t* dims, int gzip, const Call& call) {
    hsize_t piece[Shape::kMaxRank] = {};
    std::copy(dims, dims + shape.rank(), piece);
    const Index row = shape.elements() / shape[0];
    piece[0] = static_cast<hsize_t>(std::clamp<Index>((Index{1} << 18) / row, 1, shape[0]));
    // What one piece may have at most is 4 GiB.
    for (int axis = 1; axis < shape.rank(); ++axis) piece[axis] = std::min<hsize_t>(piece[axis], hsize_t{1} << 24);
    call.check(H5Pset_chunk(properties, shape.rank(), piece), "pack an array");
    call.check(H5Pset_shuffle(properties), "pack an array");
    call.check(H5Pset_deflate(properties, static_cast<unsigned>(std::min(gzip, 9))), "pack an array");
  }
  static constexpr Index kWorthPacking = 4096;

  static herr_t add_name(hid_t, const char* name, const H5L_info_t*, void* into) {
    auto& names = *static_cast<std::vector<std::string>*>(into);
    // An exception must not pass through the C library; a list of a million names is nobody's model.
    if (names.size() >= (1u << 20)) return -1;
    names.emplace_back(name);
    return 0;
  }

  std::string where_;
  Handle id_;
};

}  // namespace graft::hdf5
