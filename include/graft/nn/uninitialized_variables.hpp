#pragma once

#include <utility>

namespace graft {

/// As long as one lives, variables that this thread makes have no values: for models whose weights are read right after.
/// Random numbers for a large model take longer than reading it.
class UninitializedVariables {
 public:
  UninitializedVariables() : before_(std::exchange(flag(), true)) {}
  ~UninitializedVariables() { flag() = before_; }
  UninitializedVariables(const UninitializedVariables&) = delete;
  UninitializedVariables& operator=(const UninitializedVariables&) = delete;

  static bool active() { return flag(); }

 private:
  static bool& flag() {
    thread_local bool value = false;
    return value;
  }

  bool before_;
};

}  // namespace graft
