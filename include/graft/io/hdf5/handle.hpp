#pragma once

#include <utility>

#include "graft/io/hdf5/call.hpp"

namespace graft::hdf5 {

/// Owns one identifier of the C library. Only moves.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(std::exchange(other.closer_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Handle() {
    if (id_ < 0) return;
    const Call call(no_place());
    closer_(id_);
  }

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

  /// Gives the identifier away: the receiver closes it.
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  static const std::string& no_place() {
    static const std::string place = "HDF5";
    return place;
  }

  hid_t id_ = H5I_INVALID_HID;
  Closer closer_ = nullptr;
};

}  // namespace graft::hdf5
