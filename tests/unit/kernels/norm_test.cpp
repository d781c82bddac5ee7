#include <vector>

#include "graft/kernels/group_norm.hpp"
#include "graft/kernels/row_norm.hpp"
#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

struct NormResult {
  std::vector<float> mean, factor, y, dx, dgamma, dbeta;
};

double distance(const NormResult& a, const NormResult& b) {
  double worst = 0;
  for (auto member : {&NormResult::mean, &NormResult::factor, &NormResult::y, &NormResult::dx, &NormResult::dgamma,
                      &NormResult::dbeta}) {
    worst = std::fmax(worst, graft::testing::distance(a.*member, b.*member));
  }
  return worst;
}
bool same_bits(const NormResult& a, const NormResult& b) {
  return graft::testing::same_bits(a.y, b.y) && graft::testing::same_bits(a.dx, b.dx) &&
         graft::testing::same_bits(a.dgamma, b.dgamma) && graft::testing::same_bits(a.dbeta, b.dbeta);
}

/// Both kernels: `slices` statistics, `channels` values of gamma and beta.
template <class Desc, class Forward, class Backward>
NormResult run(const Desc& desc, Index size, Index slices, Index channels, bool affine, bool accumulate,
               Forward forward, Backward backward) {
  const auto seed = static_cast<std::uint32_t>(size + channels);
  const std::vector<float> x = numbers(size, seed, 1.0f, 4.0f), dy = numbers(size, seed + 1);
  const std::vector<float> gamma = numbers(channels, seed + 2, 0.5f, 1.5f), beta = numbers(channels, seed + 3);
  NormResult r;
  r.mean.resize(static_cast<std::size_t>(slices));
  r.factor = r.mean;
  r.y.resize(x.size());
  r.dx = numbers(size, seed + 4);
  r.dgamma = r.dbeta = numbers(channels, 1);
  const float* scale = affine ? gamma.data() : nullptr;
  forward(desc, x.data(), scale, affine ? beta.data() : nullptr, r.mean.data(), r.factor.data(), r.y.data());
  backward(desc, x.data(), dy.data(), r.mean.data(), r.factor.data(), scale, r.dx.data(), r.dgamma.data(),
           r.dbeta.data(), accumulate);
  return r;
}

NormResult run_rows(const RowNormDesc& desc, bool reference_path, bool affine, bool accumulate) {
  const Index size = desc.rows * desc.cols;
  return reference_path ? run(desc, size, desc.rows, desc.cols, affine, accumulate, &reference::row_norm_forward<float>,
                              &reference::row_norm_backward<float>)
                        : run(desc, size, desc.rows, desc.cols, affine, accumulate, &row_norm_forward<float>,
                              &row_norm_backward<float>);
}

NormResult run_groups(const GroupNormDesc& desc, bool reference_path, bool affine, bool accumulate) {
  const Index size = desc.batch * desc.sample(), slices = desc.batch * desc.groups;
  return reference_path ? run(desc, size, slices, desc.channels, affine, accumulate,
                              &reference::group_norm_forward<float>, &reference::group_norm_backward<float>)
                        : run(desc, size, slices, desc.channels, affine, accumulate, &group_norm_forward<float>,
                              &group_norm_backward<float>);
}

}  // namespace

TEST_CASE("row normalization equals the reference", "[kernels][norm]") {
  for (const Isa isa : vector_isas()) {
    for (const RowNormKind kind : {RowNormKind::layer, RowNormKind::rms, RowNormKind::unit}) {
      for (const Index cols : kOddSizes) {
        for (const Index rows : {Index{1}, Index{5}, Index{97}}) {
          const Setting setting(isa, 2);
          const RowNormDesc desc{rows, cols, kind, 1e-3};
          const bool affine = rows != 5, accumulate = rows == 97;
          INFO(name(isa) << " kind " << static_cast<int>(kind) << ", " << rows << " x " << cols);
          CHECK(distance(run_rows(desc, false, affine, accumulate), run_rows(desc, true, affine, accumulate)) < 5e-5);
        }
      }
    }
  }
}

TEST_CASE("group normalization equals the reference", "[kernels][norm]") {
  for (const Isa isa : vector_isas()) {
    for (const Index positions : {Index{1}, Index{9}, Index{600}}) {
      for (const Index channels : {Index{1}, Index{6}, Index{48}, Index{66}}) {
        for (const Index groups : {Index{1}, Index{2}, Index{6}, channels}) {
          if (channels % groups != 0 || positions * channels / groups < 2) continue;
          const Setting setting(isa, 2);
          const GroupNormDesc desc{3, positions, channels, groups, 1e-3};
          const bool affine = groups != 2, accumulate = positions == 9;
          INFO(name(isa) << " " << positions << " x " << channels << ", groups " << groups);
          CHECK(distance(run_groups(desc, false, affine, accumulate), run_groups(desc, true, affine, accumulate)) <
                1e-4);
        }
      }
    }
  }
}

TEST_CASE("normalizations leave out what is not needed", "[kernels][norm]") {
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > detected_isa()) continue;
    const Setting setting(isa, 1);
    const Index rows = 40, cols = 21;
    const RowNormDesc desc{rows, cols, RowNormKind::layer, 1e-3};
    const GroupNormDesc groups{4, 10, cols, 3, 1e-3};
    const std::vector<float> dy = numbers(rows * cols, 1);
    std::vector<float> expected(static_cast<std::size_t>(cols)), actual(expected);
    reference::column_sums<float>(rows, cols, dy.data(), expected.data(), false);
    row_norm_backward<float>(desc, nullptr, dy.data(), nullptr, nullptr, nullptr, nullptr, nullptr, actual.data());
    CHECK(graft::testing::distance(actual, expected) < 1e-5);
    group_norm_backward<float>(groups, nullptr, dy.data(), nullptr, nullptr, nullptr, nullptr, nullptr, actual.data());
    CHECK(graft::testing::distance(actual, expected) < 1e-5);
  }
}

TEST_CASE("normalizations are bitwise the same for any number of threads", "[kernels][norm]") {
  const RowNormDesc rows{3001, 70, RowNormKind::layer, 1e-3};
  const GroupNormDesc groups{5, 2000, 66, 6, 1e-3};
  for (const Isa isa : vector_isas()) {
    NormResult one_rows, one_groups;
    {
      const Setting setting(isa, 1);
      one_rows = run_rows(rows, false, true, true);
      one_groups = run_groups(groups, false, true, true);
    }
    for (const int threads : {2, 3}) {
      const Setting setting(isa, threads);
      CHECK(same_bits(run_rows(rows, false, true, true), one_rows));
      CHECK(same_bits(run_groups(groups, false, true, true), one_groups));
    }
  }
}
