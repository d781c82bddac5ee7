#include "consumer.hpp"

graft::Sequential<float> make_model() {
  graft::Sequential<float> model({graft::Dense(19, {.activation = "selu", .input_shape = graft::Shape{5}}),
                                  graft::Dense(1, {.activation = "sigmoid"})});
  model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  return model;
}

void train(const graft::Sequential<float>& model, const graft::Tensor<float>& x, const graft::Tensor<float>& y) {
  model.fit(x, y, {.batch_size = 16, .epochs = 30, .verbose = graft::Verbose::silent});
}

graft::Tensor<float> predict_there(const graft::Sequential<float>& model, const graft::Tensor<float>& x) {
  return model.predict(x);
}
