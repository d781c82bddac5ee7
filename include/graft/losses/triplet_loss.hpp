#pragma once

#include "graft/losses/contrastive_loss.hpp"

namespace graft {

struct TripletLossOptions {
  double margin = 1.0;
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) { f("margin", margin); }
};

template <class Scalar>
class TripletLossImpl final : public LossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;
  using typename LossImpl<Scalar>::Out;

  explicit TripletLossImpl(const TripletLossOptions& options)
      : LossImpl<Scalar>("triplet_loss", options.reduction, options.name),
        options_(options),
        margin_(static_cast<Scalar>(detail::positive_margin("TripletLoss", options.margin))) {}
  std::string_view class_name() const override { return "TripletLoss"; }

  Shape loss_shape(const Shape& /*y_true*/, const Shape& y_pred) const override {
    if (y_pred.rank() != 2 || y_pred[1] != 2) {
      fail<ShapeError>("TripletLoss", "distances (n, 2): of the anchor to the positive and to the negative",
                       y_pred.str(), "triplet_model puts them out; for embeddings there is TripletSemiHardLoss.");
    }
    return {y_pred[0]};
  }
  void forward(In, In y_pred, Out losses) const override {
    for (Index i = 0; i < losses.size(); ++i) losses[i] = std::max<Scalar>(gap(y_pred, i), 0);
  }
  void backward(In, In y_pred, In scale, Out gradient) const override {
    for (Index i = 0; i < scale.size(); ++i) {
      gradient[2 * i] = gap(y_pred, i) > 0 ? scale[i] : Scalar(0);
      gradient[2 * i + 1] = -gradient[2 * i];
    }
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { TripletLossOptions(options_).fields(f); }

 private:
  Scalar gap(In y_pred, Index i) const { return y_pred[2 * i] - y_pred[2 * i + 1] + margin_; }

  TripletLossOptions options_;
  Scalar margin_;
};

/// For triplets that are given: max(d(a, p) - d(a, n) + margin, 0), where the model puts out both distances (n, 2).
/// Labels count for nothing. Throws ConfigError for a margin that is not above 0, ShapeError for other predictions.
template <class Scalar = float>
class TripletLoss : public Loss<Scalar> {
 public:
  using Options = TripletLossOptions;
  explicit TripletLoss(const TripletLossOptions& options = {}) : Loss<Scalar>(new TripletLossImpl<Scalar>(options)) {}
};

}  // namespace graft
