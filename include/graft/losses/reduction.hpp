#pragma once

#include <string>
#include <string_view>

#include "graft/core/error.hpp"
#include "graft/core/text.hpp"

namespace graft {

/// How the losses of the samples become one number. Keras's strings convert: `.reduction = "sum"`.
///
/// sum_over_batch_size (default; Keras 2 calls it "auto") and mean divide the weighted sum by the number of losses, not
/// by the sum of the weights; mean_with_sample_weight divides by the latter. none leaves the losses apart; where one
/// number is needed all the same they are summed, which is what the gradient of a vector is in TensorFlow.
class Reduction {
 public:
  enum Kind { sum_over_batch_size, sum, mean, mean_with_sample_weight, none };

  Reduction() = default;
  Reduction(Kind kind) : kind_(kind) {}
  /// Throws ConfigError for an unknown name.
  Reduction(const char* name) : Reduction(parse(name)) {}
  Reduction(const std::string& name) : Reduction(parse(name)) {}

  operator Kind() const { return kind_; }
  const char* name() const { return names()[kind_].c_str(); }

 private:
  static const std::string* names() {
    static const std::string list[] = {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"};
    return list;
  }
  GRAFT_COLD static Kind parse(std::string_view name) {
    if (name == "auto") return sum_over_batch_size;
    for (int i = 0; i < 5; ++i) {
      if (names()[i] == name) return static_cast<Kind>(i);
    }
    throw ConfigError("reduction: \"" + std::string(name) + "\" is not known. " +
                      text::did_you_mean(name, std::span(names(), 5)));
  }

  Kind kind_ = sum_over_batch_size;
};

}  // namespace graft
