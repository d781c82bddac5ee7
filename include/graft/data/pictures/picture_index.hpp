#pragma once

#include <cstdio>
#include <set>

#include "graft/data/image_dataset_options.hpp"
#include "graft/data/pictures/decode_picture.hpp"
#include "graft/data/pictures/folder.hpp"
#include "graft/data/pictures/numpy_shuffle.hpp"

namespace graft::detail {

/// The pictures of a folder with their labels, before and after the split.
struct PictureIndex {
  struct Entry {
    std::string path;
    Index label = 0;
  };
  std::vector<Entry> entries;
  std::vector<std::string> class_names;
  std::vector<std::string> skipped;
};

/// Finds the pictures and labels them, as Keras's index_directory does.
class PictureIndexer {
 public:
  GRAFT_COLD PictureIndexer(const std::string& directory, const ImageDatasetOptions& options)
      : directory_(directory), options_(options), where_("image_dataset_from_directory(\"" + directory + "\")") {}

  const std::string& where() const { return where_; }

  GRAFT_COLD PictureIndex run() {
    const bool labelled = options_.labels.kind() != ImageLabels::Kind::none && options_.label_mode;
    if (labelled && options_.labels.kind() == ImageLabels::Kind::inferred) find_by_class();
    else find_all(labelled);
    if (index_.entries.empty()) {
      fail<FileError>(where_, "pictures (.jpg, .jpeg, .png)", "none",
                      labelled ? "" : "Are they in a folder below? Folders that are links need follow_links.");
    }
    if (options_.label_mode == "binary" && labelled && index_.class_names.size() != 2) {
      fail<ConfigError>(where_, "exactly 2 classes for label_mode binary", std::to_string(index_.class_names.size()));
    }
    refuse_others();
    if (options_.on_error == "skip") leave_out_damaged();
    if (options_.verbose) {
      std::printf("Found %zu files", index_.entries.size());
      if (labelled) std::printf(" belonging to %zu classes", index_.class_names.size());
      std::printf(".\n");
      if (!index_.skipped.empty()) {
        std::printf("Skipped %zu files that cannot be decoded; the first: %s\n", index_.skipped.size(),
                    index_.skipped.front().c_str());
      }
    }
    return std::move(index_);
  }

 private:
  GRAFT_COLD void find_by_class() {
    const FolderEntries entries = list_folder(directory_);
    std::vector<std::string> classes;
    for (const std::string& name : entries.folders) {
      if (name[0] != '.') classes.push_back(name);
    }
    if (classes.empty()) {
      fail<FileError>(where_, "a folder for each class", "a folder without folders",
                      "For pictures without labels: .labels = std::nullopt.");
    }
    for (const std::string& name : options_.class_names) {
      if (std::find(classes.begin(), classes.end(), name) == classes.end()) {
        fail<ConfigError>(where_ + ", class_names", "names of folders in it", "\"" + name + "\"",
                          text::did_you_mean(name, classes));
      }
    }
    if (!options_.class_names.empty()) classes = options_.class_names;
    if (std::set<std::string>(classes.begin(), classes.end()).size() != classes.size()) {
      fail<ConfigError>(where_ + ", class_names", "each name once", "one of them twice");
    }
    for (std::size_t label = 0; label < classes.size(); ++label) {
      const PictureFinder found(join_path(directory_, classes[label]), options_.follow_links);
      if (found.paths.empty()) {
        fail<FileError>(where_ + ", class \"" + classes[label] + "\"", "pictures (.jpg, .jpeg, .png) in its folder",
                        "none", "If it is no class, name the others in class_names.");
      }
      for (const std::string& path : found.paths) index_.entries.push_back({path, static_cast<Index>(label)});
    }
    index_.class_names = std::move(classes);
  }

  GRAFT_COLD void find_all(bool labelled) {
    if (!options_.class_names.empty()) {
      fail<ConfigError>(where_, "class_names only with labels \"inferred\"", "class_names and other labels");
    }
    const PictureFinder found(join_path(directory_, ""), options_.follow_links);
    const auto& labels = options_.labels.values();
    if (labelled && labels.size() != found.paths.size()) {
      fail<ConfigError>(where_ + ", labels",
                        "one label for each of the " + std::to_string(found.paths.size()) + " pictures found",
                        std::to_string(labels.size()) + " labels");
    }
    for (std::size_t i = 0; i < found.paths.size(); ++i) {
      index_.entries.push_back({found.paths[i], labelled ? labels[i] : 0});
    }
    if (!labelled) return;
    const std::set<Index> distinct(labels.begin(), labels.end());
    for (const Index label : distinct) index_.class_names.push_back(std::to_string(label));
    if (!distinct.empty() && (*distinct.begin() < 0 || (options_.label_mode != "int" &&
                                                        *distinct.rbegin() >= static_cast<Index>(distinct.size())))) {
      fail<ConfigError>(where_ + ", labels", "numbers 0, 1, 2 … without gaps",
                        std::to_string(*distinct.begin() < 0 ? *distinct.begin() : *distinct.rbegin()));
    }
  }

  /// Files that Keras would read and graft cannot.
  GRAFT_COLD void refuse_others() {
    Index count = 0;
    std::string first;
    std::vector<PictureIndex::Entry> kept;
    for (auto& entry : index_.entries) {
      const std::string extension = extension_of(entry.path);
      if (extension != ".bmp" && extension != ".gif") {
        kept.push_back(std::move(entry));
        continue;
      }
      if (count++ == 0) first = entry.path;
      index_.skipped.push_back("\"" + entry.path + "\": graft decodes no " + extension + " files.");
    }
    if (count > 0 && options_.on_error != "skip") {
      fail<FileError>(where_, "JPEG and PNG pictures",
                      std::to_string(count) + " .bmp or .gif files, the first: " + first,
                      "Convert them, or leave them out with .on_error = \"skip\".");
    }
    index_.entries = std::move(kept);
  }

  GRAFT_COLD void leave_out_damaged() {
    std::vector<std::string> reasons(index_.entries.size());
    parallel_for(0, static_cast<Index>(reasons.size()), 1, [&](Index first, Index last) {
      std::vector<std::uint8_t> bytes;
      DecodedPicture picture;
      for (Index i = first; i < last; ++i) {
        const auto at = static_cast<std::size_t>(i);
        try {
          const std::string& path = index_.entries[at].path;
          read_file_bytes(path, kMaxFileBytes, bytes);
          // A small copy is decoded: all of the file is read for it.
          const DecodeRequest request{
              .channels = 1, .max_pixels = options_.max_pixels, .reduce_to_height = 1, .reduce_to_width = 1};
          decode_picture("\"" + path + "\"", bytes, request, picture);
        } catch (const std::exception& error) {
          reasons[at] = error.what();
        }
      }
    });
    std::vector<PictureIndex::Entry> kept;
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      if (reasons[i].empty()) kept.push_back(std::move(index_.entries[i]));
      else index_.skipped.push_back(reasons[i]);
    }
    index_.entries = std::move(kept);
    if (index_.entries.empty())
      fail<FileError>(where_, "a picture that can be decoded", "none", index_.skipped.front());
  }

  const std::string& directory_;
  const ImageDatasetOptions& options_;
  std::string where_;
  PictureIndex index_;
};

}  // namespace graft::detail
