#pragma once

#include "graft/io/keras/keras1_recurrent.hpp"
#include "graft/io/keras/keras1_spatial.hpp"

// Keras 1.x: other words for the same things.
namespace graft::keras::keras1 {

namespace detail {

// "glorot_uniform" stays; the short names of Keras 1 get their long ones.
GRAFT_COLD inline void rename_initializer(Config& config, std::string_view from, std::string_view to) {
  rename(config, from, to);
  const Config* value = config.find(to);
  if (!value || !value->is_string()) return;
  const std::string& name = value->as_string();
  if (name == "uniform") config[to] = "random_uniform";
  else if (name == "normal") config[to] = "random_normal";
  else if (name == "zero") config[to] = "zeros";
  else if (name == "one") config[to] = "ones";
}

// {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01} → {"class_name": "L1L2", "config": {…}}
GRAFT_COLD inline void convert_regularizer(Config& config, std::string_view from, std::string_view to,
                                           const std::string& where) {
  rename(config, from, to);
  const Config* value = config.find_set(to);
  const Config* name = value ? value->find("name") : nullptr;
  if (!name) return;
  if (!value->contains("l1") && !value->contains("l2")) {
    fail<ConfigError>(where + ", " + std::string(from), "an L1 or L2 regularizer", "\"" + name->as_string() + "\"");
  }
  Config inner = Config::object();
  inner["l1"] = value->get("l1", 0.0);
  inner["l2"] = value->get("l2", 0.0);
  Config made = Config::object();
  made["class_name"] = "L1L2";
  made["config"] = std::move(inner);
  config[to] = std::move(made);
}

// {"name": "MaxNorm", "m": 2, "axis": 0} → {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}
GRAFT_COLD inline void convert_constraint(Config& config, std::string_view from, std::string_view to) {
  rename(config, from, to);
  const Config* value = config.find_set(to);
  const Config* name = value ? value->find("name") : nullptr;
  if (!name) return;
  Config inner = *value, made = Config::object();
  inner.erase("name");
  rename(inner, "m", "max_value");
  const std::string& old = name->as_string();
  made["class_name"] = old == "maxnorm" ? "MaxNorm" : old == "nonneg" ? "NonNeg" : old == "unitnorm" ? "UnitNorm" : old;
  made["config"] = std::move(inner);
  config[to] = std::move(made);
}

}  // namespace detail

/// Translates class and config of one layer. Throws ConfigError for what later Kerases cannot express.
GRAFT_COLD inline void translate_layer(std::string& class_name, Config& config, const std::string& where) {
  using namespace detail;
  class_name = renamed_class(class_name);
  rename(config, "input_dtype", "dtype");
  rename(config, "bias", "use_bias");
  const bool recurrent = translate_recurrent(class_name, config);
  if (class_name == "PReLU") rename_initializer(config, "init", "alpha_initializer");
  rename_initializer(config, "init", "kernel_initializer");
  rename_initializer(config, "beta_init", "beta_initializer");
  rename_initializer(config, "gamma_init", "gamma_initializer");
  convert_regularizer(config, "W_regularizer", "kernel_regularizer", where);
  convert_regularizer(config, "b_regularizer", "bias_regularizer", where);
  for (const char* key : {"activity_regularizer", "gamma_regularizer", "beta_regularizer"}) {
    if (config.contains(key)) convert_regularizer(config, key, key, where);
  }
  convert_constraint(config, "W_constraint", "kernel_constraint");
  convert_constraint(config, "b_constraint", "bias_constraint");
  translate_spatial(class_name, config);
  if (recurrent) {
    for (const char* key : {"recurrent_initializer", "embeddings_initializer"}) rename_initializer(config, key, key);
    for (const char* key : {"recurrent_regularizer", "embeddings_regularizer"}) {
      if (config.contains(key)) convert_regularizer(config, key, key, where);
    }
    if (config.contains("embeddings_constraint")) {
      convert_constraint(config, "embeddings_constraint", "embeddings_constraint");
    }
    return;
  }

  // A Dense of today works on every step by itself.
  if (class_name == "TimeDistributedDense") class_name = "Dense";
  if (class_name == "Dense") {
    rename(config, "output_dim", "units");
    convert_input(config, false);
  } else if (class_name == "Dropout" || class_name == "GaussianDropout") {
    rename(config, "p", "rate");
  } else if (class_name == "GaussianNoise") {
    rename(config, "sigma", "stddev");
  } else if (class_name == "BatchNormalization") {
    if (const Index mode = config.get("mode", 0); mode != 0) {
      fail<ConfigError>(where, "mode 0 (one mean and variance per feature)", "mode " + std::to_string(mode),
                        "Keras 2 and later do not have it.");
    }
    config.erase("mode");
  }
}

}  // namespace graft::keras::keras1
