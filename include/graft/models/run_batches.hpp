#pragma once

#include "graft/core/array_like.hpp"
#include "graft/models/model_impl.hpp"

namespace graft {

namespace detail {

/// The arrays of a call as the inputs of a model: their number, ranks and sizes are checked; (n,) serves for (None, 1).
template <class Scalar>
GRAFT_COLD std::vector<TensorView<const Scalar>> checked_inputs(const char* what, const ModelImpl<Scalar>& model,
                                                                const Arrays<Scalar>& arrays) {
  const auto& inputs = model.graph().inputs();
  const std::string where = std::string(what) + " of " + model.where();
  if (arrays.size() != inputs.size()) {
    fail<ShapeError>(where, std::to_string(inputs.size()) + (inputs.size() == 1 ? " input" : " inputs"),
                     std::to_string(arrays.size()));
  }
  std::vector<TensorView<const Scalar>> views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    TensorView<const Scalar> view = arrays[i].view();
    const Shape& expected = inputs[i].shape();
    if (view.rank() == 1 && expected.rank() == 2 && expected[1] == 1) view = view.reshaped({view.dim(0), 1});
    if (!view.shape().compatible(expected)) {
      fail<ShapeError>(where + ", input \"" + inputs[i].layer().name() + "\"", "shape " + expected.str(),
                       view.shape().str(),
                       view.rank() + 1 == expected.rank() ? "The first axis counts the samples: is it missing?" : "");
    }
    if (view.dim(0) != arrays[0].samples()) {
      fail<ShapeError>(where, "as many samples in every input: " + std::to_string(arrays[0].samples()),
                       std::to_string(view.dim(0)) + " in input " + std::to_string(i));
    }
    views.push_back(view);
  }
  if (views.front().dim(0) == 0) fail<ShapeError>(where, "at least one sample", "an empty array");
  return views;
}

template <class Scalar>
GRAFT_COLD void build_from_data(const ModelImpl<Scalar>& model, const Arrays<Scalar>& arrays) {
  if (model.built()) return;
  std::vector<Shape> shapes;
  for (const auto& array : arrays) shapes.push_back(array.shape().replace_batch(Shape::kUnknown));
  // Building adds what the data decide; it changes nothing that exists.
  const_cast<ModelImpl<Scalar>&>(model).build_model(shapes);
}

}  // namespace detail

/// Computes the outputs of a flat graph over all samples, in batches.
template <class Scalar, class Borrow, class Return>
std::vector<Tensor<Scalar>> run_batches(const std::vector<TensorView<const Scalar>>& x, Index batch_size,
                                        Borrow&& borrow, Return&& give_back) {
  if (batch_size < 1) fail<ConfigError>("batch_size", "at least 1", std::to_string(batch_size));
  const Index samples = x.front().dim(0);
  std::vector<Tensor<Scalar>> results;
  std::vector<const Scalar*> pointers(x.size());
  for (Index first = 0; first < samples;) {
    const Index batch = std::min(batch_size, samples - first);
    std::vector<Shape> shapes;
    for (const auto& input : x) shapes.push_back(input.shape().replace_batch(batch));
    auto executor = borrow(shapes);
    // All full batches with one executor, then the short one.
    for (Index end = batch == batch_size ? samples - samples % batch_size : samples; first < end; first += batch) {
      for (std::size_t i = 0; i < x.size(); ++i) pointers[i] = x[i].rows(first, first + batch).data();
      executor->forward(pointers, executor->plan().inference_key());
      for (std::size_t i = 0; i < executor->plan().outputs().size(); ++i) {
        const TensorView<const Scalar> y = executor->output(i);
        if (results.size() == i) results.push_back(Tensor<Scalar>::uninitialized(y.shape().replace_batch(samples)));
        std::copy_n(y.data(), y.size(), results[i].view().rows(first, first + batch).data());
      }
    }
    give_back(std::move(shapes), std::move(executor));
  }
  return results;
}

}  // namespace graft
