#pragma once

#include <charconv>
#include <limits>
#include <map>

#include "graft/core/config.hpp"
#include "graft/io/json/utf8.hpp"

namespace graft::json {

inline constexpr int kMaxDepth = 512;                            ///< nesting of lists and dictionaries
inline constexpr std::size_t kMaxBytes = std::size_t{1} << 26;   ///< length of a text: 64 MiB
inline constexpr std::size_t kMaxValues = std::size_t{1} << 22;  ///< values in one text

namespace detail {

/// Reads one JSON text (RFC 8259) into a Config, and what Python's json writes beyond the standard: NaN, Infinity and
/// -Infinity without quotes, integers of any size (as doubles where 64 bits do not hold them).
class Reader {
 public:
  Reader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  GRAFT_COLD Config read() {
    Config result = value(0);
    skip_space();
    if (at_ < text_.size()) refuse("the end of the text");
    return result;
  }

 private:
  [[noreturn]] GRAFT_COLD void refuse(const char* expected) const {
    const std::string_view rest = text_.substr(std::min(at_, text_.size()));
    std::string received = rest.empty() ? "the end of the text" : "\"";
    for (const char c : rest.substr(0, 24)) received += c >= ' ' && c <= '~' ? c : '?';
    if (!rest.empty()) received += '"';
    fail<FileError>(where_ + ", byte " + std::to_string(at_), expected, received, "The text is not JSON, or damaged.");
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  GRAFT_COLD Config value(int depth) {
    if (++values_ > kMaxValues) fail<FileError>(where_, "at most 4,194,304 values", "more");
    if (depth > kMaxDepth) fail<FileError>(where_, "lists and dictionaries nested at most 512 deep", "deeper ones");
    skip_space();
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return Config(string());
      default: break;
    }
    if (take("null")) return Config();
    if (take("true")) return Config(true);
    if (take("false")) return Config(false);
    if (take("NaN")) return Config(std::numeric_limits<double>::quiet_NaN());
    if (take("Infinity")) return Config(std::numeric_limits<double>::infinity());
    if (take("-Infinity")) return Config(-std::numeric_limits<double>::infinity());
    return number();
  }

  GRAFT_COLD Config array(int depth) {
    std::vector<Config> items;
    ++at_;
    skip_space();
    if (take("]")) return Config::array();
    while (true) {
      items.push_back(value(depth + 1));
      skip_space();
      if (take("]")) return Config::array(std::move(items));
      if (!take(",")) refuse("\",\" or \"]\"");
    }
  }

  GRAFT_COLD Config object(int depth) {
    std::vector<Config::Member> members;
    ++at_;
    skip_space();
    if (take("}")) return Config::object();
    while (true) {
      skip_space();
      if (peek() != '"') refuse("a key in quotes");
      std::string key = string();
      skip_space();
      if (!take(":")) refuse("\":\"");
      Config item = value(depth + 1);
      members.emplace_back(std::move(key), std::move(item));
      skip_space();
      if (take("}")) return Config::object(unique(std::move(members)));
      if (!take(",")) refuse("\",\" or \"}\"");
    }
  }

  // Of a repeated key the last value counts, in the place of the first, as in Python.
  GRAFT_COLD static std::vector<Config::Member> unique(std::vector<Config::Member> members) {
    std::map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < members.size(); ++i) last[members[i].first] = i;
    if (last.size() == members.size()) return members;
    std::vector<Config::Member> kept;
    for (const Config::Member& member : members) {
      const auto found = last.find(member.first);
      if (found == last.end()) continue;
      kept.emplace_back(member.first, members[found->second].second);
      last.erase(found);
    }
    return kept;
  }

  GRAFT_COLD std::string string() {
    std::string result;
    for (++at_; peek() != '"';) {
      if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) refuse("a quote that ends the string");
      if (text_[at_] == '\\') {
        escape(result);
      } else if (static_cast<unsigned char>(text_[at_]) < 0x80) {
        result += text_[at_++];
      } else {
        unsigned code = 0;
        const std::size_t length = decode_utf8(text_, at_, code);
        if (length == 0) refuse("text in UTF-8");
        result.append(text_.substr(at_, length));
        at_ += length;
      }
    }
    ++at_;
    return result;
  }

  GRAFT_COLD void escape(std::string& into) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    const std::size_t which = at_ < text_.size() ? kNames.find(text_[at_]) : std::string_view::npos;
    if (which != std::string_view::npos) {
      into += kMeanings[which];
      ++at_;
      return;
    }
    unsigned code = hex();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const std::size_t before = at_++;
      const unsigned low = hex();
      if (low >= 0xDC00 && low < 0xE000) code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      else at_ = before;
    }
    append_utf8(into, code);
  }

  GRAFT_COLD unsigned hex() {
    unsigned code = 0;
    const std::string_view digits = text_.substr(std::min(at_ + 1, text_.size()), 4);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (peek() != 'u' || digits.size() != 4 || parsed.ptr != digits.data() + 4) refuse("an escape sequence");
    at_ += 5;
    return code;
  }

  bool digits() {
    const std::size_t first = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > first;
  }

  GRAFT_COLD Config number() {
    const std::size_t first = at_;
    (void)take("-");
    const bool zero = peek() == '0';
    const std::size_t leading = at_;
    if (!digits() || (zero && at_ > leading + 1)) refuse_from(first, "a value");
    const std::size_t integer_end = at_;
    bool integer = true;
    if (take(".")) {
      integer = false;
      if (!digits()) refuse_from(first, "digits after the point");
    }
    if (peek() == 'e' || peek() == 'E') {
      integer = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) refuse_from(first, "digits of an exponent");
    }
    const char* const begin = text_.data() + first;
    const char* const end = text_.data() + at_;
    if (integer) {
      Index value = 0;
      if (std::from_chars(begin, end, value).ec == std::errc()) return Config(value);
    }
    double value = 0;
    if (std::from_chars(begin, end, value).ec == std::errc::result_out_of_range) {
      const std::string_view token = text_.substr(first, at_ - first);
      const std::size_t exponent = token.find_first_of("eE");
      const bool tiny = exponent != std::string_view::npos ? token[exponent + 1] == '-' : integer_end - leading < 300;
      value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
      if (token[0] == '-') value = -value;
    }
    return Config(value);
  }

  [[noreturn]] GRAFT_COLD void refuse_from(std::size_t first, const char* expected) {
    at_ = first;
    refuse(expected);
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0, values_ = 0;
};

}  // namespace detail

/// Reads JSON as Python writes it. Throws FileError that begins with `where` for what is not JSON, is nested deeper
/// than kMaxDepth, or larger than kMaxBytes or kMaxValues.
GRAFT_COLD inline Config parse(std::string_view text, const std::string& where = "JSON") {
  if (text.size() > kMaxBytes) fail<FileError>(where, "JSON of at most 64 MiB", std::to_string(text.size()) + " bytes");
  return detail::Reader(text, where).read();
}

}  // namespace graft::json
