#pragma once

#include "graft/data/image.hpp"
#include "graft/data/stages/pictures.hpp"

namespace graft {

namespace detail {

/// Makes the datasets of one folder: arguments are checked before it is looked into.
template <class Scalar>
class ImageDatasetMaker {
  using Source = PictureSource<Scalar>;

 public:
  GRAFT_COLD ImageDatasetMaker(const std::string& directory, const ImageDatasetOptions& options, bool both)
      : options_(options),
        indexer_(directory, options_),
        resizer_(indexer_.where(), options_.image_size.first, options_.image_size.second, options_.interpolation,
                 options_.crop_to_aspect_ratio, options_.pad_to_aspect_ratio) {
    const std::string& where = indexer_.where();
    request_.channels = channels_of(where, options_.color_mode);
    request_.max_pixels = options_.max_pixels;
    if (options_.fast_decode) {
      request_.reduce_to_height = resizer_.height();
      request_.reduce_to_width = resizer_.width();
    }
    check_labels(where);
    check_split(where, both);
    if (options_.on_error != "error" && options_.on_error != "skip") {
      fail<ConfigError>(where, "on_error error or skip", "\"" + options_.on_error + "\"");
    }
    index_ = indexer_.run();
    seed_ = options_.seed ? *options_.seed : static_cast<Index>(next_random_key().value % 1000000);
    if (options_.shuffle) numpy_shuffle(index_.entries, static_cast<std::uint32_t>(seed_));
  }

  GRAFT_COLD Dataset<Scalar> make(const std::string& subset) {
    std::vector<PictureIndex::Entry> entries = index_.entries;
    if (!subset.empty()) {
      const auto cut = static_cast<Index>(static_cast<double>(entries.size()) * options_.validation_split);
      const bool training = subset == "training";
      // Python's entries[:-0] has nothing and entries[-0:] all.
      if (cut == 0 || cut == static_cast<Index>(entries.size())) {
        fail<ConfigError>(indexer_.where() + ", validation_split", "pictures on both sides of the cut",
                          std::to_string(options_.validation_split) + " of " + std::to_string(entries.size()));
      }
      if (training) entries.erase(entries.end() - cut, entries.end());
      else entries.erase(entries.begin(), entries.end() - cut);
      if (options_.verbose) std::printf("Using %zu files for %s.\n", entries.size(), subset.c_str());
    }
    auto files = std::make_shared<DatasetFiles>();
    files->class_names = index_.class_names;
    files->skipped = index_.skipped;
    for (const auto& entry : entries) files->file_paths.push_back(entry.path);
    const auto count = static_cast<Index>(entries.size());
    auto source = std::make_shared<Source>(std::move(entries), labels_, static_cast<Index>(index_.class_names.size()),
                                           resizer_, request_);
    Dataset<Scalar> result(std::move(source), std::move(files));
    if (options_.shuffle && subset != "validation") result = result.shuffle(count, {.seed = seed_});
    if (options_.batch_size) result = result.batch(*options_.batch_size);
    return options_.num_parallel_calls > 0 ? result.prefetch(options_.prefetch, options_.num_parallel_calls) : result;
  }

 private:
  GRAFT_COLD void check_labels(const std::string& where) {
    const auto& mode = options_.label_mode;
    const bool none = !mode || options_.labels.kind() == ImageLabels::Kind::none;
    if (none) labels_ = Source::Labels::none;
    else if (*mode == "int") labels_ = Source::Labels::integer;
    else if (*mode == "binary") labels_ = Source::Labels::binary;
    else if (*mode == "categorical") labels_ = Source::Labels::categorical;
    else fail<ConfigError>(where, "label_mode int, categorical, binary or std::nullopt", "\"" + *mode + "\"");
  }
  GRAFT_COLD void check_split(const std::string& where, bool both) const {
    const double split = options_.validation_split;
    const std::string& subset = options_.subset;
    if (!(split >= 0 && split < 1)) fail<ConfigError>(where, "validation_split in 0 … 1", std::to_string(split));
    if (both && (!subset.empty() && subset != "both")) {
      fail<ConfigError>(where, "subset \"both\", or none given", "\"" + subset + "\"");
    }
    if (!both && subset == "both") {
      throw ConfigError(where + ": subset both makes two datasets. Call image_datasets_from_directory.");
    }
    if (!both && !subset.empty() && subset != "training" && subset != "validation") {
      fail<ConfigError>(where, "subset training or validation", "\"" + subset + "\"");
    }
    if ((split != 0) != (both || !subset.empty())) {
      fail<ConfigError>(where, "subset and validation_split together", "one without the other");
    }
    if (split != 0 && options_.shuffle && !options_.seed) {
      fail<ConfigError>(where, "a seed with validation_split", "none",
                        "Without it training and validation would have pictures in common.");
    }
    if (options_.seed && (*options_.seed < 0 || *options_.seed > 0xFFFFFFFF)) {
      fail<ConfigError>(where, "a seed of 0 … 2^32 - 1", std::to_string(*options_.seed));
    }
  }

  ImageDatasetOptions options_;
  PictureIndexer indexer_;
  PictureResizer resizer_;
  DecodeRequest request_;
  typename Source::Labels labels_ = Source::Labels::none;
  PictureIndex index_;
  Index seed_ = 0;
};

}  // namespace detail

template <class Scalar>
GRAFT_COLD Dataset<Scalar> image_dataset_from_directory(const std::string& directory,
                                                        const ImageDatasetOptions& options) {
  return detail::ImageDatasetMaker<Scalar>(directory, options, false).make(options.subset);
}

template <class Scalar>
GRAFT_COLD std::pair<Dataset<Scalar>, Dataset<Scalar>> image_datasets_from_directory(
    const std::string& directory, const ImageDatasetOptions& options) {
  detail::ImageDatasetMaker<Scalar> maker(directory, options, true);
  Dataset<Scalar> training = maker.make("training");
  return {std::move(training), maker.make("validation")};
}

}  // namespace graft
