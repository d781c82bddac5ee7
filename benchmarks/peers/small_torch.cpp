#include <torch/torch.h>

#include <cstdio>

int main() {
  torch::manual_seed(42);
  const torch::Tensor x = torch::rand({1000, 20}) * 2 - 1;
  const torch::Tensor y = (x.select(1, 0) > 0).to(torch::kLong);
  torch::nn::Sequential model(torch::nn::Linear(20, 32), torch::nn::ReLU(), torch::nn::Linear(32, 2));
  torch::optim::SGD optimizer(model->parameters(), 0.1);
  for (int epoch = 0; epoch < 5; ++epoch) {
    const torch::Tensor order = torch::randperm(1000, torch::kLong);
    for (const torch::Tensor& batch : order.split(32)) {
      optimizer.zero_grad();
      const torch::Tensor loss =
          torch::nn::functional::cross_entropy(model->forward(x.index({batch})), y.index({batch}));
      loss.backward();
      optimizer.step();
    }
  }
  const torch::Tensor hits = model->forward(x).argmax(1).eq(y);
  std::printf("accuracy %.3f\n", hits.to(torch::kFloat).mean().item<double>());
  torch::save(model, "small.pt");
}
