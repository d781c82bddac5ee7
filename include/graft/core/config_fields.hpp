#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/config.hpp"

namespace graft {

/// Reads an options struct from a Config or writes it into one: the struct names its fields once, for both ways.
///
///     void fields(ConfigFields& f) { f("from_logits", from_logits); f("axis", axis); }
///
/// Reading leaves a field alone when its key is missing or null (optional fields become empty on null); keys that no
/// field names are ignored. Throws ConfigError when a value is of the wrong kind.
class ConfigFields {
 public:
  static ConfigFields reader(const Config& from) { return ConfigFields(&from, nullptr); }
  static ConfigFields writer(Config& to) { return ConfigFields(nullptr, &to); }

  bool reading() const { return from_ != nullptr; }
  const Config* from() const { return from_; }
  Config* to() const { return to_; }

  GRAFT_COLD void operator()(std::string_view key, bool& field) {
    if (to_) (*to_)[key] = field;
    else field = from_->get(key, field);
  }
  GRAFT_COLD void operator()(std::string_view key, int& field) {
    if (to_) (*to_)[key] = field;
    else field = static_cast<int>(from_->get(key, static_cast<Index>(field)));
  }
  GRAFT_COLD void operator()(std::string_view key, Index& field) {
    if (to_) (*to_)[key] = field;
    else field = from_->get(key, field);
  }
  GRAFT_COLD void operator()(std::string_view key, double& field) {
    if (to_) (*to_)[key] = field;
    else field = from_->get(key, field);
  }
  GRAFT_COLD void operator()(std::string_view key, std::string& field) {
    if (to_) (*to_)[key] = field;
    else if (const Config* value = from_->find_set(key)) field = value->as_string(key);
  }
  GRAFT_COLD void operator()(std::string_view key, std::optional<bool>& field) {
    if (to_) (*to_)[key] = field ? Config(*field) : Config();
    else if (const Config* value = from_->find(key))
      field = value->is_null() ? std::nullopt : std::optional(value->as_bool(key));
  }
  GRAFT_COLD void operator()(std::string_view key, std::optional<Index>& field) {
    if (to_) (*to_)[key] = field ? Config(*field) : Config();
    else if (const Config* value = from_->find(key))
      field = value->is_null() ? std::nullopt : std::optional(value->as_int(key));
  }
  GRAFT_COLD void operator()(std::string_view key, std::optional<double>& field) {
    if (to_) {
      (*to_)[key] = field ? Config(*field) : Config();
    } else if (const Config* value = from_->find(key)) {
      field = value->is_null() ? std::nullopt : std::optional(value->as_double(key));
    }
  }
  /// A list; a single number reads as a list of one, and an empty list is written as null.
  GRAFT_COLD void operator()(std::string_view key, std::vector<double>& field) {
    if (to_) {
      Config& list = (*to_)[key] = field.empty() ? Config() : Config::array();
      for (const double value : field) list.push_back(value);
    } else if (const Config* value = from_->find_set(key)) {
      field.clear();
      if (value->is_number()) field.push_back(value->as_double(key));
      else
        for (const Config& item : value->items(key)) field.push_back(item.as_double(key));
    }
  }
  GRAFT_COLD void operator()(std::string_view key, std::vector<Index>& field) {
    if (to_) {
      Config& list = (*to_)[key] = field.empty() ? Config() : Config::array();
      for (const Index value : field) list.push_back(value);
    } else if (const Config* value = from_->find_set(key)) {
      field.clear();
      if (value->is_number()) field.push_back(value->as_int(key));
      else
        for (const Config& item : value->items(key)) field.push_back(item.as_int(key));
    }
  }
  /// A list; a single text reads as a list of one.
  GRAFT_COLD void operator()(std::string_view key, std::vector<std::string>& field) {
    if (to_) {
      Config& list = (*to_)[key] = Config::array();
      for (const std::string& value : field) list.push_back(value);
    } else if (const Config* value = from_->find_set(key)) {
      field.clear();
      if (value->is_string()) field.push_back(value->as_string(key));
      else
        for (const Config& item : value->items(key)) field.push_back(item.as_string(key));
    }
  }

 private:
  ConfigFields(const Config* from, Config* to) : from_(from), to_(to) {}

  const Config* from_;
  Config* to_;
};

/// An options struct from a Config.
template <class Options>
GRAFT_COLD Options options_from_config(const Config& config) {
  Options options;
  ConfigFields fields = ConfigFields::reader(config);
  options.fields(fields);
  return options;
}

}  // namespace graft
