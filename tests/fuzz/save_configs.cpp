// save_configs FOLDER MODEL.h5 …   writes the model_config of each file into FOLDER: seeds for config_fuzzer.

#include <cstdio>
#include <fstream>

#include "graft/io/hdf5.hpp"

int main(int argc, char** argv) {
  int written = 0;
  for (int i = 2; i < argc; ++i) {
    try {
      const auto text = graft::hdf5::File::open(argv[i]).root().string("model_config");
      if (!text) continue;
      std::ofstream file(std::string(argv[1]) + "/" + std::to_string(i) + ".json", std::ios::binary);
      file << *text;
      written += file.good() ? 1 : 0;
    } catch (const graft::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  return written > 0 ? 0 : 1;
}
