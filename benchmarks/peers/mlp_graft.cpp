// The step of mlp_steps.hpp through graft's public functions: whole epochs of fit, unshuffled, the first not counted.

#include "graft/graft.hpp"
#include "mlp_steps.hpp"

namespace {

/// Measures epochs from the second on, and ends the training after `length` seconds of them.
class EpochTimer final : public graft::Callback<float> {
 public:
  explicit EpochTimer(double length) : length_(length) {}
  void on_epoch_begin(graft::Index epoch) override {
    if (epoch == 1) start_ = measure::Time::now();
  }
  void on_epoch_end(graft::Index epoch, graft::Logs&) override {
    if (epoch == 0) return;
    spent_ = measure::Time::now() - start_;
    epochs_ = epoch;
    if (spent_.wall >= length_) stop_training();
  }
  measure::Time step(std::int64_t steps_per_epoch) const {
    const double steps = static_cast<double>(epochs_ * steps_per_epoch);
    return {spent_.wall / steps, spent_.cpu / steps};
  }

 private:
  double length_;
  measure::Time start_, spent_;
  graft::Index epochs_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  graft::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  graft::set_random_seed(42);
  const graft::Tensor<float> x({mlp::kSamples, 28, 28}, mlp::images());
  const std::vector<std::int64_t> y = mlp::labels();

  graft::Sequential model(
      {graft::Flatten({.input_shape = graft::Shape{28, 28}}), graft::Dense(mlp::kHidden1, {.activation = "relu"}),
       graft::Dense(mlp::kHidden2, {.activation = "relu"}), graft::Dense(mlp::kClasses, {.activation = "softmax"})});
  model.compile(
      {.optimizer = graft::SGD({.learning_rate = mlp::kLearningRate}), .loss = "sparse_categorical_crossentropy"});
  return mlp::serve([&](std::int64_t batch, double length) {
    const auto timer = std::make_shared<EpochTimer>(length);
    model.fit(x, y,
              {.batch_size = batch,
               .epochs = 1'000'000,
               .verbose = graft::Verbose::silent,
               .callbacks = {timer},
               .shuffle = false});
    return timer->step((mlp::kSamples + batch - 1) / batch);
  });
}
