#include <algorithm>
#include <filesystem>
#include <set>

#include "examples/known_run.hpp"
#include "graft/graft.hpp"
#include "graft/io/keras/keras.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/shared_dir.hpp"

// Files of strangers, all of them: below $GRAFT_SHARED/fixtures.

using namespace graft;
using graft::test::shared_path;

namespace {

std::vector<std::string> model_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().string(), end = entry.path().extension().string();
    if (end != ".h5" && end != ".hdf5") continue;
    if (name.find(".io.h5") == name.npos && name.find("_inputs_and_outputs.h5") == name.npos) files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Classes in the config of a model that graft does not have: of layers, of those inside of wrappers and of operations.
void unknown_classes(const Config& config, std::set<std::string>& into) {
  if (config.is_array()) {
    for (const Config& item : config.items()) unknown_classes(item, into);
  } else if (config.is_object()) {
    const Config *name = config.find("class_name"), *inner = config.find("config");
    const bool is_layer = name && name->is_string() && inner && inner->is_object() && inner->contains("name");
    if (is_layer && !inner->contains("layers")) {
      const std::string now = keras::keras1::detail::renamed_class(name->as_string());
      if (now == "Lambda" || !LayerRegistry<float>::instance().contains(now)) into.insert(now);
    }
    for (const auto& [key, value] : config.members()) {
      if (key != "optimizer_config") unknown_classes(value, into);
    }
  }
}

// Two nets that random numbers made crop more than there is: Keras 2 gave arrays without elements, Keras 3 refuses
// them.
constexpr const char* kCropsToNothing = "elements to cut off from";

// Where the outputs of a model are known; empty when nowhere.
std::string known_run_of(const std::string& model) {
  const std::string stem = model.substr(0, model.rfind('.'));
  if (test::exists(stem + ".io.h5")) return stem + ".io.h5";
  const std::size_t end = stem.rfind("_model");
  if (end == stem.npos || end + 6 != stem.size()) return "";
  const std::string named = stem.substr(0, end) + "_inputs_and_outputs.h5";
  return test::exists(named) ? named : "";
}

}  // namespace

TEST_CASE("fixtures: every model that is made of known layers loads, and predicts what Keras predicted") {
  GRAFT_NEEDS(shared_path("fixtures/dl4j"));
  register_builtin_layers<float>();
  std::size_t loaded = 0, matched = 0, refused = 0, weights_only = 0, empty = 0;
  std::set<std::string> unknown;
  for (const std::string folder : {"fixtures/dl4j", "fixtures/models", "fixtures/keras"}) {
    for (const std::string& file : model_files(shared_path(folder))) {
      CAPTURE(file);
      const auto root = hdf5::File::open(file).root();
      if (!root.has_attribute("model_config")) {
        ++weights_only;
        continue;
      }
      std::set<std::string> missing;
      unknown_classes(keras::LegacyH5(file).model_config(), missing);
      Model<float> model;
      try {
        model = load_model(file);
        ++loaded;
      } catch (const Error& error) {
        INFO(error.what());
        // Refused with reason only: for a class that graft does not have, which the message names.
        const std::string text = error.what();
        const bool names_one =
            std::any_of(missing.begin(), missing.end(), [&](const auto& name) { return text.find(name) != text.npos; });
        CHECK((names_one || (text.find(kCropsToNothing) != text.npos && ++empty <= 2)));
        unknown.insert(missing.begin(), missing.end());
        ++refused;
        continue;
      }
      const std::string known = known_run_of(file);
      if (known.empty()) continue;
      const auto from = hdf5::File::open(known).root();
      if (!from.exists("x") && !from.exists("predictions")) continue;
      const auto result = example::compare(model, example::read_known_run(from), 1e-4);
      CHECK(result.trouble == "");
      CAPTURE(result.largest);
      CHECK(result.wrong == 0);
      ++matched;
    }
  }
  CAPTURE(loaded, matched, refused, weights_only);
  CHECK(loaded + refused > 290);
  CHECK(matched > 45);
  CHECK(weights_only > 30);
  // Python code is all that may be missing.
  CHECK(unknown == std::set<std::string>{"Lambda"});
}

TEST_CASE("fixtures: SqueezeNet's weights of 2016, without names of weights and with '/' in names of layers") {
  const std::string folder = shared_path("fixtures/models/");
  const std::string weights =
      folder + "DeepCognition__keras-squeezenet__squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5";
  GRAFT_NEEDS(weights);
  const auto in = Input({224, 224, 3});
  const auto conv = [](const std::string& name, Index filters, PerAxis kernel, const std::string& padding,
                       const Symbol<>& x) {
    return Conv2D(filters, kernel, {.padding = padding, .activation = "relu", .name = name})(x);
  };
  const auto fire = [&](const std::string& name, Index squeeze, Index expand, const Symbol<>& x) {
    const auto s = conv(name + "/squeeze1x1", squeeze, 1, "valid", x);
    return Concatenate({.name = name + "/concat"})(
        {conv(name + "/expand1x1", expand, 1, "valid", s), conv(name + "/expand3x3", expand, 3, "same", s)});
  };
  const auto pool = [](const Symbol<>& x) { return MaxPooling2D(3, {.strides = 2})(x); };
  auto x = Conv2D(64, 3, {.strides = 2, .activation = "relu", .name = "conv1"})(in);
  x = pool(x);
  x = pool(fire("fire3", 16, 64, fire("fire2", 16, 64, x)));
  x = pool(fire("fire5", 32, 128, fire("fire4", 32, 128, x)));
  x = fire("fire7", 48, 192, fire("fire6", 48, 192, x));
  x = fire("fire9", 64, 256, fire("fire8", 64, 256, x));
  const Model<float> model(in, x);
  CHECK(model.count_params() == 722496);
  const auto report = model.load_weights(weights);
  CHECK(report.loaded.size() == 50);
  CHECK(report.missing.empty());
  // Outputs reach 119, and rounding alone comes near 1e-4 of the small ones, nearer with Winograd's transforms. Loading
  // is what is tested here: the plain loops round least.
  const kernels::Isa before = kernels::active_isa();
  kernels::set_active_isa(kernels::Isa::reference);
  const auto result = example::compare(
      model, example::read_known_run(hdf5::File::open(folder + "squeezenet_v1.1_notop.io.h5").root()), 1e-4);
  kernels::set_active_isa(before);
  CHECK(result.trouble == "");
  CAPTURE(result.largest);
  CHECK(result.wrong == 0);
}
