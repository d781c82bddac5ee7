#include "graft/kernels/broadcast.hpp"

#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

struct Shapes {
  std::vector<Index> full, p, q;

  BroadcastDesc desc() const { return broadcast_desc(static_cast<int>(full.size()), full.data(), p.data(), q.data()); }
  static Index size(const std::vector<Index>& dims) {
    Index total = 1;
    for (const Index dim : dims) total *= dim;
    return total;
  }
};

const std::vector<Shapes>& problems() {
  static const std::vector<Shapes> list = {
      {{5, 33}, {5, 33}, {5, 33}},
      {{3, 4, 5, 17}, {3, 4, 5, 17}, {3, 1, 1, 17}},
      {{3, 4, 5, 17}, {3, 1, 1, 17}, {3, 4, 5, 17}},
      {{3, 4, 5, 17}, {3, 4, 5, 1}, {3, 4, 5, 17}},
      {{3, 4, 5, 17}, {3, 4, 5, 17}, {3, 4, 5, 1}},
      {{3, 4, 9}, {3, 4, 1}, {3, 1, 9}},
      {{3, 4, 9}, {3, 1, 1}, {3, 1, 1}},
      {{3, 2, 3, 2, 3, 2}, {3, 1, 3, 1, 3, 1}, {3, 2, 1, 1, 3, 2}},
      {{1, 6, 40}, {1, 1, 40}, {1, 6, 40}},
      {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
      {{7, 1, 130}, {7, 1, 130}, {7, 1, 1}},
  };
  return list;
}

}  // namespace

TEST_CASE("a broadcast has as few axes as it can", "[kernels][broadcast]") {
  const BroadcastDesc same = problems()[0].desc(), excite = problems()[1].desc(), scalar = problems()[9].desc();
  CHECK(same.rank == 1);
  CHECK(same.cols() == 165);
  CHECK(excite.rank == 3);
  CHECK(excite.dims[1] == 20);
  CHECK(excite.q_strides[1] == 0);
  CHECK(excite.q_strides[0] == 17);
  CHECK(scalar.rank == 1);
  CHECK(scalar.cols() == 1);
}

TEST_CASE("broadcast algebra equals the reference", "[kernels][broadcast]") {
  for (const Isa isa : vector_isas()) {
    for (const Shapes& shapes : problems()) {
      const Setting setting(isa, 2);
      const BroadcastDesc desc = shapes.desc();
      const Index size = Shapes::size(shapes.full), p_size = Shapes::size(shapes.p);
      CHECK(desc.p_size() == p_size);
      const std::vector<float> x = numbers(size, 1), p = numbers(p_size, 2), q = numbers(Shapes::size(shapes.q), 3);
      std::vector<float> expected(x.size()), actual(x.size());
      INFO(name(isa) << " " << size << " " << p_size << " " << q.size());
      reference::broadcast_axpby<float>(desc, 0.5f, p.data(), -2.0f, q.data(), expected.data());
      broadcast_axpby<float>(desc, 0.5f, p.data(), -2.0f, q.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      reference::broadcast_multiply<float>(desc, p.data(), q.data(), expected.data());
      broadcast_multiply<float>(desc, p.data(), q.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      for (const bool accumulate : {false, true}) {
        std::vector<float> sum = p, expected_sum = p;
        reference::broadcast_sum<float>(desc, 0.3f, x.data(), expected_sum.data(), accumulate);
        broadcast_sum<float>(desc, 0.3f, x.data(), sum.data(), accumulate);
        CHECK(distance(sum, expected_sum) < 1e-5);
        reference::broadcast_dot<float>(desc, x.data(), q.data(), expected_sum.data(), accumulate);
        broadcast_dot<float>(desc, x.data(), q.data(), sum.data(), accumulate);
        CHECK(distance(sum, expected_sum) < 1e-5);
      }
    }
  }
}

TEST_CASE("broadcast sums are bitwise the same for any number of threads", "[kernels][broadcast]") {
  const Shapes shapes{{9, 200, 130}, {9, 1, 130}, {9, 200, 130}};
  const BroadcastDesc desc = shapes.desc();
  const std::vector<float> x = numbers(Shapes::size(shapes.full), 1), q = numbers(Shapes::size(shapes.q), 3);
  for (const Isa isa : vector_isas()) {
    std::vector<float> one(9 * 130), many(9 * 130);
    {
      const Setting setting(isa, 1);
      broadcast_dot<float>(desc, x.data(), q.data(), one.data(), false);
    }
    const Setting setting(isa, 3);
    broadcast_dot<float>(desc, x.data(), q.data(), many.data(), false);
    CHECK(same_bits(one, many));
  }
}
