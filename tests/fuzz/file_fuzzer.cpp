// libFuzzer: the bytes of a file of any kind to a model, weights and optimizer. Only graft's own errors may come out.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A file that lies in memory, under the name that /proc gives it.
  static const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) return 0;
  try {
    graft::LoadReport report;
    (void)graft::load_model(path, {.report = &report});
  } catch (const graft::Error&) {
  }
  // Files without a model, and what a model does not use.
  try {
    const auto root = graft::hdf5::File::open(path).root();
    for (const std::string& name : root.children()) {
      if (root.is_group(name)) (void)root.group(name).children();
    }
    const graft::keras::LegacyH5 legacy(path);
    for (const auto& group : legacy.groups()) {
      for (const auto& weight : group.weights) {
        std::vector<float> numbers(static_cast<std::size_t>(std::max<graft::Index>(weight.data.shape().elements(), 1)));
        weight.data.read(numbers.data());
      }
    }
  } catch (const graft::Error&) {
  }
  return 0;
}
