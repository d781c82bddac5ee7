#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "graft/core/random.hpp"
#include "graft/transfer/student_t.hpp"

namespace graft {

/// Mean and standard deviation (n - 1) of some scores.
struct ScoreSummary {
  std::vector<double> scores;
  double mean = 0, sd = 0;
};

enum class TransferVerdict {
  gain,               ///< the whole interval is above 0
  negative_transfer,  ///< the whole interval is below 0: training from scratch does better
  undecided,          ///< the interval has 0 in it
  too_few_seeds       ///< fewer than 10: no verdict
};

struct TransferReport {
  ScoreSummary recipe, scratch;
  ScoreSummary difference;   ///< recipe - scratch, seed by seed
  double low = 0, high = 0;  ///< confidence interval of the mean difference
  double confidence = 0.95;
  TransferVerdict verdict = TransferVerdict::undecided;
  std::string text;  ///< all of it, in words
};

struct TransferReportOptions {
  int seeds = 10;                ///< runs of each; below 10 there is no verdict
  std::uint64_t first_seed = 0;  ///< the seeds are first_seed, first_seed + 1, …
  double confidence = 0.95;
  bool higher_is_better = true;  ///< false for losses: the difference is then scratch - recipe
  std::string name = "recipe";
};

GRAFT_COLD inline ScoreSummary summarize_scores(std::vector<double> scores) {
  ScoreSummary result;
  const auto n = static_cast<double>(scores.size());
  double squares = 0;
  for (const double score : scores) result.mean += score / n;
  for (const double score : scores) squares += (score - result.mean) * (score - result.mean);
  if (n > 1) result.sd = std::sqrt(squares / (n - 1));
  result.scores = std::move(scores);
  return result;
}

/// From scores that are paired: entry i of both comes from the same seed, the same choice of samples. The interval is
/// that of Student's t for the mean of the differences. Throws ConfigError for lists of other lengths, fewer than two
/// scores or a confidence outside of (0, 1), DataError for a score that is not finite.
GRAFT_COLD inline TransferReport compare_scores(std::vector<double> recipe, std::vector<double> scratch,
                                                const TransferReportOptions& options = {}) {
  if (recipe.size() != scratch.size() || recipe.size() < 2) {
    fail<ConfigError>("transfer_report", "at least two scores of each, as many of both",
                      std::to_string(recipe.size()) + " and " + std::to_string(scratch.size()));
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    fail<ConfigError>("transfer_report confidence", "a number in (0, 1)", text::number("%g", options.confidence));
  }
  std::vector<double> differences;
  for (std::size_t i = 0; i < recipe.size(); ++i) {
    if (!std::isfinite(recipe[i]) || !std::isfinite(scratch[i])) {
      fail<DataError>("transfer_report, seed " + std::to_string(options.first_seed + i), "finite scores",
                      text::number("%g", recipe[i]) + " and " + text::number("%g", scratch[i]));
    }
    differences.push_back(options.higher_is_better ? recipe[i] - scratch[i] : scratch[i] - recipe[i]);
  }
  TransferReport report;
  report.confidence = options.confidence;
  report.recipe = summarize_scores(std::move(recipe));
  report.scratch = summarize_scores(std::move(scratch));
  report.difference = summarize_scores(std::move(differences));
  const auto n = static_cast<double>(report.difference.scores.size());
  const double half = student_t_quantile(0.5 + options.confidence / 2, n - 1) * report.difference.sd / std::sqrt(n);
  report.low = report.difference.mean - half;
  report.high = report.difference.mean + half;
  std::string verdict;
  if (n < 10) {
    report.verdict = TransferVerdict::too_few_seeds;
    verdict = "no verdict: fewer than 10 seeds say little";
  } else if (report.low > 0) {
    report.verdict = TransferVerdict::gain;
    verdict = "transfer helps";
  } else if (report.high < 0) {
    report.verdict = TransferVerdict::negative_transfer;
    verdict = "negative transfer: training from scratch does better";
  } else {
    report.verdict = TransferVerdict::undecided;
    verdict = "undecided: the interval has 0 in it";
  }
  const auto line = [](const ScoreSummary& s) {
    return text::number("%.4f", s.mean) + " (sd " + text::number("%.4f", s.sd) + ")";
  };
  report.text = options.name + ": " + line(report.recipe) + "; from scratch: " + line(report.scratch) + "; over " +
                std::to_string(report.difference.scores.size()) + " seeds the difference is " +
                text::number("%+.4f", report.difference.mean) + ", " + text::number("%g", 100 * options.confidence) +
                " % interval " + text::number("%+.4f", report.low) + " to " + text::number("%+.4f", report.high) +
                ": " + verdict + "\n";
  return report;
}

/// Runs a recipe and the same task from scratch over several seeds, and says what the recipe is worth: means, standard
/// deviations, the paired confidence interval, and a verdict. Both functions get the seed (choose samples with it; the
/// program's own random numbers were set to it) and return a score on data that no training saw, an accuracy for
/// example. Published gains are often those of one choice of classes and one seed. Throws ConfigError for fewer than
/// two seeds, DataError for a score that is not finite, and what the functions throw.
///
///     auto report = graft::transfer_report([&](std::uint64_t seed) { return run(fine_tuned, seed); },
///                                          [&](std::uint64_t seed) { return run(from_scratch, seed); });
///     std::puts(report.text.c_str());
GRAFT_COLD inline TransferReport transfer_report(const std::function<double(std::uint64_t seed)>& recipe,
                                                 const std::function<double(std::uint64_t seed)>& scratch,
                                                 const TransferReportOptions& options = {}) {
  if (options.seeds < 2) fail<ConfigError>("transfer_report seeds", "at least 2", std::to_string(options.seeds));
  std::vector<double> with, without;
  for (int i = 0; i < options.seeds; ++i) {
    const std::uint64_t seed = options.first_seed + static_cast<std::uint64_t>(i);
    set_random_seed(seed);
    with.push_back(recipe(seed));
    set_random_seed(seed);
    without.push_back(scratch(seed));
  }
  return compare_scores(std::move(with), std::move(without), options);
}

}  // namespace graft
