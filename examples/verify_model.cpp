// Did a model move over intact? Runs a Keras file on inputs whose outputs are known, and compares. To make such a file
// in Python:
//
//     with h5py.File("my_model.io.h5", "w") as f:
//         f["x/0"] = x                    # one array for each input of the model: x/0, x/1 …
//         f["y/0"] = model.predict(x)     # and for each output
//
// Exit status: 0 equal within the tolerance, 1 not, 2 when something could not be read.

#include <graft/graft.hpp>
#include <graft/io/hdf5.hpp>

#include <cmath>

#include "common.hpp"

namespace {

constexpr const char* kUsage =
    "verify_model MODEL.h5 IO.h5 [--group /name] [--tolerance 1e-4]\n"
    "  --group /name     where in IO.h5 the arrays x/0, x/1 … and y/0, y/1 … are (default: the root)\n"
    "  --tolerance 1e-4  every output must satisfy |Δ| <= tolerance * (1 + |y|)";

// The arrays name/0, name/1 …
std::vector<graft::Tensor<float>> read_arrays(const graft::hdf5::Group& group, const std::string& name) {
  std::vector<graft::Tensor<float>> arrays;
  for (int i = 0; i == 0 || group.exists(name + "/" + std::to_string(i)); ++i) {
    const auto from = group.dataset(name + "/" + std::to_string(i));
    arrays.push_back(graft::Tensor<float>::uninitialized(from.shape()));
    from.read(arrays.back().data());
  }
  return arrays;
}

int verify(example::Arguments& arguments) {
  std::string group = arguments.text("--group", "/");
  group.erase(0, group.find_first_not_of('/'));
  const double tolerance = arguments.number("--tolerance", 1e-4);
  const auto files = arguments.finish(2);

  const auto model = graft::load_model(files[0], {.compile = false});
  const auto root = graft::hdf5::File::open(files[1]).root();
  const auto from = group.empty() ? root.again() : root.group(group);
  const auto x = read_arrays(from, "x"), y = read_arrays(from, "y");

  const auto predicted = model.predict_all(std::vector<graft::ArrayLike<float>>(x.begin(), x.end()));
  if (predicted.size() != y.size()) {
    std::printf("%zu outputs are expected, the model has %zu\n", y.size(), predicted.size());
    return 1;
  }
  double largest = 0;
  graft::Index numbers = 0, wrong = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!(predicted[i].shape() == y[i].shape())) {
      std::printf("y/%zu has the shape %s, the model gives %s\n", i, y[i].shape().str().c_str(),
                  predicted[i].shape().str().c_str());
      return 1;
    }
    for (graft::Index j = 0; j < y[i].size(); ++j, ++numbers) {
      const double expected = y[i][j], received = predicted[i][j];
      const double delta = expected == received ? 0 : std::abs(expected - received);
      if (!(delta <= largest) && !std::isnan(largest)) largest = delta;  // a NaN is never within a tolerance
      if (!(delta <= tolerance * (1 + std::abs(expected)))) ++wrong;
    }
  }
  std::printf("max|Δ| = %.3g\n", largest);
  std::printf("%s: %ld of %ld numbers are within %g * (1 + |y|)\n", wrong ? "DIFFERENT" : "equal",
              long(numbers - wrong), long(numbers), tolerance);
  return wrong ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, verify); }
