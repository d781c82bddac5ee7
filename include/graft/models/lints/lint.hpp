#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "graft/core/error.hpp"
#include "graft/core/text.hpp"

namespace graft {

/// Something that is allowed and yet is likely a mistake, with what to do instead.
struct Lint {
  std::string id;       ///< by which it is silenced: "selu_initializer"
  std::string message;  ///< where and what
  std::string fix;

  GRAFT_COLD std::string text() const { return message + " " + fix + " [" + id + "]"; }
  friend bool operator==(const Lint&, const Lint&) = default;
};

/// What `compile` does with its lints. They are kept in the model (`model.lints()`) in any case, but for the silenced.
///
///     model.compile({.optimizer = "adam", .loss = "mse", .lints = {.silence = {"selu_initializer"}}});
struct LintOptions {
  bool print = true;                      ///< on stderr, each once a model
  std::vector<std::string> silence = {};  ///< ids; "all"
};

namespace detail {

inline constexpr const char* kLintIds[] = {"nothing_trainable", "learning_rate",    "random_head",
                                           "augmentation",      "selu_initializer", "selu_batch_normalization",
                                           "selu_dropout",      "selu_skip",        "one_unit_softmax",
                                           "class_count",       "preprocess_input", "all"};

/// Throws ConfigError for ids that do not exist.
GRAFT_COLD inline void check_silenced(const LintOptions& options) {
  const std::vector<std::string> known(std::begin(kLintIds), std::end(kLintIds));
  for (const std::string& id : options.silence) {
    if (std::find(known.begin(), known.end(), id) != known.end()) continue;
    throw ConfigError("compile lints.silence: no lint has the id \"" + id + "\". " + text::did_you_mean(id, known));
  }
}

/// The lints of a model: what was found at compile and in the data of fit, each once.
class LintList {
 public:
  explicit LintList(LintOptions options) : options_(std::move(options)) { check_silenced(options_); }

  /// Takes up what is new and not silenced, and prints it unless an earlier compile of the model did.
  GRAFT_COLD void add(const std::string& model, const std::vector<Lint>& found) {
    for (const Lint& lint : found) {
      const auto silenced = [&](const char* id) {
        return std::find(options_.silence.begin(), options_.silence.end(), id) != options_.silence.end();
      };
      if (silenced(lint.id.c_str()) || silenced("all") || contains(lints_, lint)) continue;
      lints_.push_back(lint);
      if (contains(printed_, lint) || !options_.print) continue;
      printed_.push_back(lint);
      std::fprintf(stderr, "graft: %s: %s\n", model.c_str(), lint.text().c_str());
    }
  }
  const std::vector<Lint>& lints() const { return lints_; }
  void take_printed(const LintList& before) { printed_ = before.printed_; }

 private:
  static bool contains(const std::vector<Lint>& list, const Lint& lint) {
    return std::find(list.begin(), list.end(), lint) != list.end();
  }

  LintOptions options_;
  std::vector<Lint> lints_, printed_;
};

}  // namespace detail
}  // namespace graft
