#pragma once

#include "graft/nn/layers/conv_layer.hpp"

namespace graft::detail {

/// Base of the layers that are one convolution with one kernel: Conv and DepthwiseConv. While the kernel stays as it is
/// they keep it in the form that is fastest, and take up BatchNormalization and an activation behind them.
template <class Scalar>
class PlainConvImpl : public ConvLayerImpl<Scalar> {
 public:
  bool folds() const override { return this->linear() && this->format() == DataFormat::channels_last; }

  /// The kernel as the fast path reads it, then the bias, both with what is folded in.
  GRAFT_COLD void prepare(const PrepareArgs<Scalar>& args) const override {
    const kernels::ConvDesc desc = this->describe_input(args.inputs[0]);
    Scalar* into = reinterpret_cast<Scalar*>(args.into);
    Scalar* bias = reinterpret_cast<Scalar*>(args.into + kernel_bytes(desc));
    for (Index f = 0; f < desc.filters; ++f) {
      const Scalar own = this->bias_data() ? this->bias_data()[f] : Scalar(0);
      bias[f] = args.scale ? own * args.scale[f] + args.shift[f] : own;
    }
    if (!args.scale && !this->lora_enabled()) {
      return kernels::conv_prepare<Scalar>(desc, std::as_const(*kernel_).value().data(), into);
    }
    Tensor<Scalar> scaled = effective_value<Scalar>(*kernel_);
    if (args.scale) {
      for (Index i = 0; i < scaled.size(); ++i) scaled[i] *= args.scale[i % desc.filters];
    }
    kernels::conv_prepare<Scalar>(desc, scaled.data(), into);
  }

 protected:
  using ConvLayerImpl<Scalar>::ConvLayerImpl;

  Needs linear_needs(const kernels::ConvDesc& desc, const Use& use) const override {
    Needs needs;
    if (!use.weight_gradients) {
      needs.prepared_bytes = kernel_bytes(desc) + desc.filters * static_cast<Index>(sizeof(Scalar));
    }
    this->require_lora(needs, use);
    return needs;
  }
  void linear_forward(const kernels::ConvDesc& desc, const kernels::ActivationParams& fused,
                      const ForwardArgs<Scalar>& args, const Scalar* x, Scalar* z, std::byte* cache,
                      std::byte* scratch) const override {
    kernels::ConvDesc with = desc;
    with.activation = fused;
    const Scalar* kernel = this->lora_forward(*kernel_, args, cache, scratch);
    if (!args.prepared) return kernels::conv_forward<Scalar>(with, x, kernel, this->bias_data(), z);
    kernels::conv_forward_prepared<Scalar>(with, x, reinterpret_cast<const Scalar*>(args.prepared),
                                           reinterpret_cast<const Scalar*>(args.prepared + kernel_bytes(desc)), z);
  }
  void linear_backward(const kernels::ConvDesc& desc, const BackwardArgs<Scalar>& args, const Scalar* x,
                       const Scalar* dz, Scalar* dx, const std::byte* cache, std::byte* scratch) const override {
    if (Scalar* dw = this->kernel_gradient(args, scratch)) {
      kernels::conv_backward_weights<Scalar>(desc, x, dz, dw);
      this->lora_backward(args, dw);
    }
    if (!dx) return;
    kernels::ConvDesc with = desc;
    with.accumulate = args.add_to_input;
    kernels::conv_backward_data<Scalar>(with, dz, this->lora_values(*kernel_, cache), nullptr, dx);
  }

  VariablePtr<Scalar> kernel_;

 private:
  static Index kernel_bytes(const kernels::ConvDesc& desc) {
    return round_up_64(kernels::conv_prepared_elements(desc) * static_cast<Index>(sizeof(Scalar)));
  }
};

}  // namespace graft::detail
