#pragma once

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
Tensor<Scalar> Model<Scalar>::predict(Arrays<Scalar> x, PredictOptions options) const {
  auto results = predict_all(std::move(x), options);
  if (results.size() != 1) {
    throw StateError("predict of " + impl().where() + ": the model has " + std::to_string(results.size()) +
                     " outputs. Call predict_all.");
  }
  return std::move(results.front());
}

}  // namespace graft
