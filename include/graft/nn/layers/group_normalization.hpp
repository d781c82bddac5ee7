#pragma once

#include "graft/kernels/group_norm.hpp"
#include "graft/nn/layers/affine_norm.hpp"
#include "graft/nn/layers/transpose.hpp"

namespace graft {

struct GroupNormalizationOptions {
  Index groups = 32;  ///< -1: one group for each channel (instance normalization)
  int axis = -1;      ///< the channels
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class GroupNormalizationImpl final : public detail::AffineNormImpl<Scalar, GroupNormalizationOptions> {
  using Base = detail::AffineNormImpl<Scalar, GroupNormalizationOptions>;

 public:
  GRAFT_COLD explicit GroupNormalizationImpl(GroupNormalizationOptions options)
      : Base("GroupNormalization", std::move(options)) {
    detail::check_epsilon(this->options().epsilon, this->where());
    const Index groups = this->options().groups;
    if (groups < 1 && groups != -1) fail<ConfigError>(this->where(), "groups above 0, or -1", std::to_string(groups));
  }
  std::string_view class_name() const override { return "GroupNormalization"; }
  bool supports_masking() const override { return true; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const Index channels = detail::known_dim(inputs[0], axis_of(inputs[0]), this->where());
    const Index groups = this->options().groups == -1 ? channels : this->options().groups;
    if (channels < 1 || channels % groups != 0) {
      fail<ShapeError>(this->where(), "channels that are a multiple of groups = " + std::to_string(groups),
                       inputs[0].str());
    }
    return inputs[0];
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    const kernels::GroupNormDesc desc = describe(inputs[0]);
    Needs needs = detail::norm_needs<Scalar>(use, desc.batch * desc.groups, this->reads_inputs(use));
    if (moves(inputs[0])) needs.scratch_bytes += 2 * inputs[0].elements() * static_cast<Index>(sizeof(Scalar));
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const Shape& shape = args.x().shape();
    const kernels::GroupNormDesc desc = describe(shape);
    const Index slices = desc.batch * desc.groups;
    const bool kept = args.use.backward(), moved = moves(shape);
    Scalar* mean = reinterpret_cast<Scalar*>(kept ? args.cache : args.scratch);
    const Index taken = kept ? 0 : detail::round_up_64(2 * slices * static_cast<Index>(sizeof(Scalar)));
    Scalar* aside = reinterpret_cast<Scalar*>(args.scratch + taken);
    if (moved) detail::transpose_forward(shape, channels_last(shape), args.x().data(), aside);
    const Scalar* from = moved ? aside : args.x().data();
    Scalar* to = moved ? aside : args.y().data();
    kernels::group_norm_forward(desc, from, this->gamma(), this->beta(), mean, mean + slices, to);
    if (moved) detail::transpose_backward(shape, channels_last(shape), aside, args.y().data(), false);
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    const Shape& shape = args.dy().shape();
    const kernels::GroupNormDesc desc = describe(shape);
    const Scalar* mean = reinterpret_cast<const Scalar*>(args.cache);
    const Scalar* factor = mean + desc.batch * desc.groups;
    const Scalar *x = args.x().data(), *dy = args.dy().data();
    Scalar* dx = args.dx().data();
    Scalar *dgamma = this->gamma_gradient(args), *dbeta = this->beta_gradient(args);
    if (!moves(shape)) {
      return kernels::group_norm_backward(desc, x, dy, mean, factor, this->gamma(), dx, dgamma, dbeta,
                                          args.add_to_input);
    }
    Scalar* aside = reinterpret_cast<Scalar*>(args.scratch);
    Scalar* slopes = aside + shape.elements();
    const detail::Permutation order = channels_last(shape);
    if (x) detail::transpose_forward(shape, order, x, aside);
    detail::transpose_forward(shape, order, dy, slopes);
    kernels::group_norm_backward(desc, aside, slopes, mean, factor, this->gamma(), dx ? slopes : nullptr, dgamma,
                                 dbeta);
    if (dx) detail::transpose_backward(shape, order, slopes, dx, args.add_to_input);
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["groups"] = this->options().groups;
    config["axis"] = this->options().axis;
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    this->add_affine({inputs[0][axis_of(inputs[0])]}, rng);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    this->check_affine({inputs[0][axis_of(inputs[0])]}, inputs[0]);
  }

 private:
  GRAFT_COLD int no_axis(const Shape& shape) const {
    fail<ShapeError>(this->where(),
                     "an input that has axis " + std::to_string(this->options().axis) + " behind the batch",
                     shape.str());
  }
  int axis_of(const Shape& shape) const {
    const int axis = this->options().axis < 0 ? this->options().axis + shape.rank() : this->options().axis;
    return axis >= 1 && axis < shape.rank() ? axis : no_axis(shape);
  }
  bool moves(const Shape& shape) const { return shape.product(axis_of(shape) + 1, shape.rank()) != 1; }
  kernels::GroupNormDesc describe(const Shape& shape) const {
    const Index channels = shape[axis_of(shape)], sample = shape.product(1, shape.rank());
    const Index groups = this->options().groups == -1 ? channels : this->options().groups;
    return {shape[0], channels > 0 ? sample / channels : 0, channels, groups, this->options().epsilon};
  }
  detail::Permutation channels_last(const Shape& shape) const {
    detail::Permutation order{};
    const int channels = axis_of(shape), last = shape.rank() - 1;
    for (int axis = 0; axis < last; ++axis) order[static_cast<std::size_t>(axis)] = axis < channels ? axis : axis + 1;
    order[static_cast<std::size_t>(last)] = channels;
    return order;
  }
};

/// Standardises each group of neighbouring channels of each sample over the group's channels and all positions, then
/// scales every channel by gamma and shifts it by beta (Wu and He 2018). Throws ConfigError for epsilon <= 0 and groups
/// that are neither positive nor -1, ShapeError for channels that are no multiple of groups.
template <class Scalar = float>
class GroupNormalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GroupNormalization(GroupNormalizationOptions options = {})
      : Layer<Scalar>(new GroupNormalizationImpl<Scalar>(std::move(options))) {}

  GRAFT_COLD static GroupNormalization from_config(const Config& config) {
    GroupNormalizationOptions options;
    detail::read(config, "groups", options.groups);
    options.axis = static_cast<int>(config.get("axis", -1));
    detail::read_affine(config, options);
    return GroupNormalization(std::move(options));
  }
};

}  // namespace graft
