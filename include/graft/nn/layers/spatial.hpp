#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

#include "graft/nn/layers/layer_options.hpp"

// What layers over 1 to 3 spatial dimensions share: options that are one integer or one per dimension, padding,
// data_format, and the arithmetic of windows.
namespace graft {

/// One integer for every spatial dimension, or one for each: 3, or {3, 5}. Without any: Keras's None.
class PerAxis {
 public:
  PerAxis() = default;
  PerAxis(Index value) { push_back(value); }
  PerAxis(int value) : PerAxis(static_cast<Index>(value)) {}
  GRAFT_COLD PerAxis(std::initializer_list<Index> values) {
    for (const Index value : values) push_back(value);
  }

  bool set() const { return count_ > 0; }
  int count() const { return count_; }
  Index operator[](int axis) const { return values_[static_cast<std::size_t>(axis)]; }
  /// Throws ConfigError for a fourth.
  GRAFT_COLD void push_back(Index value) {
    if (count_ == 3) fail<ConfigError>("sizes of spatial dimensions", "at most 3", "more");
    values_[static_cast<std::size_t>(count_++)] = value;
  }

 private:
  std::array<Index, 3> values_{};
  int count_ = 0;
};

enum class Padding { valid, same, causal };
enum class DataFormat { channels_last, channels_first };

namespace detail {

/// A value for each spatial dimension, in the order of the axes; 1 after the last.
using SpatialValues = std::array<Index, 3>;

/// Large enough for everything that fits in memory, and small enough that products of two do not overflow.
inline constexpr Index kLargestSpatialOption = std::numeric_limits<std::int32_t>::max();

/// 3 and [3, 5] are both read.
GRAFT_COLD inline void read(const Config& config, const char* key, PerAxis& into) {
  const Config* value = config.find_set(key);
  if (!value) return;
  into = PerAxis();
  if (value->is_number()) return into.push_back(value->as_int(key));
  for (const Config& item : value->items(key)) into.push_back(item.as_int(key));
}

/// `arg` for `rank` dimensions. Throws ConfigError when it has another number of values, or one outside
/// smallest … kLargestSpatialOption.
GRAFT_COLD inline SpatialValues spatial_values(const PerAxis& arg, int rank, const char* what, const std::string& where,
                                               Index smallest = 1) {
  if (arg.count() != 1 && arg.count() != rank) {
    fail<ConfigError>(where, std::string(what) + ": one integer or " + std::to_string(rank),
                      std::to_string(arg.count()));
  }
  SpatialValues values{1, 1, 1};
  for (int axis = 0; axis < rank; ++axis) {
    const Index value = arg[arg.count() == 1 ? 0 : axis];
    if (value < smallest || value > kLargestSpatialOption) {
      fail<ConfigError>(where, std::string(what) + " of at least " + std::to_string(smallest) + " and below 2^31",
                        std::to_string(value));
    }
    values[static_cast<std::size_t>(axis)] = value;
  }
  return values;
}

/// As Keras writes it: [3] for one dimension, [3, 3] for two.
GRAFT_COLD inline Config spatial_config(const SpatialValues& values, int rank) {
  Config list = Config::array();
  for (int axis = 0; axis < rank; ++axis) list.push_back(values[static_cast<std::size_t>(axis)]);
  return list;
}

/// Puts the values into the last of three dimensions: an image is a volume whose depth stays as it is, 1.
template <class Array>
void set_last(Array& to, const SpatialValues& values, int rank) {
  for (int axis = 0; axis < rank; ++axis) {
    to[static_cast<std::size_t>(3 - rank + axis)] = values[static_cast<std::size_t>(axis)];
  }
}

/// As Keras reads a name: in any case.
GRAFT_COLD inline std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Throws ConfigError for an unknown name, and for "causal" unless it is allowed.
GRAFT_COLD inline Padding parse_padding(const std::string& text, const std::string& where, bool causal = false) {
  const std::string name = lower_case(text);
  if (name == "valid") return Padding::valid;
  if (name == "same") return Padding::same;
  if (name == "causal" && causal) return Padding::causal;
  fail<ConfigError>(where, causal ? "padding valid, same or causal" : "padding valid or same", "\"" + text + "\"");
}
inline const char* padding_name(Padding padding) {
  return padding == Padding::valid ? "valid" : padding == Padding::same ? "same" : "causal";
}

/// Throws ConfigError for an unknown name.
GRAFT_COLD inline DataFormat parse_data_format(const std::string& text, const std::string& where) {
  const std::string name = lower_case(text);
  if (name == "channels_last") return DataFormat::channels_last;
  if (name == "channels_first") return DataFormat::channels_first;
  fail<ConfigError>(where, "data_format channels_last or channels_first", "\"" + text + "\"");
}
inline const char* data_format_name(DataFormat format) {
  return format == DataFormat::channels_last ? "channels_last" : "channels_first";
}

/// A shape taken apart: (batch, size…, channels), or (batch, channels, size…). Spatial sizes are 1 after the last.
struct SpatialShape {
  Index batch = Shape::kUnknown;
  SpatialValues size{1, 1, 1};
  Index channels = Shape::kUnknown;
  int rank = 0;  ///< number of spatial dimensions

