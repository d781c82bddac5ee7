#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <type_traits>

#include "graft/core/text.hpp"
#include "graft/core/thread_pool.hpp"
#include "graft/models/preprocessing_mode.hpp"

namespace graft::applications {

/// "caffe", "tf", "torch" or "identity", or the name of one of Keras's modules: "mobilenet_v2". Throws ConfigError.
GRAFT_COLD inline PreprocessingMode preprocessing_mode(std::string_view mode_or_module) {
  using Mode = PreprocessingMode;
  static constexpr std::pair<std::string_view, Mode> kModes[] = {{"caffe", Mode::caffe},
                                                                 {"tf", Mode::tf},
                                                                 {"torch", Mode::torch},
                                                                 {"identity", Mode::identity},
                                                                 {"vgg16", Mode::caffe},
                                                                 {"vgg19", Mode::caffe},
                                                                 {"resnet", Mode::caffe},
                                                                 {"resnet50", Mode::caffe},
                                                                 {"resnet_v2", Mode::tf},
                                                                 {"inception_v3", Mode::tf},
                                                                 {"inception_resnet_v2", Mode::tf},
                                                                 {"xception", Mode::tf},
                                                                 {"mobilenet", Mode::tf},
                                                                 {"mobilenet_v2", Mode::tf},
                                                                 {"mobilenet_v3", Mode::identity},
                                                                 {"densenet", Mode::torch},
                                                                 {"nasnet", Mode::tf},
                                                                 {"efficientnet", Mode::identity},
                                                                 {"efficientnet_v2", Mode::identity},
                                                                 {"convnext", Mode::identity}};
  std::vector<std::string> names;
  for (const auto& [name, mode] : kModes) {
    if (name == mode_or_module) return mode;
    names.emplace_back(name);
  }
  fail<ConfigError>("preprocess_input", "a mode (caffe, tf, torch, identity) or a module of keras.applications",
                    "\"" + std::string(mode_or_module) + "\"", text::did_you_mean(mode_or_module, names));
}

/// keras.applications.<module>.preprocess_input as an object: it can be called, and given to whatever maps a data set.
///
///     auto x = applications::mobilenet_v2::preprocess_input(pictures);             // a copy
///     x = applications::mobilenet_v2::preprocess_input(std::move(pictures));       // in place
///     dataset = dataset.map(applications::mobilenet_v2::preprocess_input);
///
/// Takes pixels 0 … 255, red, green and blue, of any number of pictures: (…, height, width, 3), or (…, 3, height,
/// width) with data_format "channels_first". Throws ShapeError for another number of colours, where they matter.
class PreprocessInput {
 public:
  constexpr explicit PreprocessInput(PreprocessingMode mode, bool channels_first = false)
      : mode_(mode), channels_first_(channels_first) {}
  /// Throws ConfigError, see preprocessing_mode.
  GRAFT_COLD explicit PreprocessInput(std::string_view mode_or_module, std::string_view data_format = "channels_last")
      : PreprocessInput(preprocessing_mode(mode_or_module), data_format == "channels_first") {
    if (!channels_first_ && data_format != "channels_last") {
      fail<ConfigError>("preprocess_input", "data_format \"channels_last\" or \"channels_first\"",
                        "\"" + std::string(data_format) + "\"");
    }
  }

  PreprocessingMode mode() const { return mode_; }

