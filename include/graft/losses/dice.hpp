#pragma once

#include "graft/losses/overlap_loss.hpp"

namespace graft {

struct DiceOptions {
  std::vector<Index> axis = {};  ///< axes that are summed over; empty: all, the batch too
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) { f("axis", axis); }
};

template <class Scalar>
class DiceImpl final : public OverlapLossImpl<Scalar> {
 public:
  explicit DiceImpl(const DiceOptions& options)
      : OverlapLossImpl<Scalar>("dice", options.reduction, options.name, options.axis), options_(options) {}
  std::string_view class_name() const override { return "Dice"; }

 protected:
  using typename OverlapLossImpl<Scalar>::Sums;

  GRAFT_COLD void write_fields(ConfigFields& f) const override { DiceOptions(options_).fields(f); }
  Scalar loss(const Sums& s) const override { return 1 - 2 * s.overlap / size(s); }
  void slopes(const Sums& s, Scalar& by_overlap, Scalar& by_pred) const override {
    by_overlap = -2 / size(s);
    by_pred = 2 * s.overlap / (size(s) * size(s));
  }

 private:
  static Scalar size(const Sums& s) { return s.y_true + s.y_pred + Scalar(1e-7); }

  DiceOptions options_;
};

/// 1 - 2 sum(t p) / (sum t + sum p + 1e-7): for segmentation, where one class is rare.
template <class Scalar = float>
class Dice : public Loss<Scalar> {
 public:
  using Options = DiceOptions;
  explicit Dice(const DiceOptions& options = {}) : Loss<Scalar>(new DiceImpl<Scalar>(options)) {}
};

}  // namespace graft
