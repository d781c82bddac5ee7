#pragma once

#include <utility>

#include "graft/data/dataset.hpp"
#include "graft/data/image_options.hpp"

namespace graft {

/// What the pictures of a folder are labelled with: "inferred" (the class folders), std::nullopt (nothing), or a list
/// of numbers, one a picture, in the order of the sorted paths.
class ImageLabels {
 public:
  enum class Kind { inferred, none, given };

  ImageLabels(const char* word) : ImageLabels(std::string(word)) {}
  /// Throws ConfigError for another word than "inferred".
  GRAFT_COLD ImageLabels(const std::string& word) : kind_(Kind::inferred) {
    if (word != "inferred") {
      fail<ConfigError>("image_dataset_from_directory labels", "\"inferred\", std::nullopt or a list of numbers",
                        "\"" + word + "\"");
    }
  }
  ImageLabels(std::nullopt_t) : kind_(Kind::none) {}
  template <class Integer>
  requires std::is_integral_v<Integer> ImageLabels(const std::vector<Integer>& labels)
      : kind_(Kind::given), values_(labels.begin(), labels.end()) {}

  Kind kind() const { return kind_; }
  const std::vector<Index>& values() const { return values_; }

 private:
  Kind kind_;
  std::vector<Index> values_;
};

/// Keras's arguments of image_dataset_from_directory, and four of graft at the end.
struct ImageDatasetOptions {
  ImageLabels labels = "inferred";
  std::optional<std::string> label_mode =
      "int";                                  ///< int (n,), categorical (n, classes), binary (n, 1), or std::nullopt
  std::vector<std::string> class_names = {};  ///< which class folders, and their order; empty: all, by name
  std::string color_mode = "rgb";             ///< grayscale, rgb or rgba: pictures are converted
  std::optional<Index> batch_size = 32;       ///< std::nullopt: single samples
  std::pair<Index, Index> image_size = {256, 256};  ///< (height, width)
  bool shuffle = true;                              ///< another order in every epoch; false: by name
  std::optional<Index> seed = std::nullopt;
  double validation_split = 0;             ///< the last fraction of the pictures, which `seed` has shuffled as in Keras
  std::string subset = {};                 ///< training or validation; both: image_datasets_from_directory
  std::string interpolation = "bilinear";  ///< nearest, bicubic, area, lanczos3, lanczos5, gaussian, mitchellcubic
  bool follow_links = false;
  bool crop_to_aspect_ratio = false;  ///< takes the middle of each picture that has the wanted aspect ratio
  bool pad_to_aspect_ratio = false;   ///< adds black borders until it has it
  bool verbose = true;                ///< prints how many files and classes there are

  /// What a picture that cannot be decoded is: "error", thrown when it is met, or "skip": all pictures are decoded once
  /// beforehand and the bad ones left out, with path and reason in Dataset::skipped(). So each epoch has the same ones.
  std::string on_error = "error";
  Index num_parallel_calls = 1;  ///< background threads that read, decode and resize; 0: when next() asks
  Index prefetch = 2;            ///< elements (batches) made ahead, at most; 0: none
  /// Lets JPEG be decoded at 1/2, 1/4 or 1/8 of its size where that is still as large as image_size. Several times
  /// faster for large pictures; the numbers are not Keras's.
  bool fast_decode = false;
  Index max_pixels = detail::kMaxPixels;  ///< larger pictures are an error, before memory is taken
};

/// A dataset of the pictures in a folder: x (batch, height, width, channels), numbers 0 … 255, y by label_mode. As
/// keras.utils.image_dataset_from_directory:
///
///     folder/cat/0001.jpg …   folder/dog/0001.jpg …
///
/// gives the classes cat (0) and dog (1). Files end in .jpg, .jpeg or .png (.bmp and .gif, which Keras reads too, are
/// refused); what they are is seen from their bytes. With validation_split the same seed gives the same two sets as in
/// Keras. Pictures are decoded as Keras does it and resized with half-pixel centres and no smoothing.
///
/// Throws ConfigError for arguments that have no meaning, FileError for folders without class folders or pictures, for
/// a class folder without pictures, and when a picture that cannot be decoded is met (see on_error).
template <class Scalar = float>
Dataset<Scalar> image_dataset_from_directory(const std::string& directory, const ImageDatasetOptions& options = {});

/// Both parts of a validation_split: (training, validation). Keras's subset "both".
template <class Scalar = float>
std::pair<Dataset<Scalar>, Dataset<Scalar>> image_datasets_from_directory(const std::string& directory,
                                                                          const ImageDatasetOptions& options);

}  // namespace graft
