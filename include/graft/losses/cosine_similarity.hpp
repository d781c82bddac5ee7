#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

struct CosineSimilarityOptions {
  int axis = -1;
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    if (f.reading() || axis != -1) f("axis", axis);
  }
};

template <class Scalar>
class CosineSimilarityImpl final : public RowLossImpl<Scalar> {
 public:
  explicit CosineSimilarityImpl(const CosineSimilarityOptions& options)
      : RowLossImpl<Scalar>("cosine_similarity", options.reduction, options.name, options.axis), options_(options) {}
  std::string_view class_name() const override { return "CosineSimilarity"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { CosineSimilarityOptions(options_).fields(f); }

  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      const Sums sums(rows, r);
      losses[r] = -sums.tp * sums.t_rate * sums.p_rate;
    }
  }
  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      const Sums sums(rows, r);
      // Where the length is below epsilon, Keras divides by epsilon: a constant, so nothing is taken back.
      const Scalar back = sums.p_clipped ? Scalar(0) : sums.tp * sums.t_rate * sums.p_rate * sums.p_rate;
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar direction = rows.y_true(r, k) * sums.t_rate - rows.y_pred(r, k) * back;
        gradient[rows.at(r, k)] = -scale[r] * sums.p_rate * direction;
      }
    }
  }

 private:
  struct Sums {
    Sums(const LossRows<Scalar>& rows, Index r) {
      Scalar tt = 0, pp = 0;
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar t = rows.y_true(r, k), p = rows.y_pred(r, k);
        tt += t * t;
        pp += p * p;
        tp += t * p;
      }
      const Scalar most = static_cast<Scalar>(1 / detail::kLossEpsilon);
      t_rate = std::min(1 / std::sqrt(tt), most);
      p_rate = std::min(1 / std::sqrt(pp), most);
      p_clipped = p_rate == most;
    }
    Scalar tp = 0, t_rate = 0, p_rate = 0;
    bool p_clipped = false;
  };

  CosineSimilarityOptions options_;
};

/// -sum(t / |t| * p / |p|) over the axis: -1 for the same direction, 1 for the opposite one, 0 for a zero vector.
template <class Scalar = float>
class CosineSimilarity : public Loss<Scalar> {
 public:
  using Options = CosineSimilarityOptions;
  explicit CosineSimilarity(const CosineSimilarityOptions& options = {})
      : Loss<Scalar>(new CosineSimilarityImpl<Scalar>(options)) {}
};

}  // namespace graft
