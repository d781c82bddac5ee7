#pragma once

#include "graft/applications/detail/inception.hpp"

namespace graft::applications {

namespace detail {

template <class Scalar>
class InceptionV3Blocks : public InceptionBlocks<Scalar> {
  using Base = InceptionBlocks<Scalar>;
  using Base::average, Base::concatenate, Base::conv, Base::halved;

 public:
  using typename Base::Value;

  GRAFT_COLD static Value halving_35(const Value& x, const std::string& name) {
    const Value three = conv(x, 384, 3, {2, "valid"});
    const Value twice = conv(conv(conv(x, 64, 1), 96, 3), 96, 3, {2, "valid"});
    return concatenate({three, twice, halved(x)}, name);
  }
  /// 7 x 7 convolutions as 1 x 7 and 7 x 1.
  GRAFT_COLD static Value block_7x7(const Value& x, Index filters, const std::string& name) {
    const Value one = conv(x, 192, 1);
    const Value seven = conv(conv(conv(x, filters, 1), filters, {1, 7}), 192, {7, 1});
    Value twice = conv(conv(x, filters, 1), filters, {7, 1});
    twice = conv(conv(twice, filters, {1, 7}), filters, {7, 1});
    twice = conv(twice, 192, {1, 7});
    return concatenate({one, seven, twice, conv(average(x), 192, 1)}, name);
  }
  GRAFT_COLD static Value halving_17(const Value& x, const std::string& name) {
    const Value three = conv(conv(x, 192, 1), 320, 3, {2, "valid"});
    const Value seven = conv(conv(conv(x, 192, 1), 192, {1, 7}), 192, {7, 1});
    const Value last = conv(seven, 192, 3, {2, "valid"});
    return concatenate({three, last, halved(x)}, name);
  }
  GRAFT_COLD static Value block_8(const Value& x, Index number) {
    const Value one = conv(x, 320, 1);
    const Value three = split(conv(x, 384, 1), "mixed9_" + std::to_string(number));
    const Value twice = split(conv(conv(x, 448, 1), 384, 3), "");
    return concatenate({one, three, twice, conv(average(x), 192, 1)}, "mixed" + std::to_string(9 + number));
  }

 private:
  GRAFT_COLD static Value split(const Value& x, const std::string& name) {
    const Value wide = conv(x, 384, {1, 3});
    return concatenate({wide, conv(x, 384, {3, 1})}, name);
  }
};

}  // namespace detail

/// Szegedy et al. 2016 (arXiv 1512.00567). 299 x 299, pixels in [-1, 1]: preprocess_input in the mode "tf". Least size
/// 75. Its convolutions have automatic names, so that files are read by the order of the layers.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> InceptionV3(const ApplicationOptions& options = {}) {
  using Blocks = detail::InceptionV3Blocks<Scalar>;
  detail::Net<Scalar> net(
      detail::with_kernel_files({"InceptionV3", "inception_v3", 299, 75}, "inception_v3/inception_v3"), options);
  auto x = Blocks::stem(net.input());
  x = Blocks::block_5x5(x, 64, 32, "mixed0");
  x = Blocks::block_5x5(x, 64, 64, "mixed1");
  x = Blocks::block_5x5(x, 64, 64, "mixed2");
  x = Blocks::halving_35(x, "mixed3");
  x = Blocks::block_7x7(x, 128, "mixed4");
  x = Blocks::block_7x7(x, 160, "mixed5");
  x = Blocks::block_7x7(x, 160, "mixed6");
  x = Blocks::block_7x7(x, 192, "mixed7");
  x = Blocks::halving_17(x, "mixed8");
  x = Blocks::block_8(x, 0);
  x = Blocks::block_8(x, 1);
  return net.model(net.end(x, "avg_pool", false));
}

}  // namespace graft::applications
