#pragma once

#include <memory>

#include "graft/nn/layers/image_layer.hpp"

namespace graft::detail {

/// Base of image layers that apply others, one behind the other. A layer that stands twice in a chain does the same
/// twice.
template <class Scalar>
class ComposedImageImpl : public ImageLayerImpl<Scalar> {
 public:
  using Image = ImageArgs<Scalar>;
  static constexpr int kMaxLength = 16;

  /// Images between the layers, and what the layers want.
  Index scratch_size(const Picture& picture, bool backward) const final {
    Index inner = 0;
    for (const auto& layer : parts_) {
      inner = std::max(inner, layer->scratch_size(picture, false));
      if (backward) inner = std::max(inner, layer->scratch_size(picture, true));
    }
    // Forward two images take turns; backward needs all of them, and two gradients.
    const Index images = length_ <= 1 ? 0 : backward ? length_ - 1 + 2 : 1;
    return images * picture.size() + inner;
  }
  void transform(const Image& image) const final {
    int chain[kMaxLength];
    const int length = choose(image.stream, chain);
    if (length == 0) {
      std::copy_n(image.x, image.picture.size(), image.y);
      return;
    }
    Image step = image;
    step.scratch = image.scratch + (length_ > 1 ? image.picture.size() : 0);
    for (int i = 0; i < length; ++i) {
      // The last one writes y.
      step.y = (length - i) % 2 == 1 ? image.y : image.scratch;
      run(chain[i], step, image.stream);
      step.x = step.y;
    }
  }
  void transform_gradient(const Image& image) const final {
    int chain[kMaxLength];
    const int length = choose(image.stream, chain);
    const Index size = image.picture.size();
    if (length == 0) {
      std::copy_n(image.dy, size, image.dx);
      return;
    }
    // What each layer read, then two gradients, then scratch.
    const auto between = [&](int i) { return image.scratch + (i - 1) * size; };
    Scalar* gradients = image.scratch + (length_ - 1) * size;
    Image step = image;
    step.scratch = length_ > 1 ? gradients + 2 * size : image.scratch;
    for (int i = 0; i + 1 < length; ++i) {
      step.y = between(i + 1);
      run(chain[i], step, image.stream);
      step.x = step.y;
    }
    for (int i = length - 1; i >= 0; --i) {
      step.x = i == 0 ? image.x : between(i);
      step.dx = i == 0 ? image.dx : gradients + (i % 2) * size;
      step.stream = image.stream.fold(static_cast<std::uint64_t>(chain[i]) + 1);
      parts_[static_cast<std::size_t>(chain[i])]->transform_gradient(step);
      step.dy = step.dx;
    }
  }

 protected:
  using ImageLayerImpl<Scalar>::ImageLayerImpl;

  /// Writes which parts an image goes through and returns how many: at most as many as set_length was told.
  virtual int choose(RandomKey stream, int* chain) const = 0;

  template <class Impl, class... Args>
  GRAFT_COLD void add_part(Args&&... args) {
    parts_.push_back(std::make_unique<Impl>(std::forward<Args>(args)...));
  }
  GRAFT_COLD void set_length(Index length) {
    if (length < 0 || length > kMaxLength) {
      fail<ConfigError>(this->where(), "at most " + std::to_string(kMaxLength) + " operations", std::to_string(length));
    }
    length_ = length;
  }
  int parts() const { return static_cast<int>(parts_.size()); }

 private:
  void run(int part, Image& step, RandomKey stream) const {
    step.stream = stream.fold(static_cast<std::uint64_t>(part) + 1);
    parts_[static_cast<std::size_t>(part)]->transform(step);
  }

  std::vector<std::unique_ptr<ImageLayerImpl<Scalar>>> parts_;
  Index length_ = 0;
};

}  // namespace graft::detail
