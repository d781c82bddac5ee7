#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "graft/core/config.hpp"
#include "graft/core/tensor_view.hpp"
#include "graft/kernels/activation.hpp"
#include "graft/kernels/softmax.hpp"
#include "graft/nn/activations/axis_functions.hpp"

namespace graft {

/// An activation function and its arguments, made from Keras's name ("relu", "swish") or by a function of
/// graft::activations (`graft::activations::leaky_relu(0.01)`).
class ActivationFunction {
 public:
  enum class Form { elementwise, softmax, log_softmax, sparsemax, glu };

  ActivationFunction() = default;
  /// Throws ConfigError for an unknown name, with the nearest one.
  ActivationFunction(const char* name) : ActivationFunction(std::string(name)) {}
  ActivationFunction(const std::string& name);
  ActivationFunction(const kernels::ActivationParams& params) : params_(params) {}
  /// softmax, log_softmax (one axis or several), sparsemax, glu (one axis).
  ActivationFunction(Form form, std::vector<int> axes) : form_(form), axes_(std::move(axes)) {}

  Form form() const { return form_; }
  bool elementwise() const { return form_ == Form::elementwise; }
  bool linear() const { return elementwise() && params_.kind == kernels::ActivationKind::linear; }
  /// The kernel's arguments; of no meaning unless elementwise().
  const kernels::ActivationParams& params() const { return params_; }
  const std::vector<int>& axes() const { return axes_; }
  /// True when a GEMM can apply it to its result.
  bool fusable() const { return elementwise() && kernels::gemm_fuses(params_); }

  /// backward reads the function's input.
  bool needs_input() const {
    return elementwise() ? kernels::backward_needs(params_) == kernels::BackwardNeeds::x
                         : form_ == Form::glu || form_ == Form::sparsemax;
  }
  /// backward reads the function's output.
  bool needs_output() const {
    return elementwise() ? kernels::backward_needs(params_) == kernels::BackwardNeeds::y : form_ != Form::glu;
  }
  /// The output may lie on the input, and the input's gradient on the output's.
  bool in_place() const { return form_ != Form::glu; }

  /// Throws ShapeError for an axis that is not there, or that glu cannot halve.
  GRAFT_COLD Shape output_shape(const Shape& input, const std::string& where = "activation") const {
    if (elementwise()) return input;
    (void)detail::mark_axes(input, axes_, where);
    if (form_ != Form::glu) return input;
    Shape result = input;
    Index& dim = result[axes_.front()];
    if (dim == Shape::kUnknown || dim % 2 != 0) {
      fail<ShapeError>(where, "an even size along axis " + std::to_string(axes_.front()) + " for glu", input.str());
    }
    dim /= 2;
    return result;
  }

  template <class Scalar>
  void forward(TensorView<const Scalar> x, TensorView<Scalar> y) const {
    const Index n = x.size();
    if (n == 0) return;
    if (elementwise()) {
      kernels::activation_forward(params_, n, x.data(), y.data());
    } else if (form_ == Form::glu) {
      detail::glu_forward(detail::GluDesc::of(x.shape(), axes_.front()), x.data(), y.data());
    } else if (form_ != Form::sparsemax && last_axis(x.shape())) {
      const Index cols = x.shape().back(), rows = n / cols;
      if (form_ == Form::softmax) kernels::softmax_forward(rows, cols, x.data(), y.data());
      else kernels::log_softmax_forward(rows, cols, x.data(), y.data());
    } else {
      const detail::AxisSlices slices(x.shape(), detail::mark_axes(x.shape(), axes_, "activation"));
      if (form_ == Form::sparsemax) detail::sparsemax_forward(slices, x.data(), y.data());
      else detail::softmax_forward(slices, form_ == Form::log_softmax, x.data(), y.data());
    }
  }

  /// dx (+)= dy * f'. Reads x or y as needs_input and needs_output say; the other may be empty.
  template <class Scalar>
  void backward(TensorView<const Scalar> x, TensorView<const Scalar> y, TensorView<const Scalar> dy,
                TensorView<Scalar> dx, bool accumulate = false) const {
    const Index n = dx.size();
    if (n == 0) return;
    if (elementwise()) {
      kernels::activation_backward(params_, n, x.data(), y.data(), dy.data(), dx.data(), accumulate);
    } else if (form_ == Form::glu) {
      detail::glu_backward(detail::GluDesc::of(dx.shape(), axes_.front()), x.data(), dy.data(), dx.data(), accumulate);
    } else if (form_ != Form::sparsemax && last_axis(dx.shape())) {
      const Index cols = dx.shape().back(), rows = n / cols;
      if (form_ == Form::softmax) kernels::softmax_backward(rows, cols, y.data(), dy.data(), dx.data(), accumulate);
      else kernels::log_softmax_backward(rows, cols, y.data(), dy.data(), dx.data(), accumulate);
    } else {
      const detail::AxisSlices slices(dx.shape(), detail::mark_axes(dx.shape(), axes_, "activation"));
      if (form_ == Form::sparsemax)
        detail::sparsemax_backward(slices, x.data(), y.data(), dy.data(), dx.data(), accumulate);
      else detail::softmax_backward(slices, form_ == Form::log_softmax, y.data(), dy.data(), dx.data(), accumulate);
    }
  }

  /// Keras's name: "relu".
  std::string name() const;
  /// The name or, when an argument is not the function's default, an object as Keras 3 writes a layer used as a
  /// function.
  Config config() const;
  /// null (linear), a name, or an object. Throws ConfigError.
  static ActivationFunction from_config(const Config& config);

  GRAFT_COLD friend bool operator==(const ActivationFunction& a, const ActivationFunction& b) {
    return a.form_ == b.form_ && (a.elementwise() || a.axes_ == b.axes_) && a.params_.kind == b.params_.kind &&
           a.params_.alpha == b.params_.alpha && a.params_.max_value == b.params_.max_value &&
           a.params_.threshold == b.params_.threshold && a.params_.value == b.params_.value;
  }

 private:
  bool last_axis(const Shape& shape) const {
    return axes_.size() == 1 && (axes_.front() == -1 || axes_.front() == shape.rank() - 1);
  }

  Form form_ = Form::elementwise;
  kernels::ActivationParams params_;
  std::vector<int> axes_{-1};
};

}  // namespace graft
