#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "graft/kernels/box_copy.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/spatial.hpp"

namespace graft {

/// How much is added or cut off at the two ends of each spatial dimension, in any of Keras's forms: 2 (both ends of
/// all), {2, 3} (of one dimension before and after; of two, both ends of each), {{1, 2}, {3, 4}} (every end).
class Borders {
 public:
  Borders() = default;
  Borders(int both) : sizes_(both) {}
  Borders(Index both) : sizes_(both) {}
  Borders(std::initializer_list<Index> sizes) : sizes_(sizes) {}
  GRAFT_COLD Borders(std::initializer_list<detail::AxisPadding> pairs) {
    for (const detail::AxisPadding& pair : pairs) push_back(pair);
  }

  GRAFT_COLD void push_back(Index both) { sizes_.push_back(both); }
  GRAFT_COLD void push_back(const detail::AxisPadding& pair) {
    befores_.push_back(pair.before);
    afters_.push_back(pair.after);
  }

  /// For `rank` dimensions, before and after. Throws ConfigError when there are too many or too few, or one is
  /// negative.
  GRAFT_COLD std::array<detail::SpatialValues, 2> values(int rank, const char* what, const std::string& where) const {
    if (befores_.set()) {
      if (befores_.count() != rank) {
        fail<ConfigError>(where, std::string(what) + ": " + std::to_string(rank) + " pairs",
                          std::to_string(befores_.count()));
      }
      return {detail::spatial_values(befores_, rank, what, where, 0),
              detail::spatial_values(afters_, rank, what, where, 0)};
    }
    if (rank == 1 && sizes_.count() == 2) {
      return {detail::spatial_values(sizes_[0], 1, what, where, 0),
              detail::spatial_values(sizes_[1], 1, what, where, 0)};
    }
    const detail::SpatialValues both = detail::spatial_values(sizes_, rank, what, where, 0);
    return {both, both};
  }

 private:
  PerAxis sizes_, befores_, afters_;
};

struct BorderOptions {
  /// Default "channels_last". Optional, or the last of ZeroPadding2D({{1, 1}, {0, 0}}) could be read as a null pointer.
  std::optional<std::string> data_format = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

enum class BorderKind { padding, cropping };

/// Keras's key and the layers' names.
GRAFT_COLD inline const char* border_key(BorderKind kind) {
  return kind == BorderKind::padding ? "padding" : "cropping";
}
GRAFT_COLD inline const char* border_name(BorderKind kind, int rank) {
  static constexpr const char* kNames[2][3] = {{"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"},
                                               {"Cropping1D", "Cropping2D", "Cropping3D"}};
  return kNames[kind == BorderKind::cropping][rank - 1];
}

/// 2, [2, 3], [[1, 2], [3, 4]] and [[1, 2], 3].
GRAFT_COLD inline Borders read_borders(const Config& config, BorderKind kind, Borders otherwise) {
  const char* key = border_key(kind);
  const Config* value = config.find_set(key);
  if (!value) return otherwise;
  if (value->is_number()) return value->as_int(key);
  const auto& items = value->items(key);
  const bool pairs = std::any_of(items.begin(), items.end(), [](const Config& item) { return item.is_array(); });
  Borders borders;
  for (const Config& item : items) {
    if (!pairs) {
      borders.push_back(item.as_int(key));
    } else if (item.is_number()) {
      borders.push_back({item.as_int(key), item.as_int(key)});
    } else {
      const auto& pair = item.items(key);
      if (pair.size() != 2) fail<ConfigError>(key, "pairs (before, after)", std::to_string(pair.size()) + " numbers");
      borders.push_back({pair[0].as_int(key), pair[1].as_int(key)});
    }
  }
  return borders;
}
GRAFT_COLD inline BorderOptions read_border_options(const Config& config) {
  BorderOptions options;
  if (const Config* format = config.find_set("data_format")) options.data_format = format->as_string("data_format");
  read_base(config, options);
  return options;
}

}  // namespace detail

/// ZeroPadding and Cropping over 1 to 3 dimensions: each is the other's backward.
template <class Scalar>
class BorderImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD BorderImpl(detail::BorderKind kind, int rank, const Borders& borders, const BorderOptions& options)
      : LayerImpl<Scalar>(detail::border_name(kind, rank), options), kind_(kind), rank_(rank) {
    const std::string where = this->where();
    borders_ = borders.values(rank, detail::border_key(kind), where);
    format_ = detail::parse_data_format(options.data_format.value_or("channels_last"), where);
  }
  std::string_view class_name() const override { return detail::border_name(kind_, rank_); }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    detail::SpatialShape shape = detail::split_spatial(inputs[0], rank_, format_, this->where());
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      Index& size = shape.size[axis];
      const Index sum = borders_[0][axis] + borders_[1][axis];
      if (size == Shape::kUnknown) continue;
      // tf.keras lets Cropping3D, and no other, leave nothing.
      if (crops() && sum >= size && rank_ < 3) {
        fail<ShapeError>(this->where(), "more than " + std::to_string(sum) + " elements to cut off from",
                         inputs[0].str());
      }
      if (!crops() && size > std::numeric_limits<Index>::max() - sum) {
        fail<ShapeError>(this->where(), "a size that fits in memory", inputs[0].str());
      }
      size = crops() ? std::max<Index>(size - sum, 0) : size + sum;
    }
    return shape.shape(format_);
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const kernels::BoxDesc box = this->box(args.x().shape(), args.y().shape());
    if (crops()) kernels::copy_from_box(box, args.x().data(), args.y().data());
    else kernels::copy_to_box(box, args.x().data(), args.y().data());
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const kernels::BoxDesc box = this->box(args.dx().shape(), args.dy().shape());
    if (crops()) kernels::copy_to_box(box, args.dy().data(), args.dx().data(), args.add_to_input);
    else kernels::copy_from_box(box, args.dy().data(), args.dx().data(), args.add_to_input);
  }
  /// Pairs as Keras writes them, of one dimension without a list around; data_format where all versions know it.
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    Config pairs = Config::array();
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      pairs.push_back(Config::array({borders_[0][axis], borders_[1][axis]}));
    }
    config[detail::border_key(kind_)] = rank_ == 1 ? Config(pairs.items()[0]) : pairs;
    if (rank_ > 1 || format_ != DataFormat::channels_last) config["data_format"] = detail::data_format_name(format_);
    return config;
  }

 private:
  bool crops() const { return kind_ == detail::BorderKind::cropping; }

  kernels::BoxDesc box(const Shape& x_shape, const Shape& y_shape) const {
    const auto shape = [&](const Shape& s) {
      return detail::channels_as_samples(detail::spatial_of(s, rank_, format_), format_);
    };
    const detail::SpatialShape x = shape(x_shape), y = shape(y_shape);
    kernels::BoxDesc box;
    box.batch = x.batch;
    box.channels = x.channels;
    detail::set_last(box.small, crops() ? y.size : x.size, rank_);
    detail::set_last(box.large, crops() ? x.size : y.size, rank_);
    detail::set_last(box.offset, borders_[0], rank_);
    for (int axis = 0; axis < 3; ++axis) box.offset[axis] = std::min(box.offset[axis], box.large[axis]);
    return box;
  }

  detail::BorderKind kind_;
  int rank_;
  std::array<detail::SpatialValues, 2> borders_;
  DataFormat format_;
};

}  // namespace graft
