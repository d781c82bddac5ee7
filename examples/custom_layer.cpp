// A layer of one's own in a Keras file, and a layer that stands in for a Lambda: the code of docs/custom_layer.md,
// which a test compares with what stands between the markers. Around it: small files to load, in a temporary folder.
//
// Short run:

#include <graft/graft.hpp>
#include <graft/io/hdf5.hpp>

#include <filesystem>
#include <random>

#include "common.hpp"

// README: begin
struct ScaleOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<graft::Shape> input_shape = {};
};

template <class Scalar>
class ScaleImpl final : public graft::LayerImpl<Scalar> {
 public:
  explicit ScaleImpl(const ScaleOptions& options) : graft::LayerImpl<Scalar>("Scale", options) {}
  std::string_view class_name() const override { return "Scale"; }

  // What backward reads: the input, if gamma trains.
  graft::Needs needs(std::span<const graft::Shape>, const graft::Use& use) const override {
    graft::Needs needs;
    needs.inputs = use.weight_gradients;
    return needs;
  }

  // y = gamma * x
  void forward(const graft::ForwardArgs<Scalar>& args) const override {
    const graft::Index features = gamma_->size();
    for (graft::Index i = 0; i < args.x().size(); ++i) args.y()[i] = gamma_->value()[i % features] * args.x()[i];
  }

  // dgamma = sum of dy * x, dx = gamma * dy. An empty view says that a gradient is not needed.
  void backward(const graft::BackwardArgs<Scalar>& args) const override {
    const graft::Index features = gamma_->size();
    if (args.dw(0)) {
      for (graft::Index c = 0; c < features; ++c) args.dw(0)[c] = 0;
      for (graft::Index i = 0; i < args.dy().size(); ++i) args.dw(0)[i % features] += args.dy()[i] * args.x()[i];
    }
    if (args.dx()) {
      for (graft::Index i = 0; i < args.dy().size(); ++i) args.dx()[i] = gamma_->value()[i % features] * args.dy()[i];
    }
  }

 protected:
  // The names and the order of the variables are those of the Python class.
  void build(std::span<const graft::Shape> inputs, graft::Rng& rng) override {
    gamma_ = this->add_variable("gamma", {inputs[0].back()}, "ones", rng);
  }

 private:
  graft::VariablePtr<Scalar> gamma_;
};

template <class Scalar = float>
class Scale : public graft::Layer<Scalar> {
 public:
  explicit Scale(const ScaleOptions& options = {}) : graft::Layer<Scalar>(new ScaleImpl<Scalar>(options)) {}

  // What get_config of the Python class wrote; arguments of its own would be read here too.
  static Scale from_config(const graft::Config& config) {
    return Scale({.name = config.get("name", ""), .trainable = config.get("trainable", true)});
  }
};
// README: end

namespace {

constexpr const char* kUsage = "custom_layer";

graft::Tensor<float> some_numbers() {
  graft::Tensor<float> x({5, 3});
  for (graft::Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
  return x;
}

// As Keras writes a Sequential with Lambda(lambda x: x * 2, name="double").
void write_lambda_model() {
  graft::hdf5::write_file("my_lambda_model.h5", [](const graft::hdf5::Group& root) {
    root.write("keras_version", std::string("2.11.0"));
    root.write(
        "model_config",
        std::string(R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "InputLayer",
"config": {"batch_input_shape": [null, 3], "dtype": "float32", "name": "x"}}, {"class_name": "Lambda", "config": {"name":
"double", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAAA"}}, "arguments": {}}}]}})"));
    const auto weights = root.create_group("model_weights");
    weights.write("layer_names", std::vector<std::string>{"double"});
    weights.create_group("double").write("weight_names", std::vector<std::string>{});
  });
}

bool same(const graft::Tensor<float>& a, const graft::Tensor<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool load_custom() {
  const graft::Sequential made({Scale({.input_shape = graft::Shape{3}}), graft::Dense(2)});
  made.compile({.optimizer = "sgd", .loss = "mse"});
  (void)made.fit(some_numbers(), graft::Tensor<float>({5, 2}), {.epochs = 2, .verbose = graft::Verbose::silent});
  made.save("my_model.h5");
  {
    // README: begin
    auto model = graft::load_model("my_model.h5", {.custom_layers = {{"Scale", &Scale<>::from_config}}});
    // README: end
    if (!same(model.predict(some_numbers()), made.predict(some_numbers()))) return false;
  }
  // README: begin
  graft::register_layer<Scale<>>("Scale");
  auto model = graft::load_model("my_model.h5");
  // README: end
  return same(model.predict(some_numbers()), made.predict(some_numbers()));
}

bool load_lambda() {
  write_lambda_model();
  // README: begin
  auto twice = [](const graft::Config&) { return graft::Rescaling(2.0); };
  auto model = graft::load_model("my_lambda_model.h5", {.functions = {{"double", twice}}});
  // README: end
  const auto x = some_numbers(), y = model.predict(x);
  for (graft::Index i = 0; i < y.size(); ++i) {
    if (y[i] != 2 * x[i]) return false;
  }
  return true;
}

int run(example::Arguments& arguments) {
  arguments.finish();
  const auto folder =
      std::filesystem::temp_directory_path() / ("graft-custom-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  std::filesystem::current_path(folder);
  const bool custom = load_custom(), lambda = load_lambda();
  std::filesystem::current_path(folder.parent_path());
  std::filesystem::remove_all(folder);
  std::printf("custom layer: %s\nLambda: %s\n", custom ? "same" : "DIFFERENT", lambda ? "same" : "DIFFERENT");
  return custom && lambda ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, run); }
