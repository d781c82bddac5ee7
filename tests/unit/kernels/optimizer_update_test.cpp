#include "graft/kernels/optimizer_update.hpp"

#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

// Three steps from w = [1, -2], learning rate 0.1: what Keras 3.11.3 computes in float32.
constexpr double kGradients[3][2] = {{0.5, -1.0}, {0.25, 3.0}, {-0.125, 0.5}};

template <class Scalar, class Update>
void check(const char* what, double first, double second, const Update& update) {
  std::vector<Scalar> w = {1, -2}, s1(2), s2(2), s3(2);
  for (Index step = 1; step <= 3; ++step) {
    const Scalar g[2] = {static_cast<Scalar>(kGradients[step - 1][0]), static_cast<Scalar>(kGradients[step - 1][1])};
    update(step, g, w.data(), s1.data(), s2.data(), s3.data());
  }
  INFO(what << " " << name(active_isa()));
  CHECK(static_cast<double>(w[0]) == Approx(first).epsilon(5e-6));
  CHECK(static_cast<double>(w[1]) == Approx(second).epsilon(5e-6));
}

template <class Scalar>
void check_all() {
  SgdParams sgd{.learning_rate = 0.1, .momentum = 0.9};
  const auto run_sgd = [&](Index, const Scalar* g, Scalar* w, Scalar* s, Scalar*, Scalar*) {
    sgd_update<Scalar>(sgd, 2, g, w, sgd.momentum > 0 ? s : nullptr);
  };
  check<Scalar>("momentum", 0.82950002, -2.34899998, run_sgd);
  sgd.nesterov = true;
  check<Scalar>("nesterov", 0.78404999, -2.56409979, run_sgd);
  sgd = {.learning_rate = 0.1};
  check<Scalar>("sgd", 1.0 - 0.1 * 0.625, -2.0 - 0.1 * 2.5, run_sgd);

  RmspropParams rmsprop{.learning_rate = 0.1};
  const auto run_rmsprop = [&](Index, const Scalar* g, Scalar* w, Scalar* v, Scalar* a, Scalar* m) {
    rmsprop_update<Scalar>(rmsprop, 2, g, w, v, rmsprop.centered ? a : nullptr, rmsprop.momentum > 0 ? m : nullptr);
  };
  check<Scalar>("rmsprop", 0.61179471, -2.03752589, run_rmsprop);
  rmsprop.centered = true;
  rmsprop.momentum = 0.9;
  check<Scalar>("rmsprop centered", -0.13166887, -1.73669231, run_rmsprop);

  AdamParams adam{.learning_rate = 0.1};
  const auto run_adam = [&](Index step, const Scalar* g, Scalar* w, Scalar* m, Scalar* v, Scalar* v_max) {
    adam.step = step;
    adam_update<Scalar>(adam, 2, g, w, m, v, adam.amsgrad ? v_max : nullptr);
  };
  check<Scalar>("adam", 0.75041920, -1.99713302, run_adam);
  adam.amsgrad = true;
  check<Scalar>("amsgrad", 0.75041920, -1.99713302, run_adam);
  adam.amsgrad = false;
  adam.weight_decay = 0.004;
  check<Scalar>("adamw", 0.74933696, -1.99479401, run_adam);
}

}  // namespace

TEST_CASE("optimizer updates follow Keras's golden vectors", "[kernels][optimizer]") {
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > detected_isa()) continue;
    const Setting setting(isa, 1);
    check_all<float>();
  }
  check_all<double>();
}

TEST_CASE("optimizer updates on vectors equal the reference, for any number of threads", "[kernels][optimizer]") {
  for (const Isa isa : vector_isas()) {
    for (const Index n : {Index{1}, Index{7}, Index{17}, Index{33}, Index{130}, Index{100003}}) {
      const std::vector<float> g = numbers(n, 1), w = numbers(n, 2), m = numbers(n, 3), v = numbers(n, 4, 0.5f, 1.0f);
      const std::vector<float> top = numbers(n, 5, 0.5f, 1.0f);
      const SgdParams sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01};
      const RmspropParams rms{.momentum = 0.5, .centered = true, .epsilon_outside_sqrt = true};
      const RmspropParams plain{.learning_rate = 0.01};
      const AdamParams adam{.learning_rate = 0.01, .amsgrad = true, .step = 3};
      for (const int threads : {1, 3}) {
        const Setting setting(isa, threads);
        INFO(name(isa) << " n " << n);
        std::vector<float> w1 = w, m1 = m, v1 = v, t1 = top, w2 = w, m2 = m, v2 = v, t2 = top;
        sgd_update<float>(sgd, n, g.data(), w1.data(), m1.data());
        reference::sgd_update<float>(sgd, n, g.data(), w2.data(), m2.data());
        // |average| < 0.5, so that the centered variance stays away from zero.
        for (std::vector<float>* average : {&m1, &m2}) {
          for (std::size_t i = 0; i < average->size(); ++i) (*average)[i] = 0.4f * m[i];
        }
        rmsprop_update<float>(rms, n, g.data(), w1.data(), v1.data(), m1.data(), t1.data());
        reference::rmsprop_update<float>(rms, n, g.data(), w2.data(), v2.data(), m2.data(), t2.data());
        rmsprop_update<float>(plain, n, g.data(), w1.data(), v1.data(), nullptr, nullptr);
        reference::rmsprop_update<float>(plain, n, g.data(), w2.data(), v2.data(), nullptr, nullptr);
        adam_update<float>(adam, n, g.data(), w1.data(), m1.data(), v1.data(), t1.data());
        reference::adam_update<float>(adam, n, g.data(), w2.data(), m2.data(), v2.data(), t2.data());
        CHECK(distance(w1, w2) < 5e-6);
        CHECK(distance(m1, m2) < 2e-6);
        CHECK(distance(v1, v2) < 2e-6);
        CHECK(distance(t1, t2) < 2e-6);
      }
    }
  }
}
