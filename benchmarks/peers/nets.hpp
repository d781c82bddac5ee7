#pragma once

#include <string>
#include <vector>

// Networks as lists of operations, so that every peer builds the same one.
namespace nets {

enum class Kind { input, conv, depthwise, batch_norm, relu, relu6, add, max_pool, global_average_pool, flatten, dense };

struct Op {
  Kind kind;
  int from = 0, and_from = 0;  // the operations whose results it reads
  long filters = 0, kernel = 1, stride = 1;
  bool bias = true;
};

struct Net {
  std::string name;
  long size = 224, channels = 3, classes = 1000;
  std::vector<Op> ops{{Kind::input}};

  int add(Op op) {
    ops.push_back(op);
    return static_cast<int>(ops.size()) - 1;
  }
  int conv(int x, long filters, long kernel, long stride = 1, bool bias = false) {
    return add({Kind::conv, x, 0, filters, kernel, stride, bias});
  }
  int simple(Kind kind, int x, int y = 0) { return add({kind, x, y}); }
  int conv_bn(int x, long filters, long kernel, long stride) {
    return simple(Kind::batch_norm, conv(x, filters, kernel, stride));
  }
};

/// conv32 - pool - conv64 - pool - 128 - 10 on 28 x 28 pictures.
inline Net fashion_cnn() {
  Net net{"Fashion-MNIST CNN", 28, 1, 10};
  int x = net.simple(Kind::relu, net.conv(0, 32, 3, 1, true));
  x = net.add({Kind::max_pool, x, 0, 0, 2, 2});
  x = net.simple(Kind::relu, net.conv(x, 64, 3, 1, true));
  x = net.add({Kind::max_pool, x, 0, 0, 2, 2});
  x = net.simple(Kind::flatten, x);
  x = net.simple(Kind::relu, net.add({Kind::dense, x, 0, 128}));
  net.add({Kind::dense, x, 0, 10});
  return net;
}

/// He et al. 2016, with the stride in the first convolution of a block, as in Keras.
inline Net resnet50() {
  Net net{"ResNet50"};
  int x = net.simple(Kind::relu, net.conv_bn(0, 64, 7, 2));
  x = net.add({Kind::max_pool, x, 0, 0, 3, 2});
  const long filters[] = {64, 128, 256, 512}, blocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    for (long block = 0; block < blocks[stage]; ++block) {
      const long stride = block == 0 && stage > 0 ? 2 : 1;
      const int shortcut = block == 0 ? net.conv_bn(x, 4 * filters[stage], 1, stride) : x;
      int y = net.simple(Kind::relu, net.conv_bn(x, filters[stage], 1, stride));
      y = net.simple(Kind::relu, net.conv_bn(y, filters[stage], 3, 1));
      y = net.conv_bn(y, 4 * filters[stage], 1, 1);
      x = net.simple(Kind::relu, net.simple(Kind::add, shortcut, y));
    }
  }
  net.add({Kind::dense, net.simple(Kind::global_average_pool, x), 0, 1000});
  return net;
}

/// Sandler et al. 2018.
inline Net mobilenet_v2() {
  Net net{"MobileNetV2"};
  int x = net.simple(Kind::relu6, net.conv_bn(0, 32, 3, 2));
  long channels = 32;
  const long stages[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                            {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (const auto& [expand, filters, blocks, first_stride] : stages) {
    for (long block = 0; block < blocks; ++block) {
      const long stride = block == 0 ? first_stride : 1;
      int y = x;
      if (expand > 1) y = net.simple(Kind::relu6, net.conv_bn(y, expand * channels, 1, 1));
      y = net.add({Kind::depthwise, y, 0, 0, 3, stride, false});
      y = net.simple(Kind::relu6, net.simple(Kind::batch_norm, y));
      y = net.conv_bn(y, filters, 1, 1);
      x = stride == 1 && channels == filters ? net.simple(Kind::add, x, y) : y;
      channels = filters;
    }
  }
  x = net.simple(Kind::relu6, net.conv_bn(x, 1280, 1, 1));
  net.add({Kind::dense, net.simple(Kind::global_average_pool, x), 0, 1000});
  return net;
}

/// Simonyan and Zisserman 2015.
inline Net vgg16() {
  Net net{"VGG16"};
  int x = 0;
  const long filters[] = {64, 128, 256, 512, 512}, convs[] = {2, 2, 3, 3, 3};
  for (int block = 0; block < 5; ++block) {
    for (long i = 0; i < convs[block]; ++i) x = net.simple(Kind::relu, net.conv(x, filters[block], 3, 1, true));
    x = net.add({Kind::max_pool, x, 0, 0, 2, 2});
  }
  x = net.simple(Kind::flatten, x);
  for (int i = 0; i < 2; ++i) x = net.simple(Kind::relu, net.add({Kind::dense, x, 0, 4096}));
  net.add({Kind::dense, x, 0, 1000});
  return net;
}

}  // namespace nets
