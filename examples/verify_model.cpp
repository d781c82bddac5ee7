// Did a model move over intact? Runs a Keras file on inputs whose outputs are known, and compares. To make such a file
// in Python:
//
//     with h5py.File("my_model.io.h5", "w") as f:
//         f["x/0"] = x                    # one array for each input of the model: x/0, x/1 …
//         f["y/0"] = model.predict(x)     # and for each output
//
// or with names of layers: inputs/<input layer> and predictions/<output layer>.
//
// Exit status: 0 equal within the tolerance, 1 not, 2 when something could not be read.

#include <graft/graft.hpp>
#include <graft/io/hdf5.hpp>

#include "common.hpp"
#include "known_run.hpp"

namespace {

constexpr const char* kUsage =
    "verify_model MODEL.h5 IO.h5 [--group /name] [--tolerance 1e-4]\n"
    "  --group /name     where in IO.h5 the arrays x/0, x/1 … and y/0, y/1 … are (default: the root); or, beside a\n"
    "                    folder inputs, the one of outputs (default: predictions)\n"
    "  --tolerance 1e-4  every output must satisfy |Δ| <= tolerance * (1 + |y|)";

int verify(example::Arguments& arguments) {
  std::string group = arguments.text("--group", "/");
  group.erase(0, group.find_first_not_of('/'));
  const double tolerance = arguments.number("--tolerance", 1e-4);
  const auto files = arguments.finish(2);

  const auto model = graft::load_model(files[0], {.compile = false});
  const auto root = graft::hdf5::File::open(files[1]).root();
  const bool named = root.exists("inputs");
  const auto from = named || group.empty() ? root.again() : root.group(group);
  const auto run = example::read_known_run(from, named && !group.empty() ? group : "predictions");
  const auto result = example::compare(model, run, tolerance);
  if (!result.trouble.empty()) {
    std::printf("%s\n", result.trouble.c_str());
    return 1;
  }
  std::printf("max|Δ| = %.3g\n", result.largest);
  std::printf("%s: %ld of %ld numbers are within %g * (1 + |y|)\n", result.wrong ? "DIFFERENT" : "equal",
              long(result.numbers - result.wrong), long(result.numbers), tolerance);
  return result.wrong ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, verify); }
