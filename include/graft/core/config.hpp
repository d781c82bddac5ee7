#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graft/core/error.hpp"
#include "graft/core/macros.hpp"

namespace graft {

/// A small value tree: what JSON can say, in the order in which it was said. Layers describe themselves with it and are
/// made from it; files become it and are written from it. Accessors throw ConfigError and name the key.
class Config {
 public:
  enum class Kind { null, boolean, integer, real, string, array, object };
  using Member = std::pair<std::string, Config>;

  Config() = default;
  // Out of line: a config is made and dropped in many places, and none of them is in a hurry.
  GRAFT_COLD Config(const Config& other) = default;
  GRAFT_COLD Config(Config&& other) = default;
  GRAFT_COLD Config& operator=(const Config& other) = default;
  GRAFT_COLD Config& operator=(Config&& other) = default;
  GRAFT_COLD ~Config() = default;

  Config(std::nullptr_t) {}
  Config(bool value) : kind_(Kind::boolean), integer_(value) {}
  Config(int value) : Config(static_cast<Index>(value)) {}
  Config(Index value) : kind_(Kind::integer), integer_(value) {}
  Config(double value) : kind_(Kind::real), real_(value) {}
  GRAFT_COLD Config(const char* value) : Config(std::string(value)) {}
  GRAFT_COLD Config(std::string_view value) : Config(std::string(value)) {}
  Config(std::string value) : kind_(Kind::string), string_(std::move(value)) {}

  static Config array() { return Config(Kind::array); }
  static Config array(std::vector<Config> items) {
    Config result(Kind::array);
    result.items_ = std::move(items);
    return result;
  }
  static Config object() { return Config(Kind::object); }
  static Config object(std::vector<Member> members) {
    Config result(Kind::object);
    result.members_ = std::move(members);
    return result;
  }

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_bool() const { return kind_ == Kind::boolean; }
  bool is_number() const { return kind_ == Kind::integer || kind_ == Kind::real; }
  bool is_integer() const { return kind_ == Kind::integer; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }

  GRAFT_COLD bool as_bool(std::string_view what = "value") const {
    if (kind_ == Kind::integer) return integer_ != 0;
    expect(Kind::boolean, "true or false", what);
    return integer_ != 0;
  }
  GRAFT_COLD Index as_int(std::string_view what = "value") const {
    if (kind_ == Kind::real && real_ >= -9e15 && real_ <= 9e15 && real_ == static_cast<double>(static_cast<Index>(real_))) {
      return static_cast<Index>(real_);
    }
    expect(Kind::integer, "an integer", what);
    return integer_;
  }
  GRAFT_COLD double as_double(std::string_view what = "value") const {
    if (kind_ == Kind::integer) return static_cast<double>(integer_);
    expect(Kind::real, "a number", what);
    return real_;
  }
  GRAFT_COLD const std::string& as_string(std::string_view what = "value") const {
    expect(Kind::string, "a string", what);
    return string_;
  }
  GRAFT_COLD const std::vector<Config>& items(std::string_view what = "value") const {
    expect(Kind::array, "a list", what);
    return items_;
  }
  GRAFT_COLD const std::vector<Member>& members(std::string_view what = "value") const {
    expect(Kind::object, "a dictionary", what);
    return members_;
  }

  void push_back(Config item) {
    kind_ = Kind::array;
    items_.push_back(std::move(item));
  }

  /// The value of a key, or nullptr: of a missing key, and of everything that is no dictionary.
  GRAFT_COLD const Config* find(std::string_view key) const {
    for (const Member& member : members_) {
      if (member.first == key) return &member.second;
    }
    return nullptr;
  }
  /// As find, but a value that is null counts as missing.
  GRAFT_COLD const Config* find_set(std::string_view key) const {
    const Config* value = find(key);
    return value && !value->is_null() ? value : nullptr;
  }
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Throws ConfigError when the key is missing.
  GRAFT_COLD const Config& at(std::string_view key) const {
    if (const Config* value = find(key)) return *value;
    fail<ConfigError>("config", "a key \"" + std::string(key) + "\"", describe());
  }
  /// The value of a key; null is put there when it is missing. Makes a dictionary of a null.
  GRAFT_COLD Config& operator[](std::string_view key) {
    if (kind_ == Kind::null) kind_ = Kind::object;
    for (Member& member : members_) {
      if (member.first == key) return member.second;
    }
    return members_.emplace_back(std::string(key), Config()).second;
  }
  GRAFT_COLD void erase(std::string_view key) {
    for (auto it = members_.begin(); it != members_.end(); ++it) {
      if (it->first == key) {
        members_.erase(it);
        return;
      }
    }
  }

  // A key's value with a default for a missing key or null.
  GRAFT_COLD bool get(std::string_view key, bool otherwise) const {
    const Config* value = find_set(key);
    return value ? value->as_bool(key) : otherwise;
  }
  GRAFT_COLD Index get(std::string_view key, Index otherwise) const {
    const Config* value = find_set(key);
    return value ? value->as_int(key) : otherwise;
  }
  Index get(std::string_view key, int otherwise) const { return get(key, static_cast<Index>(otherwise)); }
  GRAFT_COLD double get(std::string_view key, double otherwise) const {
    const Config* value = find_set(key);
    return value ? value->as_double(key) : otherwise;
  }
  GRAFT_COLD std::string get(std::string_view key, const char* otherwise) const {
    const Config* value = find_set(key);
    return value ? value->as_string(key) : otherwise;
  }

  GRAFT_COLD friend bool operator==(const Config& a, const Config& b) {
    if (a.is_number() && b.is_number()) return a.as_double() == b.as_double();
    return a.kind_ == b.kind_ && a.integer_ == b.integer_ && a.real_ == b.real_ && a.string_ == b.string_ &&
           a.items_ == b.items_ && a.members_ == b.members_;
  }

 private:
  explicit Config(Kind kind) : kind_(kind) {}

  GRAFT_COLD void expect(Kind kind, const char* wanted, std::string_view what) const {
    if (kind_ != kind) fail<ConfigError>("config \"" + std::string(what) + "\"", wanted, describe());
  }
  GRAFT_COLD std::string describe() const {
    switch (kind_) {
      case Kind::null: return "null";
      case Kind::boolean: return integer_ ? "true" : "false";
      case Kind::integer: return std::to_string(integer_);
      case Kind::real: return std::to_string(real_);
      case Kind::string: return "\"" + string_.substr(0, 60) + "\"";
      case Kind::array: return "a list of " + std::to_string(items_.size());
      default: break;
    }
    std::string keys = "a dictionary with the keys";
    for (std::size_t i = 0; i < members_.size() && i < 12; ++i) keys += " " + members_[i].first.substr(0, 60);
    return keys;
  }

  Kind kind_ = Kind::null;
  Index integer_ = 0;
  double real_ = 0;
  std::string string_;
  std::vector<Config> items_;
  std::vector<Member> members_;
};

}  // namespace graft
