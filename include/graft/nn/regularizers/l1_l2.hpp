#pragma once

#include <cmath>

#include "graft/kernels/elementwise.hpp"
#include "graft/nn/regularizers/regularizer.hpp"

namespace graft {

namespace detail {

class L1L2Regularizer final : public RegularizerOf<L1L2Regularizer> {
 public:
  GRAFT_COLD L1L2Regularizer(const char* class_name, double l1, double l2) : class_name_(class_name), l1_(l1), l2_(l2) {
    if (!std::isfinite(l1) || !std::isfinite(l2)) {
      fail<ConfigError>(std::string("regularizer ") + class_name, "finite factors",
                        std::to_string(l1) + " and " + std::to_string(l2));
    }
  }
  GRAFT_COLD Config config() const override {
    Config options = Config::object();
    if (class_name_ != "L2") options["l1"] = l1_;
    if (class_name_ != "L1") options["l2"] = l2_;
    return Config::object({{"class_name", class_name_}, {"config", options}});
  }

  template <class Scalar>
  double evaluate(TensorView<const Scalar> w, TensorView<Scalar> gradient, Scalar scale) const {
    double total = 0;
    if (l1_ != 0) {
      double sum = 0;
      const Scalar step = static_cast<Scalar>(l1_) * scale;
      for (Index i = 0; i < w.size(); ++i) {
        sum += static_cast<double>(std::abs(w[i]));
        if (gradient) gradient[i] += w[i] > 0 ? step : w[i] < 0 ? -step : Scalar(0);
      }
      total += l1_ * sum;
    }
    if (l2_ != 0) {
      total += l2_ * kernels::sum_of_squares(w.size(), w.data());
      if (gradient) kernels::axpy(w.size(), static_cast<Scalar>(2 * l2_) * scale, w.data(), gradient.data());
    }
    return total;
  }

 private:
  std::string class_name_;
  double l1_, l2_;
};

}  // namespace detail

/// l1 * sum |w|
class L1 : public Regularizer {
 public:
  GRAFT_COLD explicit L1(double l1 = 0.01) : Regularizer(std::make_shared<detail::L1L2Regularizer>("L1", l1, 0.0)) {}
};

/// l2 * sum w² (no ½)
class L2 : public Regularizer {
 public:
  GRAFT_COLD explicit L2(double l2 = 0.01) : Regularizer(std::make_shared<detail::L1L2Regularizer>("L2", 0.0, l2)) {}
};

/// l1 * sum |w| + l2 * sum w²
class L1L2 : public Regularizer {
 public:
  GRAFT_COLD explicit L1L2(double l1 = 0.0, double l2 = 0.0)
      : Regularizer(std::make_shared<detail::L1L2Regularizer>("L1L2", l1, l2)) {}
};

}  // namespace graft
