// The step of mlp_steps.hpp in LibTorch, as well as it can be written there: batches cut beforehand, gradients set to
// none instead of zeroed, the loss never fetched.

#include <torch/torch.h>

#include "mlp_steps.hpp"

int main(int argc, char** argv) {
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  torch::manual_seed(42);
  std::vector<float> images = mlp::images();
  std::vector<std::int64_t> labels = mlp::labels();
  const torch::Tensor x = torch::from_blob(images.data(), {mlp::kSamples, 28, 28}, torch::kFloat32);
  const torch::Tensor y = torch::from_blob(labels.data(), {mlp::kSamples}, torch::kInt64);

  torch::nn::Sequential model(
      torch::nn::Flatten(), torch::nn::Linear(mlp::kPixels, mlp::kHidden1),
      torch::nn::ReLU(torch::nn::ReLUOptions(true)), torch::nn::Linear(mlp::kHidden1, mlp::kHidden2),
      torch::nn::ReLU(torch::nn::ReLUOptions(true)), torch::nn::Linear(mlp::kHidden2, mlp::kClasses));
  std::vector<torch::Tensor> parameters = model->parameters();
  torch::optim::SGD optimizer(parameters, torch::optim::SGDOptions(mlp::kLearningRate));

  return mlp::serve([&](std::int64_t batch, double length) {
    const std::vector<torch::Tensor> inputs = x.split(batch), targets = y.split(batch);
    const auto epoch = [&] {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        for (torch::Tensor& parameter : parameters) parameter.mutable_grad().reset();
        const torch::Tensor loss = torch::nn::functional::cross_entropy(model->forward(inputs[i]), targets[i]);
        loss.backward();
        optimizer.step();
      }
    };
    epoch();  // not counted
    const measure::Time one = measure::of_a_call(length, epoch);
    const double steps = static_cast<double>(inputs.size());
    return measure::Time{one.wall / steps, one.cpu / steps};
  });
}
