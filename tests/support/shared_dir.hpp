#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "catch.hpp"

namespace graft::test {

/// Folder of the reference data that is too large for the repository (golden numbers, fixture files), from the
/// environment variable GRAFT_SHARED; empty when that is not set.
inline std::string shared_dir() {
  const char* path = std::getenv("GRAFT_SHARED");
  return path ? path : "";
}

inline bool exists(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

/// "fixtures/keras/a.h5" → its path below GRAFT_SHARED.
inline std::string shared_path(const std::string& relative) { return shared_dir() + "/" + relative; }

/// "layers/Dense.io.h5" → its path in tests/golden when the repository has it, else below GRAFT_SHARED/golden.
inline std::string golden_path(const std::string& relative) {
  const std::string own = std::string(GRAFT_TEST_GOLDEN) + "/" + relative;
  return exists(own) ? own : shared_path("golden/" + relative);
}

/// Test cases that GRAFT_NEEDS left early, for the last line that the program prints.
inline std::atomic<int>& skipped() {
  static std::atomic<int> count{0};
  return count;
}

}  // namespace graft::test

/// At the top of a test case: leaves it, and says so, when a file or folder is not there because GRAFT_SHARED is not
/// set. When GRAFT_SHARED is set and the file is missing, the test fails.
#define GRAFT_NEEDS(path)                                        \
  do {                                                           \
    const std::string graft_needs_path = (path);                 \
    if (graft::test::exists(graft_needs_path)) break;            \
    INFO("missing: " << graft_needs_path);                       \
    REQUIRE(graft::test::shared_dir().empty());                  \
    ++graft::test::skipped();                                    \
    return;                                                      \
  } while (false)

/// At the top of a test case: leaves it, and says so, when GRAFT_SHARED is not set.
#define GRAFT_NEEDS_SHARED() GRAFT_NEEDS(graft::test::shared_dir().empty() ? "/GRAFT_SHARED" : graft::test::shared_dir())
