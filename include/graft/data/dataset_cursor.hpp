#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "graft/core/thread_pool.hpp"
#include "graft/data/stages/stage.hpp"

namespace graft {

/// One pass over a dataset: gives its elements one after the other.
///
/// With `prefetch` n above 0, up to `threads` background threads make the next
/// n elements ahead, never more than n at a time. They come in their order all
/// the same. What a thread throws is thrown by next(); the end of the cursor,
/// at any moment, ends its threads.
template <class Scalar> class DatasetCursor {
public:
  GRAFT_COLD DatasetCursor(DatasetStagePtr<Scalar> stage, std::uint64_t epoch,
                           Index prefetch, Index threads)
      : stage_(std::move(stage)), stream_(stage_->open(epoch)) {
    if (prefetch <= 0)
      return;
    items_.resize(static_cast<std::size_t>(prefetch));
    wanted_ = static_cast<std::size_t>(std::clamp<Index>(threads, 1, prefetch));
  }
  ~DatasetCursor() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    space_.notify_all();
    for (std::thread &thread : threads_)
      thread.join();
  }
  DatasetCursor(const DatasetCursor &) = delete;
  DatasetCursor &operator=(const DatasetCursor &) = delete;

  /// Overwrites `batch`, whose memory is used again, with the next element;
  /// false at the end. After an error the pass is over.
  bool next(Batch<Scalar> &batch) {
    if (!started_)
      start();
    if (threads_.empty()) {
      if (finished_ || !stream_->next(slots_))
        return false;
      finished_ = true;
      stage_->make(slots_, work_, batch);
      finished_ = false;
      return true;
    }
    std::unique_lock lock(mutex_);
    if (finished_)
      return false;
    ready_.wait(lock, [this] {
      return (head_ == tail_ && ended_) ||
             (head_ != tail_ && item(head_).ready);
    });
    if (head_ == tail_)
      return false;
    Item &item = this->item(head_);
    if (item.error) {
      finished_ = stop_ = true;
      const std::exception_ptr error = std::exchange(item.error, nullptr);
      lock.unlock();
      space_.notify_all();
      std::rethrow_exception(error);
    }
    std::swap(batch, item.batch);
    item.ready = false;
    ++head_;
    lock.unlock();
    space_.notify_one();
    return true;
  }

  /// Leaves out `count` elements. Before the first next(), when the background
  /// threads begin, none of them is made.
  GRAFT_COLD void skip(Index count) {
    Batch<Scalar> ignored;
    for (; count > 0; --count) {
      if (threads_.empty() ? !stream_->next(slots_) : !next(ignored))
        return;
    }
  }

private:
  struct Item {
    std::vector<detail::DatasetSlot> slots;
    Batch<Scalar> batch;
    std::exception_ptr error;
    bool ready = false;
  };
  Item &item(std::size_t number) { return items_[number % items_.size()]; }

  GRAFT_COLD void start() {
    started_ = true;
    try {
      threads_.reserve(wanted_);
      while (threads_.size() < wanted_)
        threads_.emplace_back(&DatasetCursor::work, this);
    } catch (const std::system_error &) {
      // Fewer threads than asked for; with none at all next() does the work
      // itself.
    }
  }

  void work() {
    // The kernels of the training have the thread pool: what runs here runs on
    // this thread alone.
    detail::ThreadPool::inside() = true;
    detail::DatasetWork work;
    std::unique_lock lock(mutex_);
    for (;;) {
      space_.wait(lock, [this] {
        return stop_ || ended_ || tail_ - head_ < items_.size();
      });
      if (stop_ || ended_)
        return;
      Item &item = this->item(tail_);
      try {
        if (!stream_->next(item.slots)) {
          ended_ = true;
          ready_.notify_one();
          space_.notify_all();
          return;
        }
        ++tail_;
      } catch (...) {
        ++tail_;
        ended_ = true;
        finish(item, std::current_exception());
        space_.notify_all();
        return;
      }
      lock.unlock();
      std::exception_ptr error;
      try {
        stage_->make(item.slots, work, item.batch);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      finish(item, std::move(error));
    }
  }
  void finish(Item &item, std::exception_ptr error) {
    item.error = std::move(error);
    item.ready = true;
    ready_.notify_one();
  }

  DatasetStagePtr<Scalar> stage_;
  detail::SlotStreamPtr stream_;
  // Without threads.
  std::vector<detail::DatasetSlot> slots_;
  detail::DatasetWork work_;
  // With threads: a ring of the elements head_ … tail_ - 1, guarded by the
  // mutex but for an item that is being made.
  std::vector<Item> items_;
  std::size_t head_ = 0, tail_ = 0, wanted_ = 0;
  bool started_ = false, ended_ = false, stop_ = false, finished_ = false;
  std::mutex mutex_;
  std::condition_variable space_, ready_;
  std::vector<std::thread> threads_;
};

} // namespace graft
