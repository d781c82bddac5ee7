#pragma once

#include <graft/graft.hpp>

// What the README's code takes for given: the reader's data.
extern graft::Tensor<float> x_train, y_train, x_valid, y_valid, x_test, y_test, x_new;
