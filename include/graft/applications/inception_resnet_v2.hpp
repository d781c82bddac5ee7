#pragma once

#include "graft/applications/detail/inception.hpp"
#include "graft/nn/layers/custom_scale_layer.hpp"

namespace graft::applications {

namespace detail {

template <class Scalar>
class InceptionResNetBlocks : public InceptionBlocks<Scalar> {
  using Base = InceptionBlocks<Scalar>;
  using Base::average, Base::concatenate, Base::conv, Base::halved;

 public:
  using typename Base::Value;

  GRAFT_COLD static Value block35(const Value& x, Index number) {
    const Value one = conv(x, 32, 1);
    const Value two = conv(conv(x, 32, 1), 32, 3);
    const Value three = conv(conv(conv(x, 32, 1), 48, 3), 64, 3);
    return residual(x, {one, two, three}, 0.17, "block35_" + std::to_string(number));
  }
  GRAFT_COLD static Value block17(const Value& x, Index number) {
    const Value one = conv(x, 192, 1);
    const Value two = conv(conv(conv(x, 128, 1), 160, {1, 7}), 192, {7, 1});
    return residual(x, {one, two}, 0.1, "block17_" + std::to_string(number));
  }
  /// The last one, number 10, is not scaled and has no activation.
  GRAFT_COLD static Value block8(const Value& x, Index number) {
    const Value one = conv(x, 192, 1);
    const Value two = conv(conv(conv(x, 192, 1), 224, {1, 3}), 256, {3, 1});
    const bool last = number == 10;
    return residual(x, {one, two}, last ? 1.0 : 0.2, "block8_" + std::to_string(number), !last);
  }

  GRAFT_COLD static Value mixed_6a(const Value& x) {
    const Value one = conv(x, 384, 3, {2, "valid"});
    const Value two = conv(conv(conv(x, 256, 1), 256, 3), 384, 3, {2, "valid"});
    return concatenate({one, two, halved(x)}, "mixed_6a");
  }
  GRAFT_COLD static Value mixed_7a(const Value& x) {
    const Value one = conv(conv(x, 256, 1), 384, 3, {2, "valid"});
    const Value two = conv(conv(x, 256, 1), 288, 3, {2, "valid"});
    const Value three = conv(conv(conv(x, 256, 1), 288, 3), 320, 3, {2, "valid"});
    return concatenate({one, two, three, halved(x)}, "mixed_7a");
  }

 private:
  /// x + scale * (a 1 x 1 convolution of the branches).
  GRAFT_COLD static Value residual(const Value& x, const std::vector<Value>& branches, double scale,
                                   const std::string& name, bool activated = true) {
    const Value mixed = concatenate(branches, name + "_mixed");
    const Value up = Conv2D<Scalar>(x.shape()[3], 1, {.padding = "same", .name = name + "_conv"})(mixed);
    const Value sum = CustomScaleLayer<Scalar>(scale)({x, up});
    return activated ? relu(sum, name + "_ac") : sum;
  }
};

}  // namespace detail

/// Szegedy et al. 2017 (arXiv 1602.07261). 299 x 299, pixels in [-1, 1]: preprocess_input in the mode "tf". Least size
/// 75. Many of its convolutions have automatic names, so that files are read by the order of the layers.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> InceptionResNetV2(const ApplicationOptions& options = {}) {
  using Blocks = detail::InceptionResNetBlocks<Scalar>;
  const char* name = "inception_resnet_v2";
  detail::Net<Scalar> net(
      detail::with_kernel_files({"InceptionResNetV2", name, 299, 75}, std::string(name) + "/" + name), options);
  auto x = Blocks::block_5x5(Blocks::stem(net.input()), 96, 64, "mixed_5b");
  for (Index i = 1; i <= 10; ++i) x = Blocks::block35(x, i);
  x = Blocks::mixed_6a(x);
  for (Index i = 1; i <= 20; ++i) x = Blocks::block17(x, i);
  x = Blocks::mixed_7a(x);
  for (Index i = 1; i <= 10; ++i) x = Blocks::block8(x, i);
  x = Blocks::InceptionBlocks::conv(x, 1536, 1, {1, "same", "conv_7b", "conv_7b_bn", "conv_7b_ac"});
  return net.model(net.end(x, "avg_pool", false));
}

}  // namespace graft::applications
