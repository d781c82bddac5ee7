// What is in a file that Keras saved: who wrote it, the table of layers, what trains, what was compiled, and what could
// not be read. Of a model with layers that graft does not know, the list of layers with the unknown ones marked.
//
// With --brief one line, for scripts: loaded, weights (without a model) or refused; the version of Keras; why refused;
// separated by tabs.
//
// Exit status: 0 read, 2 when the model could not be read.

#include <graft/graft.hpp>
#include <graft/io/keras/keras.hpp>

#include "common.hpp"

namespace {

constexpr const char* kUsage = "inspect_model MODEL [--brief]";

void print_list(const char* title, const std::vector<std::string>& items) {
  if (items.empty()) return;
  std::printf("%s (%zu):\n", title, items.size());
  for (const std::string& item : items) std::printf("  %s\n", item.c_str());
}

// Layers with weights that training leaves alone, those inside of nested models too.
void collect_frozen(const graft::Layer<float>& layer, const std::string& path, bool trainable,
                    std::vector<std::string>& into) {
  trainable = trainable && layer.trainable();
  const auto inside = layer.impl().sublayers();
  for (const auto& inner : inside) collect_frozen(inner, path + "/" + inner.name(), trainable, into);
  if (inside.empty() && !trainable && !layer.weights().empty()) into.push_back(path.substr(1));
}

void print_compiled(const graft::Model<float>& model) {
  if (!model.compiled()) {
    std::printf("Compiled: no\n");
    return;
  }
  const auto& options = model.impl().compiled()->options();
  const auto optimizer = model.optimizer();
  std::printf("Compiled: yes\n  optimizer: %s, %lld steps done\n", graft::json::dump(optimizer.config()).c_str(),
              static_cast<long long>(optimizer.iterations()));
  for (std::size_t i = 0; i < options.loss.size(); ++i) {
    std::printf("  loss: %s\n", graft::json::dump(options.loss[i].config()).c_str());
  }
  std::printf("  metrics: %s\n", graft::json::dump(options.metrics.config()).c_str());
}

// Nested models come with their layers.
void print_layers(const graft::Config& model_config, int depth) {
  const graft::Config& config = model_config.at("config");
  // Keras 2.2.2 and before: a plain list.
  const auto& layers = config.is_array() ? config.items() : config.at("layers").items();
  for (const graft::Config& layer : layers) {
    const std::string class_name = layer.at("class_name").as_string();
    const bool model = layer.at("config").is_array() || layer.at("config").contains("layers");
    // Of a Lambda there is nothing but a place for what the user registers.
    const bool known =
        model || (class_name != "Lambda" && graft::LayerRegistry<float>::instance().contains(class_name));
    std::printf("  %*s%-24s %s%s\n", 2 * depth, "", class_name.c_str(),
                layer.at("config").contains("name") ? layer.at("config").at("name").as_string().c_str() : "",
                known ? "" : "   <- not known");
    if (model) print_layers(layer, depth + 1);
  }
}

// The layers that the file lists, when it is HDF5 and lists any.
void print_what_there_is(const std::string& path) {
  try {
    const graft::Config config = graft::keras::LegacyH5(path).model_config();
    std::printf("Layers (%s):\n", config.at("class_name").as_string().c_str());
    graft::register_builtin_layers<float>();
    print_layers(config, 0);
  } catch (const graft::Error&) {
    // It is not that kind of file, or too damaged.
  }
}

// "2.4.0", also of a file that cannot be read as a model.
std::string version_in(const std::string& path) {
  try {
    const auto root = graft::hdf5::File::open(path).root();
    if (const auto version = root.string("keras_version")) return *version;
    return root.is_group("model_weights") ? root.group("model_weights").string("keras_version").value_or("") : "";
  } catch (const graft::Error&) {
    return "";
  }
}

bool weights_only(const std::string& path) {
  try {
    const auto root = graft::hdf5::File::open(path).root();
    if (root.has_attribute("model_config")) return false;
    return root.has_attribute("layer_names") || root.has_attribute("layer_names0") || root.exists("model_weights") ||
           root.exists("layers") || root.exists("_layer_checkpoint_dependencies") || root.has_attribute("nb_layers");
  } catch (const graft::Error&) {
    return false;
  }
}

int inspect_briefly(const std::string& path) {
  std::string kind = "loaded", reason;
  graft::LoadReport report;
  try {
    (void)graft::load_model(path, {.report = &report});
  } catch (const graft::Error& error) {
    kind = weights_only(path) ? "weights" : "refused";
    reason = error.what();
    // The file is known; what the message says after its name counts.
    const std::size_t name = reason.find("\": ");
    if (reason[0] == '"' && name != std::string::npos) reason.erase(0, name + 3);
    for (char& c : reason) c = c == '\n' || c == '\t' ? ' ' : c;
  }
  const std::string version = report.keras_version.empty() ? version_in(path) : report.keras_version;
  std::printf("%s\t%s\t%s\n", kind.c_str(), version.empty() ? "none" : version.c_str(), reason.c_str());
  return kind == "refused" ? 2 : 0;
}

int inspect(example::Arguments& arguments) {
  const bool brief = arguments.flag("--brief");
  const std::string path = arguments.finish(1)[0];
  if (brief) return inspect_briefly(path);
  graft::LoadReport report;
  graft::Model<float> model;
  try {
    model = graft::load_model(path, {.report = &report});
  } catch (const graft::Error& error) {
    std::printf("File: %s\nCould not be read: %s\n", path.c_str(), error.what());
    print_what_there_is(path);
    return 2;
  }
  std::printf("File: %s\nWritten by: Keras %s\n", path.c_str(),
              report.keras_version.empty() ? "that does not say its version" : report.keras_version.c_str());
  std::printf("\n");
  model.summary({.line_length = 80, .show_trainable = true});
  std::printf("\n");
  std::vector<std::string> frozen;
  collect_frozen(model, "", true, frozen);
  print_list("Frozen layers", frozen);
  print_compiled(model);
  std::printf("Weights read: %zu arrays\n", report.loaded.size());
  print_list("In the file, not used", report.skipped);
  print_list("In the model, not in the file", report.missing);
  print_list("Could not be read", report.warnings);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, inspect); }
