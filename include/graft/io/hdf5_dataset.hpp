#pragma once

#include "graft/data/dataset.hpp"
#include "graft/io/hdf5/file.hpp"
#include "graft/io/hdf5_dataset_options.hpp"

namespace graft {

namespace detail {

/// Rows of arrays in an HDF5 file, read when they are asked for.
template <class Scalar>
class Hdf5Source final : public DatasetSource<Scalar> {
 public:
  GRAFT_COLD static DatasetStagePtr<Scalar> open(const std::string& path, const HDF5DatasetOptions& options) {
    const hdf5::File file = hdf5::File::open(path);
    const hdf5::Group root = file.root();
    Columns columns;
    for (const auto& name : options.x) columns.x.push_back(root.dataset(name));
    for (const auto& name : options.y) columns.y.push_back(root.dataset(name));
    if (!options.sample_weight.empty()) columns.weight.push_back(root.dataset(options.sample_weight));
    if (columns.x.empty()) fail<ConfigError>("hdf5_dataset, x", "the name of an array", "none");
    const Shape& first = columns.x[0].shape();
    const Index samples = first.rank() > 0 ? first[0] : 0;
    const auto check = [&](const std::vector<hdf5::Dataset>& arrays) {
      for (const auto& array : arrays) {
        if (array.shape().rank() == 0 || array.shape()[0] != samples) {
          fail<ShapeError>(array.where(), "as many rows as there are samples: " + std::to_string(samples),
                           array.shape().str());
        }
        // Says at once what could not be read later.
        if (samples > 0) array.template read_rows<Scalar>(0, 0, nullptr);
      }
    };
    check(columns.x);
    check(columns.y);
    check(columns.weight);
    if (!columns.weight.empty() && columns.weight[0].shape().rank() != 1) {
      fail<ShapeError>(columns.weight[0].where(), "one number a sample", columns.weight[0].shape().str());
    }
    return std::make_shared<Hdf5Source>(samples, std::move(columns));
  }

  struct Columns {
    std::vector<hdf5::Dataset> x, y, weight;
  };
  Hdf5Source(Index samples, Columns columns) : DatasetSource<Scalar>(samples), columns_(std::move(columns)) {}

 protected:
  void read(Index position, DatasetWork&, Batch<Scalar>& out) const override {
    rows(columns_.x, position, out.x);
    rows(columns_.y, position, out.y);
    if (columns_.weight.empty()) return;
    ensure_shape(out.sample_weight, Shape{});
    columns_.weight[0].template read_rows<Scalar>(position, 1, out.sample_weight.data());
  }

 private:
  static void rows(const std::vector<hdf5::Dataset>& arrays, Index position, std::vector<Tensor<Scalar>>& to) {
    to.resize(arrays.size());
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      ensure_shape(to[i], arrays[i].shape().without_batch());
      arrays[i].template read_rows<Scalar>(position, 1, to[i].data());
    }
  }

  Columns columns_;
};

}  // namespace detail

template <class Scalar>
GRAFT_COLD Dataset<Scalar> hdf5_dataset(const std::string& path, const HDF5DatasetOptions& options) {
  return Dataset<Scalar>(detail::Hdf5Source<Scalar>::open(path, options));
}

}  // namespace graft
