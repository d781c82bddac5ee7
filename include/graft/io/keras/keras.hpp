#pragma once

// Keras files: load_model, model_from_json, Model::save, Model::save_weights, Model::load_weights.
#include "graft/io/keras/load_model.hpp"
#include "graft/io/keras/model_from_json.hpp"
#include "graft/io/keras/save_model.hpp"
