#include "graft/core/thread_pool.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace graft;

namespace {

class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace

TEST_CASE("parallel_for visits every index once", "[core][threads]") {
  for (const int count : {1, 2, 3, 5}) {
    const Threads threads(count);
    for (const Index n : {Index{0}, Index{1}, Index{2}, Index{7}, Index{1000}}) {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<int> visits(static_cast<std::size_t>(n), 0);
        parallel_for(0, n, 1, [&](Index from, Index to) {
          for (Index i = from; i < to; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        CHECK(visits == std::vector<int>(static_cast<std::size_t>(n), 1));
      }
    }
  }
}

TEST_CASE("parallel_for makes at most one part for each thread, and none shorter than the grain", "[core][threads]") {
  const Threads threads(4);
  std::atomic<int> parts{0};
  parallel_for(10, 110, 1, [&](Index, Index) { ++parts; });
  CHECK(parts == 4);
  parts = 0;
  parallel_for(0, 100, 50, [&](Index from, Index to) { parts += to - from >= 50 ? 1 : 100; });
  CHECK(parts == 2);
  parts = 0;
  parallel_for(0, 100, 100, [&](Index, Index) { ++parts; });
  CHECK(parts == 1);
}

TEST_CASE("a parallel_for inside another runs inline", "[core][threads]") {
  const Threads threads(3);
  std::atomic<int> calls{0}, strangers{0};
  parallel_for(0, 3, 1, [&](Index, Index) {
    const std::thread::id self = std::this_thread::get_id();
    parallel_for(0, 1000, 1, [&](Index, Index) {
      ++calls;
      if (std::this_thread::get_id() != self) ++strangers;
    });
    if (available_threads() != 1) ++strangers;
  });
  CHECK(calls == 3);
  CHECK(strangers == 0);
}

TEST_CASE("several threads of the user may call parallel_for at once", "[core][threads]") {
  const Threads threads(3);
  std::vector<Index> totals(4, 0);
  std::vector<std::thread> users;
  for (std::size_t u = 0; u < totals.size(); ++u) {
    users.emplace_back([&totals, u] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        std::atomic<Index> total{0};
        parallel_for(0, 100, 1, [&](Index from, Index to) {
          for (Index i = from; i < to; ++i) total += i;
        });
        totals[u] += total;
      }
    });
  }
  for (std::thread& user : users) user.join();
  for (const Index total : totals) CHECK(total == 200 * 4950);
}

TEST_CASE("the number of threads may change between calls", "[core][threads]") {
  const int before = num_threads();
  for (const int count : {3, 1, 2, 5, 2}) {
    set_num_threads(count);
    CHECK(num_threads() == count);
    std::atomic<int> parts{0};
    parallel_for(0, 100, 1, [&](Index, Index) { ++parts; });
    CHECK(parts == count);
  }
  set_num_threads(0);
  CHECK(num_threads() == 1);
  set_num_threads(before);
}
