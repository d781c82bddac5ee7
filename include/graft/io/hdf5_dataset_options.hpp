#pragma once

#include <string>
#include <vector>

#include "graft/data/dataset.hpp"

namespace graft {

struct HDF5DatasetOptions {
  std::vector<std::string> x = {"x"};  ///< names of the arrays, one for each input of the model
  std::vector<std::string> y = {"y"};  ///< and one for each output; may be empty
  std::string sample_weight = {};      ///< name of an array of one number a sample
};

/// The rows of arrays in an HDF5 file, along their first axis, read from the file whenever they are asked for: data
/// that do not fit in memory. The file stays open as long as the dataset lives. Numbers of any type are converted.
/// Throws FileError for files and arrays that cannot be read, and for arrays that are stored in chunks (compressed ones
/// are), ShapeError when the arrays have different numbers of rows.
///
///     auto train = graft::hdf5_dataset("features.h5").shuffle(10000).batch(32).prefetch(2);
template <class Scalar = float>
Dataset<Scalar> hdf5_dataset(const std::string& path, const HDF5DatasetOptions& options = {});

}  // namespace graft
