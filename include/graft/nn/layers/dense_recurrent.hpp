#pragma once

#include "graft/kernels/gemm.hpp"
#include "graft/nn/layers/recurrent_layer.hpp"

namespace graft::detail {

/// Base of SimpleRNN, LSTM and GRU: x (batch, steps, features) and states (batch, units) meet matrices.
template <class Scalar>
class DenseRecurrentImpl : public RecurrentLayerImpl<Scalar> {
  using Base = RecurrentLayerImpl<Scalar>;

 protected:
  using Base::Base;
  using Run = RecurrentRun<Scalar>;

  RecurrentSizes sizes_of(const Shape& x) const override {
    RecurrentSizes size;
    size.batch = x[0], size.steps = x[1], size.channels = x[2], size.units = this->units();
    return size;
  }
  GRAFT_COLD Shape state_shape(const Shape& x) const override {
    if (x.rank() != 3 || x[1] == 0) fail<ShapeError>(this->where(), "an input (batch, steps, features)", x.str());
    return {x[0], this->units()};
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)this->output_shapes(inputs);
    if (inputs[0][2] == this->kernel_shape()[0]) return;
    fail<ShapeError>(this->where(), "last dimension " + std::to_string(this->kernel_shape()[0]) + " from build",
                     inputs[0].str(), "Did the layers in front change?");
  }

  /// z = x W + b
  void input_forward(const RecurrentSizes& size, const Scalar* x, Scalar* z) const override {
    kernels::GemmDesc desc;
    desc.m = size.steps * size.batch, desc.n = columns(), desc.k = size.channels;
    kernels::gemm<Scalar>(desc, {x, this->kernel(), z, this->bias()});
  }
  void input_backward(const RecurrentSizes& size, const Scalar* dz, Scalar* dx) const override {
    kernels::GemmDesc desc;
    desc.m = size.steps * size.batch, desc.n = size.channels, desc.k = columns();
    desc.trans_b = kernels::Transpose::yes;
    kernels::gemm<Scalar>(desc, {dz, this->kernel(), dx});
  }
  void kernel_gradient(const RecurrentSizes& size, const Scalar* x, const Scalar* dz, Scalar* dw) const override {
    kernels::GemmDesc desc;
    desc.m = size.channels, desc.n = columns(), desc.k = size.steps * size.batch;
    desc.trans_a = kernels::Transpose::yes;
    kernels::gemm<Scalar>(desc, {x, dz, dw});
  }
  void recurrent_gradient(const Run& run, const Scalar* states, Scalar* dw) const override {
    state_gradient(run, states, run.dv ? run.dv : run.dz, dw, 0, this->gates());
  }

  // Products of the state with the gates first … first + count - 1 of U. dv is that of all gates.
  /// z (+)= h U (+ bias)
  void state_forward(const Run& run, const Scalar* h, Scalar* z, Index first, Index count, bool add = true,
                     const Scalar* bias = nullptr) const {
    kernels::GemmDesc desc = gates_desc();
    desc.m = run.size.batch, desc.n = count * this->units(), desc.k = this->units();
    desc.ldc = columns(), desc.accumulate = add;
    const Index at = first * this->units();
    kernels::gemm<Scalar>(desc, {h, this->recurrent() + at, z + at, bias});
  }
  /// dh (+)= dv Uᵀ
  void state_backward(const Run& run, const Scalar* dv, Scalar* dh, Index first, Index count, bool add = true) const {
    kernels::GemmDesc desc = gates_desc();
    desc.m = run.size.batch, desc.n = this->units(), desc.k = count * this->units();
    desc.trans_b = kernels::Transpose::yes;
    desc.lda = columns(), desc.accumulate = add;
    const Index at = first * this->units();
    kernels::gemm<Scalar>(desc, {dv + at, this->recurrent() + at, dh});
  }
  /// dU = the sum over all steps of hᵀ dv
  void state_gradient(const Run& run, const Scalar* states, const Scalar* dv, Scalar* dw, Index first,
                      Index count) const {
    kernels::GemmDesc desc = gates_desc();
    desc.m = this->units(), desc.n = count * this->units(), desc.k = run.size.steps * run.size.batch;
    desc.trans_a = kernels::Transpose::yes;
    desc.ldc = columns();
    const Index at = first * this->units();
    kernels::gemm<Scalar>(desc, {states, dv + at, dw + at});
  }

  /// kernel (features, gates units), recurrent_kernel (units, gates units).
  template <class Options>
  GRAFT_COLD void add_matrices(std::span<const Shape> inputs, const Options& options, const Shape& bias, Rng& rng,
                               bool unit_forget = false) {
    const Index features = known_dim(inputs[0], -1, this->where());
    this->add_weights({features, columns()}, {this->units(), columns()}, bias, options, rng, unit_forget);
  }
  Index columns() const { return this->gates() * this->units(); }

 private:
  kernels::GemmDesc gates_desc() const {
    kernels::GemmDesc desc;
    desc.ldb = columns();
    return desc;
  }
};

}  // namespace graft::detail
