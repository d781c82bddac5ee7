// The main() of every test program.

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#endif

#include <cstdio>

#include "shared_dir.hpp"

const char* graft::test::golden_dir() { return GRAFT_TEST_GOLDEN_DIR; }

// libhdf5 loses a few bytes of its own when it gives up on a damaged file.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

int main(int argc, char** argv) {
  const int result = Catch::Session().run(argc, argv);
  if (const int left = graft::test::skipped()) {
    std::printf("%d test cases left early: they read reference data, and GRAFT_SHARED is not set\n", left);
  }
  return result;
}
