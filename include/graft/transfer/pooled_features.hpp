#pragma once

#include "graft/models/prefix_runner.hpp"
#include "graft/transfer/probe_targets.hpp"

namespace graft::detail {

/// How the values of a net become rows of numbers: sequences and maps by their mean over time or space, vectors as they
/// are, or all of them flattened; rows longer than max_features are hashed into that many, each number with a sign of
/// its own (feature hashing, Weinberger et al. 2009: inner products are kept on average).
struct PoolOptions {
  bool flatten = false;
  Index max_features = 1024;

  Index channels(const Shape& sample) const {
    if (sample.rank() == 0) return 1;
    return flatten ? sample.elements() : sample.back();
  }
  Index width(const Shape& sample) const { return std::min(channels(sample), max_features); }
};

/// Adds the pooled rows of a batch to a matrix, from row `first` on.
template <class Real, class Scalar>
void pool_into(const TensorView<const Scalar>& values, const PoolOptions& options, Index first,
               ProbeMatrix<Real>& into) {
  const Index samples = values.dim(0), size = samples > 0 ? values.size() / samples : 0;
  const Index channels = options.channels(values.shape().without_batch()), width = into.cols();
  const Real share = static_cast<Real>(channels) / static_cast<Real>(std::max<Index>(size, 1));
  const RandomKey key{0x6A09E667F3BCC909u};
  for (Index i = 0; i < samples; ++i) {
    const Scalar* x = values.data() + i * size;
    auto row = into.row(first + i);
    row.setZero();
    for (Index j = 0; j < size; ++j) {
      const Index channel = j % channels;
      if (channels == width) {
        row[channel] += share * static_cast<Real>(x[j]);
      } else {
        const std::uint64_t bits = key.bits(static_cast<std::uint64_t>(channel));
        const Real sign = bits >> 63 ? Real(1) : Real(-1);
        row[static_cast<Index>((bits & 0xffffffffu) % static_cast<std::uint64_t>(width))] +=
            sign * share * static_cast<Real>(x[j]);
      }
    }
  }
}

/// The pooled outputs of a graph for all samples, in one pass that keeps nothing else.
template <class Real, class Scalar>
GRAFT_COLD std::vector<ProbeMatrix<Real>> pooled_outputs(const FlatGraph<Scalar>& graph,
                                                         const std::vector<TensorView<const Scalar>>& x,
                                                         Index batch_size, const PoolOptions& options) {
  PrefixRunner<Scalar> runner(graph, {x}, batch_size);
  const Index samples = runner.samples();
  std::vector<ProbeMatrix<Real>> result;
  std::vector<Tensor<Scalar>> batch;
  std::vector<std::byte*> into;
  for (const Shape& shape : runner.outputs()) {
    result.emplace_back(samples, options.width(shape));
    batch.push_back(Tensor<Scalar>::uninitialized(shape.with_batch(std::min(batch_size, samples))));
    into.push_back(reinterpret_cast<std::byte*>(batch.back().data()));
  }
  for (Index first = 0; first < samples; first += batch_size) {
    const Index last = std::min(first + batch_size, samples);
    runner.run(first, last, into);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      pool_into<Real, Scalar>(std::as_const(batch[i]).view().rows(0, last - first), options, first, result[i]);
    }
  }
  return result;
}

/// Whether a net ends in a classifier of its own task: a layer with units behind which softmax or sigmoid stands.
template <class Scalar>
GRAFT_COLD bool ends_in_classifier(const FlatGraph<Scalar>& graph) {
  if (graph.nodes.empty() || graph.outputs.size() != 1) return false;
  const auto& last = graph.nodes.back();
  const Config config = last.layer->config();
  const Config* activation = config.find_set("activation");
  const bool squashes = activation && activation->is_string() &&
                        (activation->as_string() == "softmax" || activation->as_string() == "sigmoid");
  return squashes || last.layer->class_name() == "Softmax";
}

}  // namespace graft::detail
