// save_models FOLDER MANIFEST GOLDEN…   loads every golden layer and model that graft knows and saves it as .h5 in FOLDER;
// MANIFEST becomes the list of what to compare.

#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>

#include <graft/graft.hpp>
#include <graft/io/json.hpp>
#include <graft/io/keras/keras.hpp>

namespace {

graft::Config index_of(const std::string& folder) {
  std::stringstream text;
  text << std::ifstream(folder + "/index.json").rdbuf();
  return text.str().empty() ? graft::Config::array() : graft::json::parse(text.str(), folder + "/index.json");
}

bool ends(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const std::vector<std::string> words(arguments, arguments + count);
    if (words.size() < 4) {
      std::fputs("save_models FOLDER MANIFEST GOLDEN…\n", stderr);
      return 2;
    }
    graft::Config manifest = graft::Config::array();
    graft::Index unknown = 0;
    for (std::size_t w = 3; w < words.size(); ++w) {
      for (const char* kind : {"/layers", "/models"}) {
        const std::string folder = words[w] + kind;
        const graft::Config index = index_of(folder);
        for (const graft::Config& entry : index.items()) {
          const std::string name = entry.at("name").as_string();
          std::string model, io;
          for (const graft::Config& file : entry.at("files").items()) {
            const std::string& path = file.as_string();
            if (ends(path, ".io.h5")) io = folder + "/" + path;
            else if (ends(path, name + ".h5")) model = folder + "/" + path;
          }
          if (model.empty() || io.empty()) continue;
          const std::string saved = words[1] + "/" + name + ".h5";
          try {
            graft::load_model(model, {.compile = false}).save(saved);
          } catch (const graft::Error& error) {
            ++unknown;
            std::printf("not loaded: %s: %s\n", name.c_str(), error.what());
            continue;
          }
          graft::Config one = graft::Config::object();
          one["name"] = name;
          one["model"] = saved;
          one["io"] = io;
          one["group"] = entry.get("group", "/");
          manifest.push_back(one);
        }
      }
    }
    std::ofstream(words[2]) << graft::json::dump(manifest);
    std::printf("%zu models saved, %lld not known\n", manifest.items().size(), static_cast<long long>(unknown));
    return manifest.items().empty() ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "save_models: %s\n", error.what());
    return 1;
  }
}
