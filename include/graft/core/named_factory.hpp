#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/config_fields.hpp"
#include "graft/core/text.hpp"

// From names and Keras's serialized objects to objects; shared by losses, metrics and optimizers.
namespace graft {

/// What a string or a dictionary of Keras says: which class, with which configuration.
struct ObjectName {
  std::string name;  ///< class name or function name
  Config config = Config::object();
};

/// Reads "mse", {"class_name": "MeanSquaredError", "config": {…}} (Keras 2 and 3) and Keras 3's functions
/// {"class_name": "function", "config": "mean_squared_error"}. "Custom>Adam" and "package>Name" lose their prefix.
GRAFT_COLD inline ObjectName read_object_name(const char* what, const Config& config) {
  ObjectName result;
  if (config.is_string()) {
    result.name = config.as_string(what);
  } else if (config.is_object()) {
    result.name = config.at("class_name").as_string("class_name");
    const Config* inner = config.find_set("config");
    if (inner && inner->is_string()) result.name = inner->as_string("config");
    else if (inner) result.config = *inner;
  } else {
    throw ConfigError(std::string(what) + ": expected a name or a dictionary with class_name and config.");
  }
  const std::size_t prefix = result.name.rfind('>');
  if (prefix != std::string::npos) result.name.erase(0, prefix + 1);
  return result;
}

/// One class: its names, separated by spaces (class name, snake-case name, abbreviations), and how it is made from a
/// configuration. A table of them is data, not code: it costs nothing to compile.
template <class Handle>
struct NamedClass {
  std::string_view names;
  Handle (*make)(const Config& config, std::string_view class_name);

  std::string_view class_name() const { return names.substr(0, names.find(' ')); }
};

namespace detail {

/// The words of a list that is separated by spaces.
GRAFT_COLD inline std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> result(1);
  for (const char c : list) {
    if (c == ' ') result.emplace_back();
    else result.back() += c;
  }
  return result;
}

/// Is `word` in the list, letter case aside?
GRAFT_COLD inline bool has_word(std::string_view list, std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const std::string& known : words(list)) {
    bool same = known.size() == word.size();
    for (std::size_t i = 0; same && i < word.size(); ++i) same = lower(known[i]) == lower(word[i]);
    if (same) return true;
  }
  return false;
}

[[noreturn]] GRAFT_COLD inline void unknown_name(const char* what, const std::string& name,
                                                 std::span<const std::string_view> lists) {
  // A user who wrote CamelCase meant a class name.
  const bool camel = !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
  std::vector<std::string> names;
  for (const std::string_view list : lists) {
    const auto known = words(list);
    names.push_back(camel || known.size() < 2 ? known[0] : known[1]);
  }
  throw ConfigError(std::string(what) + " \"" + name + "\" is not known. " + text::did_you_mean(name, names));
}

}  // namespace detail

/// The entry of a name in two tables, the users' own classes first; nullptr for an unknown name.
template <class Handle>
GRAFT_COLD const NamedClass<Handle>* find_class(std::string_view name, std::span<const NamedClass<Handle>> own,
                                                std::span<const NamedClass<Handle>> builtin) {
  for (const auto& table : {own, builtin}) {
    for (const auto& entry : table) {
      if (detail::has_word(entry.names, name)) return &entry;
    }
  }
  return nullptr;
}

/// Makes an object from a name and a configuration. Throws ConfigError, with the nearest name, for an unknown name.
template <class Handle>
GRAFT_COLD Handle make_named(const char* what, const ObjectName& object, std::span<const NamedClass<Handle>> own,
                             std::span<const NamedClass<Handle>> builtin,
                             std::span<const std::string_view> more_names = {}) {
  if (const auto* entry = find_class<Handle>(object.name, own, builtin)) {
    return entry->make(object.config, entry->class_name());
  }
  std::vector<std::string_view> lists(more_names.begin(), more_names.end());
  for (const auto& table : {own, builtin}) {
    for (const auto& entry : table) lists.push_back(entry.names);
  }
  detail::unknown_name(what, object.name, lists);
}

}  // namespace graft
