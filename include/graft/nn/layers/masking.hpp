#pragma once

#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

struct MaskingOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class MaskingImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD MaskingImpl(double mask_value, const MaskingOptions& options)
      : LayerImpl<Scalar>("Masking", options), mask_value_(mask_value) {}
  std::string_view class_name() const override { return "Masking"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() < 2) {
      fail<ShapeError>(this->where(), "an input (batch, …, features)", inputs[0].str());
    }
    return inputs[0];
  }
  MaskFlow mask_flow(const std::vector<bool>&) const override { return {MaskFlow::Kind::make, 0}; }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    if (use.backward()) needs.cache_bytes = vectors(inputs[0]) * static_cast<Index>(sizeof(Scalar));
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const Index features = args.x().shape().back(), count = vectors(args.x().shape());
    const Scalar value = static_cast<Scalar>(mask_value_);
    Scalar* kept = args.use.backward() ? reinterpret_cast<Scalar*>(args.cache) : nullptr;
    for (Index i = 0; i < count; ++i) {
      const Scalar* from = args.x().data() + i * features;
      const bool counts = std::any_of(from, from + features, [value](Scalar x) { return x != value; });
      Scalar* to = args.y().data() + i * features;
      if (counts) std::copy_n(from, features, to);
      else std::fill_n(to, features, Scalar(0));
      if (kept) kept[i] = Scalar(counts);
    }
    if (args.output_mask) write_mask(args, value);
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const Index features = args.dx().shape().back(), count = vectors(args.dx().shape());
    const auto* kept = reinterpret_cast<const Scalar*>(args.cache);
    for (Index i = 0; i < count; ++i) {
      const Scalar* from = args.dy().data() + i * features;
      Scalar* to = args.dx().data() + i * features;
      for (Index c = 0; c < features; ++c) {
        const Scalar d = kept[i] != Scalar(0) ? from[c] : Scalar(0);
        to[c] = args.add_to_input ? to[c] + d : d;
      }
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["mask_value"] = mask_value_;
    return config;
  }

 private:
  /// Feature vectors, each of which counts or does not.
  static Index vectors(const Shape& shape) { return shape.product(0, shape.rank() - 1); }
  /// A time step counts when anything in it does.
  static void write_mask(const ForwardArgs<Scalar>& args, Scalar value) {
    const Index steps = args.output_mask.size(), size = args.x().size() / std::max<Index>(steps, 1);
    for (Index i = 0; i < steps; ++i) {
      const Scalar* from = args.x().data() + i * size;
      args.output_mask[i] = Scalar(std::any_of(from, from + size, [value](Scalar x) { return x != value; }));
    }
  }

  double mask_value_;
};

/// Makes a mask for the layers behind: a time step all of whose features equal mask_value is skipped by layers that
/// know masks, and is 0 in the output.
template <class Scalar = float>
class Masking : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Masking(double mask_value = 0, const MaskingOptions& options = {})
      : Layer<Scalar>(new MaskingImpl<Scalar>(mask_value, options)) {}

  GRAFT_COLD static Masking from_config(const Config& config) {
    MaskingOptions options;
    detail::read_base(config, options);
    return Masking(config.get("mask_value", 0.0), options);
  }
};

}  // namespace graft
