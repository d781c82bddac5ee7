// How many layers of a pretrained net are worth reusing? search_reuse_depth looks at every depth at once: one pass over
// the data, a linear probe on the features of each, and only the best few are fine-tuned. Here on a folder of pictures:
//
//     reuse_depth pictures --base mobilenet_v2 --weights mobilenet_v2_…_no_top.h5
//
// Several bases can be compared before, without any training: --against FILE.
//
// Short run: --quick

#include <graft/graft.hpp>

#include "drawn_pictures.hpp"
#include "picture_bases.hpp"

namespace {

constexpr const char* kUsage =
    "reuse_depth DIR --base NAME|FILE [--weights FILE] [--cut LAYER] [--mode MODE] [--size N] [--alpha A] [--train N]\n"
    "            [--against FILE]   or   reuse_depth --quick\n"
    "  see transfer_images; --against FILE  another model file, to be ranked against the base by LogME";

/// All pictures of a dataset in one array, with their labels.
std::pair<graft::Tensor<float>, graft::Tensor<float>> gather(const graft::Dataset<float>& data, graft::Index samples) {
  graft::Tensor<float> x, y;
  graft::Index at = 0;
  for (const auto& batch : data) {
    if (at == 0) {
      x = graft::Tensor<float>(batch.x[0].shape().replace_batch(samples));
      y = graft::Tensor<float>(batch.y[0].shape().replace_batch(samples));
    }
    const graft::Index count = batch.x[0].dim(0), row = batch.x[0].size() / count;
    std::copy_n(batch.x[0].data(), batch.x[0].size(), x.data() + at * row);
    std::copy_n(batch.y[0].data(), count, y.data() + at);
    at += count;
  }
  return {std::move(x), std::move(y)};
}

int search(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  example::BaseRequest request = example::base_request(arguments);
  const auto per_class = static_cast<graft::Index>(arguments.number("--train", 0));
  const std::string against = arguments.text("--against", "");
  example::ScratchFolder scratch;
  std::string folder;
  if (quick) {
    arguments.finish();
    const auto task = example::draw_task(scratch.path(), 40);
    folder = task.folder;
    request.base = task.base;
    request.mode = "unit";
  } else {
    folder = arguments.finish(1)[0];
  }

  graft::set_random_seed(42);
  const auto base = example::make_base(request);
  const auto data = example::split_pictures(folder, per_class, base);
  const auto [x, y] = gather(data.train, data.train_size);
  const auto [x_test, y_test] = gather(data.test, static_cast<graft::Index>(data.test_labels.size()));

  if (!against.empty() || quick) {
    // A net with random weights stands for a source that knows nothing.
    const auto other =
        quick ? graft::clone_model(base.model) : example::make_base({.base = against, .mode = request.mode}).model;
    const auto ranking = graft::rank_sources<float>({base.model, other}, {x, y});
    std::printf("%s\n", ranking.text.c_str());
    if (quick && ranking.best().index != 0) return 1;
  }

  const auto found = graft::search_reuse_depth(base.model, {x, y});
  std::printf("%s\n", found.text.c_str());
  const auto scores = found.model.predict(x_test);
  const auto counts = graft::confusion_matrix(y_test, scores, static_cast<graft::Index>(data.class_names.size()));
  float right = 0;
  for (graft::Index c = 0; c < counts.dim(0); ++c) right += counts[c * counts.dim(0) + c];
  const double accuracy = static_cast<double>(right) / static_cast<double>(y_test.size());
  std::printf("reused to depth %ld: test accuracy %.4f\n", long(found.depth), accuracy);
  return !quick || accuracy > 0.6 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, search); }
