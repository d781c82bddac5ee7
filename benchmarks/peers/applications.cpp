// applications THREADS ROUNDS [NAME…]
// applications memory PEER NAME
//
// Networks of graft::applications (efficientnet_b0, densenet121, inception_v3, xception) and the same graphs with the
// same weights in LibTorch (the faster of its two layouts): prediction at batch 1 and 8. For resnet50 and vgg16 one
// step of fine-tuning at batch 8: a head of 10 classes and the top block (conv5, block5) train, BatchNormalization and
// all below are frozen. Medians of ROUNDS calls. That the peers compute the same is checked first. Prints lines of
// benchmarks/compare. The second form prints the peak of resident memory, in MiB, of two such steps: PEER graft, torch
// or torch_last (its channels-last layout), NAME resnet50 or vgg16.

#include <malloc.h>

#include <cstring>
#include <memory>

#include "agreement.hpp"
#include "rows.hpp"
#if GRAFT_HAS_TORCH
#include "torch_model.hpp"
#endif

namespace {

using graft::Index;
using graft::Model;
using graft::Tensor;
namespace apps = graft::applications;

constexpr double kRate = 1e-3;
constexpr Index kClasses = 10, kStepBatch = 8;

struct Predicted {
  const char *name, *title;
  Model<float> (*make)();
};
const Predicted kPredicted[] = {
    {"efficientnet_b0", "EfficientNetB0", [] { return apps::EfficientNetB0<float>(); }},
    {"densenet121", "DenseNet121", [] { return apps::DenseNet121<float>(); }},
    {"inception_v3", "InceptionV3", [] { return apps::InceptionV3<float>(); }},
    {"xception", "Xception", [] { return apps::Xception<float>(); }},
};

struct Tuned {
  const char *name, *title, *block;
  Model<float> (*make)(const apps::ApplicationOptions&);
};
const Tuned kTuned[] = {{"resnet50", "ResNet50", "conv5", apps::ResNet50<float>},
                        {"vgg16", "VGG16", "block5", apps::VGG16<float>}};

Model<float> make_tuned(const Tuned& net) {
  const Model<float> base =
      net.make({.input_shape = graft::Shape{224, 224, 3}, .include_top = false, .pooling = "avg"});
  Model<float> model(base.input(), graft::Dense<float>(kClasses)(base.output()));
  peers::make_typical(model);
  graft::freeze(model.layers().slice(0, -1));
  graft::unfreeze_block(model, net.block);
  model.compile({.optimizer = graft::SGD({.learning_rate = kRate}),
                 .loss = graft::SparseCategoricalCrossentropy<float>({.from_logits = true})});
  return model;
}

Tensor<float> pictures(const Model<float>& model, Index batch) {
  const graft::Shape shape = model.input_shape().replace_batch(batch);
  return Tensor<float>(shape, measure::numbers(shape.elements(), 1));
}
Tensor<float> labels() {
  Tensor<float> y({kStepBatch});
  for (Index i = 0; i < kStepBatch; ++i) y[i] = static_cast<float>(i % kClasses);
  return y;
}

#if GRAFT_HAS_TORCH
std::vector<float> predict(const Model<float>& model, const Tensor<float>& x) {
  const Tensor<float> y = model.predict(x, {.batch_size = x.dim(0)});
  return {y.begin(), y.end()};
}
std::vector<float> predict(const peers::TorchModel& model, const torch::Tensor& x) {
  const torch::Tensor y = model.predict(x).contiguous();
  return {y.data_ptr<float>(), y.data_ptr<float>() + y.numel()};
}
torch::Tensor torch_labels() { return torch::arange(kStepBatch, torch::kLong).remainder(kClasses); }

constexpr torch::MemoryFormat kFormats[] = {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast};

/// Both layouts of LibTorch.
std::vector<std::shared_ptr<peers::TorchModel>> torch_models(const Model<float>& model, bool training) {
  std::vector<std::shared_ptr<peers::TorchModel>> result;
  for (const auto format : kFormats) {
    result.push_back(std::make_shared<peers::TorchModel>(model, format, training));
  }
  return result;
}
#endif

void report_predict(const Predicted& net, int threads, int rounds) {
  const Model<float> model = net.make();
  peers::make_typical(model);
#if GRAFT_HAS_TORCH
  const auto others = torch_models(model, false);
  const Tensor<float> two = pictures(model, 2);
  for (const auto& other : others)
    peers::require_agreement(net.title, predict(model, two), predict(*other, other->input(two)));
#endif
  for (const Index batch : {1, 8}) {
    const Tensor<float> x = pictures(model, batch);
    std::vector<std::function<void()>> work{[&] { model.predict(x, {.batch_size = batch}); }};
#if GRAFT_HAS_TORCH
    for (const auto& other : others) {
      work.push_back([other, x = other->input(x)] { other->predict(x); });
    }
#endif
    measure::print_row(std::string(net.title) + ", predict, batch " + std::to_string(batch), threads,
                       measure::in_turns(work, rounds, threads), "–");
  }
}

void report_step(const Tuned& net, int threads, int rounds) {
  const Model<float> model = make_tuned(net);
  const Tensor<float> x = pictures(model, kStepBatch), y = labels();
  std::vector<std::function<void()>> work{[&] { model.train_on_batch(x, y); }};
#if GRAFT_HAS_TORCH
  // A step changes the outputs by the same.
  const auto others = torch_models(model, true);
  const std::vector<float> before = predict(model, x);
  for (const auto& other : others) {
    const torch::Tensor theirs = other->input(x);
    peers::require_agreement(net.title, before, predict(*other, theirs));
    work.push_back([other, theirs, y = torch_labels()] { other->train_on_batch(theirs, y, kRate); });
  }
  for (const auto& step : work) step();
  const std::vector<float> change = peers::difference(predict(model, x), before);
  if (!(peers::largest(change) > 1e-3f * peers::largest(before))) {
    std::fprintf(stderr, "%s: the step changes the outputs too little to compare\n", net.title);
    std::exit(1);
  }
  for (const auto& other : others) {
    peers::require_agreement(std::string(net.title) + ", change of the outputs by a step", change,
                             peers::difference(predict(*other, other->input(x)), before), 2e-2f);
  }
#endif
  measure::print_row(
      std::string(net.title) + ", fine-tuning step from " + net.block + ", batch " + std::to_string(kStepBatch),
      threads, measure::in_turns(work, rounds, threads), "≥ 1.3");
}

/// MiB of a line of /proc/self/status; -1 where there is none.
long status_mib(const char* key) {
  long kib = -1;
  char line[200];
  if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
    while (std::fgets(line, sizeof line, file)) {
      if (std::strncmp(line, key, std::strlen(key)) == 0) kib = std::atol(line + std::strlen(key));
    }
    std::fclose(file);
  }
  return kib < 0 ? -1 : kib / 1024;
}
/// What the making of the model took does not count: the peak begins anew. False where the system cannot do that.
bool forget_peak() {
  malloc_trim(0);
  std::FILE* file = std::fopen("/proc/self/clear_refs", "w");
  if (!file) return false;
  const bool written = std::fputs("5", file) >= 0;
  return std::fclose(file) == 0 && written;
}

