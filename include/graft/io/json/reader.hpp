#pragma once

#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "graft/core/config.hpp"

namespace graft::json {

inline constexpr std::size_t kMaxDepth = 512;                    ///< nesting of lists and dictionaries
inline constexpr std::size_t kMaxBytes = std::size_t{1} << 26;   ///< length of a text: 64 MiB
inline constexpr std::size_t kMaxValues = std::size_t{1} << 22;  ///< values in one text

namespace detail {

// How NaN and Infinity pass through a parser that knows the standard only: as strings that begin with a NUL.
inline constexpr std::string_view kNonfinite[] = {"NaN", "Infinity", "-Infinity"};

/// Puts Python's bare NaN, Infinity and -Infinity in quotes, with a NUL in front.
GRAFT_COLD inline std::string quote_nonfinite(std::string_view text) {
  std::string result;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size();) {
    std::string_view word;
    for (const std::string_view candidate : kNonfinite) {
      if (!in_string && text.substr(at, candidate.size()) == candidate) word = candidate;
    }
    if (!word.empty()) {
      result.append("\"\\u0000").append(word).append("\"");
      at += word.size();
      continue;
    }
    if (text[at] == '"') in_string = !in_string;
    if (in_string && text[at] == '\\' && at + 1 < text.size()) result += text[at++];
    result += text[at++];
  }
  return result;
}

/// Puts a Config together from what nlohmann's parser reports. No document of its own is built on the way.
class ConfigBuilder {
 public:
  explicit ConfigBuilder(const std::string& where) : where_(where) {}

  GRAFT_COLD bool null() { return add(Config()); }
  GRAFT_COLD bool boolean(bool value) { return add(Config(value)); }
  GRAFT_COLD bool number_integer(std::int64_t value) { return add(Config(static_cast<Index>(value))); }
  GRAFT_COLD bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<Index>::max())) {
      return add(Config(static_cast<double>(value)));
    }
    return add(Config(static_cast<Index>(value)));
  }
  GRAFT_COLD bool number_float(double value, const std::string&) { return add(Config(value)); }
  GRAFT_COLD bool string(std::string& value) {
    if (!value.empty() && value[0] == '\0') {
      const double infinity = std::numeric_limits<double>::infinity();
      const std::string_view word = std::string_view(value).substr(1);
      if (word == kNonfinite[0]) return add(Config(std::numeric_limits<double>::quiet_NaN()));
      if (word == kNonfinite[1] || word == kNonfinite[2]) return add(Config(word[0] == '-' ? -infinity : infinity));
    }
    return add(Config(std::move(value)));
  }
  GRAFT_COLD bool binary(nlohmann::json::binary_t&) { return false; }
  GRAFT_COLD bool start_object(std::size_t) { return open(); }
  GRAFT_COLD bool start_array(std::size_t) { return open(); }
  GRAFT_COLD bool key(std::string& name) {
    open_.back().keys.push_back(std::move(name));
    return true;
  }
  // Of a repeated key the last value counts, in the place of the first, as in Python.
  GRAFT_COLD bool end_object() {
    Open& object = open_.back();
    std::map<std::string_view, std::size_t> last;
    for (std::size_t i = 0; i < object.keys.size(); ++i) last[object.keys[i]] = i;
    std::vector<Config::Member> members;
    for (const std::string& name : object.keys) {
      const auto found = last.find(name);
      if (found == last.end()) continue;
      members.emplace_back(name, std::move(object.items[found->second]));
      last.erase(found);
    }
    return close(Config::object(std::move(members)));
  }
  GRAFT_COLD bool end_array() { return close(Config::array(std::move(open_.back().items))); }

  GRAFT_COLD bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& error) {
    fail<FileError>(where_ + ", byte " + std::to_string(position), "JSON", "\"" + printable(token) + "\"",
                    std::string("The text is not JSON, or damaged (") + error.what() + ").");
  }

  Config take() { return std::move(result_); }

 private:
  struct Open {
    std::vector<std::string> keys;
    std::vector<Config> items;
  };

  GRAFT_COLD bool open() {
    if (open_.size() > kMaxDepth) fail<FileError>(where_, "lists and dictionaries nested at most 512 deep", "deeper ones");
    open_.emplace_back();
    return true;
  }
  GRAFT_COLD bool close(Config value) {
    open_.pop_back();
    return add(std::move(value));
  }
  GRAFT_COLD bool add(Config value) {
    if (++values_ > kMaxValues) fail<FileError>(where_, "at most 4,194,304 values", "more");
    if (open_.empty()) result_ = std::move(value);
    else open_.back().items.push_back(std::move(value));
    return true;
  }
  GRAFT_COLD static std::string printable(const std::string& token) {
    std::string text;
    for (const char c : token.substr(token.size() > 24 ? token.size() - 24 : 0)) text += c >= ' ' && c <= '~' ? c : '?';
    return text;
  }

  const std::string& where_;
  std::vector<Open> open_;
  Config result_;
  std::size_t values_ = 0;
};

}  // namespace detail

/// Reads JSON as Python writes it: RFC 8259, and NaN, Infinity and -Infinity without quotes; integers that 64 bits do not
/// hold become doubles. Throws FileError that begins with `where` for what is not JSON, is nested deeper than kMaxDepth, or
/// larger than kMaxBytes or kMaxValues.
GRAFT_COLD inline Config parse(std::string_view text, const std::string& where = "JSON") {
  if (text.size() > kMaxBytes) fail<FileError>(where, "JSON of at most 64 MiB", std::to_string(text.size()) + " bytes");
  detail::ConfigBuilder builder(where);
  const bool nonfinite = text.find("NaN") != text.npos || text.find("Infinity") != text.npos;
  const std::string quoted = nonfinite ? detail::quote_nonfinite(text) : std::string();
  const std::string_view source = nonfinite ? std::string_view(quoted) : text;
  nlohmann::json::sax_parse(source.begin(), source.end(), &builder);
  return builder.take();
}

}  // namespace graft::json
