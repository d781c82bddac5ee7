#pragma once

#include <optional>
#include <string>

#include "graft/optimizers/schedules/schedules.hpp"

namespace graft {

/// What every Keras optimizer takes besides its own arguments. Each optimizer's options repeat these fields (with its
/// own default learning rate), because designated initialisers do not reach into base classes.
struct OptimizerCommon {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay = {};     ///< decoupled: w -= w * weight_decay * learning_rate
  std::optional<double> clipnorm = {};         ///< largest L2 norm of the gradient of each variable
  std::optional<double> clipvalue = {};        ///< largest magnitude of each element
  std::optional<double> global_clipnorm = {};  ///< largest L2 norm of all gradients together
  bool use_ema = false;                        ///< keep an exponential moving average of the weights
  double ema_momentum = 0.99;
  std::optional<Index> ema_overwrite_frequency = {};      ///< put the average into the weights every so many steps
  std::optional<double> loss_scale_factor = {};           ///< the loss is multiplied, the gradients are divided by it
  std::optional<Index> gradient_accumulation_steps = {};  ///< update every so many steps, with the mean gradient
  std::string name = {};

  /// Throws ConfigError for combinations that have no meaning: more than one kind of clipping (as tf.keras and Keras 3
  /// do), factors out of range.
  GRAFT_COLD void check(const std::string& where) const {
    if ((clipnorm.has_value() + clipvalue.has_value() + global_clipnorm.has_value()) > 1) {
      throw ConfigError(where + ": only one of clipnorm, clipvalue and global_clipnorm can be set.");
    }
    const auto positive = [&where](const char* key, const std::optional<double>& value) {
      if (value && !(*value > 0)) {
        fail<ConfigError>(where, std::string(key) + " above 0", text::number("%g", *value));
      }
    };
    positive("clipnorm", clipnorm);
    positive("clipvalue", clipvalue);
    positive("global_clipnorm", global_clipnorm);
    positive("loss_scale_factor", loss_scale_factor);
    if (!(ema_momentum >= 0 && ema_momentum <= 1)) {
      fail<ConfigError>(where, "ema_momentum from 0 to 1", text::number("%g", ema_momentum));
    }
    if (ema_overwrite_frequency && *ema_overwrite_frequency < 1) {
      fail<ConfigError>(where, "ema_overwrite_frequency of at least 1", std::to_string(*ema_overwrite_frequency));
    }
    if (gradient_accumulation_steps && *gradient_accumulation_steps < 2) {
      fail<ConfigError>(where, "gradient_accumulation_steps of at least 2, or none",
                        std::to_string(*gradient_accumulation_steps));
    }
    if (!learning_rate.is_schedule() && !std::isfinite(learning_rate.at(0))) {
      fail<ConfigError>(where, "a finite learning_rate", text::number("%g", learning_rate.at(0)));
    }
  }

  /// Keras 3's keys in Keras 3's order. Reading also knows `lr` and `decay` of Keras before 2.11.
  GRAFT_COLD void fields(ConfigFields& f) {
    f("name", name);
    if (f.to()) {
      (*f.to())["learning_rate"] = learning_rate.config();
    } else {
      const Config* rate = f.from()->find_set("learning_rate");
      if (!rate) rate = f.from()->find_set("lr");
      if (rate) learning_rate = LearningRate::from_config(*rate);
      const double decay = f.from()->get("decay", 0.0);
      if (decay != 0 && !learning_rate.is_schedule()) learning_rate = InverseTimeDecay(learning_rate.at(0), 1, decay);
    }
    f("weight_decay", weight_decay);
    f("clipnorm", clipnorm);
    f("global_clipnorm", global_clipnorm);
    f("clipvalue", clipvalue);
    f("use_ema", use_ema);
    f("ema_momentum", ema_momentum);
    f("ema_overwrite_frequency", ema_overwrite_frequency);
    f("loss_scale_factor", loss_scale_factor);
    f("gradient_accumulation_steps", gradient_accumulation_steps);
    if (f.reading()) {
      // Keras 2 wrote weight_decay 0 and clip 0 for "none".
      for (auto* clip : {&clipnorm, &global_clipnorm, &clipvalue}) {
        if (*clip && **clip <= 0) clip->reset();
      }
      if (!use_ema) ema_overwrite_frequency.reset();
    }
  }

  template <class Options>
  static OptimizerCommon of(const Options& o) {
    return {o.learning_rate,
            o.weight_decay,
            o.clipnorm,
            o.clipvalue,
            o.global_clipnorm,
            o.use_ema,
            o.ema_momentum,
            o.ema_overwrite_frequency,
            o.loss_scale_factor,
            o.gradient_accumulation_steps,
            o.name};
  }
  template <class Options>
  void put_into(Options& o) const {
    o.learning_rate = learning_rate;
    o.weight_decay = weight_decay;
    o.clipnorm = clipnorm;
    o.clipvalue = clipvalue;
    o.global_clipnorm = global_clipnorm;
    o.use_ema = use_ema;
    o.ema_momentum = ema_momentum;
    o.ema_overwrite_frequency = ema_overwrite_frequency;
    o.loss_scale_factor = loss_scale_factor;
    o.gradient_accumulation_steps = gradient_accumulation_steps;
    o.name = name;
  }
};

}  // namespace graft
