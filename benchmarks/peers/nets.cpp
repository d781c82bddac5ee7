// nets THREADS ROUNDS [NAME…]
//
// nets memory PEER KIND
//
// Whole networks, graft and LibTorch (whichever of its two layouts is faster) in turns: a training step, one with all
// but the last layer frozen, and prediction at batch 1 and 8; medians of ROUNDS calls. Prints lines of
// benchmarks/compare. The second form prints the peak of resident memory, in MiB, of a process that does two steps of
// ResNet50: PEER graft, torch or torch_last (its channels-last layout), KIND full or frozen.

#include <sys/resource.h>

#include <cstring>
#include <functional>
#include <map>

#include "graft/graft.hpp"
#include "nets.hpp"
#include "rows.hpp"
#if GRAFT_HAS_TORCH
#include <torch/torch.h>
#endif

namespace {

using graft::Index;
using nets::Kind;
using nets::Net;
using nets::Op;

constexpr double kRate = 1e-3;

graft::Model<float> graft_model(const Net& net) {
  graft::set_random_seed(1);
  std::vector<graft::Symbol<float>> values{graft::Input({net.size, net.size, net.channels})};
  for (std::size_t i = 1; i < net.ops.size(); ++i) {
    const Op& op = net.ops[i];
    const auto& x = values[static_cast<std::size_t>(op.from)];
    const auto& y = values[static_cast<std::size_t>(op.and_from)];
    const graft::PerAxis kernel(Index{op.kernel}), stride(Index{op.stride});
    switch (op.kind) {
      case Kind::input: break;
      case Kind::conv:
        values.push_back(graft::Conv2D<float>(
            op.filters, kernel,
            {.strides = stride, .padding = "same", .use_bias = op.bias, .kernel_initializer = "he_normal"})(x));
        break;
      case Kind::depthwise:
        values.push_back(
            graft::DepthwiseConv2D<float>(kernel, {.strides = stride, .padding = "same", .use_bias = op.bias})(x));
        break;
      case Kind::batch_norm: values.push_back(graft::BatchNormalization<float>()(x)); break;
      case Kind::relu: values.push_back(graft::ReLU<float>()(x)); break;
      case Kind::relu6: values.push_back(graft::ReLU<float>({.max_value = 6.0})(x)); break;
      case Kind::add: values.push_back(graft::Add<float>()({x, y})); break;
      case Kind::max_pool:
        values.push_back(graft::MaxPooling2D<float>(kernel, {.strides = stride, .padding = "same"})(x));
        break;
      case Kind::global_average_pool: values.push_back(graft::GlobalAveragePooling2D<float>()(x)); break;
      case Kind::flatten: values.push_back(graft::Flatten<float>()(x)); break;
      case Kind::dense: values.push_back(graft::Dense<float>(op.filters)(x)); break;
    }
  }
  return graft::Model<float>({values.front()}, {values.back()});
}

/// What is timed: (re)made for a batch, then called.
struct Peer {
  std::function<std::function<void()>(long batch, bool frozen)> step;
  std::function<std::function<void()>(long batch)> predict;
};

Peer graft_peer(const Net& net) {
  const auto data = [net](long batch) {
    graft::Tensor<float> x({batch, net.size, net.size, net.channels},
                           measure::numbers(batch * net.size * net.size * net.channels, 1));
    graft::Tensor<float> y({batch});
    for (Index i = 0; i < batch; ++i) y[i] = static_cast<float>(i % net.classes);
    return std::pair(x, y);
  };
  Peer peer;
  peer.step = [=](long batch, bool frozen) -> std::function<void()> {
    const auto model = graft_model(net);
    if (frozen) {
      for (auto layer : model.layers().slice(0, -1)) layer.set_trainable(false);
    }
    model.compile({.optimizer = graft::SGD({.learning_rate = kRate}),
                   .loss = graft::SparseCategoricalCrossentropy<float>({.from_logits = true})});
    const auto [x, y] = data(batch);
    return [model, x = x, y = y] { model.train_on_batch(x, y); };
  };
  peer.predict = [=](long batch) -> std::function<void()> {
    const auto model = graft_model(net);
    const auto x = data(batch).first;
    return [model, x, batch] { model.predict(x, {.batch_size = batch}); };
  };
  return peer;
}

#if GRAFT_HAS_TORCH
/// The network's parameters, and its evaluation.
struct TorchNet {
  Net net;
  torch::MemoryFormat format;
  std::vector<std::vector<torch::Tensor>> weights;  // of each operation
  std::vector<torch::Tensor> learned;
  std::vector<std::size_t> last_use;  // of each operation's result

