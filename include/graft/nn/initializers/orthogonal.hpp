#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "graft/nn/initializers/initializer.hpp"

namespace graft {

struct OrthogonalOptions {
  double gain = 1.0;
  std::optional<Index> seed = {};
};

namespace detail {

class OrthogonalInitializer final : public InitializerImpl {
 public:
  explicit OrthogonalInitializer(const OrthogonalOptions& options) : gain_(options.gain), seed_(options.seed) {}
  using InitializerImpl::fill;
  std::string class_name() const override { return "Orthogonal"; }
  GRAFT_COLD Config options() const override { return Config::object({{"gain", gain_}, {"seed", seed_config(seed_)}}); }
  GRAFT_COLD void fill(TensorView<double> into, Rng& rng) const override {
    const Shape& shape = into.shape();
    if (shape.rank() < 2) fail<ShapeError>("initializer Orthogonal", "at least two dimensions", shape.str());
    const RandomKey key = seed_ ? Rng(static_cast<std::uint64_t>(*seed_)).split() : rng.split();
    const Index rows = shape.product(0, shape.rank() - 1), cols = shape.back();
    // Gram and Schmidt on the rows of the wide, or the columns of the tall matrix: the Q of a QR decomposition whose R
    // has a positive diagonal, which is what Keras computes.
    const Index vectors = std::min(rows, cols), length = std::max(rows, cols);
    std::vector<double> q(static_cast<std::size_t>(vectors * length));
    for (Index v = 0; v < vectors; ++v) {
      double* own = q.data() + v * length;
      for (Index i = 0; i < length; ++i) own[i] = key.normal(static_cast<std::uint64_t>(v * length + i));
      // Twice is enough (Kahan): the second round removes what rounding left of the first.
      for (int round = 0; round < 2; ++round) {
        for (Index other = 0; other < v; ++other) subtract_projection(length, q.data() + other * length, own);
        double squares = 0;
        for (Index i = 0; i < length; ++i) squares += own[i] * own[i];
        const double inverse = 1 / std::sqrt(squares);
        for (Index i = 0; i < length; ++i) own[i] *= inverse;
      }
    }
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < cols; ++c) {
        into[r * cols + c] = gain_ * q[static_cast<std::size_t>(rows < cols ? r * length + c : c * length + r)];
      }
    }
  }

 private:
  static void subtract_projection(Index n, const double* unit, double* from) {
    double dot = 0;
    for (Index i = 0; i < n; ++i) dot += unit[i] * from[i];
    for (Index i = 0; i < n; ++i) from[i] -= dot * unit[i];
  }

  double gain_;
  Seed seed_;
};

}  // namespace detail

/// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2013). More than two
/// dimensions: all but the last are rows.
class Orthogonal : public Initializer {
 public:
  GRAFT_COLD explicit Orthogonal(const OrthogonalOptions& options = {})
      : Initializer(std::make_shared<detail::OrthogonalInitializer>(options)) {}
};

}  // namespace graft
