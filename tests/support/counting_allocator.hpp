#pragma once

#include <atomic>
#include <cstddef>

// Every test program replaces operator new and wraps malloc (counting_allocator.cpp), so that a test can prove that a
// stretch of code allocates nothing, on any thread: neither with new nor, as Eigen does, with malloc.

namespace graft::test {

struct AllocationTotals {
  std::atomic<long> calls{0};
  std::atomic<std::size_t> bytes{0};
};

inline AllocationTotals& allocation_totals() {
  static constinit AllocationTotals totals;
  return totals;
}

/// Counts heap allocations of the whole process from its construction on.
///
///     graft::test::AllocationCounter counter;
///     step();
///     CHECK(counter.calls() == 0);   // read before any Catch macro that comes in between: those allocate
class AllocationCounter {
 public:
  AllocationCounter() { reset(); }
  void reset() {
    calls_ = allocation_totals().calls.load();
    bytes_ = allocation_totals().bytes.load();
  }
  long calls() const { return allocation_totals().calls.load() - calls_; }
  std::size_t bytes() const { return allocation_totals().bytes.load() - bytes_; }

 private:
  long calls_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace graft::test
