#include <limits>

#include "graft/core/random.hpp"
#include "graft/losses/losses.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using graft::Index;
using graft::Loss;
using graft::Shape;
using graft::Tensor;

Tensor<double> random(const Shape& shape, std::uint64_t seed, double low, double high) {
  graft::Rng rng(seed);
  Tensor<double> x(shape);
  for (Index i = 0; i < x.size(); ++i) x[i] = rng.uniform(low, high);
  return x;
}

// Central differences of the reduced loss against value_and_gradient, whose buffers start as NaN.
void check_gradient(const char* what, const Loss<double>& loss, const Tensor<double>& y_true, Tensor<double> y_pred,
                    const Tensor<double>& weight = {}) {
  INFO(what);
  const Index size = loss.losses_size(y_true.shape(), y_pred.shape());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor<double> losses({size}, nan), scale({size}, nan), gradient(y_pred.shape(), nan);
  const double value = loss.value_and_gradient(y_true, y_pred, weight, losses, scale, gradient, 3.0);
  CHECK(value > 0);
  double largest = 0;
  for (Index i = 0; i < y_pred.size(); ++i) {
    const double at = y_pred[i], step = 1e-6;
    y_pred[i] = at + step;
    const double above = loss.value(y_true, y_pred, weight, losses);
    y_pred[i] = at - step;
    const double below = loss.value(y_true, y_pred, weight, losses);
    y_pred[i] = at;
    CHECK(gradient[i] == Approx(3.0 * (above - below) / (2 * step)).epsilon(1e-5).margin(1e-7));
    largest = std::max(largest, std::abs(gradient[i]));
  }
  CHECK(largest > 1e-3);
}

// Four points of a line, two of each class.
const Tensor<float> kLine({4, 1}, {0.f, 1.f, 1.5f, 3.f}), kClasses({4}, {0.f, 0.f, 1.f, 1.f});

}  // namespace

TEST_CASE("R-47: gradients of contrastive, triplet and NT-Xent losses agree with finite differences") {
  const Tensor<double> classes({6}, {0., 1., 0., 2., 1., 0.}), views({6}, {0., 0., 1., 1., 2., 2.}),
      same({6}, {1., 0., 1., 0., 0., 0.5}), weight({6}, {1., 2., 0.5, 1., 0., 3.});
  const auto z = random({6, 3}, 3, -1, 1);
  check_gradient("contrastive", graft::ContrastiveLoss<double>({.margin = 1.2}), same, random({6, 1}, 1, 0.1, 2), weight);
  check_gradient("triplet", graft::TripletLoss<double>({.margin = 0.4}), same, random({6, 2}, 2, 0, 1), weight);
  for (const char* metric : {"L2", "squared-L2"}) {
    for (const bool soft : {false, true}) {
      check_gradient(metric, graft::TripletSemiHardLoss<double>({.distance_metric = metric, .soft = soft}), classes, z,
                     weight);
      check_gradient(metric, graft::TripletHardLoss<double>({.distance_metric = metric, .soft = soft}), classes, z);
    }
  }
  check_gradient("nt_xent", graft::NTXent<double>({.temperature = 0.3}), views, z);
  const Tensor<double> supervised({6}, {0., 1., 0., 1., 1., 0.});
  check_gradient("supervised", graft::NTXent<double>(), supervised, z, weight);
}

TEST_CASE("R-47: contrastive loss: known values; labels are 0 or 1") {
  const graft::ContrastiveLoss loss({.margin = 1.0, .reduction = "none"});
  const Tensor<float> d({4, 1}, {0.3f, 0.3f, 2.f, 2.f}), same({4}, {1.f, 0.f, 0.f, 1.f});
  const auto each = loss.impl().weighted_losses(same, d);
  const double expected[] = {0.09, 0.49, 0, 4};
  for (Index i = 0; i < 4; ++i) CHECK(each[i] == Approx(expected[i]));
  CHECK_THROWS_WITH(loss.check_labels(Tensor<float>({2}, {1.f, -1.f}), {2, 1}),
                    ContainsSubstring("sample 1") && ContainsSubstring("the same"));
  CHECK_THROWS_AS(graft::ContrastiveLoss({.margin = 0}), graft::ConfigError);
}

TEST_CASE("R-47: hard and semi-hard mining, by hand") {
  const auto each = [](const Loss<float>& loss) {
    Tensor<float> losses({4});
    loss.impl().forward(kClasses, kLine, losses);
    return std::vector<float>(losses.begin(), losses.end());
  };
  // Point 1.5: no negative is farther than its positive, 3; the farthest, 0, serves.
  CHECK(each(graft::TripletSemiHardLoss()) == std::vector{0.5f, 0.f, 1.f, 0.5f});
  CHECK(each(graft::TripletHardLoss()) == std::vector{0.5f, 1.5f, 2.f, 0.5f});
  CHECK(each(graft::TripletSemiHardLoss({.distance_metric = "squared-L2"})) == std::vector{0.f, 0.f, 1.f, 0.f});
  CHECK(graft::TripletHardLoss()(kClasses, kLine) == Approx(1.125));

  // A sample without a positive is a negative, and no anchor: the mean is over the others.
  const Tensor<float> line({5, 1}, {0.f, 1.f, 1.5f, 3.f, 1.25f}), classes({5}, {0.f, 0.f, 1.f, 1.f, 2.f});
  CHECK(graft::TripletHardLoss()(classes, line) == Approx((0.75 + 1.75 + 2.25 + 0.75) / 4));
}

