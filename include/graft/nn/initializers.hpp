#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "graft/core/text.hpp"
#include "graft/nn/initializers/constant.hpp"
#include "graft/nn/initializers/initializer.hpp"
#include "graft/nn/initializers/orthogonal.hpp"
#include "graft/nn/initializers/random.hpp"
#include "graft/nn/initializers/variance_scaling.hpp"

namespace graft {

namespace detail {

struct CustomInitializers {
  std::mutex mutex;
  std::map<std::string, Initializer> by_name;
};
inline CustomInitializers& custom_initializers() {
  static CustomInitializers registry;
  return registry;
}

struct InitializerName {
  const char* name;  ///< snake_case; class names are converted to it
  Initializer (*make)(const Config& options);
};

/// Every name that Keras accepts, and how its config is read.
GRAFT_COLD inline std::span<const InitializerName> initializer_names() {
  static constexpr auto zeros = [](const Config&) -> Initializer { return Zeros(); };
  static constexpr auto ones = [](const Config&) -> Initializer { return Ones(); };
  static constexpr auto normal = [](const Config& c) -> Initializer {
    return RandomNormal({c.get("mean", 0.0), c.get("stddev", 0.05), read_seed(c)});
  };
  static constexpr auto uniform = [](const Config& c) -> Initializer {
    return RandomUniform({c.get("minval", -0.05), c.get("maxval", 0.05), read_seed(c)});
  };
  static constexpr auto truncated = [](const Config& c) -> Initializer {
    return TruncatedNormal({c.get("mean", 0.0), c.get("stddev", 0.05), read_seed(c)});
  };
  static constexpr auto scaling = [](const Config& c) -> Initializer {
    return VarianceScaling(
        {c.get("scale", 1.0), c.get("mode", "fan_in"), c.get("distribution", "truncated_normal"), read_seed(c)});
  };
  static constexpr auto orthogonal = [](const Config& c) -> Initializer {
    return Orthogonal({c.get("gain", 1.0), read_seed(c)});
  };
  static constexpr auto identity = [](const Config& c) -> Initializer {
    return IdentityInitializer(c.get("gain", 1.0));
  };
  static constexpr InitializerName names[] = {
      {"zeros", zeros},
      {"zero", zeros},
      {"ones", ones},
      {"one", ones},
      {"constant", [](const Config& c) -> Initializer { return Constant(c.get("value", 0.0)); }},
      {"random_normal", normal},
      {"normal", normal},
      {"random_uniform", uniform},
      {"uniform", uniform},
      {"truncated_normal", truncated},
      {"variance_scaling", scaling},
      {"glorot_normal", [](const Config& c) -> Initializer { return GlorotNormal({read_seed(c)}); }},
      {"glorot_uniform", [](const Config& c) -> Initializer { return GlorotUniform({read_seed(c)}); }},
      {"he_normal", [](const Config& c) -> Initializer { return HeNormal({read_seed(c)}); }},
      {"he_uniform", [](const Config& c) -> Initializer { return HeUniform({read_seed(c)}); }},
      {"lecun_normal", [](const Config& c) -> Initializer { return LecunNormal({read_seed(c)}); }},
      {"lecun_uniform", [](const Config& c) -> Initializer { return LecunUniform({read_seed(c)}); }},
      {"orthogonal", orthogonal},
      {"orthogonal_initializer", orthogonal},  // what Keras 3.0 to 3.6 wrote
      {"identity", identity},
      {"identity_initializer", identity},
  };
  return names;
}

GRAFT_COLD inline Initializer make_initializer(const std::string& name, const Config& options) {
  {
    auto& custom = custom_initializers();
    const std::lock_guard lock(custom.mutex);
    const auto found = custom.by_name.find(name);
    if (found != custom.by_name.end()) return found->second;
  }
  const std::string snake = text::to_snake_case(name);
  std::vector<std::string> known;
  for (const InitializerName& entry : initializer_names()) {
    if (snake == entry.name) return entry.make(options);
    known.push_back(entry.name);
  }
  throw ConfigError("initializer \"" + name + "\" is not known. " + text::did_you_mean(snake, known));
}

}  // namespace detail

/// Makes a name of your own known: as a string argument and in files that hold it.
GRAFT_COLD inline void register_initializer(const std::string& name, const Initializer& initializer) {
  auto& custom = detail::custom_initializers();
  const std::lock_guard lock(custom.mutex);
  custom.by_name.insert_or_assign(name, initializer);
}

GRAFT_COLD inline Initializer::Initializer(const std::string& name)
    : Initializer(detail::make_initializer(name, Config::object())) {}

GRAFT_COLD inline Initializer Initializer::from_config(const Config& config) {
  if (config.is_string()) return detail::make_initializer(config.as_string(), Config::object());
  const Config* options = config.find_set("config");
  return detail::make_initializer(config.at("class_name").as_string("class_name"),
                                  options ? *options : Config::object());
}

}  // namespace graft
