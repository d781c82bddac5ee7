#pragma once

// Keras files: load_model, Model::save, Model::save_weights, Model::load_weights.
#include "graft/io/keras/load_model.hpp"
#include "graft/io/keras/save_model.hpp"
