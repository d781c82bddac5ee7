#include "graft/kernels/box_copy.hpp"

#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

TEST_CASE("a box is copied out of a larger array and into it", "[kernels][box_copy]") {
  std::vector<Isa> isas = vector_isas();
  isas.push_back(Isa::reference);
  for (const Isa isa : isas) {
    for (const Index channels : {Index{1}, Index{3}, Index{17}, Index{700}}) {
      const Setting setting(isa, 3);
      const BoxDesc desc{.batch = 5, .channels = channels, .small = {2, 3, 4}, .large = {4, 3, 7}, .offset = {1, 0, 2}};
      const Index smalls = 5 * 24 * channels, larges = 5 * 84 * channels;
      const std::vector<float> small = numbers(smalls, 1), large = numbers(larges, 2);
      std::vector<float> out(small.size(), NAN), out_sum = small, in(large.size(), NAN), in_sum = large;
      copy_from_box(desc, large.data(), out.data());
      copy_from_box(desc, large.data(), out_sum.data(), true);
      copy_to_box(desc, small.data(), in.data());
      copy_to_box(desc, small.data(), in_sum.data(), true);

      std::vector<float> want_out(small.size()), want_out_sum = small, want_in(large.size(), 0.0f), want_in_sum = large;
      for (Index i = 0; i < smalls; ++i) {
        const Index c = i % channels, w = i / channels % 4, h = i / channels / 4 % 3, z = i / channels / 12 % 2;
        const Index b = i / channels / 24;
        const auto s = static_cast<std::size_t>(i);
        const auto l = static_cast<std::size_t>((((b * 4 + z + 1) * 3 + h) * 7 + w + 2) * channels + c);
        want_out[s] = large[l];
        want_out_sum[s] += large[l];
        want_in[l] = small[s];
        want_in_sum[l] += small[s];
      }
      INFO(name(isa) << " channels " << channels);
      CHECK(same_bits(out, want_out));
      CHECK(same_bits(out_sum, want_out_sum));
      CHECK(same_bits(in, want_in));
      CHECK(same_bits(in_sum, want_in_sum));
    }
  }
}