int print_memory(const std::string& peer, const std::string& name) {
  graft::set_num_threads(1);
  for (const Tuned& net : kTuned) {
    if (name != net.name) continue;
    Model<float> model = make_tuned(net);
    const Tensor<float> x = pictures(model, kStepBatch), y = labels();
    std::function<void()> step;
    if (peer == "graft") step = [&] { model.train_on_batch(x, y); };
#if GRAFT_HAS_TORCH
    at::set_num_threads(1);
    if (peer == "torch" || peer == "torch_last") {
      const auto other = std::make_shared<peers::TorchModel>(model, kFormats[peer == "torch_last"], true);
      step = [other, x = other->input(x), y = torch_labels()] { other->train_on_batch(x, y, kRate); };
      model = Model<float>();
    }
#endif
    if (!step || !forget_peak()) return 2;
    for (int i = 0; i < 2; ++i) step();
    std::printf("%ld\n", status_mib("VmHWM:"));
    return 0;
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  graft::set_random_seed(1);
  if (argc == 4 && std::strcmp(argv[1], "memory") == 0) return print_memory(argv[2], argv[3]);
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  graft::set_num_threads(threads);
#if GRAFT_HAS_TORCH
  at::set_num_threads(threads);
#endif
  const auto wanted = [&](const char* name) {
    return argc <= 3 ||
           std::any_of(argv + 3, argv + argc, [&](const char* arg) { return std::strcmp(arg, name) == 0; });
  };
  for (const Predicted& net : kPredicted) {
    if (wanted(net.name)) report_predict(net, threads, rounds);
  }
  for (const Tuned& net : kTuned) {
    if (wanted(net.name)) report_step(net, threads, rounds);
  }
  return 0;
}
