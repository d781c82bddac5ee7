#pragma once

#include <limits>

#include "graft/losses/embedding_loss.hpp"
#include "graft/losses/triplet_distance.hpp"

namespace graft {

/// Arguments of TripletSemiHardLoss and TripletHardLoss, under TensorFlow Addons' names.
struct MinedTripletOptions {
  double margin = 1.0;
  std::string distance_metric = "L2";  ///< or "squared-L2"
  bool soft = false;                   ///< log(1 + exp(d(a, p) - d(a, n))) in place of the hinge: no margin
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("margin", margin);
    f("distance_metric", distance_metric);
    f("soft", soft);
  }
};

namespace detail {

/// Which positives and negatives make triplets with an anchor.
enum class TripletMining {
  hard,      ///< the farthest positive and the nearest negative
  semi_hard  ///< every positive, with the nearest negative that is farther than it; if there is none, the farthest
};

template <class Scalar>
class MinedTripletImpl final : public EmbeddingLossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;
  using typename LossImpl<Scalar>::Out;

  MinedTripletImpl(TripletMining mining, const MinedTripletOptions& options)
      : EmbeddingLossImpl<Scalar>(mining == TripletMining::hard ? "triplet_hard_loss" : "triplet_semi_hard_loss",
                                  options.reduction, options.name),
        mining_(mining),
        options_(options),
        // No virtual call before the object is whole.
        term_{static_cast<Scalar>(options.soft ? 0.0 : positive_margin("triplet loss", options.margin)),
              TripletTerm<Scalar>::is_squared("triplet loss", options.distance_metric), options.soft} {}
  std::string_view class_name() const override {
    return mining_ == TripletMining::hard ? "TripletHardLoss" : "TripletSemiHardLoss";
  }

  void forward(In y_true, In y_pred, Out losses) const override {
    losses_to_zero(losses);
    walk(y_true, y_pred, [&](const Triplet& t) { losses[t.anchor] += t.weight * term_.value(t.difference); });
  }

  void backward(In y_true, In y_pred, In scale, Out gradient) const override {
    losses_to_zero(gradient);
    const Index d = y_pred.dim(1);
    walk(y_true, y_pred, [&](const Triplet& t) {
      const Scalar rate = scale[t.anchor] * t.weight * term_.slope(t.difference);
      if (rate == 0) return;
      const auto row = [&](Index i) { return y_pred.data() + i * d; };
      const auto into = [&](Index i) { return gradient.data() + i * d; };
      term_.add_gradient(row(t.anchor), row(t.positive), d, rate, into(t.anchor), into(t.positive));
      term_.add_gradient(row(t.anchor), row(t.negative), d, -rate, into(t.anchor), into(t.negative));
    });
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { MinedTripletOptions(options_).fields(f); }

 private:
  struct Triplet {
    Index anchor, positive, negative;
    Scalar difference;  ///< d(a, p) - d(a, n)
    Scalar weight;      ///< 1 / number of triplets of the anchor
  };

  static void losses_to_zero(Out out) { std::fill_n(out.data(), out.size(), Scalar(0)); }

  template <class Visit>
  void walk(In y_true, In y_pred, const Visit& visit) const {
    const Index n = y_pred.dim(0), d = y_pred.dim(1);
    Scalar* all = loss_scratch<Scalar>(n * n);
    for (Index i = 0; i < n; ++i) {
      all[i * n + i] = 0;
      for (Index j = 0; j < i; ++j) {
        all[i * n + j] = all[j * n + i] = term_.distance(y_pred.data() + i * d, y_pred.data() + j * d, d);
      }
    }
    for (Index a = 0; a < n; ++a) {
      if (!this->is_valid(y_true, a)) continue;
      const Scalar* distance = all + a * n;
      if (mining_ == TripletMining::hard) {
        const Index p = farthest(y_true, distance, a, true);
        const Index k = nearest_negative(y_true, distance, a, -1);
        visit({a, p, k, distance[p] - distance[k], Scalar(1)});
        continue;
      }
      Index positives = 0;
      for (Index p = 0; p < n; ++p) positives += p != a && y_true[p] == y_true[a] ? 1 : 0;
      for (Index p = 0; p < n; ++p) {
        if (p == a || y_true[p] != y_true[a]) continue;
        Index k = nearest_negative(y_true, distance, a, distance[p]);
        if (k < 0) k = farthest(y_true, distance, a, false);
        visit({a, p, k, distance[p] - distance[k], 1 / static_cast<Scalar>(positives)});
      }
    }
  }

  /// Of those of the anchor's class, or of all others.
  static Index farthest(In y_true, const Scalar* distance, Index a, bool same) {
    Index best = -1;
    for (Index j = 0; j < y_true.size(); ++j) {
      if (j == a || (y_true[j] == y_true[a]) != same) continue;
      if (best < 0 || distance[j] > distance[best]) best = j;
    }
    return best;
  }
  /// The nearest that is farther than `beyond`, or -1.
  static Index nearest_negative(In y_true, const Scalar* distance, Index a, Scalar beyond) {
    Index best = -1;
    for (Index j = 0; j < y_true.size(); ++j) {
      if (y_true[j] == y_true[a] || !(distance[j] > beyond)) continue;
      if (best < 0 || distance[j] < distance[best]) best = j;
    }
    return best;
  }

  TripletMining mining_;
  MinedTripletOptions options_;
  TripletTerm<Scalar> term_;
};

}  // namespace detail

/// For embeddings (n, d) with class labels (n,), triplets found in the batch: the loss of an anchor a is the mean over
/// its positives p of max(d(a, p) - d(a, k) + margin, 0), where the negative k is the nearest one farther than p and,
/// if there is none, the farthest. Samples without a positive or a negative in the batch do not count. The choice of k
/// has no gradient. Source: Schroff, Kalenichenko, Philbin 2015 (FaceNet), whose distance is "squared-L2". Throws
/// ConfigError for a margin that is not above 0, DataError when labels are of one class or all different.
template <class Scalar = float>
class TripletSemiHardLoss : public Loss<Scalar> {
 public:
  using Options = MinedTripletOptions;
  explicit TripletSemiHardLoss(const MinedTripletOptions& options = {})
      : Loss<Scalar>(new detail::MinedTripletImpl<Scalar>(detail::TripletMining::semi_hard, options)) {}
};

/// The same with the hardest triplet of each anchor: its farthest positive and its nearest negative. Source: Hermans,
/// Beyer, Leibe 2017; `soft` is their soft margin.
template <class Scalar = float>
class TripletHardLoss : public Loss<Scalar> {
 public:
  using Options = MinedTripletOptions;
  explicit TripletHardLoss(const MinedTripletOptions& options = {})
      : Loss<Scalar>(new detail::MinedTripletImpl<Scalar>(detail::TripletMining::hard, options)) {}
};

}  // namespace graft
