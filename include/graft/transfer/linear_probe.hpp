#pragma once

#include <Eigen/Eigenvalues>

#include "graft/core/random.hpp"
#include "graft/transfer/probe_targets.hpp"

namespace graft::detail {

/// How well a linear model on features does on samples that it did not see.
struct ProbeScore {
  double score = 0;    ///< accuracy, or R^2 (the mean over the columns of y)
  double error = 0;    ///< squared error per sample: tells equal scores apart
  double penalty = 0;  ///< that did best, of those tried
};

/// Ridge regression for several penalties at the cost of one: the symmetric eigenproblem of the smaller Gram matrix is
/// solved once. Columns are standardised by the training samples.
template <class Real>
class RidgePath {
  using Matrix = ProbeMatrix<Real>;
  using Row = Eigen::Matrix<Real, 1, Eigen::Dynamic>;

 public:
  RidgePath(const Matrix& x, const Matrix& y) : mean_(x.colwise().mean()), target_(y.colwise().mean()) {
    const Real n = static_cast<Real>(x.rows());
    Matrix z = x.rowwise() - mean_;
    scale_ = (z.colwise().squaredNorm() / n).cwiseSqrt();
    for (Eigen::Index c = 0; c < scale_.size(); ++c) scale_[c] = scale_[c] > Real(1e-12) ? 1 / scale_[c] : 0;
    z = z * scale_.asDiagonal();
    const Matrix centred = y.rowwise() - target_;
    dual_ = z.cols() > z.rows();
    const Matrix gram = dual_ ? Matrix(z * z.transpose()) : Matrix(z.transpose() * z);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram / n);
    values_ = solver.eigenvalues();
    vectors_ = solver.eigenvectors();
    projected_ = vectors_.transpose() * (dual_ ? centred : Matrix(z.transpose() * centred)) / n;
    if (dual_) z_ = std::move(z);
  }

  /// Predictions with the penalty (relative to the number of samples).
  Matrix predict(const Matrix& x, Real penalty) const {
    const Matrix inner = (values_.array().max(0) + penalty).inverse().matrix().asDiagonal() * projected_;
    Matrix weights = vectors_ * inner;
    if (dual_) weights = z_.transpose() * weights;
    const Matrix standardised = (x.rowwise() - mean_) * scale_.asDiagonal();
    return (standardised * weights).rowwise() + target_;
  }

 private:
  Row mean_, scale_, target_;
  bool dual_ = false;
  Eigen::Matrix<Real, Eigen::Dynamic, 1> values_;
  Matrix vectors_, projected_, z_;
};

/// Cross-validation of ridge regression (on one-hot columns for classes), over a grid of penalties.
template <class Real>
GRAFT_COLD ProbeScore cross_validated_probe(const ProbeMatrix<Real>& x, const ProbeTargets<Real>& targets,
                                            Index folds) {
  using Matrix = ProbeMatrix<Real>;
  constexpr Real penalties[] = {Real(1e-4), Real(1e-3), Real(1e-2), Real(1e-1), Real(1)};
  const Index n = x.rows();
  // A fixed permutation, dealt out in turns: the same folds for all features.
  std::vector<Index> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  Rng rng(std::uint64_t{17});
  for (Index i = n - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(rng.below(i + 1))]);
  }
  double hits[std::size(penalties)] = {}, errors[std::size(penalties)] = {};
  for (Index fold = 0; fold < folds; ++fold) {
    std::vector<Index> train, test;
    for (Index i = 0; i < n; ++i) (i % folds == fold ? test : train).push_back(order[static_cast<std::size_t>(i)]);
    const RidgePath<Real> ridge(x(train, Eigen::all), targets.y(train, Eigen::all));
    const Matrix unseen = x(test, Eigen::all);
    for (std::size_t p = 0; p < std::size(penalties); ++p) {
      const Matrix predicted = ridge.predict(unseen, penalties[p]);
      errors[p] += static_cast<double>((predicted - targets.y(test, Eigen::all)).squaredNorm());
      for (std::size_t i = 0; targets.classification && i < test.size(); ++i) {
        Eigen::Index best = 0;
        predicted.row(static_cast<Eigen::Index>(i)).maxCoeff(&best);
        hits[p] += best == targets.labels[static_cast<std::size_t>(test[i])];
      }
    }
  }
  const double spread = static_cast<double>((targets.y.rowwise() - targets.y.colwise().mean()).squaredNorm());
  ProbeScore best{-1e300, 0, 0};
  for (std::size_t p = 0; p < std::size(penalties); ++p) {
    const double score =
        targets.classification ? hits[p] / static_cast<double>(n) : 1 - errors[p] / (spread > 0 ? spread : 1);
    const double error = errors[p] / static_cast<double>(n);
    if (score > best.score || (score == best.score && error < best.error)) {
      best = {score, error, static_cast<double>(penalties[p])};
    }
  }
  return best;
}

}  // namespace graft::detail
