#pragma once

#include "graft/core/config.hpp"

// Keras 1.x: convolutions, pooling, padding and the like under their former names.
namespace graft::keras::keras1 {

namespace detail {

GRAFT_COLD inline void rename(Config& config, std::string_view from, std::string_view to) {
  if (const Config* value = config.find(from)) {
    Config copy = *value;
    config.erase(from);
    if (!config.contains(to)) config[to] = std::move(copy);
  }
}

// Several keys, one for each axis, become one list.
GRAFT_COLD inline void collect(Config& config, std::initializer_list<const char*> from, const char* to) {
  Config list = Config::array();
  for (const char* key : from) {
    const Config* value = config.find_set(key);
    if (!value) return;
    list.push_back(*value);
  }
  for (const char* key : from) config.erase(key);
  config[to] = std::move(list);
}

// {"left_pad": 1, "right_pad": 2} → [1, 2]; {"top_pad": …} and [top, bottom, left, right] → [[1, 2], [3, 4]]
GRAFT_COLD inline void convert_padding(Config& config, int rank) {
  const Config* padding = config.find_set("padding");
  if (!padding) return;
  std::vector<Config> flat;
  if (padding->is_object()) {
    constexpr const char* kSides[] = {"top_pad", "bottom_pad", "left_pad", "right_pad"};
    for (std::size_t side = rank == 1 ? 2 : 0; side < 4; ++side) flat.push_back(padding->get(kSides[side], 0));
  } else if (padding->is_array() && padding->items().size() == 2 * static_cast<std::size_t>(rank)) {
    flat = padding->items();
  }
  if (flat.empty()) return;
  if (rank == 1) {
    config["padding"] = Config::array(std::move(flat));
  } else {
    config["padding"] = Config::array({Config::array({flat[0], flat[1]}), Config::array({flat[2], flat[3]})});
  }
}

// Deconvolution2D was told its output_shape. What the strides leave open of it is output_padding now.
GRAFT_COLD inline void convert_output_shape(Config& config) {
  const Config* shape = config.find_set("output_shape");
  const Config *kernel = config.find_set("kernel_size"), *strides = config.find_set("strides");
  const bool first = config.get("data_format", "") == "channels_first", same = config.get("padding", "") == "same";
  if (shape && shape->is_array() && shape->items().size() == 4 && kernel && strides) {
    Config extra = Config::array();
    bool any = false;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const Config& size = shape->items()[axis + (first ? 2 : 1)];
      const auto &taps_of = kernel->items("kernel_size"), &strides_of = strides->items("subsample");
      if (taps_of.size() != 2 || strides_of.size() != 2) return;
      const Index taps = taps_of[axis].as_int("kernel_size"), stride = strides_of[axis].as_int("subsample");
      if (!size.is_integer() || stride < 1 || taps < 1 || taps > (1 << 30) || stride > (1 << 30)) return;
      const Index out = size.as_int("output_shape");
      if (out < 0) return;
      const Index rest = same ? out + 2 * (taps / 2) - taps : out - taps;
      const Index more = (rest % stride + stride) % stride;
      extra.push_back(more);
      any = any || (same ? out % stride != 0 : more != 0);
    }
    if (any) config["output_padding"] = std::move(extra);
  }
  config.erase("output_shape");
}

// A first layer may say its input this way only.
GRAFT_COLD inline void convert_input(Config& config, bool has_steps) {
  const Config* features = config.find_set("input_dim");
  if (features && !config.contains("batch_input_shape")) {
    Config shape = Config::array({Config()});
    if (has_steps) {
      const Config* length = config.find_set("input_length");
      shape.push_back(length ? *length : Config());
    }
    shape.push_back(*features);
    config["batch_input_shape"] = std::move(shape);
  }
  config.erase("input_dim");
  config.erase("input_length");
}

/// The name that a class has now.
GRAFT_COLD inline std::string renamed_class(const std::string& name) {
  struct NewName {
    const char *from, *to;
  };
  constexpr NewName kClasses[] = {
      {"Convolution1D", "Conv1D"},
      {"Convolution2D", "Conv2D"},
      {"Convolution3D", "Conv3D"},
      {"AtrousConvolution1D", "Conv1D"},
      {"AtrousConvolution2D", "Conv2D"},
      {"AtrousConv1D", "Conv1D"},
      {"AtrousConv2D", "Conv2D"},
      {"Deconvolution2D", "Conv2DTranspose"},
      {"Deconv2D", "Conv2DTranspose"},
      {"SeparableConvolution2D", "SeparableConv2D"},
      {"GlobalMaxPool1D", "GlobalMaxPooling1D"},
      {"GlobalMaxPool2D", "GlobalMaxPooling2D"},
  };
  for (const auto& [from, to] : kClasses) {
    if (name == from) return to;
  }
  return name;
}

}  // namespace detail

/// Translates the keys of layers over space, after `class_name` got its name of now.
GRAFT_COLD inline void translate_spatial(const std::string& class_name, Config& config) {
  using namespace detail;
  if (const Config* order = config.find_set("dim_ordering"); order && order->is_string()) {
    const std::string format = order->as_string();
    config.erase("dim_ordering");
    if (format == "th" || format == "tf") config["data_format"] = format == "th" ? "channels_first" : "channels_last";
  }
  const auto has = [&](const char* part) { return class_name.find(part) != std::string::npos; };
  if (has("Conv") && !has("ConvLSTM")) {
    const bool one = has("1D");
    rename(config, "nb_filter", "filters");
    rename(config, "filter_length", "kernel_size");
    rename(config, "subsample_length", "strides");
    collect(config, {"nb_row", "nb_col"}, "kernel_size");
    collect(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"}, "kernel_size");
    rename(config, "subsample", "strides");
    rename(config, "border_mode", "padding");
    rename(config, "atrous_rate", "dilation_rate");
    if (one) convert_input(config, true);
    if (class_name == "Conv2DTranspose") convert_output_shape(config);
    if (class_name == "SeparableConv2D") {
      if (const Config* init = config.find_set("kernel_initializer")) {
        const Config copy = *init;
        config.erase("kernel_initializer");
        for (const char* key : {"depthwise_initializer", "pointwise_initializer"}) {
          if (!config.contains(key)) config[key] = copy;
        }
      }
    }
  } else if (has("LocallyConnected")) {
    rename(config, "nb_filter", "filters");
    rename(config, "filter_length", "kernel_size");
    rename(config, "subsample_length", "strides");
    collect(config, {"nb_row", "nb_col"}, "kernel_size");
    rename(config, "subsample", "strides");
    rename(config, "border_mode", "padding");
    if (has("1D")) convert_input(config, true);
  } else if (has("Pooling")) {
    rename(config, "pool_length", "pool_size");
    rename(config, "stride", "strides");
    rename(config, "border_mode", "padding");
  } else if (has("ZeroPadding")) {
    convert_padding(config, has("1D") ? 1 : has("2D") ? 2 : 3);
  } else if (has("UpSampling")) {
    rename(config, "length", "size");
  } else if (has("SpatialDropout")) {
    rename(config, "p", "rate");
  }
}

}  // namespace graft::keras::keras1
