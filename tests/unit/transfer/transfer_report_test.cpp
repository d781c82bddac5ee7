#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::message;

TEST_CASE("Student's t: quantiles of the tables") {
  CHECK(student_t_quantile(0.975, 1) == Approx(12.7062047).epsilon(1e-7));
  CHECK(student_t_quantile(0.975, 9) == Approx(2.26215716).epsilon(1e-7));
  CHECK(student_t_quantile(0.95, 4) == Approx(2.13184679).epsilon(1e-7));
  CHECK(student_t_quantile(0.995, 29) == Approx(2.75638590).epsilon(1e-7));
  CHECK(student_t_quantile(0.975, 1e6) == Approx(1.95996636).epsilon(1e-6));
  CHECK(student_t_quantile(0.025, 9) == Approx(-student_t_quantile(0.975, 9)));
  CHECK(student_t_quantile(0.5, 3) == Approx(0).margin(1e-12));
  // One degree of freedom is Cauchy's distribution: a formula of its own.
  for (const double t : {-3.0, -0.5, 0.0, 1.0, 10.0}) {
    CHECK(student_t_cdf(t, 1) == Approx(0.5 + std::atan(t) / 3.14159265358979323846).epsilon(1e-12));
  }
  CHECK_THROWS_AS(student_t_quantile(1, 3), ConfigError);
  CHECK_THROWS_AS(student_t_quantile(0.9, 0), ConfigError);
  CHECK_THROWS_AS(student_t_quantile(NAN, 3), ConfigError);
}

TEST_CASE("R-50: transfer_report says mean, sd, a paired interval and a verdict over seeds") {
  // Differences 1 … 10 percent: mean 0.055, sd 0.030277, half 2.262157 * sd / sqrt(10) = 0.021659.
  std::vector<std::uint64_t> seeds;
  const auto recipe = [&](std::uint64_t seed) {
    seeds.push_back(seed);
    return 0.5 + 0.01 * static_cast<double>(seed - 4);
  };
  const auto scratch = [](std::uint64_t) { return 0.5; };
  const TransferReport report = transfer_report(recipe, scratch, {.first_seed = 5, .name = "reuse"});
  CHECK(seeds == std::vector<std::uint64_t>{5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  CHECK(report.difference.mean == Approx(0.055));
  CHECK(report.difference.sd == Approx(0.0302765));
  CHECK(report.recipe.mean == Approx(0.555));
  CHECK(report.scratch.sd == Approx(0).margin(1e-12));
  CHECK(report.low == Approx(0.055 - 0.0216587).epsilon(1e-5));
  CHECK(report.high == Approx(0.055 + 0.0216587).epsilon(1e-5));
  CHECK(report.verdict == TransferVerdict::gain);
  CHECK(contains(report.text, "reuse: 0.5550"));
  CHECK(contains(report.text, "transfer helps"));

  // The other way round it is negative transfer; of losses less is better.
  CHECK(transfer_report(scratch, recipe, {.first_seed = 5}).verdict == TransferVerdict::negative_transfer);
  CHECK(contains(transfer_report(scratch, recipe, {.first_seed = 5}).text, "negative transfer"));
  CHECK(transfer_report(recipe, scratch, {.first_seed = 5, .higher_is_better = false}).verdict ==
        TransferVerdict::negative_transfer);
  // Around nothing there is no verdict, and none from few seeds.
  const auto noise = [](std::uint64_t seed) { return seed % 2 == 0 ? 0.6 : 0.4; };
  CHECK(transfer_report(noise, scratch).verdict == TransferVerdict::undecided);
  const TransferReport few = transfer_report(recipe, scratch, {.seeds = 9, .first_seed = 5});
  CHECK(few.verdict == TransferVerdict::too_few_seeds);
  CHECK(few.low > 0);
  CHECK_THROWS_AS(transfer_report(recipe, scratch, {.seeds = 1}), ConfigError);
  CHECK_THROWS_AS(transfer_report(recipe, scratch, {.first_seed = 5, .confidence = 1}), ConfigError);
  CHECK(contains(
      message<DataError>([&] { transfer_report(scratch, [](std::uint64_t s) { return s == 3 ? NAN : 1.0; }); }),
      "seed 3"));
  CHECK_THROWS_AS(compare_scores({1, 2}, {1, 2, 3}), ConfigError);
}

TEST_CASE("transfer_report: both sides begin with the same random numbers") {
  const auto draw = [](std::uint64_t) { return Rng(next_random_key()).uniform(); };
  const TransferReport report = transfer_report(draw, draw);
  CHECK(report.difference.sd == 0);
  CHECK(report.recipe.sd > 0);
}

TEST_CASE("transfer_report: the interval covers the truth as often as it says") {
  // Null cases: both sides share the noise of the seed and have one of their own; the true difference is 0 (and 0.02).
  Rng rng(std::uint64_t{2024});
  const int cases = 4000;
  for (const double confidence : {0.8, 0.95}) {
    for (const double truth : {0.0, 0.02}) {
      int covered = 0, gains = 0, losses = 0;
      for (int k = 0; k < cases; ++k) {
        std::vector<double> with, without;
        for (int i = 0; i < 10; ++i) {
          const double shared = 0.7 + 0.05 * rng.normal();
          with.push_back(shared + truth + 0.01 * rng.normal());
          without.push_back(shared + 0.02 * rng.normal());
        }
        const TransferReport report = compare_scores(with, without, {.confidence = confidence});
        covered += report.low <= truth && truth <= report.high;
        gains += report.verdict == TransferVerdict::gain;
        losses += report.verdict == TransferVerdict::negative_transfer;
      }
      const double share = covered / static_cast<double>(cases);
      const double sigma = std::sqrt(confidence * (1 - confidence) / cases);
      INFO("confidence " << confidence << ", truth " << truth << ": covered " << share);
      CHECK(std::abs(share - confidence) < 4 * sigma);
      if (truth == 0) {
        CHECK(gains + losses == cases - covered);
        CHECK(std::abs(gains - losses) < 4 * std::sqrt(static_cast<double>(gains + losses)));
      } else {
        CHECK(gains > cases / 2);
      }
    }
  }
}