  template <class Scalar>
  requires std::is_floating_point_v<Scalar> Tensor<Scalar>
  operator()(Tensor<Scalar>&& x) const {
    (*this)(x.view());
    return std::move(x);
  }
  /// A copy; of integers, floats.
  template <class Scalar>
  auto operator()(const Tensor<Scalar>& x) const {
    using Real = std::conditional_t<std::is_floating_point_v<Scalar>, Scalar, float>;
    return (*this)(Tensor<Real>(x.view()));
  }
  /// In place.
  template <class Scalar>
  requires(std::is_floating_point_v<Scalar> && !std::is_const_v<Scalar>) void operator()(
      const TensorView<Scalar>& x) const {
    if (mode_ == PreprocessingMode::identity) return;
    if (mode_ == PreprocessingMode::tf) return scale(x);
    const int axis = x.rank() - (channels_first_ ? 3 : 1);
    if (axis < 0 || x.dim(axis) != 3) {
      fail<ShapeError>("preprocess_input", channels_first_ ? "(…, 3, height, width)" : "(…, height, width, 3)",
                       x.shape().str());
    }
    const Index inner = x.shape().product(axis + 1, x.rank());
    parallel_for(0, x.size() / 3, 1 << 14, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) {
        Scalar* at = x.data() + i / inner * 3 * inner + i % inner;
        if (mode_ == PreprocessingMode::caffe) caffe(at[0], at[inner], at[2 * inner]);
        else torch(at[0], at[inner], at[2 * inner]);
      }
    });
  }

  /// An element of a data set, `dataset.map(preprocess_input)`: all its inputs in place.
  template <class Element>
  requires requires(Element& element) { element.x.begin()->view(); }
  void operator()(Element& element) const {
    for (auto& x : element.x) (*this)(x.view());
  }

 private:
  template <class Scalar>
  static void scale(const TensorView<Scalar>& x) {
    parallel_for(0, x.size(), 1 << 14, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) x[i] = x[i] / static_cast<Scalar>(127.5) - 1;
    });
  }
  template <class Scalar>
  static void caffe(Scalar& red, Scalar& green, Scalar& blue) {
    std::swap(red, blue);
    red -= static_cast<Scalar>(103.939);
    green -= static_cast<Scalar>(116.779);
    blue -= static_cast<Scalar>(123.68);
  }
  template <class Scalar>
  static void torch(Scalar& red, Scalar& green, Scalar& blue) {
    const auto standard = [](Scalar& x, double mean, double deviation) {
      x = (x / 255 - static_cast<Scalar>(mean)) / static_cast<Scalar>(deviation);
    };
    standard(red, 0.485, 0.229);
    standard(green, 0.456, 0.224);
    standard(blue, 0.406, 0.225);
  }

  PreprocessingMode mode_;
  bool channels_first_;
};

/// imagenet_utils.preprocess_input(x, mode = …): `mode` as in preprocessing_mode. A temporary tensor is changed in
/// place, of any other a copy is.
template <class Array>
GRAFT_COLD auto preprocess_input(Array&& x, std::string_view mode, std::string_view data_format = "channels_last") {
  return PreprocessInput(mode, data_format)(std::forward<Array>(x));
}

// Keras's modules: applications::mobilenet_v2::preprocess_input(x).
#define GRAFT_APPLICATION_MODULE(module, mode_of_module)                                \
  namespace module {                                                                    \
  inline constexpr PreprocessInput preprocess_input{PreprocessingMode::mode_of_module}; \
  }
GRAFT_APPLICATION_MODULE(vgg16, caffe)
GRAFT_APPLICATION_MODULE(vgg19, caffe)
GRAFT_APPLICATION_MODULE(resnet, caffe)
GRAFT_APPLICATION_MODULE(resnet50, caffe)
GRAFT_APPLICATION_MODULE(resnet_v2, tf)
GRAFT_APPLICATION_MODULE(inception_v3, tf)
GRAFT_APPLICATION_MODULE(inception_resnet_v2, tf)
GRAFT_APPLICATION_MODULE(xception, tf)
GRAFT_APPLICATION_MODULE(mobilenet, tf)
GRAFT_APPLICATION_MODULE(mobilenet_v2, tf)
GRAFT_APPLICATION_MODULE(mobilenet_v3, identity)
GRAFT_APPLICATION_MODULE(densenet, torch)
GRAFT_APPLICATION_MODULE(nasnet, tf)
GRAFT_APPLICATION_MODULE(efficientnet, identity)
GRAFT_APPLICATION_MODULE(efficientnet_v2, identity)
GRAFT_APPLICATION_MODULE(convnext, identity)
#undef GRAFT_APPLICATION_MODULE

}  // namespace graft::applications
