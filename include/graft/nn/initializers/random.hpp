#pragma once

#include "graft/nn/initializers/initializer.hpp"

namespace graft {

struct RandomNormalOptions {
  double mean = 0.0;
  double stddev = 0.05;
  std::optional<Index> seed = {};  ///< fixed seed: the same numbers every time
};

struct RandomUniformOptions {
  double minval = -0.05;
  double maxval = 0.05;
  std::optional<Index> seed = {};
};

namespace detail {

class NormalInitializer final : public ElementwiseInitializer {
 public:
  GRAFT_COLD NormalInitializer(const RandomNormalOptions& options, bool truncated)
      : ElementwiseInitializer(options.seed), mean_(options.mean), stddev_(options.stddev), truncated_(truncated) {
    if (!(stddev_ >= 0)) {
      fail<ConfigError>("initializer " + class_name(), "stddev of at least 0", std::to_string(stddev_));
    }
  }
  std::string class_name() const override { return truncated_ ? "TruncatedNormal" : "RandomNormal"; }
  GRAFT_COLD Config options() const override {
    return Config::object({{"mean", mean_}, {"stddev", stddev_}, {"seed", seed_config(seed())}});
  }

 protected:
  void values(const Shape&, RandomKey key, Index first, std::span<double> out) const override {
    for (std::size_t j = 0; j < out.size(); ++j) {
      const Index i = first + static_cast<Index>(j);
      out[j] = mean_ + stddev_ * (truncated_ ? truncated_normal(key, i) : key.normal(static_cast<std::uint64_t>(i)));
    }
  }

 private:
  double mean_, stddev_;
  bool truncated_;
};

class UniformInitializer final : public ElementwiseInitializer {
 public:
  explicit UniformInitializer(const RandomUniformOptions& options)
      : ElementwiseInitializer(options.seed), minval_(options.minval), maxval_(options.maxval) {}
  std::string class_name() const override { return "RandomUniform"; }
  GRAFT_COLD Config options() const override {
    return Config::object({{"minval", minval_}, {"maxval", maxval_}, {"seed", seed_config(seed())}});
  }

 protected:
  void values(const Shape&, RandomKey key, Index first, std::span<double> out) const override {
    for (std::size_t j = 0; j < out.size(); ++j) {
      out[j] = minval_ + (maxval_ - minval_) * key.uniform(static_cast<std::uint64_t>(first) + j);
    }
  }

 private:
  double minval_, maxval_;
};

}  // namespace detail

/// N(mean, stddev²).
class RandomNormal : public Initializer {
 public:
  GRAFT_COLD explicit RandomNormal(const RandomNormalOptions& options = {})
      : Initializer(std::make_shared<detail::NormalInitializer>(options, false)) {}
};

/// N(mean, stddev²), with numbers beyond two standard deviations drawn again.
class TruncatedNormal : public Initializer {
 public:
  GRAFT_COLD explicit TruncatedNormal(const RandomNormalOptions& options = {})
      : Initializer(std::make_shared<detail::NormalInitializer>(options, true)) {}
};

/// Uniform in [minval, maxval).
class RandomUniform : public Initializer {
 public:
  GRAFT_COLD explicit RandomUniform(const RandomUniformOptions& options = {})
      : Initializer(std::make_shared<detail::UniformInitializer>(options)) {}
};

}  // namespace graft
