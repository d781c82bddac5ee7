#pragma once

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/macros.hpp"

// Small text helpers for messages, summaries and names.
namespace graft::text {

/// Number of single-character edits (insert, delete, replace, swap of neighbours) between two words.
GRAFT_COLD inline Index edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  std::vector<Index> before(n + 1), above(n + 1), row(n + 1);
  for (std::size_t j = 0; j <= n; ++j) above[j] = static_cast<Index>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<Index>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[n];
}

/// The candidate nearest to `word`, or an empty string when none is near enough to be a likely misspelling.
GRAFT_COLD inline std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  std::string best;
  Index best_distance = std::max<Index>(2, static_cast<Index>(word.size()) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const Index distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

/// The candidates nearest to `word`, nearest first, at most six.
GRAFT_COLD inline std::vector<std::string> nearest_few(std::string_view word, std::span<const std::string> candidates) {
  std::vector<std::pair<Index, std::size_t>> by_distance;
  for (std::size_t i = 0; i < candidates.size(); ++i) by_distance.emplace_back(edit_distance(word, candidates[i]), i);
  std::sort(by_distance.begin(), by_distance.end());
  std::vector<std::string> result;
  for (std::size_t i = 0; i < by_distance.size() && i < 6; ++i) result.push_back(candidates[by_distance[i].second]);
  return result;
}

/// `Did you mean "accuracy"?` or, when nothing is near, `Known: a, b, c.`
GRAFT_COLD inline std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::string best = nearest(word, candidates);
  if (!best.empty()) return "Did you mean \"" + best + "\"?";
  std::string known = "Known: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) known += (i ? ", " : "") + candidates[i];
  return known + ".";
}

/// 1234567 → "1,234,567"
GRAFT_COLD inline std::string with_commas(Index value) {
  std::string digits = std::to_string(value < 0 ? -value : value);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return (value < 0 ? "-" : "") + digits;
}

/// Keras's name of a class: "BatchNormalization" → "batch_normalization", "PReLU" → "p_re_lu", "Conv2D" → "conv2d".
GRAFT_COLD inline std::string to_snake_case(std::string_view name) {
  // Keras: r"(.)([A-Z][a-z0-9]+)" → "\1_\2", then r"([a-z])([A-Z])" → "\1_\2", then lower case.
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string first;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool starts_word = i > 0 && upper(name[i]) && i + 1 < name.size() && (lower(name[i + 1]) || digit(name[i + 1]));
    if (starts_word && name[i - 1] != '_') first += '_';
    first += name[i];
  }
  std::string result;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i > 0 && lower(first[i - 1]) && upper(first[i])) result += '_';
    result += upper(first[i]) ? static_cast<char>(first[i] - 'A' + 'a') : first[i];
  }
  return result;
}

/// printf-style number: number("%.4f", 0.5) → "0.5000".
GRAFT_COLD inline std::string number(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace graft::text
