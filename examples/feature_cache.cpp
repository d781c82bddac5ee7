// Features of a frozen base are the same in every epoch: compute them once, keep them in a file. This program extracts
// those of a folder of pictures twice (the second time they are there), trains a head on them for 20 epochs, and shows
// that a base with other weights does not get the old features.
//
//     feature_cache pictures --base mobilenet_v2 --weights mobilenet_v2_…_no_top.h5
//
// Short run: --quick

#include <graft/graft.hpp>

#include <chrono>

#include "drawn_pictures.hpp"
#include "picture_bases.hpp"

namespace {

constexpr const char* kUsage =
    "feature_cache DIR --base NAME|FILE [--weights FILE] [--cut LAYER] [--mode MODE] [--size N] [--alpha A] [--train "
    "N]\n"
    "              [--epochs N] [--features FILE]   or   feature_cache --quick\n"
    "  see transfer_images; --features FILE  where features are kept (default features.h5)";

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int show(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  example::BaseRequest request = example::base_request(arguments);
  const auto per_class = static_cast<graft::Index>(arguments.number("--train", 0));
  const auto epochs = static_cast<graft::Index>(arguments.count("--epochs", 20));
  example::ScratchFolder scratch;
  const std::string file = arguments.text("--features", quick ? scratch.path() + "/features.h5" : "features.h5");
  std::string folder;
  if (quick) {
    arguments.finish();
    const auto task = example::draw_task(scratch.path(), 24);
    folder = task.folder;
    request.base = task.base;
    request.mode = "unit";
  } else {
    folder = arguments.finish(1)[0];
  }

  graft::set_random_seed(42);
  const auto base = example::make_base(request);
  base.model.set_trainable(false);
  const auto data = example::split_pictures(folder, per_class, base);
  const auto pictures = data.test;  // in a fixed order
  const auto labels = data.test_labels;

  graft::FeatureCache<float> features;
  const auto extract = [&](const graft::Model<float>& model) {
    return seconds_of([&] { features = graft::extract_features(model, pictures, file); });
  };
  const double first = extract(base.model), again = extract(base.model);
  const bool reused = features.report().computed == 0;

  const graft::Sequential head(
      {graft::BatchNormalization({.input_shape = features.array().shape().without_batch()}),
       graft::Dense(static_cast<graft::Index>(data.class_names.size()), {.activation = "softmax"})});
  head.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  graft::History history;
  const double training = seconds_of(
      [&] { history = head.fit(features.array(), labels, {.epochs = epochs, .verbose = graft::Verbose::silent}); });
  std::printf("first extraction %.2f s, again %.3f s, %ld epochs of the head %.2f s: accuracy %.4f\n", first, again,
              long(epochs), training, history["accuracy"].back());

  const auto other = graft::clone_model(base.model);  // fresh weights
  const double stale = extract(other);
  const bool recomputed = features.report().computed == features.samples();
  std::printf("other weights: %s in %.2f s\n", recomputed ? "computed anew" : "TAKEN FROM THE OLD FILE", stale);
  return reused && recomputed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, show); }
