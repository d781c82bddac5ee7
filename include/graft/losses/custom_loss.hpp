#pragma once

#include <functional>

#include "graft/losses/loss.hpp"

namespace graft {

template <class Scalar>
class CustomLossImpl final : public LossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;
  using typename LossImpl<Scalar>::Out;
  using Forward = std::function<void(In y_true, In y_pred, Out losses)>;
  using Backward = std::function<void(In y_true, In y_pred, In scale, Out y_pred_gradient)>;

  CustomLossImpl(Forward forward, Backward backward, const LossOptions& options)
      : LossImpl<Scalar>("custom_loss", options.reduction, options.name),
        forward_(std::move(forward)),
        backward_(std::move(backward)) {}
  std::string_view class_name() const override { return "CustomLoss"; }
  void forward(In y_true, In y_pred, Out losses) const override { forward_(y_true, y_pred, losses); }
  void backward(In y_true, In y_pred, In scale, Out y_pred_gradient) const override {
    backward_(y_true, y_pred, scale, y_pred_gradient);
  }

 private:
  Forward forward_;
  Backward backward_;
};

/// A loss made from two functions. `forward(y_true, y_pred, losses)` writes one loss for every row of the predictions
/// (their shape without the last axis); `backward(y_true, y_pred, scale, gradient)` writes
/// gradient = sum_i scale[i] * d losses[i] / d y_pred. It cannot be written to a file; derive from LossImpl for that.
template <class Scalar = float>
class CustomLoss : public Loss<Scalar> {
 public:
  using Impl = CustomLossImpl<Scalar>;
  CustomLoss(typename Impl::Forward forward, typename Impl::Backward backward, const LossOptions& options = {})
      : Loss<Scalar>(new Impl(std::move(forward), std::move(backward), options)) {}
};

}  // namespace graft
