#pragma once

#include <algorithm>
#include <vector>

#include "graft/kernels/row_norm.hpp"
#include "graft/nn/axis_slices.hpp"
#include "graft/nn/layers/affine_norm.hpp"
#include "graft/nn/layers/transpose.hpp"

namespace graft::detail {

/// Normalises along chosen axes. When they are the last ones the tensor is an array of rows as it lies; otherwise they
/// are moved there and back.
class NormalizedRows {
 public:
  NormalizedRows(kernels::RowNormKind kind, double epsilon, const Shape& shape,
                 const std::array<bool, Shape::kMaxRank>& chosen)
      : shape_(shape) {
    desc_.kind = kind;
    desc_.epsilon = epsilon;
    desc_.rows = desc_.cols = 1;
    std::size_t at = 0;
    for (const bool inside : {false, true}) {
      for (int axis = 0; axis < shape.rank(); ++axis) {
        if (chosen[static_cast<std::size_t>(axis)] != inside) continue;
        (inside ? desc_.cols : desc_.rows) *= shape[axis];
        moved_ = moved_ || static_cast<int>(at) != axis;
        order_[at++] = axis;
      }
    }
  }

  template <class Scalar>
  Needs needs(const Use& use, bool reads_inputs) const {
    Needs needs = norm_needs<Scalar>(use, desc_.rows, reads_inputs);
    if (moved_) needs.scratch_bytes += 2 * desc_.rows * desc_.cols * static_cast<Index>(sizeof(Scalar));
    return needs;
  }

  template <class Scalar>
  void forward(const ForwardArgs<Scalar>& args, const Scalar* gamma, const Scalar* beta) const {
    const bool kept = args.use.backward();
    Scalar* statistics = reinterpret_cast<Scalar*>(kept ? args.cache : args.scratch);
    const Index taken = kept ? 0 : round_up_64(2 * desc_.rows * static_cast<Index>(sizeof(Scalar)));
    Scalar* aside = reinterpret_cast<Scalar*>(args.scratch + taken);
    if (moved_) transpose_forward(shape_, order_, args.x().data(), aside);
    const Scalar* from = moved_ ? aside : args.x().data();
    Scalar* to = moved_ ? aside : args.y().data();
    kernels::row_norm_forward(desc_, from, gamma, beta, statistics, statistics + desc_.rows, to);
    if (moved_) transpose_backward(shape_, order_, aside, args.y().data(), false);
  }

  template <class Scalar>
  void backward(const BackwardArgs<Scalar>& args, const Scalar* gamma, Scalar* dgamma, Scalar* dbeta) const {
    const Scalar* mean = reinterpret_cast<const Scalar*>(args.cache);
    const Scalar* factor = mean + desc_.rows;
    const Scalar *x = args.x().data(), *dy = args.dy().data();
    Scalar* dx = args.dx().data();
    if (!moved_) {
      return kernels::row_norm_backward(desc_, x, dy, mean, factor, gamma, dx, dgamma, dbeta, args.add_to_input);
    }
    Scalar* aside = reinterpret_cast<Scalar*>(args.scratch);
    Scalar* slopes = aside + desc_.rows * desc_.cols;
    if (x) transpose_forward(shape_, order_, x, aside);
    transpose_forward(shape_, order_, dy, slopes);
    kernels::row_norm_backward(desc_, aside, slopes, mean, factor, gamma, dx ? slopes : nullptr, dgamma, dbeta);
    if (dx) transpose_backward(shape_, order_, slopes, dx, args.add_to_input);
  }

 private:
  Shape shape_;
  kernels::RowNormDesc desc_;
  Permutation order_{};
  bool moved_ = false;
};

/// Marks the axes that a normalisation runs along: like mark_axes, but never the batch. Throws ShapeError.
GRAFT_COLD inline std::array<bool, Shape::kMaxRank> mark_sample_axes(const Shape& shape, const std::vector<int>& axes,
                                                                     const std::string& where) {
  const auto chosen = mark_axes(shape, axes, where);
  if (chosen[0]) fail<ShapeError>(where, "axes behind the batch of " + shape.str(), "axis 0");
  return chosen;
}

/// The dimensions of the marked axes, which must be known: the shape of gamma. Throws ShapeError.
GRAFT_COLD inline Shape marked_dims(const Shape& shape, const std::array<bool, Shape::kMaxRank>& chosen,
                                    const std::string& where) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (chosen[static_cast<std::size_t>(axis)]) result.push_back(known_dim(shape, axis, where));
  }
  return result;
}

/// Throws ConfigError for an empty list, and one that names an axis twice.
GRAFT_COLD inline void check_axes(const std::vector<int>& axes, const std::string& where) {
  if (axes.empty()) fail<ConfigError>(where, "at least one axis", "none");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (std::count(axes.begin(), axes.end(), axes[i]) > 1) {
      fail<ConfigError>(where, "each axis once", std::to_string(axes[i]) + " twice");
    }
  }
}

}  // namespace graft::detail