  TorchNet(const Net& description, torch::MemoryFormat layout, bool train, bool frozen)
      : net(description), format(layout), weights(net.ops.size()), last_use(net.ops.size()) {
    std::vector<long> channels(net.ops.size()), size(net.ops.size());
    channels[0] = net.channels, size[0] = net.size;
    for (std::size_t i = 1; i < net.ops.size(); ++i) {
      const Op& op = net.ops[i];
      const auto from = static_cast<std::size_t>(op.from);
      last_use[from] = i;
      if (op.kind == Kind::add) last_use[static_cast<std::size_t>(op.and_from)] = i;
      channels[i] = op.filters > 0 ? op.filters : channels[from];
      size[i] = (size[from] + op.stride - 1) / op.stride;
      const auto small = [&](std::vector<std::int64_t> shape) { return torch::randn(shape) * 0.05; };
      if (op.kind == Kind::conv)
        weights[i] = {small({op.filters, channels[from], op.kernel, op.kernel}).contiguous(format)};
      if (op.kind == Kind::depthwise) weights[i] = {small({channels[i], 1, op.kernel, op.kernel}).contiguous(format)};
      if (op.kind == Kind::conv && op.bias) weights[i].push_back(torch::zeros({op.filters}));
      if (op.kind == Kind::flatten) channels[i] = channels[from] * size[from] * size[from];
      if (op.kind == Kind::dense) weights[i] = {small({op.filters, channels[from]}), torch::zeros({op.filters})};
      if (op.kind == Kind::batch_norm) {
        weights[i] = {torch::ones({channels[i]}), torch::zeros({channels[i]}), torch::zeros({channels[i]}),
                      torch::ones({channels[i]})};
      }
      if (!train || (frozen && i + 1 < net.ops.size())) continue;
      for (std::size_t w = 0; w < std::min<std::size_t>(weights[i].size(), 2); ++w) {
        learned.push_back(weights[i][w].requires_grad_());
      }
    }
  }

