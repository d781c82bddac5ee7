// A model is made and trained in one translation unit and used in the other, and the other way round.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "consumer.hpp"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "consumer: %s\n", what);
  std::exit(1);
}

bool close(const graft::Tensor<float>& a, const graft::Tensor<float>& b) {
  if (!(a.shape() == b.shape())) return false;
  for (graft::Index i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) < 1e-5f)) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  require(argc == 2, "usage: consumer FOLDER");
  graft::set_random_seed(42);
  const graft::Index samples = 96;
  graft::Tensor<float> x(graft::Shape{samples, 5}), y(graft::Shape{samples, 1});
  for (graft::Index i = 0; i < samples; ++i) {
    float sum = 0;
    for (graft::Index j = 0; j < 5; ++j) sum += x[i * 5 + j] = std::sin(static_cast<float>(i * 5 + j * j));
    y[i] = sum > 0 ? 1.0f : 0.0f;
  }

  const auto model = make_model();
  const double before = model.evaluate(x, y)[0];
  require(close(model.predict(x), predict_there(model, x)), "the two units disagree before training");
  train(model, x, y);  // there
  model.fit(x, y, {.batch_size = 16, .epochs = 30, .verbose = graft::Verbose::silent});  // here
  const double after = model.evaluate(x, y)[0];
  std::printf("loss %.4f -> %.4f\n", before, after);
  require(after < 0.5 * before, "training did not halve the loss");
  require(close(model.predict(x), predict_there(model, x)), "the two units disagree after training");

#ifndef CONSUMER_CORE
  const std::string path = std::string(argv[1]) + "/model.h5";
  model.save(path);
  require(close(graft::load_model(path).predict(x), model.predict(x)), "the file holds another model");
#else
  (void)argv;
#endif
  return 0;
}
