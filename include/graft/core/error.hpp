#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "graft/core/macros.hpp"

namespace graft {

/// Base of everything graft throws. A message says where, what was expected, what was received, and a hint:
///
///     Dense "head": expected last dimension 2048 from build, received (32, 1280). Did the backbone change?
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A shape does not fit: of an input, a weight, a label.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An argument or a configuration has no meaning: an unknown name, a value out of range.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// A file is missing, unreadable, damaged, or holds something else than expected.
class FileError : public Error {
 public:
  using Error::Error;
};

/// A call comes at the wrong moment: `fit` before `compile`, weights of a layer that is not built.
class StateError : public Error {
 public:
  using Error::Error;
};

/// The numbers themselves are wrong: NaN labels, a class index out of range.
class DataError : public Error {
 public:
  using Error::Error;
};

namespace detail {
GRAFT_COLD inline std::string failure_text(std::string_view where, std::string_view expected, std::string_view received,
                                           std::string_view hint) {
  std::string text(where);
  text.append(": expected ").append(expected).append(", received ").append(received).append(".");
  if (!hint.empty()) text.append(" ").append(hint);
  return text;
}
}  // namespace detail

/// Throws `E` with "where: expected …, received …. hint".
template <class E>
[[noreturn]] GRAFT_COLD void fail(std::string_view where, std::string_view expected, std::string_view received,
                                  std::string_view hint = {}) {
  throw E(detail::failure_text(where, expected, received, hint));
}

}  // namespace graft