  torch::Tensor operator()(const torch::Tensor& x, bool batch_statistics) const {
    std::vector<torch::Tensor> values{x};
    for (std::size_t i = 1; i < net.ops.size(); ++i) {
      const Op& op = net.ops[i];
      const torch::Tensor& a = values[static_cast<std::size_t>(op.from)];
      const auto& w = weights[i];
      const torch::Tensor bias = w.size() == 2 ? w[1] : torch::Tensor();
      switch (op.kind) {
        case Kind::input: break;
        case Kind::conv: values.push_back(at::conv2d(a, w[0], bias, op.stride, op.kernel / 2)); break;
        case Kind::depthwise:
          values.push_back(at::conv2d(a, w[0], {}, op.stride, op.kernel / 2, 1, w[0].size(0)));
          break;
        case Kind::batch_norm:
          values.push_back(at::batch_norm(a, w[0], w[1], w[2], w[3], batch_statistics, 0.01, 1e-3, false));
          break;
        case Kind::relu: values.push_back(at::relu(a)); break;
        case Kind::relu6: values.push_back(at::hardtanh(a, 0, 6)); break;
        case Kind::add: values.push_back(a + values[static_cast<std::size_t>(op.and_from)]); break;
        case Kind::max_pool: values.push_back(at::max_pool2d(a, op.kernel, op.stride, op.kernel == 3 ? 1 : 0)); break;
        case Kind::global_average_pool: values.push_back(a.mean({2, 3})); break;
        case Kind::flatten: values.push_back(a.flatten(1)); break;
        case Kind::dense: values.push_back(at::linear(a, w[0], w[1])); break;
      }
      // As a local variable of a module's forward would be: autograd keeps what it needs.
      const auto drop = [&](int used) {
        if (last_use[static_cast<std::size_t>(used)] == i) values[static_cast<std::size_t>(used)].reset();
      };
      drop(op.from);
      if (op.kind == Kind::add) drop(op.and_from);
    }
    return values.back();
  }
};

Peer torch_peer(const Net& net, torch::MemoryFormat format) {
  const auto input = [net, format](long batch) {
    return torch::randn({batch, net.channels, net.size, net.size}).contiguous(format);
  };
  Peer peer;
  peer.step = [=](long batch, bool frozen) -> std::function<void()> {
    const auto model = std::make_shared<TorchNet>(net, format, true, frozen);
    const torch::Tensor x = input(batch), y = torch::arange(batch, torch::kLong).remainder(net.classes);
    return [=] {
      torch::nn::functional::cross_entropy((*model)(x, !frozen), y).backward();
      const torch::NoGradGuard guard;
      for (torch::Tensor& weight : model->learned) {
        weight.sub_(weight.grad(), kRate);
        weight.mutable_grad().reset();
      }
    };
  };
  peer.predict = [=](long batch) -> std::function<void()> {
    const auto model = std::make_shared<TorchNet>(net, format, false, false);
    const torch::Tensor x = input(batch);
    return [=] {
      const torch::NoGradGuard guard;
      (*model)(x, false);
    };
  };
  return peer;
}
#endif

int print_memory(const std::string& peer, bool frozen) {
  const Net net = nets::resnet50();
  graft::set_num_threads(1);
  Peer chosen;
  if (peer == "graft") chosen = graft_peer(net);
#if GRAFT_HAS_TORCH
  at::set_num_threads(1);
  if (peer == "torch") chosen = torch_peer(net, torch::MemoryFormat::Contiguous);
  if (peer == "torch_last") chosen = torch_peer(net, torch::MemoryFormat::ChannelsLast);
#endif
  if (!chosen.step) return 2;
  const std::function<void()> step = chosen.step(8, frozen);
  for (int i = 0; i < 2; ++i) step();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%ld\n", usage.ru_maxrss / 1024);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "memory") == 0)
    return print_memory(argv[2], std::strcmp(argv[3], "frozen") == 0);
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  graft::set_num_threads(threads);
#if GRAFT_HAS_TORCH
  at::set_num_threads(threads);
#endif
  struct Entry {
    const char* name;
    Net (*make)();
    long step_batch;
    const char* step_target;
    const char* predict_target;
  };
  const Entry entries[] = {{"fashion_cnn", nets::fashion_cnn, 32, "≥ 2.5", "–"},
                           {"mobilenet_v2", nets::mobilenet_v2, 8, "≥ 1.2", "–"},
                           {"resnet50", nets::resnet50, 8, "≥ 1.2", "–"},
                           {"vgg16", nets::vgg16, 4, "≥ 1.2", "–"}};
  for (const Entry& entry : entries) {
    bool wanted = argc <= 3;
    for (int i = 3; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], entry.name) == 0;
    if (!wanted) continue;
    const Net net = entry.make();
    std::vector<Peer> peers{graft_peer(net)};
#if GRAFT_HAS_TORCH
    peers.push_back(torch_peer(net, torch::MemoryFormat::Contiguous));
    peers.push_back(torch_peer(net, torch::MemoryFormat::ChannelsLast));
#endif
    const auto report = [&](const std::string& what, const char* target, const auto& make) {
      std::vector<std::function<void()>> work;
      for (const Peer& peer : peers) work.push_back(make(peer));
      measure::print_row(net.name + ", " + what, threads, measure::in_turns(work, rounds, threads), target);
    };
    const long batch = entry.step_batch;
    const std::string of = "batch " + std::to_string(batch);
    report("training step, " + of, entry.step_target, [&](const Peer& peer) { return peer.step(batch, false); });
    report("step with all but the last layer frozen, " + of, "≥ 1.3",
           [&](const Peer& peer) { return peer.step(batch, true); });
    for (const long count : {1L, 8L}) {
      report("predict, batch " + std::to_string(count), entry.predict_target,
             [&](const Peer& peer) { return peer.predict(count); });
    }
  }
  return 0;
}
