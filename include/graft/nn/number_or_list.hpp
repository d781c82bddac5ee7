#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "graft/core/config.hpp"
#include "graft/core/shape.hpp"

namespace graft {

/// An option that is nothing, a number, or a list of numbers: `{.mean = 0.5}`, `{.mean = {0.48, 0.46, 0.41}}`.
class NumberOrList {
 public:
  NumberOrList() = default;
  NumberOrList(double value) : values_{value}, given_(true) {}
  NumberOrList(std::initializer_list<double> values) : NumberOrList(std::vector<double>(values)) {}
  NumberOrList(std::vector<double> values) : values_(std::move(values)), given_(true) {
    shape_.push_back(static_cast<Index>(values_.size()));
  }
  /// null, a number, or lists in lists. Throws ConfigError when they are ragged.
  GRAFT_COLD static NumberOrList from_config(const Config& config, const char* what) {
    NumberOrList result;
    result.given_ = !config.is_null();
    if (result.given_) result.read(config, 0, what);
    return result;
  }

  bool given() const { return given_; }
  /// () for a number, (n) for a list.
  const Shape& shape() const { return shape_; }
  const std::vector<double>& values() const { return values_; }
  Index size() const { return static_cast<Index>(values_.size()); }
  /// Value i; a number is all of them.
  double operator[](Index i) const { return values_[values_.size() == 1 ? 0 : static_cast<std::size_t>(i)]; }

  GRAFT_COLD Config config() const {
    std::size_t at = 0;
    return given_ ? write(0, at) : Config();
  }

 private:
  GRAFT_COLD void read(const Config& config, int depth, const char* what) {
    if (!config.is_array()) {
      if (depth != shape_.rank()) ragged(what);
      values_.push_back(config.as_double(what));
      return;
    }
    const auto& items = config.items(what);
    const Index count = static_cast<Index>(items.size());
    if (depth == shape_.rank() && values_.empty()) shape_.push_back(count);
    if (depth >= shape_.rank() || shape_[depth] != count) ragged(what);
    for (const Config& item : items) read(item, depth + 1, what);
  }
  GRAFT_COLD Config write(int depth, std::size_t& at) const {
    if (depth == shape_.rank()) return Config(values_[at++]);
    Config list = Config::array();
    for (Index i = 0; i < shape_[depth]; ++i) list.push_back(write(depth + 1, at));
    return list;
  }
  [[noreturn]] GRAFT_COLD static void ragged(const char* what) {
    fail<ConfigError>(std::string("config \"") + what + "\"", "a number, or lists of one length", "something else");
  }

  std::vector<double> values_;
  Shape shape_;
  bool given_ = false;
};

}  // namespace graft
