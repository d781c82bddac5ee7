#include "graft/kernels/kernels.hpp"

#include <cstdlib>
#include <string>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft::kernels;

TEST_CASE("an instruction set can be forced, but not above the machine's", "[kernels][isa]") {
  const Isa before = active_isa();
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    CHECK(set_active_isa(isa) == (isa < detected_isa() ? isa : detected_isa()));
    CHECK(active_isa() <= detected_isa());
  }
  set_active_isa(before);
}

TEST_CASE("GRAFT_ISA names an instruction set; an unknown word is ignored", "[kernels][isa]") {
  const char* kept = std::getenv("GRAFT_ISA");
  const std::string before = kept != nullptr ? kept : "";
  for (const Isa isa : {Isa::reference, Isa::portable}) {
    setenv("GRAFT_ISA", name(isa), 1);
    CHECK(graft::kernels::detail::isa_from_environment() == isa);
  }
  setenv("GRAFT_ISA", "sse9", 1);
  CHECK(graft::kernels::detail::isa_from_environment() == detected_isa());
  unsetenv("GRAFT_ISA");
  CHECK(graft::kernels::detail::isa_from_environment() == detected_isa());
  if (kept != nullptr) setenv("GRAFT_ISA", before.c_str(), 1);
}
