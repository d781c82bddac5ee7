#pragma once

#include <map>
#include <mutex>
#include <string>

#include "graft/core/text.hpp"

namespace graft {

namespace detail {
struct NameCounters {
  std::mutex mutex;
  std::map<std::string, Index> next;
};
inline NameCounters& name_counters() {
  static NameCounters counters;
  return counters;
}
}  // namespace detail

/// Keras's automatic names: "dense", "dense_1", "dense_2" … in the order in which layers are made.
GRAFT_COLD inline std::string unique_name(std::string_view class_name) {
  auto& counters = detail::name_counters();
  const std::lock_guard lock(counters.mutex);
  const std::string base = text::to_snake_case(class_name);
  const Index count = counters.next[base]++;
  return count == 0 ? base : base + "_" + std::to_string(count);
}

/// Starts the automatic names again at "dense" (Keras: clear_session).
GRAFT_COLD inline void clear_session() {
  auto& counters = detail::name_counters();
  const std::lock_guard lock(counters.mutex);
  counters.next.clear();
}

}  // namespace graft
