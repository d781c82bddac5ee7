#include "tests/support/golden.hpp"

namespace {

using graft::Shape;
using graft::TensorView;
using golden::difference;

struct Tolerance {
  double forward = 1e-5, gradient = 1e-4;
};

// One case: prediction, the training call, and its gradients for a given cotangent.
void check_case(const graft::Model<float>& model, const graft::hdf5::Group& group, const Tolerance& tolerance) {
  const auto x = golden::read_list(group, "x"), y = golden::read_list(group, "y");
  const auto predicted = model.predict_all(golden::arrays(x), {.batch_size = x[0].dim(0)});
  REQUIRE(predicted.size() == y.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(predicted[i].shape() == y[i].shape());
    CHECK(difference(predicted[i], y[i], 1) <= tolerance.forward);
  }
  const auto t = golden::read_list(group, "t"), dy = golden::read_list(group, "dy");
  if (t.empty()) return;  // random in training

  std::vector<Shape> shapes;
  std::vector<const float*> pointers;
  for (const auto& input : x) {
    shapes.push_back(input.shape());
    pointers.push_back(input.data());
  }
  graft::Executor<float> executor(graft::Plan<float>(graft::flatten(model.impl().graph()), shapes,
                                                     {.training = true, .backward = true, .input_gradients = true}));
  std::vector<graft::Tensor<float>> gradients;
  std::vector<TensorView<float>> views;
  const auto& variables = executor.plan().variables();
  for (const auto& variable : variables) gradients.emplace_back(variable->shape(), NAN);
  for (auto& gradient : gradients) views.push_back(gradient.view());
  executor.bind_gradients(views);
  executor.forward(pointers);
  for (std::size_t i = 0; i < t.size(); ++i) {
    CHECK(difference(executor.output(i), t[i], 1) <= tolerance.forward);
    const TensorView<float> gradient = executor.output_gradient(i);
    if (gradient) std::copy_n(dy[i].data(), dy[i].size(), gradient.data());
  }
  executor.backward(0);  // the golden gradients are without the regularisers
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::string path = "dx/" + std::to_string(i);
    if (!group.exists(path)) continue;
    const auto dx = golden::read(group, path);
    const TensorView<const float> got = executor.input_gradient(i);
    if (got) CHECK(difference(got, dx, 1) <= tolerance.gradient);
    else CHECK(difference(graft::Tensor<float>(dx.shape()), dx, 1) == 0);
  }
  const auto trainable = model.trainable_weights();
  const auto dw = golden::read_list(group, "dw");
  CHECK(dw.size() == trainable.size());
  for (std::size_t i = 0; i < dw.size(); ++i) {
    const auto at = std::find(variables.begin(), variables.end(), trainable[i]) - variables.begin();
    REQUIRE(at < static_cast<std::ptrdiff_t>(variables.size()));
    CHECK(difference(gradients[static_cast<std::size_t>(at)], dw[i], 1) <= tolerance.gradient);
  }
  executor.update_state();
  const auto weights = model.weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string path = "w_after/" + std::to_string(i);
    if (group.exists(path)) CHECK(difference(weights[i]->value(), golden::read(group, path), 1) <= tolerance.forward);
  }
}

}  // namespace

TEST_CASE("Golden layers: forward, training call and gradients are Keras's", "[golden]") {
  const auto folder = golden::folder("layers");
  int checked = 0, others = 0;
  for (const auto& entry : folder.index) {
    const std::string name = entry["name"], path = folder.path + "/" + entry["files"][0].get<std::string>();
    if (!golden::supported(golden::model_config(path))) {
      ++others;
      continue;
    }
    DYNAMIC_SECTION(name) {
      const auto model = graft::load_model(path);
      const auto file = graft::hdf5::File::open(folder.path + "/" + entry["files"][1].get<std::string>());
      check_case(model, file.root().group(entry["group"].get<std::string>().substr(1)), {});
    }
    ++checked;
  }
  INFO(others << " cases are of layers that graft does not have");
  CHECK(checked >= 130);
}
