#pragma once

#include <map>

#include "graft/io/hdf5.hpp"
#include "graft/io/keras/file_array.hpp"

namespace graft::keras {

/// The tree that Keras 3 keeps weights in: standalone as .weights.h5, as a member of a .keras file, or in shards. A
/// variable is found by the path "layers/dense_1/vars/0". Opening it looks at every name, and reads no number.
class WeightStore {
 public:
  explicit WeightStore(std::string where) : where_(std::move(where)) {}

  /// Adds what is in a file; of several (shards) each holds a part. Throws FileError.
  GRAFT_COLD void add(const hdf5::Group& root) {
    roots_.push_back(root.again());
    bytes_ += root.file_bytes();
    walk(root, "", "", 0);
  }

  const std::string& where() const { return where_; }
  Index bytes() const { return bytes_; }

  /// Whether an HDF5 file is such a tree.
  GRAFT_COLD static bool is_store(const hdf5::Group& root) {
    if (root.has_attribute("layer_names") || root.has_attribute("layer_names0") || root.has_attribute("model_config"))
      return false;
    for (const std::string& name : root.children()) {
      for (const char* start : {"layers", "_layer_checkpoint_dependencies"}) {
        const std::size_t size = std::string_view(start).size();
        // tf.keras on Windows writes "layers\dense".
        if (name.compare(0, size, start) == 0 && (name.size() == size || name[size] == '\\')) return true;
      }
    }
    return false;
  }

  bool contains(const std::string& path) const { return arrays_.count(path) != 0; }
  /// Whether there are arrays below a path that ends in '/'.
  GRAFT_COLD bool has_below(const std::string& path) const {
    const auto at = arrays_.lower_bound(path);
    return at != arrays_.end() && at->first.compare(0, path.size(), path) == 0;
  }
  /// Paths of the arrays below a path that ends in '/'.
  GRAFT_COLD std::vector<std::string> below(const std::string& path) const {
    std::vector<std::string> result;
    for (auto at = arrays_.lower_bound(path); at != arrays_.end() && at->first.compare(0, path.size(), path) == 0;
         ++at) {
      result.push_back(at->first);
    }
    return result;
  }
  /// The names of the groups right below a path that ends in '/', those that hold arrays.
  GRAFT_COLD std::vector<std::string> keys(const std::string& path) const {
    std::vector<std::string> result;
    for (const std::string& array : below(path)) {
      std::string key = array.substr(path.size(), array.find('/', path.size()) - path.size());
      if (result.empty() || result.back() != key) result.push_back(std::move(key));
    }
    return result;
  }
  /// The name of the layer at a path, without a '/' at its end; empty when the file does not say.
  GRAFT_COLD std::string layer_name(const std::string& path) const {
    const auto found = names_.find(path);
    return found == names_.end() ? "" : found->second;
  }

  /// Throws FileError.
  GRAFT_COLD FileWeight open(const std::string& path) const {
    const auto found = arrays_.find(path);
    if (found == arrays_.end()) fail<FileError>(where_, "an array \"" + path + "\"", "none");
    return {path, roots_[found->second.root].dataset(found->second.path)};
  }

 private:
  struct Place {
    std::size_t root;
    std::string path;
  };
  static constexpr int kMaxDepth = 64;
  static constexpr Index kMaxObjects = 1 << 18;

  GRAFT_COLD void walk(const hdf5::Group& group, const std::string& path, const std::string& key, int depth) {
    if (depth > kMaxDepth) fail<FileError>(where_, "groups nested at most 64 deep", "deeper ones");
    for (const std::string& child : group.children()) {
      if (++objects_ > kMaxObjects) fail<FileError>(where_, "at most 262,144 groups and arrays", "more");
      const std::string place = path.empty() ? child : path + "/" + child;
      std::string name = key.empty() ? child : key + "/" + child;
      for (char& c : name) c = c == '\\' ? '/' : c;
      if (!group.is_group(child)) {
        arrays_[name] = {roots_.size() - 1, place};
        continue;
      }
      const hdf5::Group inside = group.group(child);
      if (child.size() >= 4 && child.compare(child.size() - 4, 4, "vars") == 0 && name.size() > 5) {
        names_[name.substr(0, name.size() - 5)] = inside.string("name").value_or("");
      }
      walk(inside, place, name, depth + 1);
    }
  }

  std::string where_;
  std::vector<hdf5::Group> roots_;
  std::map<std::string, Place> arrays_;  // by path with '/'
  std::map<std::string, std::string> names_;
  Index objects_ = 0, bytes_ = 0;
};

}  // namespace graft::keras