TEST_CASE("R-47: the triplet loss of given distances") {
  const graft::TripletLoss loss({.margin = 0.5, .reduction = "none"});
  const Tensor<float> d({3, 2}, {1.f, 2.f, 1.f, 1.25f, 2.f, 1.f}), any({3});
  const auto each = loss.impl().weighted_losses(any, d);
  CHECK(each[0] == 0.f);
  CHECK(each[1] == Approx(0.25));
  CHECK(each[2] == Approx(1.5));
  CHECK_THROWS_WITH(loss(any, Tensor<float>({3, 4})), ContainsSubstring("TripletSemiHardLoss"));
}

TEST_CASE("R-47: NT-Xent: known values, lengths do not count") {
  // Two pictures at right angles, their views alike: e / (e + 2) of the similarity is where it belongs.
  const Tensor<float> z({4, 2}, {1.f, 0.f, 1.f, 0.f, 0.f, 1.f, 0.f, 1.f}), pictures({4}, {7.f, 7.f, 9.f, 9.f});
  const graft::NTXent loss({.temperature = 1.0});
  CHECK(loss(pictures, z) == Approx(std::log(1 + 2 / std::exp(1.0))));
  const Tensor<float> longer({4, 2}, {3.f, 0.f, 0.1f, 0.f, 0.f, 1.f, 0.f, 50.f});
  CHECK(loss(pictures, longer) == Approx(loss(pictures, z)));
  // All rows alike: nothing to choose by.
  CHECK(loss(pictures, Tensor<float>({4, 2}, 0.7f)) == Approx(std::log(3.0)));
  CHECK(std::isfinite(loss(pictures, Tensor<float>({4, 2}))));
}

TEST_CASE("bad input: a batch of one in NT-Xent, one class only, no class twice") {
  const graft::NTXent nt_xent;
  const Tensor<float> two({2, 3}, 0.5f), four({4, 3}, 0.5f);
  CHECK_THROWS_AS(nt_xent(Tensor<float>({2}), two), graft::DataError);
  CHECK_THROWS_WITH(nt_xent(Tensor<float>({2}), two), ContainsSubstring("a batch needs two pictures"));
  CHECK_THROWS_WITH(nt_xent(Tensor<float>({4}, {0.f, 0.f, 1.f, 2.f}), four), ContainsSubstring("no partner"));
  CHECK_THROWS_AS(nt_xent(Tensor<float>({3}), four), graft::ShapeError);
  CHECK_THROWS_AS(graft::NTXent({.temperature = 0}), graft::ConfigError);
  for (const char* name : {"triplet_hard_loss", "triplet_semi_hard_loss"}) {
    const Loss<float> loss(name);
    CHECK_THROWS_WITH(loss.check_labels(Tensor<float>({4}, 3.f), four.shape()), ContainsSubstring("all are of one"));
    CHECK_THROWS_WITH(loss.check_labels(Tensor<float>({4}, {0.f, 1.f, 2.f, 3.f}), four.shape()),
                      ContainsSubstring("no two") && ContainsSubstring("balanced_batches"));
    CHECK_NOTHROW(loss.check_labels(Tensor<float>({4}, {0.f, 1.f, 1.f, 3.f}), four.shape()));
  }
  CHECK_THROWS_WITH(graft::TripletHardLoss({.distance_metric = "L1"}), ContainsSubstring("squared-L2"));
  CHECK_THROWS_AS(graft::TripletSemiHardLoss({.margin = -1}), graft::ConfigError);
}

TEST_CASE("embedding losses come back from their config and allocate nothing from the second step on") {
  for (const char* name :
       {"ContrastiveLoss", "TripletLoss", "TripletHardLoss", "TripletSemiHardLoss", "NTXent"}) {
    INFO(name);
    const Loss<float> loss(name);
    CHECK(loss.class_name() == name);
    CHECK(Loss<float>::from_config(loss.config()).config() == loss.config());
    CHECK(Loss<double>(loss).config() == loss.config());
  }
  const Loss<float> semi = graft::TripletSemiHardLoss({.margin = 0.3, .distance_metric = "squared-L2", .soft = true});
  CHECK(Loss<float>::from_config(semi.config()).config() == semi.config());

  const auto z = Tensor<float>(random({64, 8}, 5, -1, 1).view());
  Tensor<float> labels({64}), losses({64}), scale({64}), gradient(z.shape());
  for (Index i = 0; i < 64; ++i) labels[i] = static_cast<float>(i / 2);
  for (const char* name : {"TripletHardLoss", "TripletSemiHardLoss", "NTXent"}) {
    const Loss<float> loss(name);
    const double first = loss.value_and_gradient(labels, z, {}, losses, scale, gradient);
    const graft::test::AllocationCounter counter;
    const double second = loss.value_and_gradient(labels, z, {}, losses, scale, gradient);
    const auto calls = counter.calls();
    CHECK(calls == 0);
    CHECK(first == second);
  }
}
