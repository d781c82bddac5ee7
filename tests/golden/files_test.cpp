#include <fstream>

#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"

// Every golden model through every format: what Keras wrote is read, what graft writes comes back bit by bit.
namespace {

using golden::Tensor;
using graft::test::bytes_of;

bool same(const std::vector<Tensor<float>>& a, const std::vector<Tensor<float>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i].shape() == b[i].shape()) || !std::equal(a[i].begin(), a[i].end(), b[i].begin())) return false;
  }
  return true;
}

// The models that are made of layers that graft has.
std::vector<std::string> known_models(const golden::Folder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : folder.index) {
    const std::string name = entry["name"];
    if (golden::supported(golden::model_config(folder.path + "/" + name + ".h5"))) names.push_back(name);
  }
  REQUIRE(names.size() >= 6);
  return names;
}

}  // namespace

TEST_CASE("Golden models: .keras and .weights.h5 of Keras 3 say what the .h5 says", "[golden]") {
  const auto folder = golden::folder("models");
  int checked = 0;
  for (const std::string& name : known_models(folder)) {
    CAPTURE(name);
    const std::string stem = folder.path + "/" + name;
    const auto io = graft::hdf5::File::open(stem + ".io.h5");
    const auto x = golden::read_list(io.root(), "x"), y = golden::read_list(io.root(), "y");
    const auto check = [&](const graft::Model<float>& model) {
      const auto predicted = model.predict_all(golden::arrays(x));
      REQUIRE(predicted.size() == y.size());
      for (std::size_t i = 0; i < y.size(); ++i) CHECK(golden::difference(predicted[i], y[i], 1) <= 1e-5);
      ++checked;
    };
#ifdef GRAFT_HAS_LIBZIP
    if (std::ifstream(stem + ".keras")) check(graft::load_model(stem + ".keras"));
#endif
    if (std::ifstream(stem + ".weights.h5")) {
      const auto model = graft::clone_model(graft::load_model(stem + ".h5"));
      (void)model.load_weights(stem + ".weights.h5");
      check(model);
    }
  }
  if (std::getenv("GRAFT_SHARED")) CHECK(checked >= 20);
}

TEST_CASE("Golden models: saved in every format they come back bit by bit", "[golden]") {
  const auto folder = golden::folder("models");
  const graft::test::TempDir dir;
  for (const std::string& name : known_models(folder)) {
    CAPTURE(name);
    const auto io = graft::hdf5::File::open(folder.path + "/" + name + ".io.h5");
    const auto x = golden::read_list(io.root(), "x");
    const auto model = graft::load_model(folder.path + "/" + name + ".h5");
    const auto y = model.predict_all(golden::arrays(x));
    for (const std::string end : {".h5", ".keras"}) {
      for (const int gzip : {0, 6}) {
        CAPTURE(end, gzip);
        const std::string path = dir / (name + end);
        model.save(path, {.gzip = gzip});
#ifndef GRAFT_HAS_LIBZIP
        if (end == ".keras") continue;
#endif
        graft::LoadReport report;
        const auto again = graft::load_model(path, {.report = &report});
        CHECK(report.warnings.empty());
        CHECK(report.skipped.empty());
        CHECK(again.compiled() == model.compiled());
        CHECK(same(again.predict_all(golden::arrays(x)), y));
        const std::string first = bytes_of(path);
        again.save(path, {.gzip = gzip});
        CHECK(bytes_of(path) == first);
      }
    }
    for (const std::string end : {".weights.h5", "_weights.h5"}) {
      CAPTURE(end);
      model.save_weights(dir / (name + end));
      const auto again = graft::clone_model(model);
      CHECK(again.load_weights(dir / (name + end)).missing.empty());
      CHECK(same(again.predict_all(golden::arrays(x)), y));
    }
  }
}

TEST_CASE("Golden models: graft's tree of weights is Keras's", "[golden]") {
  const auto folder = golden::folder("models");
  const graft::test::TempDir dir;
  for (const std::string& name : known_models(folder)) {
    const std::string theirs = folder.path + "/" + name + ".weights.h5", ours = dir / (name + ".weights.h5");
    if (!std::ifstream(theirs)) continue;
    CAPTURE(name);
    graft::load_model(folder.path + "/" + name + ".h5").save_weights(ours);
    graft::keras::WeightStore a(theirs), b(ours);
    a.add(graft::hdf5::File::open(theirs).root());
    b.add(graft::hdf5::File::open(ours).root());
    CHECK(a.below("") == b.below(""));
    for (const std::string& path : a.below("")) {
      CAPTURE(path);
      CHECK(a.open(path).data.shape() == b.open(path).data.shape());
      const std::string layer = path.substr(0, path.rfind("/vars/"));
      // Keras names the parts inside of a layer too (a cell, the projections of attention); nobody reads that.
      const bool own = layer.find("/cell") == layer.npos && layer.find("_dense") == layer.npos;
      if (!a.layer_name(layer).empty() && own) CHECK(a.layer_name(layer) == b.layer_name(layer));
    }
  }
}
