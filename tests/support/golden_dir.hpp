#pragma once

// The folder's path is known to main.cpp alone: as a definition on each command line it would keep ccache from
// recognising a file in another checkout.

namespace graft::test {

/// The folder tests/golden.
const char* golden_dir();

}  // namespace graft::test

#define GRAFT_TEST_GOLDEN ::graft::test::golden_dir()
