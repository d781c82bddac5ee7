#pragma once

#include <array>
#include <optional>

#include "graft/core/tensor.hpp"
#include "graft/io/keras/generation.hpp"

namespace graft::keras {

/// The layers whose kernels some Keras wrote in another order of axes.
enum class KernelKind { other, conv1d, conv2d, conv3d, conv2d_transpose, conv_lstm2d };

GRAFT_COLD inline KernelKind kernel_kind(std::string_view class_name) {
  if (class_name == "Conv1D") return KernelKind::conv1d;
  if (class_name == "Conv2D") return KernelKind::conv2d;
  if (class_name == "Conv3D") return KernelKind::conv3d;
  if (class_name == "ConvLSTM2D") return KernelKind::conv_lstm2d;
  return class_name == "Conv2DTranspose" ? KernelKind::conv2d_transpose : KernelKind::other;
}

/// How an array of a file becomes a weight: axis i of the weight is axis axes[i] of the array. Without axes the numbers
/// stay in their order.
struct AxisOrder {
  std::array<int, 5> axes{};
  int rank = 0;

  bool moves() const { return rank > 0; }
};

namespace detail {
GRAFT_COLD inline Shape moved(const Shape& shape, const AxisOrder& order) {
  Shape result;
  for (int axis = 0; axis < order.rank; ++axis) result.push_back(shape[order.axes[static_cast<std::size_t>(axis)]]);
  return result;
}
inline Shape with_unit_axis(const Shape& conv1d) { return {conv1d[0], 1, conv1d[1], conv1d[2]}; }
}  // namespace detail

/// How an array of shape `file` fits into a kernel of shape `weight`; nothing when it does not.
///
/// Keras 1: Conv1D (k, 1, in, out), before that (out, in, k, 1); channels_first ("th") Conv2D (out, in, h, w), Conv3D
/// (out, in, d, h, w), Conv2DTranspose (out, in, h, w), channels_last (h, w, in, out). Every Keras: Conv2D and
/// Conv2DTranspose as (out, in, h, w) when only that fits.
GRAFT_COLD inline std::optional<AxisOrder> kernel_order(const Shape& file, const Shape& weight, KernelKind kind,
                                                        bool channels_first, Generation generation) {
  const auto fits = [&](const AxisOrder& order, const Shape& wanted) -> std::optional<AxisOrder> {
    if (file.rank() != order.rank || !(detail::moved(file, order) == wanted)) return std::nullopt;
    return order;
  };
  if (generation == Generation::keras1) {
    switch (kind) {
      case KernelKind::conv1d: {
        if (file.rank() != 4) break;
        const Shape wanted = detail::with_unit_axis(weight);
        if (file == wanted) return AxisOrder{};
        return fits({{2, 3, 1, 0}, 4}, wanted);
      }
      case KernelKind::conv2d:
      case KernelKind::conv_lstm2d:
        if (channels_first) {
          if (const auto order = fits({{2, 3, 1, 0}, 4}, weight)) return order;
        }
        break;
      case KernelKind::conv3d:
        if (channels_first) {
          if (const auto order = fits({{2, 3, 4, 1, 0}, 5}, weight)) return order;
        }
        break;
      case KernelKind::conv2d_transpose:
        if (const auto order = fits(channels_first ? AxisOrder{{2, 3, 0, 1}, 4} : AxisOrder{{0, 1, 3, 2}, 4}, weight))
          return order;
        break;
      case KernelKind::other: break;
    }
  }
  if (file == weight) return AxisOrder{};
  if (kind != KernelKind::other && weight.rank() == 4) return fits({{3, 2, 0, 1}, 4}, weight);
  return std::nullopt;
}

/// The numbers of an array with its axes in another order.
template <class Scalar>
GRAFT_COLD void move_axes(const Tensor<Scalar>& from, const AxisOrder& order, Scalar* into) {
  std::array<Index, 5> strides{}, sizes{}, at{};
  for (int axis = 0; axis < order.rank; ++axis) {
    const int source = order.axes[static_cast<std::size_t>(axis)];
    strides[static_cast<std::size_t>(axis)] = from.shape().product(source + 1, order.rank);
    sizes[static_cast<std::size_t>(axis)] = from.shape()[source];
  }
  for (Index i = 0, count = from.size(), offset = 0; i < count; ++i) {
    into[i] = from[offset];
    for (int axis = order.rank; axis-- > 0;) {
      const auto a = static_cast<std::size_t>(axis);
      offset += strides[a];
      if (++at[a] < sizes[a]) break;
      offset -= strides[a] * sizes[a];
      at[a] = 0;
    }
  }
}

}  // namespace graft::keras
