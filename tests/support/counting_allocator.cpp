// The counting replacements of the allocation functions, in a file of their own: inlined into others they make the
// compiler see a mismatch of new and free.

#include "counting_allocator.hpp"

#include <cstdlib>
#include <new>

namespace {

void count(std::size_t bytes) {
  auto& totals = graft::test::allocation_totals();
  totals.calls.fetch_add(1, std::memory_order_relaxed);
  totals.bytes.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

// The linker sends malloc of this program's own objects here (-Wl,--wrap). The C++ library's calls are seen through the
// operators below; those of C libraries (HDF5) are not counted.
extern "C" {
void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_realloc(void*, std::size_t);
void* __real_aligned_alloc(std::size_t, std::size_t);
int __real_posix_memalign(void**, std::size_t, std::size_t);

void* __wrap_malloc(std::size_t bytes) { return count(bytes), __real_malloc(bytes); }
void* __wrap_calloc(std::size_t n, std::size_t bytes) { return count(n * bytes), __real_calloc(n, bytes); }
void* __wrap_realloc(void* memory, std::size_t bytes) { return count(bytes), __real_realloc(memory, bytes); }
void* __wrap_aligned_alloc(std::size_t align, std::size_t bytes) {
  return count(bytes), __real_aligned_alloc(align, bytes);
}
int __wrap_posix_memalign(void** memory, std::size_t align, std::size_t bytes) {
  return count(bytes), __real_posix_memalign(memory, align, bytes);
}
}

namespace {

void* checked(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return count(bytes), checked(__real_malloc(bytes ? bytes : 1)); }
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void* operator new(std::size_t bytes, std::align_val_t align) {
  const std::size_t unit = static_cast<std::size_t>(align);
  const std::size_t rounded = (bytes + unit - 1) / unit * unit;
  if (rounded < bytes) throw std::bad_alloc();
  return count(bytes), checked(__real_aligned_alloc(unit, rounded ? rounded : unit));
}
void* operator new[](std::size_t bytes, std::align_val_t align) { return operator new(bytes, align); }
// The library's own nothrow forms call the ones above, the sanitizers' do not.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return count(bytes), __real_malloc(bytes ? bytes : 1);
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept { return operator new(bytes, tag); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
