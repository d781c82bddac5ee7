#pragma once

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "graft/core/config.hpp"
#include "graft/io/json/utf8.hpp"

namespace graft::json {

namespace detail {

// Python's repr: the shortest digits that read back the same, always with a point or an exponent.
GRAFT_COLD inline void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char buffer[40];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  const std::size_t mark = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(mark + 1)).c_str());
  std::string digits;
  for (const char c : text.substr(0, mark)) {
    if (c == '-') out += '-';
    else if (c != '.') digits += c;
  }
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (count > 1) out.append(".").append(digits, 1, std::string::npos);
    const int magnitude = exponent < 0 ? -exponent : exponent;
    out.append(exponent < 0 ? "e-" : "e+").append(magnitude < 10 ? "0" : "").append(std::to_string(magnitude));
  } else if (exponent < 0) {
    out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  } else if (count <= exponent + 1) {
    out.append(digits).append(static_cast<std::size_t>(exponent + 1 - count), '0').append(".0");
  } else {
    out.append(digits, 0, static_cast<std::size_t>(exponent) + 1)
        .append(".")
        .append(digits, static_cast<std::size_t>(exponent) + 1);
  }
}

GRAFT_COLD inline void append_escaped(std::string& out, unsigned code) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(code >> shift) & 15];
}

// Characters beyond ASCII are escaped, as Python does. Throws ConfigError for bytes that are not UTF-8.
GRAFT_COLD inline void append_string(std::string& out, const std::string& text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') (out += '\\') += text[i];
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (c == '\b') out += "\\b";
    else if (c == '\f') out += "\\f";
    else if (c < 0x20) append_escaped(out, c);
    else if (c < 0x80) out += text[i];
    else {
      unsigned code = 0;
      const std::size_t length = decode_utf8(text, i, code);
      if (length == 0) fail<ConfigError>("JSON", "text in UTF-8", "\"" + text.substr(0, 60) + "\"");
      if (code >= 0x10000) {
        append_escaped(out, 0xD800 + ((code - 0x10000) >> 10));
        append_escaped(out, 0xDC00 + ((code - 0x10000) & 0x3FF));
      } else {
        append_escaped(out, code);
      }
      i += length - 1;
    }
  }
  out += '"';
}

GRAFT_COLD inline void append(std::string& out, const Config& value) {
  bool first = true;
  const auto separate = [&] {
    if (!first) out += ", ";
    first = false;
  };
  switch (value.kind()) {
    case Config::Kind::null: out += "null"; break;
    case Config::Kind::boolean: out += value.as_bool() ? "true" : "false"; break;
    case Config::Kind::integer: out += std::to_string(value.as_int()); break;
    case Config::Kind::real: append_double(out, value.as_double()); break;
    case Config::Kind::string: append_string(out, value.as_string()); break;
    case Config::Kind::array:
      out += '[';
      for (const Config& item : value.items()) {
        separate();
        append(out, item);
      }
      out += ']';
      break;
    case Config::Kind::object:
      out += '{';
      for (const auto& [key, item] : value.members()) {
        separate();
        append_string(out, key);
        out += ": ";
        append(out, item);
      }
      out += '}';
      break;
  }
}

}  // namespace detail

/// Writes JSON as Python's json.dumps does: ", " and ": ", ASCII only, the shortest digits that read back the same.
GRAFT_COLD inline std::string dump(const Config& value) {
  std::string out;
  detail::append(out, value);
  return out;
}

}  // namespace graft::json
