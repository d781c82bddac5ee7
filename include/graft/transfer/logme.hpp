#pragma once

#include <Eigen/Eigenvalues>

#include "graft/transfer/probe_targets.hpp"

namespace graft {

namespace detail {

/// The largest log evidence per sample of y = F w + noise, w ~ N(0, 1/alpha), noise ~ N(0, 1/beta), over alpha and beta
/// (You et al. 2021, LogME; the fixed point is MacKay's). `spectrum` are the squares of the singular values of F,
/// `along` the squares of what y has along their left vectors, `beyond` the rest of |y|^2.
template <class Real>
GRAFT_COLD double log_evidence(const Eigen::Array<Real, Eigen::Dynamic, 1>& spectrum,
                               const Eigen::Array<Real, Eigen::Dynamic, 1>& along, Real beyond, Index samples,
                               Index features) {
  const Real n = static_cast<Real>(samples), d = static_cast<Real>(features);
  const Real rest = d - static_cast<Real>(spectrum.size());  // directions of w that F does not see
  Real alpha = 1, beta = 1;
  const auto squares = [&](Real a, Real b) {
    // |m|^2 and |F m - y|^2 of the posterior mean m.
    const auto inverse = (a + b * spectrum).inverse();
    const Real mean = (b * b * spectrum * along * inverse.square()).sum();
    const Real residual = (a * a * along * inverse.square()).sum() + beyond;
    return std::pair<Real, Real>(mean, residual);
  };
  const auto evidence = [&](Real a, Real b) {
    const auto [mean, residual] = squares(a, b);
    const Real determinant = (a + b * spectrum).log().sum() + rest * std::log(a);
    const Real log_2pi = Real(1.8378770664093453);
    return (d * std::log(a) + n * std::log(b) - determinant - b * residual - a * mean - n * log_2pi) / (2 * n);
  };
  Real best = evidence(alpha, beta);
  for (int step = 0; step < 200; ++step) {
    const Real effective = (beta * spectrum / (alpha + beta * spectrum)).sum();
    const auto [mean, residual] = squares(alpha, beta);
    // Bounded: features that explain y exactly, or not at all, have no finite optimum.
    const auto ratio = [](Real top, Real bottom) {
      return std::clamp<Real>(top / std::max<Real>(bottom, Real(1e-30)), Real(1e-10), Real(1e10));
    };
    alpha = ratio(effective, mean);
    beta = ratio(n - effective, residual);
    const Real now = evidence(alpha, beta);
    const bool still = std::abs(now - best) <= Real(1e-9) * (1 + std::abs(now));
    best = std::max(best, now);
    if (still && step > 2) break;
  }
  return static_cast<double>(best);
}

/// LogME of features for all columns of the targets: their mean.
template <class Real>
GRAFT_COLD double log_me(const ProbeMatrix<Real>& f, const ProbeMatrix<Real>& y) {
  using Matrix = ProbeMatrix<Real>;
  using Array = Eigen::Array<Real, Eigen::Dynamic, 1>;
  const Index n = f.rows(), d = f.cols();
  // The singular value decomposition of F, by the smaller of its Gram matrices.
  const bool dual = d > n;
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(dual ? Matrix(f * f.transpose()) : Matrix(f.transpose() * f));
  const Array values = solver.eigenvalues().array();
  const Real smallest = std::max<Real>(values.maxCoeff(), 0) * static_cast<Real>(std::max(n, d)) * Real(1e-15);
  Index first = 0;  // ascending: those in front are 0
  while (first < values.size() && values[first] <= smallest) ++first;
  const Array spectrum = values.tail(values.size() - first);
  const Matrix vectors = solver.eigenvectors().rightCols(values.size() - first);
  Matrix along = dual ? Matrix(vectors.transpose() * y) : Matrix(vectors.transpose() * (f.transpose() * y));
  if (!dual) along = spectrum.sqrt().inverse().matrix().asDiagonal() * along;
  double total = 0;
  for (Eigen::Index c = 0; c < y.cols(); ++c) {
    const Array squares = along.col(c).array().square();
    const Real beyond = std::max<Real>(y.col(c).squaredNorm() - squares.sum(), 0);
    total += log_evidence<Real>(spectrum, squares, beyond, n, d);
  }
  return total / static_cast<double>(y.cols());
}

}  // namespace detail

/// LogME of features (n, …, flattened) for labels: how much the labels, as a linear function of the features, are to be
/// expected, before any training; larger is better, and values are compared for one and the same set of labels. Classes
/// count as one column of 0 and 1 each. Source: You, Liu, Wang, Long 2021. Throws ShapeError, ConfigError for data that
/// do not fit.
template <class Scalar>
GRAFT_COLD double log_me(const TensorView<const Scalar>& features, const TensorView<const Scalar>& labels,
                         ProbeTask task = ProbeTask::automatic) {
  const auto targets = detail::probe_targets<double>("log_me labels", labels, task);
  if (features.rank() < 1 || features.dim(0) != targets.y.rows() || features.size() == 0) {
    fail<ShapeError>("log_me", "features of " + std::to_string(targets.y.rows()) + " samples", features.shape().str());
  }
  const Index n = features.dim(0), d = features.size() / n;
  detail::ProbeMatrix<double> f(n, d);
  for (Index i = 0; i < features.size(); ++i) f(i / d, i % d) = static_cast<double>(features[i]);
  return detail::log_me<double>(f, targets.y);
}

}  // namespace graft
