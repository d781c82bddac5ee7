#pragma once

#include "graft/io/keras/packaged_object.hpp"
#include "graft/io/keras/plain_values.hpp"
#include "graft/models/compile_options.hpp"

// training_config: what was compiled, in the words of every Keras, to and from CompileOptions.
namespace graft::keras {

namespace detail {

/// Multi-backend Keras (1.x, 2.0 … 2.3.x): its clipnorm is the norm of all gradients together.
GRAFT_COLD inline bool clips_globally(const std::string& version) {
  if (version.empty() || version[0] == '1') return true;
  return version.size() >= 4 && version[0] == '2' && version[2] <= '3' && version[3] == '.' &&
         version.find("-tf") == std::string::npos;
}

GRAFT_COLD inline bool is_metric(const Config& value) { return value.is_string() || value.contains("class_name"); }

template <class Scalar>
GRAFT_COLD void flatten_metrics(const Config& value, std::vector<Metric<Scalar>>& into) {
  if (is_metric(value)) into.push_back(Metric<Scalar>::from_config(value));
  else if (value.is_array()) {
    for (const Config& item : value.items()) flatten_metrics(item, into);
  } else if (value.is_object()) {
    for (const auto& member : value.members()) flatten_metrics(member.second, into);
  }
}

template <class Scalar>
GRAFT_COLD MetricList<Scalar> metric_list(const Config* value, const std::vector<std::string>& outputs) {
  if (!value || value->is_null()) return {};
  std::vector<std::vector<Metric<Scalar>>> per_output(outputs.size());
  if (outputs.size() == 1) {
    flatten_metrics(*value, per_output[0]);
    return per_output[0];
  }
  if (value->is_object() && !is_metric(*value)) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (const Config* own = value->find_set(outputs[i])) flatten_metrics(*own, per_output[i]);
    }
    return per_output;
  }
  bool flat = true;
  if (value->is_array()) {
    for (const Config& item : value->items()) flat = flat && is_metric(item);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    // A flat list counts for every output.
    if (flat) flatten_metrics(*value, per_output[i]);
    else if (i < value->items().size()) flatten_metrics(value->items()[i], per_output[i]);
  }
  return per_output;
}

template <class Scalar>
GRAFT_COLD LossList<Scalar> loss_list(const Config& value, const std::vector<std::string>& outputs) {
  std::vector<Loss<Scalar>> losses;
  if (value.is_array()) {
    for (const Config& item : value.items()) losses.push_back(Loss<Scalar>::from_config(item));
  } else if (value.is_object() && !value.contains("class_name")) {
    for (const std::string& output : outputs) {
      const Config* own = value.find(output);
      losses.push_back(own ? Loss<Scalar>::from_config(*own) : Loss<Scalar>());
    }
  } else {
    losses.push_back(Loss<Scalar>::from_config(value));
  }
  return losses;
}

GRAFT_COLD inline std::vector<double> loss_weights(const Config* value, const std::vector<std::string>& outputs) {
  std::vector<double> result;
  if (!value || value->is_null()) return result;
  if (value->is_array()) {
    for (const Config& item : value->items()) result.push_back(item.is_null() ? 1.0 : item.as_double("loss_weights"));
  } else if (value->is_object()) {
    for (const std::string& output : outputs) result.push_back(value->get(output, 1.0));
  } else {
    result.push_back(value->as_double("loss_weights"));
  }
  return result;
}

}  // namespace detail

/// From a file: training_config of an .h5, compile_config of a .keras. `outputs` are the names of the model's outputs.
/// Throws ConfigError for what graft does not know.
template <class Scalar>
GRAFT_COLD CompileOptions<Scalar> read_training_config(const Config& raw, const std::string& keras_version,
                                                       const std::vector<std::string>& outputs,
                                                       std::vector<std::string>& warnings) {
  const Config config = plain_values(raw);
  const Config* given = config.find_set("optimizer_config");
  if (!given) given = config.find_set("optimizer");
  Config optimizer = given ? *given : Config("rmsprop");
  if (detail::clips_globally(keras_version) && optimizer.contains("config")) {
    Config& inner = optimizer["config"];
    if (const Config* norm = inner.find_set("clipnorm")) {
      inner["global_clipnorm"] = Config(*norm);
      inner.erase("clipnorm");
    }
  }
  CompileOptions<Scalar> options;
  options.optimizer = Optimizer<Scalar>::from_config(optimizer);
  const Config* loss = config.find_set("loss");
  if (!loss) throw ConfigError("training_config: there is no loss in it.");
  options.loss = detail::loss_list<Scalar>(*loss, outputs);
  options.loss_weights = detail::loss_weights(config.find("loss_weights"), outputs);
  options.metrics = detail::metric_list<Scalar>(config.find("metrics"), outputs);
  options.weighted_metrics = detail::metric_list<Scalar>(config.find("weighted_metrics"), outputs);
  // Keras 3.11 loses the optimizer of a model that it has saved as .h5 before.
  if (!given) warnings.push_back("the file says what was compiled, but no optimizer: it is rmsprop, Keras's default");
  return options;
}

/// For a file, in the words that tf.keras 2.x and Keras 3 both understand: of the optimizer's settings only those that
/// are set, because each of the two refuses some keys of the other.
template <class Scalar>
GRAFT_COLD Config write_training_config(const CompileOptions<Scalar>& options) {
  const auto loss_config = [](const Loss<Scalar>& loss) {
    if (!loss) return Config();
    Config config = loss.config();
    const bool plain = config == Loss<Scalar>(std::string(loss.class_name())).config();
    if (!plain) return config;
    return Config(loss.class_name() == "Huber" ? "huber" : loss.name());  // the function, not the object "huber_loss"
  };
  Config result = Config::object();
  Config& loss = result["loss"];
  if (options.loss.size() == 1) {
    loss = loss_config(options.loss[0]);
  } else {
    loss = Config::array();
    for (std::size_t i = 0; i < options.loss.size(); ++i) loss.push_back(loss_config(options.loss[i]));
  }
  result["metrics"] = options.metrics.config();
  result["weighted_metrics"] = options.weighted_metrics.config();
  Config weights;
  for (const double weight : options.loss_weights) weights.push_back(weight);
  result["loss_weights"] = weights;

  const Config full = options.optimizer.config();
  const bool averages = full.at("config").get("use_ema", false);
  // Without the key these two would decay again.
  const bool decays = full.get("class_name", "") == "AdamW" || full.get("class_name", "") == "Muon";
  Config inner = Config::object();
  for (const auto& [key, value] : full.at("config").members()) {
    const bool of_average = key == "use_ema" || key == "ema_momentum" || key == "ema_overwrite_frequency";
    if (value.is_null() && key == "weight_decay" && decays) inner[key] = 0.0;
    if (value.is_null() || (of_average && !averages)) continue;
    inner[key] = value;
  }
  Config optimizer = Config::object();
  optimizer["class_name"] = full.at("class_name");
  optimizer["config"] = std::move(inner);
  // Keras 3 asks for the module of what is inside, tf.keras lets the optimizer itself have none.
  optimizer["config"] = with_module(optimizer, "").at("config");
  result["optimizer_config"] = std::move(optimizer);
  return result;
}

}  // namespace graft::keras
