#pragma once

#include <sys/file.h>

#include <chrono>
#include <optional>

#include "graft/core/aligned.hpp"
#include "graft/transfer/feature_file.hpp"

namespace graft::detail {

/// Writes <path>.partial, or goes on with one that an interrupted run left, and gives it its name when it is whole. One
/// process at a time: the file is locked.
class FeatureWriter {
 public:
  /// With a request for a temporary file, `path` is its name until it is mapped. Throws FileError.
  GRAFT_COLD FeatureWriter(const FeatureRequest& request, std::string path)
      : request_(request), path_(std::move(path)), partial_(path_ + ".partial") {
    lock();
    resume();
    if (!file_) start();
  }
  FeatureWriter(const FeatureWriter&) = delete;
  FeatureWriter& operator=(const FeatureWriter&) = delete;
  GRAFT_COLD ~FeatureWriter() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Samples that were there already.
  Index found() const { return std::min(first_chunk_ * file_->chunk_rows(), request_.samples); }

  /// Computes what is missing; memory for one chunk is all that it takes. Throws FileError, with the chunks so far left
  /// for the next run, when the disk fails.
  GRAFT_COLD void write() {
    const auto began = std::chrono::steady_clock::now();
    const Index rows = file_->chunk_rows();
    std::vector<std::unique_ptr<std::byte[], AlignedDelete>> memory;
    std::vector<std::byte*> chunk;
    for (std::size_t i = 0; i < request_.shapes.size(); ++i) {
      memory.push_back(allocate_aligned<std::byte>(rows * request_.row_bytes(i)));
      chunk.push_back(memory.back().get());
    }
    const double before = file_->seconds();
    for (Index k = first_chunk_; k < file_->chunks(); ++k) {
      const Index first = k * rows, last = std::min(first + rows, request_.samples);
      request_.compute(first, last, chunk);
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        const Index bytes = request_.row_bytes(i);
        put(file_->array_offset(i) + first * bytes, chunk[i], (last - first) * bytes, first);
      }
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      const double seconds = before + took.count();
      put(file_->seconds_offset(), &seconds, 8, first);
      const std::uint64_t checksum = FeatureFile::checksum(chunk, last - first, request_);
      put(file_->checksum_offset(k), &checksum, 8, first);
    }
  }

  /// Gives the file its name. Throws FileError.
  GRAFT_COLD void finish() {
    if (::fsync(descriptor_) != 0) fail_with("write", errno, request_.samples);
    if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail_with("rename", errno, request_.samples);
  }
  /// Removes it, as far as its name goes.
  GRAFT_COLD void unname() { ::unlink(partial_.c_str()); }

  const FeatureFile& file() const { return *file_; }

