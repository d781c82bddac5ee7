#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>

#include "graft/core/error.hpp"

namespace graft::hdf5 {

/// The serial HDF5 library is not thread-safe: every call into it, closing included, holds this one lock.
inline std::recursive_mutex& mutex() {
  static std::recursive_mutex instance;
  return instance;
}

/// The scope of one or more calls of the C library: locks it, keeps it from printing to stderr, and turns its negative
/// results into FileError with the library's own words.
class Call {
 public:
  GRAFT_COLD explicit Call(const std::string& where) : lock_(mutex()), where_(where) {
    H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5Eclear2(H5E_DEFAULT);
  }
  GRAFT_COLD ~Call() { H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// Returns `result`, or throws when it says failure.
  template <class Result>
  Result check(Result result, const char* action) const {
    if (result < 0) fail_with(action);
    return result;
  }

  [[noreturn]] GRAFT_COLD void fail_with(const char* action) const {
    throw FileError(where_ + ": cannot " + action + ". " + library_message());
  }

  /// The innermost and the outermost message of HDF5's error stack.
  GRAFT_COLD static std::string library_message() {
    std::string inner;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, &first_message, &inner);
    return inner.empty() ? "" : "HDF5 says: " + inner + ".";
  }

 private:
  static herr_t first_message(unsigned, const H5E_error2_t* error, void* into) {
    auto& text = *static_cast<std::string*>(into);
    if (text.empty() && error && error->desc) {
      text = error->desc;
      if (text.size() > 300) text.resize(300);
    }
    return 0;
  }

  std::lock_guard<std::recursive_mutex> lock_;
  const std::string& where_;
  H5E_auto2_t printer_ = nullptr;
  void* printer_data_ = nullptr;
};

}  // namespace graft::hdf5
