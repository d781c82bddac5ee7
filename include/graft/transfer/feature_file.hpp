#pragma once

#include "graft/io/hdf5.hpp"
#include "graft/io/mapped_file.hpp"
#include "graft/models/feature_store.hpp"

// Files of features. An HDF5 file that every tool reads:
//
//     attributes  format = "graft features", layers, weights, data (the parts of the key)
//     features/0, features/1 …   (samples, …) of each output, contiguous
//     checksums   of each chunk: XXH64 of its rows of all outputs; 0 as long as they are not there
//     chunk_rows  samples in a chunk
//     seconds     that the computation took
//
// While it is written it has all its arrays already, under the name <path>.partial; rows are put into their places past
// the HDF5 library, a chunk's checksum after its rows. So the file is a whole one at any moment that a process may be
// killed at, and the next run goes on behind the last chunk whose checksum is right.
namespace graft::detail {

inline constexpr const char* kFeatureFormat = "graft features";

/// Why a file is of no use, in words; what the caller makes of it is its choice.
struct UselessFeatures {
  bool damaged = false;  ///< else: of something else
  std::string reason;
};

/// A mapped feature file (whole or partial) that belongs to a request.
class FeatureFile {
 public:
  /// Throws FileError for a file that is not of features, so that no other one is ever written over.
  GRAFT_COLD static void require_features(const MappedFile& file, const std::string& path) {
    // The name of the format stands among the attributes, near the beginning, even in a file that is damaged elsewhere.
    constexpr Index head_bytes = 16384;
    const std::string_view head(reinterpret_cast<const char*>(file.data()),
                                static_cast<std::size_t>(std::min(file.size(), head_bytes)));
    if (head.find(kFeatureFormat) != std::string_view::npos) return;
    fail<FileError>("\"" + path + "\"", "a file of features that extract_features or fit wrote", "something else",
                    "It was left as it is; name another file.");
  }

  /// Throws UselessFeatures when it does not belong to the request or is damaged.
  GRAFT_COLD FeatureFile(std::shared_ptr<const MappedFile> file, const std::string& path, const FeatureRequest& request)
      : file_(std::move(file)) {
    const std::string where = "\"" + path + "\"";
    try {
      read(hdf5::File::open(hdf5::ByteSource::memory(file_->data(), file_->size(), file_), where).root(), request);
    } catch (const FileError& error) {
      throw UselessFeatures{true, error.what()};
    } catch (const ShapeError& error) {
      throw UselessFeatures{true, error.what()};
    }
  }

  Index chunk_rows() const { return chunk_rows_; }
  Index chunks() const { return chunks_; }
  double seconds() const { return number<double>(seconds_, 0); }
  const std::byte* array(std::size_t output) const { return file_->data() + arrays_[output]; }
  /// Bytes of the file at which things lie, for who writes there.
  Index array_offset(std::size_t output) const { return arrays_[output]; }
  Index checksum_offset(Index chunk) const { return checksums_ + 8 * chunk; }
  Index seconds_offset() const { return seconds_; }
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

  /// Whether the rows of a chunk are there and are what was written.
  GRAFT_COLD bool chunk_is_whole(Index chunk, const FeatureRequest& request) const {
    const Index first = chunk * chunk_rows_, last = std::min(first + chunk_rows_, request.samples);
    std::vector<const std::byte*> rows;
    for (std::size_t i = 0; i < arrays_.size(); ++i) rows.push_back(array(i) + first * request.row_bytes(i));
    const auto expected = number<std::uint64_t>(checksums_, chunk);
    return expected != 0 && expected == checksum(rows, last - first, request);
  }

  /// Never 0.
  template <class Pointer>
  static std::uint64_t checksum(const std::vector<Pointer>& rows, Index count, const FeatureRequest& request) {
    Xxh64 hash;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      hash.add(rows[i], static_cast<std::size_t>(count * request.row_bytes(i)));
    }
    return std::max<std::uint64_t>(hash.value(), 1);
  }

 private:
  GRAFT_COLD void read(const hdf5::Group& root, const FeatureRequest& request) {
    const auto part = [&](const char* name) { return root.string(name).value_or(""); };
    std::string other;
    const auto differs = [&](const char* name, const std::string& expected, const char* what) {
      if (part(name) != expected) other += (other.empty() ? "" : " and ") + std::string(what);
    };
    differs("layers", request.key.layers, "other layers");
    differs("weights", request.key.weights, "other weights");
    differs("data", request.key.data, "other data");
    if (!other.empty()) throw UselessFeatures{false, "it was made from " + other};

    for (std::size_t i = 0; i < request.shapes.size(); ++i) {
      const hdf5::Dataset array = root.dataset("features/" + std::to_string(i));
      if (!(array.shape() == request.shapes[i].with_batch(request.samples))) {
        fail<FileError>(array.where(), request.shapes[i].with_batch(request.samples).str(), array.shape().str());
      }
      arrays_.push_back(checked(request.item_bytes == 4 ? array.offset<float>() : array.offset<double>(), array,
                                request.row_bytes(i) * request.samples));
    }
    const hdf5::Dataset rows = root.dataset("chunk_rows"), sums = root.dataset("checksums");
    if (!(rows.shape() == Shape{1})) fail<FileError>(rows.where(), "one number", rows.shape().str());
    std::int64_t chunk_rows = 0;
    rows.read(&chunk_rows);
    if (chunk_rows < 1) fail<FileError>(rows.where(), "at least 1", std::to_string(chunk_rows));
    chunk_rows_ = std::min<Index>(chunk_rows, request.samples);
    chunks_ = (request.samples + chunk_rows_ - 1) / chunk_rows_;
    if (!(sums.shape() == Shape{chunks_})) {
      fail<FileError>(sums.where(), Shape{chunks_}.str(), sums.shape().str());
    }
    checksums_ = checked(sums.offset<std::int64_t>(), sums, 8 * chunks_);
    const hdf5::Dataset seconds = root.dataset("seconds");
    if (!(seconds.shape() == Shape{1})) fail<FileError>(seconds.where(), "one number", seconds.shape().str());
    seconds_ = checked(seconds.offset<double>(), seconds, 8);
  }

  GRAFT_COLD Index checked(Index offset, const hdf5::Dataset& array, Index bytes) const {
    if (offset < 0 || offset % 8 != 0 || offset > file_->size() || bytes > file_->size() - offset) {
      fail<FileError>(array.where(), "plain numbers inside of the file", "something else", "The file is damaged.");
    }
    return offset;
  }

  template <class T>
  T number(Index offset, Index i) const {
    T value;
    std::memcpy(&value, file_->data() + offset + i * static_cast<Index>(sizeof value), sizeof value);
    return value;
  }

  std::shared_ptr<const MappedFile> file_;
  std::vector<Index> arrays_;
  Index checksums_ = 0, seconds_ = 0, chunk_rows_ = 0, chunks_ = 0;
};

}  // namespace graft::detail
