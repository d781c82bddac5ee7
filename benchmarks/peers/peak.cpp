// Operations per second at most, in the protocol of mlp_steps.hpp, so that it takes turns with what is compared to it:
// each line "ANYTHING SECONDS" is answered with "WALL CPU", the GFLOP/s of fused multiply-adds by either time.

#include "fma_peak.hpp"
#include "mlp_steps.hpp"

int main(int argc, char** argv) {
  graft::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  return mlp::serve([](std::int64_t, double length) {
    double flops = 0;
    const measure::Time call = fma_call(graft::kernels::active_isa(), length, flops);
    return measure::Time{flops / call.wall * 1e-15, flops / call.cpu * 1e-15};
  });
}
