#pragma once

#include <Eigen/Core>
#include <cmath>

#include "graft/core/array_like.hpp"

namespace graft {

/// What labels are taken for.
enum class ProbeTask {
  automatic,       ///< whole numbers from 0 on with few values, or one-hot rows, are classes; others are numbers
  classification,  ///< class indices (n,) or (n, 1), or one-hot rows
  regression       ///< numbers, any shape (n, …)
};

namespace detail {

template <class Real>
using ProbeMatrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

/// Labels as columns of numbers: one-hot for classes.
template <class Real>
struct ProbeTargets {
  ProbeMatrix<Real> y;
  bool classification = false;
  std::vector<Index> labels = {};  ///< with classification

  Index classes() const { return classification ? static_cast<Index>(y.cols()) : 0; }
};

/// Throws ConfigError for labels that cannot be what they are said to be, or of which there is only one kind.
template <class Real, class Scalar>
GRAFT_COLD ProbeTargets<Real> probe_targets(const std::string& where, const TensorView<const Scalar>& y,
                                            ProbeTask task) {
  const Index samples = y.rank() > 0 ? y.dim(0) : 0;
  if (samples < 2) fail<ConfigError>(where, "labels of two samples or more", y.shape().str());
  const Index columns = y.size() / samples;
  ProbeTargets<Real> targets;
  for (const Scalar value : y.span()) {
    if (!std::isfinite(value)) fail<DataError>(where, "finite labels", std::to_string(value));
  }
  std::vector<Index> labels;
  Index classes = columns;
  bool discrete = true;
  for (Index i = 0; i < samples && discrete; ++i) {
    const Scalar* row = y.data() + i * columns;
    Index label = 0;
    if (columns == 1) {
      discrete = row[0] >= 0 && row[0] < Scalar(1 << 20) && row[0] == std::floor(row[0]);
      if (discrete) label = static_cast<Index>(row[0]);
      classes = std::max(classes, label + 1);
    } else {
      Index ones = 0;
      for (Index c = 0; c < columns; ++c) {
        discrete = discrete && (row[c] == 0 || row[c] == 1);
        if (row[c] == 1) ++ones, label = c;
      }
      discrete = discrete && ones == 1;
    }
    labels.push_back(label);
  }
  // Whole numbers with about as many values as samples are counts or years.
  const bool few = columns > 1 || classes <= std::max<Index>(2, samples / 2);
  targets.classification = task == ProbeTask::classification || (task == ProbeTask::automatic && discrete && few);
  if (!targets.classification) {
    targets.y.resize(samples, columns);
    for (Index i = 0; i < y.size(); ++i) targets.y(i / columns, i % columns) = static_cast<Real>(y[i]);
    return targets;
  }
  if (!discrete) fail<ConfigError>(where, "class indices or one-hot rows", "other numbers", "Is it a regression?");
  targets.y = ProbeMatrix<Real>::Zero(samples, classes);
  for (Index i = 0; i < samples; ++i) targets.y(i, labels[static_cast<std::size_t>(i)]) = 1;
  if (std::equal(labels.begin() + 1, labels.end(), labels.begin())) {
    fail<ConfigError>(where, "samples of two classes or more", "one class");
  }
  targets.labels = std::move(labels);
  return targets;
}

}  // namespace detail
}  // namespace graft
