#pragma once

#include "graft/applications/detail/net.hpp"

namespace graft::applications {

namespace detail {

template <class Scalar>
GRAFT_COLD Model<Scalar> vgg(Application application, const std::array<Index, 5>& convolutions,
                             const ApplicationOptions& options) {
  Net<Scalar> net(std::move(application), options);
  auto x = net.input();
  Index filters = 64;
  for (std::size_t block = 0; block < convolutions.size(); ++block) {
    const std::string prefix = "block" + std::to_string(block + 1) + "_";
    for (Index i = 1; i <= convolutions[block]; ++i) {
      x = Conv2D<Scalar>(filters, 3,
                         {.padding = "same", .activation = "relu", .name = prefix + "conv" + std::to_string(i)})(x);
    }
    x = MaxPooling2D<Scalar>(2, {.strides = 2, .name = prefix + "pool"})(x);
    filters = std::min<Index>(512, 2 * filters);
  }
  if (!options.include_top) return net.model(net.pooled(x, false));
  x = Flatten<Scalar>({.name = "flatten"})(x);
  for (const char* name : {"fc1", "fc2"}) x = Dense<Scalar>(4096, {.activation = "relu", .name = name})(x);
  return net.model(net.predictions(x));
}

}  // namespace detail

/// Simonyan and Zisserman 2014 (arXiv 1409.1556). 224 x 224, BGR pixels without their mean: preprocess_input in the
/// mode "caffe". Least size 32.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> VGG16(const ApplicationOptions& options = {}) {
  return detail::vgg<Scalar>(detail::with_kernel_files({"VGG16", "vgg16"}, "vgg16/vgg16"), {2, 2, 3, 3, 3}, options);
}

/// VGG16 with three convolutions more.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> VGG19(const ApplicationOptions& options = {}) {
  return detail::vgg<Scalar>(detail::with_kernel_files({"VGG19", "vgg19"}, "vgg19/vgg19"), {2, 2, 4, 4, 4}, options);
}

}  // namespace graft::applications