 private:
  GRAFT_COLD void lock() {
    const std::string where = "\"" + partial_ + "\"";
    descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) {
      throw FileError("features " + where + ": cannot create it: " + std::strerror(errno) +
                      (errno == ENOENT ? ". Does the folder exist?" : "."));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      descriptor_ = -1;
      throw FileError("features " + where +
                      ": another process is writing it at this moment. Wait for it, or name another file.");
    }
    // One that was finished between the two calls has its final name by now.
    struct stat ours {
    }, named{};
    const bool same = ::fstat(descriptor_, &ours) == 0 && ::stat(partial_.c_str(), &named) == 0 &&
                      ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
    if (same) return;
    ::close(descriptor_);
    descriptor_ = -1;
    throw FileError("features " + where + ": another process finished it at this moment. Try again.");
  }

  // Chunks whose checksums are right, from the first on.
  GRAFT_COLD void resume() {
    const auto mapped = MappedFile::open(partial_);
    if (!mapped) return;
    try {
      file_.emplace(mapped, partial_, request_);
    } catch (const UselessFeatures&) {
      return;
    }
    while (first_chunk_ < file_->chunks() && file_->chunk_is_whole(first_chunk_, request_)) ++first_chunk_;
  }

  GRAFT_COLD void start() {
    int error = 0;
    try {
      hdf5::File file = hdf5::File::create(partial_, "features \"" + partial_ + "\"", &error, 0, kAlignment);
      describe(file.root());
      file.close();
    } catch (const FileError&) {
      if (error == 0) throw;
    }
    struct stat info {};
    if (error == 0 && ::fstat(descriptor_, &info) != 0) error = errno;
    // All the space at once: a disk that is too small is to be known before hours of computing.
    if (error == 0) error = ::posix_fallocate(descriptor_, 0, info.st_size);
    if (error == EOPNOTSUPP) error = 0;
    if (error == 0) {
      try {
        file_.emplace(MappedFile::open(partial_), partial_, request_);
        return;
      } catch (const UselessFeatures& useless) {
        throw FileError(useless.reason);
      }
    }
    unname();
    double bytes = 0;
    for (std::size_t i = 0; i < request_.shapes.size(); ++i) bytes += static_cast<double>(request_.row_bytes(i));
    throw FileError("features \"" + path_ + "\": there is no room for " +
                    text::with_commas(static_cast<Index>(bytes * static_cast<double>(request_.samples))) +
                    " bytes: " + std::strerror(error) + ". Nothing was computed and nothing was kept.");
  }

  GRAFT_COLD void describe(const hdf5::Group& root) const {
    root.write("format", kFeatureFormat);
    root.write("layers", request_.key.layers);
    root.write("weights", request_.key.weights);
    root.write("data", request_.key.data);
    // Whole batches, a megabyte or more.
    Index row = 0;
    for (std::size_t i = 0; i < request_.shapes.size(); ++i) row += request_.row_bytes(i);
    const Index wanted = ((Index{1} << 20) + row - 1) / row;
    const Index batches = (wanted + request_.batch_size - 1) / request_.batch_size;
    const std::int64_t rows = std::min(batches * request_.batch_size, request_.samples);
    root.write_dataset("chunk_rows", {1}, &rows);
    const double seconds = 0;
    root.write_dataset("seconds", {1}, &seconds);
    const Index chunks = (request_.samples + rows - 1) / rows;
    const std::vector<std::int64_t> none(static_cast<std::size_t>(chunks), 0);
    root.write_dataset("checksums", {chunks}, none.data());
    for (std::size_t i = 0; i < request_.shapes.size(); ++i) {
      const Shape shape = request_.shapes[i].with_batch(request_.samples);
      const std::string name = "features/" + std::to_string(i);
      request_.item_bytes == 4 ? root.reserve_dataset<float>(name, shape) : root.reserve_dataset<double>(name, shape);
    }
  }

  GRAFT_COLD void put(Index offset, const void* from, Index count, Index done) {
    const auto* bytes = static_cast<const char*>(from);
    while (count > 0) {
      const ssize_t wrote = ::pwrite(descriptor_, bytes, static_cast<std::size_t>(count), static_cast<off_t>(offset));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) fail_with("write", wrote < 0 ? errno : ENOSPC, done);
      bytes += wrote;
      offset += wrote;
      count -= wrote;
    }
  }
  [[noreturn]] GRAFT_COLD void fail_with(const char* action, int error, Index done) const {
    throw FileError("features \"" + path_ + "\": cannot " + action + " them: " + std::strerror(error) + ". The first " +
                    std::to_string(done) + " of " + std::to_string(request_.samples) + " samples are in \"" + partial_ +
                    "\", where the next run goes on; no run uses it as it is.");
  }

  const FeatureRequest& request_;
  std::string path_, partial_;
  int descriptor_ = -1;
  std::optional<FeatureFile> file_;
  Index first_chunk_ = 0;
};

/// Features of a request: from its file if that is whole and belongs to it, else computed into it.
GRAFT_COLD inline StoredFeatures stored_features(const FeatureRequest& request) {
  StoredFeatures result;
  const auto take = [&](const FeatureFile& file) {
    for (std::size_t i = 0; i < request.shapes.size(); ++i) result.arrays.push_back(file.array(i));
    result.owner = file.file();
    result.report.seconds = file.seconds();
  };
  std::string stale;
  const auto existing = request.temporary ? nullptr : MappedFile::open(request.path);
  if (existing) {
    FeatureFile::require_features(*existing, request.path);
    try {
      const FeatureFile file(existing, request.path, request);
      for (Index k = 0; k < file.chunks(); ++k) {
        if (!file.chunk_is_whole(k, request)) {
          throw UselessFeatures{
              true, "the checksum of samples " + std::to_string(k * file.chunk_rows()) + " and following is wrong"};
        }
      }
      take(file);
      result.report.text = "all " + std::to_string(request.samples) + " samples were in \"" + request.path + "\"";
      return result;
    } catch (const UselessFeatures& useless) {
      const std::string text = "features \"" + request.path + "\": the file " +
                               (useless.damaged ? "is damaged: " : "does not fit: ") + useless.reason + ".";
      if (request.on_stale == StaleCache::error) {
        const std::string hint = " It was not used. Remove it, or let it be computed anew (StaleCache::recompute).";
        if (useless.damaged) throw FileError(text + hint);
        throw StateError(text + hint);
      }
      stale = text + " It was not used; ";
    }
  }
  std::string path = request.path;
  if (request.temporary) {
    static std::atomic<unsigned> counter{0};
    path += "/graft-features-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".h5";
  }
  FeatureWriter writer(request, path);
  const Index found = writer.found();
  try {
    writer.write();
    if (!request.temporary) writer.finish();
  } catch (...) {
    if (request.temporary) writer.unname();
    throw;
  }
  if (request.temporary) writer.unname();
  take(writer.file());
  result.report.computed = request.samples - found;
  result.report.text = stale + "computed " + std::to_string(request.samples - found) + " samples" +
                       (found > 0 ? " after the " + std::to_string(found) + " that an interrupted run had left" : "") +
                       (request.temporary ? " into a temporary file in " : " into ") + "\"" + request.path + "\"";
  return result;
}

/// Puts files at the service of fit's cache_frozen_prefix and of extract_features.
inline const bool feature_files_known = (feature_store() = &stored_features) != nullptr;

}  // namespace graft::detail
