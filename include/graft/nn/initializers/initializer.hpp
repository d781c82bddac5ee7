#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "graft/core/config.hpp"
#include "graft/core/random.hpp"
#include "graft/core/tensor.hpp"
#include "graft/core/thread_pool.hpp"

namespace graft {

/// What an initializer is behind its handle. All numbers are computed in double and rounded once.
class InitializerImpl {
 public:
  virtual ~InitializerImpl() = default;
  /// Keras's class_name: "GlorotUniform".
  virtual std::string class_name() const = 0;
  /// Keras's inner config: {"seed": null}.
  virtual Config options() const { return Config::object(); }
  virtual void fill(TensorView<double> into, Rng& rng) const = 0;
  GRAFT_COLD virtual void fill(TensorView<float> into, Rng& rng) const {
    auto values = Tensor<double>::uninitialized(into.shape());
    fill(values.view(), rng);
    for (Index i = 0; i < into.size(); ++i) into[i] = static_cast<float>(values[i]);
  }
};

/// Starting values of a variable: a cheap handle, made from Keras's name ("he_normal", "HeNormal") or from an object
/// (`graft::HeNormal()`), or from your own function `void(TensorView<double>, Rng&)`.
class Initializer {
 public:
  using Function = std::function<void(TensorView<double>, Rng&)>;

  /// Throws ConfigError for an unknown name, with the nearest one.
  Initializer(const char* name) : Initializer(std::string(name)) {}
  Initializer(const std::string& name);
  template <class F>
  requires(std::invocable<const F&, TensorView<double>, Rng&> && !std::derived_from<F, Initializer>)
      Initializer(F function)
      : Initializer(custom("CustomInitializer", std::move(function))) {}

  /// A function with a name that files will hold; register_initializer makes such files loadable.
  static Initializer custom(std::string class_name, Function function);

  /// Fills with new numbers. They depend on the state of `rng` alone or, with a fixed seed, on the seed alone.
  void fill(TensorView<float> into, Rng& rng) const { impl_->fill(into, rng); }
  void fill(TensorView<double> into, Rng& rng) const { impl_->fill(into, rng); }

  std::string class_name() const { return impl_->class_name(); }
  /// {"class_name": "GlorotUniform", "config": {"seed": null}}
  GRAFT_COLD Config config() const {
    return Config::object({{"class_name", impl_->class_name()}, {"config", impl_->options()}});
  }
  /// A name, or {"class_name", "config"} of any Keras from 2 to 3; keys that say nothing here are ignored. Throws
  /// ConfigError.
  static Initializer from_config(const Config& config);

 protected:
  explicit Initializer(std::shared_ptr<const InitializerImpl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const InitializerImpl> impl_;
};

/// Number of inputs and outputs that one weight of a kernel connects. Rank 1: (n, n); rank 2: (rows, columns); above:
/// the last two dimensions, each times the product of those before (Keras: compute_fans).
struct Fans {
  double in = 1;
  double out = 1;

  GRAFT_COLD static Fans of(const Shape& shape) {
    const int rank = shape.rank();
    if (rank == 0) return {};
    if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
    const double field = static_cast<double>(shape.product(0, rank - 2));
    return {field * static_cast<double>(shape[-2]), field * static_cast<double>(shape[-1])};
  }
};

namespace detail {

using Seed = std::optional<Index>;

inline Config seed_config(const Seed& seed) { return seed ? Config(*seed) : Config(); }

/// Keras 3 writes a seed that is a generator as a dictionary: it counts as not fixed.
GRAFT_COLD inline Seed read_seed(const Config& config) {
  const Config* seed = config.find_set("seed");
  return seed && seed->is_number() ? Seed(seed->as_int("seed")) : Seed();
}

/// Element i is f(key, i), so that threads may share the work.
class ElementwiseInitializer : public InitializerImpl {
 public:
  explicit ElementwiseInitializer(Seed seed = {}) : seed_(seed) {}
  void fill(TensorView<float> into, Rng& rng) const override { fill_any(into, rng); }
  void fill(TensorView<double> into, Rng& rng) const override { fill_any(into, rng); }

 protected:
  /// Numbers first … of a tensor of this shape.
  virtual void values(const Shape& shape, RandomKey key, Index first, std::span<double> out) const = 0;
  const Seed& seed() const { return seed_; }

 private:
  template <class Scalar>
  void fill_any(TensorView<Scalar> into, Rng& rng) const {
    const RandomKey key = seed_ ? Rng(static_cast<std::uint64_t>(*seed_)).split() : rng.split();
    parallel_for(0, into.size(), 1 << 14, [&](Index begin, Index end) {
      double chunk[512];
      for (Index i = begin; i < end; i += 512) {
        const Index count = std::min<Index>(512, end - i);
        values(into.shape(), key, i, {chunk, static_cast<std::size_t>(count)});
        for (Index j = 0; j < count; ++j) into[i + j] = static_cast<Scalar>(chunk[j]);
      }
    });
  }

  Seed seed_;
};

/// A standard normal number cut at two standard deviations: draws again what lies outside.
inline double truncated_normal(RandomKey key, Index i) {
  const RandomKey own = key.fold(static_cast<std::uint64_t>(i));
  for (std::uint64_t draw = 0;; ++draw) {
    const double z = own.normal(draw);
    if (z > -2 && z < 2) return z;
  }
}

class FunctionInitializer final : public InitializerImpl {
 public:
  FunctionInitializer(std::string class_name, Initializer::Function function)
      : class_name_(std::move(class_name)), function_(std::move(function)) {}
  using InitializerImpl::fill;
  std::string class_name() const override { return class_name_; }
  void fill(TensorView<double> into, Rng& rng) const override { function_(into, rng); }

 private:
  std::string class_name_;
  Initializer::Function function_;
};

}  // namespace detail

GRAFT_COLD inline Initializer Initializer::custom(std::string class_name, Function function) {
  return Initializer(std::make_shared<detail::FunctionInitializer>(std::move(class_name), std::move(function)));
}

}  // namespace graft
