#pragma once

#include "graft/models/dataset_passes.hpp"
#include "graft/models/model.hpp"
#include "graft/models/run_batches.hpp"

namespace graft {

template <class Scalar>
std::vector<Tensor<Scalar>> Model<Scalar>::predict_all(Arrays<Scalar> x, PredictOptions options) const {
  detail::build_from_data(impl(), x);
  const auto views = detail::checked_inputs("predict", impl(), x);
  const Index version = impl().graph_version();
  return run_batches<Scalar>(
      views, options.batch_size, [this](const std::vector<Shape>& shapes) { return impl().borrow_executor(shapes); },
      [this, version](std::vector<Shape> shapes, std::unique_ptr<Executor<Scalar>> executor) {
        impl().return_executor(std::move(shapes), std::move(executor), version);
      });
}

template <class Scalar>
std::vector<Tensor<Scalar>> Model<Scalar>::predict_all(Dataset<Scalar> dataset, PredictOptions options) const {
  detail::DatasetPasses<Scalar> passes("predict", impl(), nullptr, std::move(dataset), options.steps);
  const Index version = impl().graph_version();
  std::vector<std::vector<Tensor<Scalar>>> parts;
  Index samples = 0;
  passes.for_each(options.steps, [&](const std::vector<TensorView<const Scalar>>& x) {
    auto results = run_batches<Scalar>(
        x, x.front().dim(0), [this](const std::vector<Shape>& shapes) { return impl().borrow_executor(shapes); },
        [this, version](std::vector<Shape> shapes, std::unique_ptr<Executor<Scalar>> executor) {
          impl().return_executor(std::move(shapes), std::move(executor), version);
        });
    samples += x.front().dim(0);
    parts.resize(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) parts[i].push_back(std::move(results[i]));
  });
  std::vector<Tensor<Scalar>> joined;
  for (auto& batches : parts) {
    joined.push_back(Tensor<Scalar>::uninitialized(batches.front().shape().replace_batch(samples)));
    Scalar* to = joined.back().data();
    for (const auto& batch : batches) {
      if (!(batch.shape().without_batch() == joined.back().shape().without_batch())) {
        fail<ShapeError>("predict of " + impl().where(), "outputs of one shape", batch.shape().str());
      }
      to = std::copy_n(batch.data(), batch.size(), to);
    }
    batches.clear();
  }
  return joined;
}

namespace detail {
template <class Scalar>
GRAFT_COLD Tensor<Scalar> only_output(const ModelImpl<Scalar>& model, std::vector<Tensor<Scalar>> results) {
  if (results.size() != 1) {
    throw StateError("predict of " + model.where() + ": the model has " + std::to_string(results.size()) +
                     " outputs. Call predict_all.");
  }
  return std::move(results.front());
}
}  // namespace detail

template <class Scalar>
Tensor<Scalar> Model<Scalar>::predict(Arrays<Scalar> x, PredictOptions options) const {
  return detail::only_output(impl(), predict_all(std::move(x), options));
}
template <class Scalar>
Tensor<Scalar> Model<Scalar>::predict(Dataset<Scalar> dataset, PredictOptions options) const {
  return detail::only_output(impl(), predict_all(std::move(dataset), options));
}

}  // namespace graft
