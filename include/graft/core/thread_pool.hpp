#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include "graft/core/macros.hpp"

namespace graft {
namespace detail {

/// The one pool of the process. A call hands out one part of its range to each thread, the caller's included; what a
/// part is depends on the range and the number of threads alone. Workers start with the first call that needs them.
class ThreadPool {
 public:
  using Task = void (*)(void* context, Index begin, Index end);

  static ThreadPool& instance() {
    static ThreadPool pool;
    return pool;
  }

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() { stop(); }

  int size() const { return size_.load(std::memory_order_relaxed); }
  void resize(int count) { size_.store(std::clamp(count, 1, kMaxThreads), std::memory_order_relaxed); }

  /// True on a thread that is running a part: what it calls runs inline.
  static bool& inside() {
    thread_local bool flag = false;
    return flag;
  }

  void run(Index begin, Index end, Index grain, Task task, void* context) {
    const Index pieces = (end - begin + std::max<Index>(grain, 1) - 1) / std::max<Index>(grain, 1);
    Index parts = std::min<Index>(size(), pieces);
    std::unique_lock lock(busy_, std::defer_lock);
    if (parts <= 1 || inside() || !lock.try_lock()) {
      // Another thread of the user has the pool: running here costs nothing that a queue would not cost too.
      task(context, begin, end);
      return;
    }
    start();
    parts = std::min(parts, static_cast<Index>(workers_.size()) + 1);
    task_ = task;
    context_ = context;
    begin_ = begin;
    end_ = end;
    unfinished_.store(static_cast<std::uint32_t>(parts - 1), std::memory_order_relaxed);
    generation_ = (generation_ + 1) & 0xffffff;
    announce(static_cast<std::uint32_t>(parts));
    inside() = true;
    run_part(0, parts);
    inside() = false;
    for (std::uint32_t left; (left = spin_while_positive()) != 0;) unfinished_.wait(left, std::memory_order_acquire);
  }

 private:
  static constexpr int kMaxThreads = 255;
  static constexpr int kSpins = 1000;  // some 10 microseconds: longer than the gap between two kernels of a step

  ThreadPool() {
    int count = static_cast<int>(std::thread::hardware_concurrency());
    if (const char* text = std::getenv("GRAFT_NUM_THREADS")) {
      const long wanted = std::strtol(text, nullptr, 10);
      if (wanted > 0) count = static_cast<int>(std::min<long>(wanted, kMaxThreads));
    }
    resize(count);
  }

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // One word says that there is work and for how many: a worker without a part never looks at the rest of the job,
  // which may belong to the next call by then.
  void announce(std::uint32_t parts) {
    word_.store((generation_ << 8) | parts, std::memory_order_release);
    word_.notify_all();
  }

  void run_part(Index part, Index parts) {
    const Index length = end_ - begin_;
    const Index from = begin_ + length * part / parts, to = begin_ + length * (part + 1) / parts;
    if (from < to) task_(context_, from, to);
  }

  std::uint32_t spin_while_positive() const {
    std::uint32_t left = unfinished_.load(std::memory_order_acquire);
    for (int i = 0; left != 0 && i < kSpins; ++i) {
      pause();
      left = unfinished_.load(std::memory_order_acquire);
    }
    return left;
  }

  void work(Index part, std::uint32_t seen) {
    inside() = true;
    for (;;) {
      std::uint32_t word = word_.load(std::memory_order_acquire);
      for (int i = 0; word == seen && i < kSpins; ++i) {
        pause();
        word = word_.load(std::memory_order_acquire);
      }
      if (word == seen) {
        word_.wait(seen, std::memory_order_acquire);
        continue;
      }
      seen = word;
      const Index parts = static_cast<Index>(word & 0xff);
      if (parts == 0) return;
      if (part >= parts) continue;
      run_part(part, parts);
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    }
  }

  void start() {
    const std::size_t wanted = static_cast<std::size_t>(size() - 1);
    if (workers_.size() == wanted || failed_at_ == wanted) return;
    stop();
    try {
      workers_.reserve(wanted);
      const std::uint32_t seen = word_.load(std::memory_order_relaxed);
      for (std::size_t i = 0; i < wanted; ++i) {
        workers_.emplace_back(&ThreadPool::work, this, static_cast<Index>(i + 1), seen);
      }
    } catch (const std::system_error&) {
      failed_at_ = wanted;  // fewer threads than asked for: the work is done by those that there are
    }
  }

  void stop() {
    if (workers_.empty()) return;
    generation_ = (generation_ + 1) & 0xffffff;
    announce(0);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  std::atomic<int> size_{1};
  std::mutex busy_;
  std::vector<std::thread> workers_;
  std::size_t failed_at_ = 0;
  std::uint32_t generation_ = 0;
  Task task_ = nullptr;
  void* context_ = nullptr;
  Index begin_ = 0;
  Index end_ = 0;
  alignas(64) std::atomic<std::uint32_t> word_{0};
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
};

}  // namespace detail

/// Number of threads that kernels use, the calling one included. Default: the environment variable GRAFT_NUM_THREADS,
/// else what the hardware has.
inline int num_threads() { return detail::ThreadPool::instance().size(); }

/// Sets it for the process, from 1 to 255; takes effect with the next call. Results do not depend on it.
inline void set_num_threads(int count) { detail::ThreadPool::instance().resize(count); }

/// Number of threads that a parallel_for started here could use: 1 inside another one.
inline int available_threads() { return detail::ThreadPool::inside() ? 1 : num_threads(); }

/// Calls fn(from, to) on consecutive parts of [begin, end), at most one part per thread and each at least about `grain`
/// long, and returns when all are done. Runs inline inside another parallel_for, or while another thread of the program
/// has the pool. Allocates nothing; fn must not throw.
template <class Fn>
void parallel_for(Index begin, Index end, Index grain, Fn&& fn) {
  if (begin >= end) return;
  using Function = std::remove_reference_t<Fn>;
  if (end - begin <= grain) {
    fn(begin, end);
    return;
  }
  detail::ThreadPool::instance().run(
      begin, end, grain, [](void* context, Index from, Index to) { (*static_cast<Function*>(context))(from, to); },
      const_cast<void*>(static_cast<const void*>(&fn)));
}

}  // namespace graft