  Shape shape(DataFormat format) const {
    Shape result{batch};
    if (format == DataFormat::channels_first) result.push_back(channels);
    for (int axis = 0; axis < rank; ++axis) result.push_back(size[static_cast<std::size_t>(axis)]);
    if (format == DataFormat::channels_last) result.push_back(channels);
    return result;
  }
};

/// channels_first is, to what treats every channel alike, channels_last with batch * channels samples of one channel.
inline SpatialShape channels_as_samples(SpatialShape shape, DataFormat format) {
  if (format == DataFormat::channels_last) return shape;
  shape.batch *= shape.channels;
  shape.channels = 1;
  return shape;
}

/// Takes a shape apart that is known to be of this rank.
inline SpatialShape spatial_of(const Shape& shape, int rank, DataFormat format) {
  const bool first = format == DataFormat::channels_first;
  SpatialShape result;
  result.batch = shape[0];
  result.channels = first ? shape[1] : shape.back();
  result.rank = rank;
  for (int axis = 0; axis < rank; ++axis) result.size[static_cast<std::size_t>(axis)] = shape[axis + (first ? 2 : 1)];
  return result;
}

/// The same, checked. Throws ShapeError for another rank and for a dimension of 0 besides the batch.
GRAFT_COLD inline SpatialShape split_spatial(const Shape& shape, int rank, DataFormat format,
                                             const std::string& where) {
  if (shape.rank() != rank + 2) {
    static constexpr const char* kSizes[] = {"length", "height, width", "depth, height, width"};
    const std::string sizes = kSizes[rank - 1];
    const bool first = format == DataFormat::channels_first;
    fail<ShapeError>(where, "an input (batch, " + (first ? "channels, " + sizes : sizes + ", channels") + ")",
                     shape.str());
  }
  for (int axis = 1; axis < shape.rank(); ++axis) {
    if (shape[axis] == 0) fail<ShapeError>(where, "dimensions above 0", shape.str());
  }
  return spatial_of(shape, rank, format);
}

/// How far a window of `kernel` elements, `dilation` apart, reaches.
inline Index window_extent(Index kernel, Index dilation) { return (kernel - 1) * dilation + 1; }

/// Number of places of a window along an axis of n elements: valid ⌊(n - extent) / stride⌋ + 1, same and causal
/// ⌈n / stride⌉. -1 if n is unknown, 0 if the window is larger than the input.
inline Index conv_output_length(Index n, Index kernel, Index stride, Index dilation, Padding padding) {
  if (n == Shape::kUnknown) return Shape::kUnknown;
  if (padding != Padding::valid) return (n - 1) / stride + 1;
  const Index extent = window_extent(kernel, dilation);
  return n < extent ? 0 : (n - extent) / stride + 1;
}

struct AxisPadding {
  Index before = 0, after = 0;

  friend bool operator==(const AxisPadding&, const AxisPadding&) = default;
};

/// TensorFlow's rule: as little as the windows need, the odd element at the end.
inline AxisPadding same_padding(Index n, Index kernel, Index stride, Index dilation = 1) {
  const Index out = conv_output_length(n, kernel, stride, dilation, Padding::same);
  const Index total = std::max<Index>((out - 1) * stride + window_extent(kernel, dilation) - n, 0);
  return {total / 2, total - total / 2};
}
/// What any padding puts in front of and after n elements.
inline AxisPadding axis_padding(Padding padding, Index n, Index kernel, Index stride, Index dilation = 1) {
  if (padding == Padding::same) return same_padding(n, kernel, stride, dilation);
  return {padding == Padding::causal ? window_extent(kernel, dilation) - 1 : 0, 0};
}

/// The sizes after a window has passed over all axes. Throws ShapeError when it is larger than its padded input.
GRAFT_COLD inline SpatialShape window_output(SpatialShape shape, const SpatialValues& kernel,
                                             const SpatialValues& strides, const SpatialValues& dilation,
                                             Padding padding, const std::string& where) {
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(shape.rank); ++axis) {
    const Index out = conv_output_length(shape.size[axis], kernel[axis], strides[axis], dilation[axis], padding);
    if (out == 0) {
      fail<ShapeError>(where,
                       "at least " + std::to_string(window_extent(kernel[axis], dilation[axis])) +
                           " elements along spatial dimension " + std::to_string(axis + 1) + " for its window",
                       std::to_string(shape.size[axis]), "padding=\"same\" lets a window reach over the border.");
    }
    shape.size[axis] = out;
  }
  return shape;
}

}  // namespace detail
}  // namespace graft
