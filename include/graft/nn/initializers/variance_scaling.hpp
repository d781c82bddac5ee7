#pragma once

#include <algorithm>
#include <cmath>

#include "graft/nn/initializers/initializer.hpp"

namespace graft {

struct VarianceScalingOptions {
  double scale = 1.0;
  std::string mode = "fan_in";                    ///< "fan_in", "fan_out" or "fan_avg"
  std::string distribution = "truncated_normal";  ///< also "normal" (the same), "untruncated_normal", "uniform"
  std::optional<Index> seed = {};
};

struct SeedOptions {
  std::optional<Index> seed = {};  ///< fixed seed: the same numbers every time
};

namespace detail {

class VarianceScalingInitializer final : public ElementwiseInitializer {
 public:
  GRAFT_COLD VarianceScalingInitializer(std::string class_name, VarianceScalingOptions options)
      : ElementwiseInitializer(options.seed), class_name_(std::move(class_name)), options_(std::move(options)) {
    const std::string where = "initializer " + class_name_;
    if (options_.distribution == "normal") options_.distribution = "truncated_normal";
    if (!(options_.scale > 0)) fail<ConfigError>(where, "scale above 0", std::to_string(options_.scale));
    if (options_.mode != "fan_in" && options_.mode != "fan_out" && options_.mode != "fan_avg") {
      fail<ConfigError>(where, "mode fan_in, fan_out or fan_avg", "\"" + options_.mode + "\"");
    }
    if (options_.distribution != "truncated_normal" && options_.distribution != "untruncated_normal" &&
        options_.distribution != "uniform") {
      fail<ConfigError>(where, "distribution truncated_normal, untruncated_normal or uniform",
                        "\"" + options_.distribution + "\"");
    }
  }
  std::string class_name() const override { return class_name_; }
  GRAFT_COLD Config options() const override {
    if (class_name_ != "VarianceScaling") return Config::object({{"seed", seed_config(seed())}});
    return Config::object({{"scale", options_.scale},
                           {"mode", options_.mode},
                           {"distribution", options_.distribution},
                           {"seed", seed_config(seed())}});
  }

 protected:
  void values(const Shape& shape, RandomKey key, Index first, std::span<double> out) const override {
    const Fans fans = Fans::of(shape);
    const double n = options_.mode == "fan_in"    ? fans.in
                     : options_.mode == "fan_out" ? fans.out
                                                  : (fans.in + fans.out) / 2;
    const double variance = options_.scale / std::max(1.0, n);
    const std::uint64_t start = static_cast<std::uint64_t>(first);
    if (options_.distribution == "uniform") {
      const double limit = std::sqrt(3 * variance);
      for (std::size_t j = 0; j < out.size(); ++j) out[j] = limit * (2 * key.uniform(start + j) - 1);
    } else if (options_.distribution == "untruncated_normal") {
      const double stddev = std::sqrt(variance);
      for (std::size_t j = 0; j < out.size(); ++j) out[j] = stddev * key.normal(start + j);
    } else {
      // The standard deviation of a standard normal cut at 2: what is cut off is made up for.
      const double stddev = std::sqrt(variance) / 0.87962566103423978;
      for (std::size_t j = 0; j < out.size(); ++j) {
        out[j] = stddev * truncated_normal(key, first + static_cast<Index>(j));
      }
    }
  }

 private:
  std::string class_name_;
  VarianceScalingOptions options_;
};

}  // namespace detail

/// Numbers whose variance is scale / n, with n = fan_in, fan_out or their mean (Keras: VarianceScaling). Uniform:
/// ±sqrt(3 scale / n); truncated normal: cut at two standard deviations of sqrt(scale / n) / 0.8796.
class VarianceScaling : public Initializer {
 public:
  GRAFT_COLD explicit VarianceScaling(VarianceScalingOptions options = {})
      : VarianceScaling("VarianceScaling", std::move(options)) {}

 protected:
  GRAFT_COLD VarianceScaling(const char* class_name, VarianceScalingOptions options)
      : Initializer(std::make_shared<detail::VarianceScalingInitializer>(class_name, std::move(options))) {}
};

/// Variance 2 / (fan_in + fan_out), truncated normal (Glorot and Bengio 2010): for tanh, sigmoid, softmax, none.
class GlorotNormal : public VarianceScaling {
 public:
  GRAFT_COLD explicit GlorotNormal(SeedOptions options = {})
      : VarianceScaling("GlorotNormal", {1.0, "fan_avg", "truncated_normal", options.seed}) {}
};

/// Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010): Keras's default.
class GlorotUniform : public VarianceScaling {
 public:
  GRAFT_COLD explicit GlorotUniform(SeedOptions options = {})
      : VarianceScaling("GlorotUniform", {1.0, "fan_avg", "uniform", options.seed}) {}
};

/// Variance 2 / fan_in, truncated normal (He et al. 2015): for ReLU and its variants.
class HeNormal : public VarianceScaling {
 public:
  GRAFT_COLD explicit HeNormal(SeedOptions options = {})
      : VarianceScaling("HeNormal", {2.0, "fan_in", "truncated_normal", options.seed}) {}
};

/// Uniform in ±sqrt(6 / fan_in) (He et al. 2015).
class HeUniform : public VarianceScaling {
 public:
  GRAFT_COLD explicit HeUniform(SeedOptions options = {})
      : VarianceScaling("HeUniform", {2.0, "fan_in", "uniform", options.seed}) {}
};

/// Variance 1 / fan_in, truncated normal (LeCun et al. 1998): for SELU.
class LecunNormal : public VarianceScaling {
 public:
  GRAFT_COLD explicit LecunNormal(SeedOptions options = {})
      : VarianceScaling("LecunNormal", {1.0, "fan_in", "truncated_normal", options.seed}) {}
};

/// Uniform in ±sqrt(3 / fan_in) (LeCun et al. 1998).
class LecunUniform : public VarianceScaling {
 public:
  GRAFT_COLD explicit LecunUniform(SeedOptions options = {})
      : VarianceScaling("LecunUniform", {1.0, "fan_in", "uniform", options.seed}) {}
};

}  // namespace graft
