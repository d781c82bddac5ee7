#pragma once

#include <graft/graft.hpp>
#include <graft/io/hdf5.hpp>
#include <graft/io/json.hpp>

#include <cmath>
#include <string>
#include <vector>

// Inputs of a model and the outputs that they must give, out of an HDF5 file; and how far a model is off.
namespace example {

struct KnownRun {
  std::vector<graft::Tensor<float>> x, y;
};

namespace detail {

inline graft::Tensor<float> read_array(const graft::hdf5::Group& group, const std::string& path) {
  const auto from = group.dataset(path);
  auto array = graft::Tensor<float>::uninitialized(from.shape());
  from.read(array.data());
  return array;
}

// The arrays name/0, name/1 …
inline std::vector<graft::Tensor<float>> read_numbered(const graft::hdf5::Group& group, const std::string& name) {
  std::vector<graft::Tensor<float>> arrays;
  for (int i = 0; i == 0 || group.exists(name + "/" + std::to_string(i)); ++i) {
    arrays.push_back(read_array(group, name + "/" + std::to_string(i)));
  }
  return arrays;
}

// The arrays folder/<name of a layer>. Their order is that of the JSON attribute {"inputs": ["a", "b"]}, or of names.
inline std::vector<graft::Tensor<float>> read_named(const graft::hdf5::Group& group, const std::string& folder,
                                                    const std::string& order) {
  std::vector<std::string> names;
  if (const auto text = group.string(order)) {
    const graft::Config list = graft::json::parse(*text, order);
    for (const auto& name : list.at(order).items(order)) names.push_back(name.as_string());
  } else {
    names = group.group(folder).children();
  }
  std::vector<graft::Tensor<float>> arrays;
  for (const std::string& name : names) arrays.push_back(read_array(group, folder + "/" + name));
  return arrays;
}

}  // namespace detail

/// x/0, x/1 … and y/0, y/1 …; or, when there is no x, inputs/<layer> and `outputs`/<layer>.
inline KnownRun read_known_run(const graft::hdf5::Group& group, const std::string& outputs = "predictions") {
  if (!group.exists("x") && group.exists("inputs"))
    return {detail::read_named(group, "inputs", "inputs"), detail::read_named(group, outputs, "outputs")};
  return {detail::read_numbered(group, "x"), detail::read_numbered(group, "y")};
}

struct Comparison {
  std::string trouble;  ///< shapes or numbers of outputs that cannot be compared; else empty
  double largest = 0;   ///< |Δ|
  graft::Index numbers = 0, wrong = 0;
};

/// Every output must satisfy |Δ| <= tolerance * (1 + |y|).
inline Comparison compare(const graft::Model<float>& model, const KnownRun& run, double tolerance) {
  Comparison result;
  const auto predicted = model.predict_all(std::vector<graft::ArrayLike<float>>(run.x.begin(), run.x.end()));
  if (predicted.size() != run.y.size()) {
    result.trouble =
        std::to_string(run.y.size()) + " outputs are expected, the model has " + std::to_string(predicted.size());
    return result;
  }
  for (std::size_t i = 0; i < run.y.size(); ++i) {
    if (!(predicted[i].shape() == run.y[i].shape())) {
      result.trouble = "output " + std::to_string(i) + " has the shape " + run.y[i].shape().str() +
                       ", the model gives " + predicted[i].shape().str();
      return result;
    }
    for (graft::Index j = 0; j < run.y[i].size(); ++j, ++result.numbers) {
      const double expected = run.y[i][j], received = predicted[i][j];
      const double delta = expected == received ? 0 : std::abs(expected - received);
      // A NaN is never within a tolerance.
      if (!(delta <= result.largest) && !std::isnan(result.largest)) result.largest = delta;
      if (!(delta <= tolerance * (1 + std::abs(expected)))) ++result.wrong;
    }
  }
  return result;
}

}  // namespace example
