#pragma once

#include <algorithm>
#include <vector>

#include "graft/core/thread_pool.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/broadcast_rows.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  std::vector<int> shared_axes = {};  ///< axes, the batch being 0, along which one alpha serves all: {1, 2}
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class PReLUImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit PReLUImpl(PReLUOptions options)
      : LayerImpl<Scalar>("PReLU", options), options_(std::move(options)) {}
  std::string_view class_name() const override { return "PReLU"; }
  bool supports_masking() const override { return true; }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    // alpha may become negative, so that the output does not tell the branch.
    needs.inputs = use.backward();
    needs.in_place = !use.backward();
    return needs;
  }
  /// y = x if x > 0 else alpha x
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Scalar *x = args.x().data(), *alpha = alpha_->value().data();
    Scalar* y = args.y().data();
    rows(args.x().shape(), [&](Index at, Index from, Index count, Index step) {
      for (Index i = 0; i < count; ++i) y[at + i] = x[at + i] > 0 ? x[at + i] : alpha[from + i * step] * x[at + i];
    });
  }
  /// dx = dy (x > 0 ? 1 : alpha);  dalpha = sum of dy x where x <= 0
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Scalar *x = args.x().data(), *dy = args.dy().data(), *alpha = alpha_->value().data();
    if (args.dw(0)) {
      // One thread: the parts of the input that share an alpha cannot be told apart cheaply.
      Scalar* dalpha = args.dw(0).data();
      std::fill_n(dalpha, args.dw(0).size(), Scalar(0));
      const detail::BroadcastRows broadcast(args.x().shape(), small_shape());
      const Index cols = broadcast.cols(), step = broadcast.step();
      for (Index row = 0; row < broadcast.rows(); ++row) {
        Scalar* into = dalpha + broadcast.offset(row);
        const Index at = row * cols;
        for (Index i = 0; i < cols; ++i) into[i * step] += x[at + i] > 0 ? Scalar(0) : dy[at + i] * x[at + i];
      }
    }
    if (!args.dx()) return;
    Scalar* dx = args.dx().data();
    const bool add = args.add_to_input;
    rows(args.x().shape(), [&](Index at, Index from, Index count, Index step) {
      for (Index i = 0; i < count; ++i) {
        const Scalar d = x[at + i] > 0 ? dy[at + i] : alpha[from + i * step] * dy[at + i];
        dx[at + i] = add ? dx[at + i] + d : d;
      }
    });
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["alpha_initializer"] = options_.alpha_initializer.config();
    config["alpha_regularizer"] = options_.alpha_regularizer.config();
    config["alpha_constraint"] = options_.alpha_constraint.config();
    if (options_.shared_axes.empty()) config["shared_axes"] = Config();
    else {
      Config& axes = config["shared_axes"] = Config::array();
      for (const int axis : options_.shared_axes) axes.push_back(axis);
    }
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    alpha_ = this->add_variable("alpha", alpha_shape(inputs[0]), options_.alpha_initializer, rng,
                                VariableKind::trainable, options_.alpha_regularizer, options_.alpha_constraint);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    if (!(alpha_shape(inputs[0]) == alpha_->shape())) {
      fail<ShapeError>(this->where(), "an input that fits alpha of shape " + alpha_->shape().str() + " from build",
                       inputs[0].str());
    }
  }

 private:
  /// The input without batch, with shared axes of size 1.
  GRAFT_COLD Shape alpha_shape(const Shape& input) const {
    if (input.rank() < 2) fail<ShapeError>(this->where(), "an input of rank 2 or more", input.str());
    Shape shape = input.without_batch();
    for (const int axis : options_.shared_axes) {
      const int position = axis < 0 ? axis + input.rank() : axis;
      if (position < 1 || position >= input.rank()) {
        fail<ShapeError>(this->where(), "shared_axes among 1 … " + std::to_string(input.rank() - 1),
                         std::to_string(axis));
      }
      shape[position - 1] = 1;
    }
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] != 1) (void)detail::known_dim(input, axis + 1, this->where());
    }
    return shape;
  }
  Shape small_shape() const { return alpha_->shape().with_batch(1); }

  /// Calls fn(first element, first alpha, count, step between alphas) for every row, several at a time.
  template <class Fn>
  void rows(const Shape& shape, Fn&& fn) const {
    const detail::BroadcastRows broadcast(shape, small_shape());
    const Index cols = broadcast.cols();
    parallel_for(0, broadcast.rows(), 1 + 16384 / std::max<Index>(cols, 1), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) fn(row * cols, broadcast.offset(row), cols, broadcast.step());
    });
  }

  PReLUOptions options_;
  VariablePtr<Scalar> alpha_;
};

/// x if x > 0, else alpha * x with a learned alpha for every input of a sample, or shared along axes (He et al. 2015).
template <class Scalar = float>
class PReLU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit PReLU(PReLUOptions options = {}) : Layer<Scalar>(new PReLUImpl<Scalar>(std::move(options))) {}

  GRAFT_COLD static PReLU from_config(const Config& config) {
    PReLUOptions options;
    detail::read(config, "alpha_initializer", options.alpha_initializer);
    detail::read(config, "alpha_regularizer", options.alpha_regularizer);
    detail::read(config, "alpha_constraint", options.alpha_constraint);
    if (const Config* axes = config.find_set("shared_axes")) options.shared_axes = detail::read_axes(axes);
    detail::read_base(config, options);
    return PReLU(std::move(options));
  }
};

}  // namespace graft
