#pragma once

#include "graft/nn/initializers/initializer.hpp"

namespace graft {

namespace detail {

class ConstantInitializer final : public ElementwiseInitializer {
 public:
  ConstantInitializer(const char* class_name, double value) : class_name_(class_name), value_(value) {}
  std::string class_name() const override { return class_name_; }
  GRAFT_COLD Config options() const override {
    return class_name_ == "Constant" ? Config::object({{"value", value_}}) : Config::object();
  }

 protected:
  void values(const Shape&, RandomKey, Index, std::span<double> out) const override {
    for (double& number : out) number = value_;
  }

 private:
  std::string class_name_;
  double value_;
};

class IdentityMatrixInitializer final : public ElementwiseInitializer {
 public:
  explicit IdentityMatrixInitializer(double gain) : gain_(gain) {}
  std::string class_name() const override { return "Identity"; }
  GRAFT_COLD Config options() const override { return Config::object({{"gain", gain_}}); }
  void fill(TensorView<float> into, Rng& rng) const override {
    check(into.shape()), ElementwiseInitializer::fill(into, rng);
  }
  void fill(TensorView<double> into, Rng& rng) const override {
    check(into.shape()), ElementwiseInitializer::fill(into, rng);
  }

 protected:
  void values(const Shape& shape, RandomKey, Index first, std::span<double> out) const override {
    for (std::size_t j = 0; j < out.size(); ++j) {
      const Index i = first + static_cast<Index>(j);
      out[j] = i / shape[1] == i % shape[1] ? gain_ : 0.0;
    }
  }

 private:
  GRAFT_COLD static void check(const Shape& shape) {
    if (shape.rank() != 2) fail<ShapeError>("initializer Identity", "a shape of two dimensions", shape.str());
  }
  double gain_;
};

}  // namespace detail

/// Zeros.
class Zeros : public Initializer {
 public:
  GRAFT_COLD Zeros() : Initializer(std::make_shared<detail::ConstantInitializer>("Zeros", 0.0)) {}
};

/// Ones.
class Ones : public Initializer {
 public:
  GRAFT_COLD Ones() : Initializer(std::make_shared<detail::ConstantInitializer>("Ones", 1.0)) {}
};

/// One value everywhere.
class Constant : public Initializer {
 public:
  GRAFT_COLD explicit Constant(double value = 0.0)
      : Initializer(std::make_shared<detail::ConstantInitializer>("Constant", value)) {}
};

/// `gain` times the identity matrix; for two dimensions. Keras calls it Identity, as it does a layer.
class IdentityInitializer : public Initializer {
 public:
  GRAFT_COLD explicit IdentityInitializer(double gain = 1.0)
      : Initializer(std::make_shared<detail::IdentityMatrixInitializer>(gain)) {}
};

}  // namespace graft
