#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graft/core/macros.hpp"

// The words for operations: of Keras 3, of tf.keras's lambdas over TensorFlow's functions, and of nodes of TensorFlow's
// graphs. Lists of arguments are separated by commas; "theirs=ours" where the names differ.
namespace graft::keras::ops {

/// One of graft's operations: "ops." and the name of Keras 3's class.
struct Operation {
  const char* name;
  const char* module;    ///< keras.src.ops.<module>; empty: Keras 3 does not have it
  const char* call;      ///< what Keras 3 writes into the call, tensors first
  const char* init;      ///< what it writes into the config
  const char* function;  ///< tf.keras's; empty: TensorFlow does not have it
  const char* arguments;
};

inline constexpr Operation kOperations[] = {
    {"Add", "numpy", "x1,x2", "", "__operators__.add", "x=x1,y=x2"},
    {"Subtract", "numpy", "x1,x2", "", "math.subtract", "x=x1,y=x2"},
    {"Multiply", "numpy", "x1,x2", "", "math.multiply", "x=x1,y=x2"},
    {"TrueDivide", "numpy", "x1,x2", "", "math.truediv", "x=x1,y=x2"},
    {"FloorDivide", "numpy", "x1,x2", "", "math.floordiv", "x=x1,y=x2"},
    {"Mod", "numpy", "x1,x2", "", "math.floormod", "x=x1,y=x2"},
    {"Power", "numpy", "x1,x2", "", "math.pow", "x=x1,y=x2"},
    {"Maximum", "numpy", "x1,x2", "", "math.maximum", "x=x1,y=x2"},
    {"Minimum", "numpy", "x1,x2", "", "math.minimum", "x=x1,y=x2"},
    {"SquaredDifference", "", "x1,x2", "", "math.squared_difference", "x=x1,y=x2"},
    {"Arctan2", "numpy", "x1,x2", "", "math.atan2", "y=x1,x=x2"},
    {"Equal", "numpy", "x1,x2", "", "math.equal", "x=x1,y=x2"},
    {"NotEqual", "numpy", "x1,x2", "", "math.not_equal", "x=x1,y=x2"},
    {"Less", "numpy", "x1,x2", "", "math.less", "x=x1,y=x2"},
    {"LessEqual", "numpy", "x1,x2", "", "math.less_equal", "x=x1,y=x2"},
    {"Greater", "numpy", "x1,x2", "", "math.greater", "x=x1,y=x2"},
    {"GreaterEqual", "numpy", "x1,x2", "", "math.greater_equal", "x=x1,y=x2"},
    {"LogicalAnd", "numpy", "x1,x2", "", "math.logical_and", "x=x1,y=x2"},
    {"LogicalOr", "numpy", "x1,x2", "", "math.logical_or", "x=x1,y=x2"},
    {"LogicalXor", "numpy", "x1,x2", "", "math.logical_xor", "x=x1,y=x2"},
    {"Negative", "numpy", "x", "", "math.negative", "x"},
    {"Absolute", "numpy", "x", "", "math.abs", "x"},
    {"Exp", "numpy", "x", "", "math.exp", "x"},
    {"Expm1", "numpy", "x", "", "math.expm1", "x"},
    {"Log", "numpy", "x", "", "math.log", "x"},
    {"Log1p", "numpy", "x", "", "math.log1p", "x"},
    {"Log10", "numpy", "x", "", "", ""},
    {"Log2", "numpy", "x", "", "", ""},
    {"Sqrt", "numpy", "x", "", "math.sqrt", "x"},
    {"Rsqrt", "math", "x", "", "math.rsqrt", "x"},
    {"Square", "numpy", "x", "", "math.square", "x"},
    {"Reciprocal", "numpy", "x", "", "math.reciprocal", "x"},
    {"Sin", "numpy", "x", "", "math.sin", "x"},
    {"Cos", "numpy", "x", "", "math.cos", "x"},
    {"Tan", "numpy", "x", "", "math.tan", "x"},
    {"Arctan", "numpy", "x", "", "math.atan", "x"},
    {"Sinh", "numpy", "x", "", "math.sinh", "x"},
    {"Cosh", "numpy", "x", "", "math.cosh", "x"},
    {"Erf", "math", "x", "", "math.erf", "x"},
    {"Floor", "numpy", "x", "", "math.floor", "x"},
    {"Ceil", "numpy", "x", "", "math.ceil", "x"},
    {"Round", "numpy", "x", "", "math.round", "x"},
    {"Sign", "numpy", "x", "", "math.sign", "x"},
    {"LogicalNot", "numpy", "x", "", "math.logical_not", "x"},
    {"Isnan", "numpy", "x", "", "math.is_nan", "x"},
    {"ZerosLike", "numpy", "x", "", "zeros_like", "input=x"},
    {"OnesLike", "numpy", "x", "", "ones_like", "input=x"},
    {"StopGradient", "core", "variable=x", "", "stop_gradient", "input=x"},
    {"Clip", "numpy", "x", "x_min,x_max", "clip_by_value", "t=x,clip_value_min=x_min,clip_value_max=x_max"},
    {"Cast", "core", "x", "dtype=target_dtype", "cast", "x,dtype=target_dtype"},
    {"Where", "numpy", "condition,x1,x2", "", "where", "condition,x=x1,y=x2"},
    {"Sum", "numpy", "x", "axis,keepdims", "math.reduce_sum", "input_tensor=x,axis,keepdims"},
    {"Mean", "numpy", "x", "axis,keepdims", "math.reduce_mean", "input_tensor=x,axis,keepdims"},
    {"Prod", "numpy", "x", "axis,keepdims", "math.reduce_prod", "input_tensor=x,axis,keepdims"},
    {"Max", "numpy", "x", "axis,keepdims", "math.reduce_max", "input_tensor=x,axis,keepdims"},
    {"Min", "numpy", "x", "axis,keepdims", "math.reduce_min", "input_tensor=x,axis,keepdims"},
    {"Var", "numpy", "x", "axis,keepdims", "math.reduce_variance", "input_tensor=x,axis,keepdims"},
    {"Std", "numpy", "x", "axis,keepdims", "math.reduce_std", "input_tensor=x,axis,keepdims"},
    {"Logsumexp", "math", "x", "axis,keepdims", "math.reduce_logsumexp", "input_tensor=x,axis,keepdims"},
    {"Any", "numpy", "x", "axis,keepdims", "math.reduce_any", "input_tensor=x,axis,keepdims"},
    {"All", "numpy", "x", "axis,keepdims", "math.reduce_all", "input_tensor=x,axis,keepdims"},
    {"Argmax", "numpy", "x", "axis,keepdims", "math.argmax", "input=x,axis"},
    {"Argmin", "numpy", "x", "axis,keepdims", "math.argmin", "input=x,axis"},
    {"Cumsum", "numpy", "x", "axis", "math.cumsum", "x,axis"},
    {"GetItem", "numpy", "x,key", "", "__operators__.getitem", "tensor=x,slice_spec=key"},
    {"Transpose", "numpy", "x", "axes", "transpose", "a=x,perm=axes"},
    {"Swapaxes", "numpy", "x", "axis1,axis2", "", ""},
    {"Moveaxis", "numpy", "x", "source,destination", "", ""},
    {"Tile", "numpy", "x", "repeats", "tile", "input=x,multiples=repeats"},
    {"Repeat", "numpy", "x", "repeats,axis", "repeat", "input=x,repeats,axis"},
    {"BroadcastTo", "numpy", "x", "shape", "broadcast_to", "input=x,shape"},
    {"Flip", "numpy", "x", "axis", "reverse", "tensor=x,axis"},
    {"Reshape", "numpy", "x", "newshape", "reshape", "tensor=x,shape=newshape"},
    {"ExpandDims", "numpy", "x", "axis", "expand_dims", "input=x,axis"},
    {"Squeeze", "numpy", "x", "axis", "squeeze", "input=x,axis"},
    {"Stack", "numpy", "xs", "axis", "stack", "values=xs,axis"},
    {"Split", "numpy", "x", "indices_or_sections,axis", "split", "value=x,num_or_size_splits=indices_or_sections,axis"},
    {"Unstack", "core", "x", "num,axis", "unstack", "value=x,num,axis"},
    {"Pad", "numpy", "x,constant_values", "pad_width,mode", "pad", "tensor=x,paddings=pad_width,mode,constant_values"},
    {"Matmul", "numpy", "x1,x2", "", "linalg.matmul", "a=x1,b=x2,transpose_a,transpose_b"},
};

/// Functions that are what a layer does: they become that layer.
struct Function {
  const char* name;        ///< Keras 3's class
  const char* function;    ///< tf.keras's function
  const char* arguments;   ///< of tf.keras's function
  const char* layer;       ///< class name in graft
  const char* activation;  ///< of the layer Activation
};

inline constexpr Function kFunctions[] = {
    {"Relu", "nn.relu", "features=x", "Activation", "relu"},
    {"Relu6", "nn.relu6", "features=x", "Activation", "relu6"},
    {"Sigmoid", "math.sigmoid", "x", "Activation", "sigmoid"},
    {"LogSigmoid", "math.log_sigmoid", "x", "Activation", "log_sigmoid"},
    {"Tanh", "math.tanh", "x", "Activation", "tanh"},
    {"Silu", "nn.silu", "features=x,beta", "Activation", "silu"},
    {"Softplus", "math.softplus", "features=x", "Activation", "softplus"},
    {"Softsign", "nn.softsign", "features=x", "Activation", "softsign"},
    {"Selu", "nn.selu", "features=x", "Activation", "selu"},
    {"HardSigmoid", "", "x", "Activation", "hard_sigmoid"},
    {"HardSilu", "", "x", "Activation", "hard_silu"},
    {"HardTanh", "", "x", "Activation", "hard_tanh"},
    {"TanhShrink", "", "x", "Activation", "tanh_shrink"},
    {"Mish", "", "x", "Activation", "mish"},
    {"Gelu", "nn.gelu", "features=x,approximate", "Activation", "gelu"},
    {"LogSoftmax", "nn.log_softmax", "logits=x,axis", "Activation", "log_softmax"},
    {"Elu", "nn.elu", "features=x,alpha", "ELU", ""},
    {"LeakyRelu", "nn.leaky_relu", "features=x,alpha", "LeakyReLU", ""},
    {"Softmax", "nn.softmax", "logits=x,axis", "Softmax", ""},
    {"Concatenate", "concat", "values=xs,axis", "Concatenate", ""},
    {"Identity", "identity", "input=x", "Identity", ""},
    {"Resize", "image.resize", "images=x,size,method=interpolation", "Resizing", ""},
    {"Normalize", "", "x", "UnitNormalization", ""},
    {"L2Normalize", "math.l2_normalize", "x,axis,epsilon", "UnitNormalization", ""},
};

/// Other words for the same.
struct Alias {
  const char* word;
  const char* name;
  bool swapped = false;  ///< the operands stand the other way round
};

inline constexpr Alias kKeras3Aliases[] = {
    {"Divide", "TrueDivide"}, {"Abs", "Absolute"}, {"Swish", "Silu"}, {"HardSwish", "HardSilu"}};

/// tf.keras: without "compat.v1.", "raw_ops." and "keras.backend." in front.
inline constexpr Alias kTfAliases[] = {
    {"math.add", "Add"},
    {"add", "Add"},
    {"__operators__.radd", "Add", true},
    {"__operators__.sub", "Subtract"},
    {"__operators__.rsub", "Subtract", true},
    {"subtract", "Subtract"},
    {"__operators__.mul", "Multiply"},
    {"__operators__.rmul", "Multiply", true},
    {"multiply", "Multiply"},
    {"math.divide", "TrueDivide"},
    {"divide", "TrueDivide"},
    {"truediv", "TrueDivide"},
    {"realdiv", "TrueDivide"},
    {"div", "TrueDivide"},
    {"__operators__.truediv", "TrueDivide"},
    {"__operators__.div", "TrueDivide"},
    {"__operators__.rtruediv", "TrueDivide", true},
    {"__operators__.floordiv", "FloorDivide"},
    {"__operators__.rfloordiv", "FloorDivide", true},
    {"__operators__.mod", "Mod"},
    {"__operators__.rmod", "Mod", true},
    {"math.mod", "Mod"},
    {"__operators__.pow", "Power"},
    {"__operators__.rpow", "Power", true},
    {"pow", "Power"},
    {"maximum", "Maximum"},
    {"minimum", "Minimum"},
    {"__operators__.eq", "Equal"},
    {"__operators__.ne", "NotEqual"},
    {"equal", "Equal"},
    {"not_equal", "NotEqual"},
    {"__operators__.lt", "Less"},
    {"__operators__.le", "LessEqual"},
    {"__operators__.gt", "Greater"},
    {"__operators__.ge", "GreaterEqual"},
    {"__operators__.and", "LogicalAnd"},
    {"__operators__.or", "LogicalOr"},
    {"__operators__.xor", "LogicalXor"},
    {"__operators__.neg", "Negative"},
    {"negative", "Negative"},
    {"__operators__.abs", "Absolute"},
    {"abs", "Absolute"},
    {"exp", "Exp"},
    {"log", "Log"},
    {"sqrt", "Sqrt"},
    {"square", "Square"},
    {"sin", "Sin"},
    {"cos", "Cos"},
    {"floor", "Floor"},
    {"round", "Round"},
    {"sign", "Sign"},
    {"__operators__.invert", "LogicalNot"},
    {"reduce_sum", "Sum"},
    {"reduce_mean", "Mean"},
    {"reduce_max", "Max"},
    {"reduce_min", "Min"},
    {"reduce_prod", "Prod"},
    {"reduce_any", "Any"},
    {"reduce_all", "All"},
    {"argmax", "Argmax"},
    {"argmin", "Argmin"},
    {"cumsum", "Cumsum"},
    {"matmul", "Matmul"},
    {"__operators__.matmul", "Matmul"},
    {"nn.sigmoid", "Sigmoid"},
    {"sigmoid", "Sigmoid"},
    {"nn.tanh", "Tanh"},
    {"tanh", "Tanh"},
    {"nn.swish", "Silu"},
    {"nn.softplus", "Softplus"},
    {"math.softsign", "Softsign"},
    {"relu", "Relu"},
    {"softmax", "Softmax"},
    {"math.softmax", "Softmax"},
    {"math.log_softmax", "LogSoftmax"},
    {"linalg.l2_normalize", "L2Normalize"},
    {"nn.l2_normalize", "L2Normalize"},
    {"image.resize_v2", "Resize"},
    {"where_v2", "Where"},
    {"reverse_v2", "Flip"},
    {"expand_dims_v2", "ExpandDims"},
    {"squeeze_v2", "Squeeze"},
    {"math.cast", "Cast"},
};

/// Nodes of TensorFlow's graphs, with the names of their inputs in order.
struct NodeOp {
  const char* op;
  const char* name;
  const char* inputs;
};

inline constexpr NodeOp kNodeOps[] = {
    {"Add", "Add", "x1,x2"},
    {"AddV2", "Add", "x1,x2"},
    {"BiasAdd", "Add", "x1,x2"},
    {"Sub", "Subtract", "x1,x2"},
    {"Mul", "Multiply", "x1,x2"},
    {"RealDiv", "TrueDivide", "x1,x2"},
    {"Div", "TrueDivide", "x1,x2"},
    {"FloorDiv", "FloorDivide", "x1,x2"},
    {"FloorMod", "Mod", "x1,x2"},
    {"Pow", "Power", "x1,x2"},
    {"Maximum", "Maximum", "x1,x2"},
    {"Minimum", "Minimum", "x1,x2"},
    {"SquaredDifference", "SquaredDifference", "x1,x2"},
    {"Equal", "Equal", "x1,x2"},
    {"NotEqual", "NotEqual", "x1,x2"},
    {"Less", "Less", "x1,x2"},
    {"LessEqual", "LessEqual", "x1,x2"},
    {"Greater", "Greater", "x1,x2"},
    {"GreaterEqual", "GreaterEqual", "x1,x2"},
    {"Neg", "Negative", "x"},
    {"Abs", "Absolute", "x"},
    {"Exp", "Exp", "x"},
    {"Log", "Log", "x"},
    {"Log1p", "Log1p", "x"},
    {"Sqrt", "Sqrt", "x"},
    {"Rsqrt", "Rsqrt", "x"},
    {"Square", "Square", "x"},
    {"Reciprocal", "Reciprocal", "x"},
    {"Sin", "Sin", "x"},
    {"Cos", "Cos", "x"},
    {"Floor", "Floor", "x"},
    {"Ceil", "Ceil", "x"},
    {"Round", "Round", "x"},
    {"Sign", "Sign", "x"},
    {"ZerosLike", "ZerosLike", "x"},
    {"OnesLike", "OnesLike", "x"},
    {"StopGradient", "StopGradient", "x"},
    {"Cast", "Cast", "x"},
    {"SelectV2", "Where", "condition,x1,x2"},
    {"Select", "Where", "condition,x1,x2"},
    {"ClipByValue", "Clip", "x,x_min,x_max"},
    {"Sum", "Sum", "x,axis"},
    {"Mean", "Mean", "x,axis"},
    {"Prod", "Prod", "x,axis"},
    {"Max", "Max", "x,axis"},
    {"Min", "Min", "x,axis"},
    {"ArgMax", "Argmax", "x,axis"},
    {"ArgMin", "Argmin", "x,axis"},
    {"Cumsum", "Cumsum", "x,axis"},
    {"Transpose", "Transpose", "x,axes"},
    {"Reshape", "Reshape", "x,newshape"},
    {"ExpandDims", "ExpandDims", "x,axis"},
    {"Squeeze", "Squeeze", "x"},
    {"Tile", "Tile", "x,repeats"},
    {"BroadcastTo", "BroadcastTo", "x,shape"},
    {"ReverseV2", "Flip", "x,axis"},
    {"Pack", "Stack", "xs"},
    {"Unpack", "Unstack", "x"},
    {"Pad", "Pad", "x,pad_width"},
    {"PadV2", "Pad", "x,pad_width,constant_values"},
    {"MatMul", "Matmul", "x1,x2"},
    {"BatchMatMul", "Matmul", "x1,x2"},
    {"BatchMatMulV2", "Matmul", "x1,x2"},
    {"StridedSlice", "GetItem", "x,begin,end,strides"},
    {"Relu", "Relu", "x"},
    {"Relu6", "Relu6", "x"},
    {"Sigmoid", "Sigmoid", "x"},
    {"Tanh", "Tanh", "x"},
    {"Softplus", "Softplus", "x"},
    {"Softsign", "Softsign", "x"},
    {"Selu", "Selu", "x"},
    {"Elu", "Elu", "x"},
    {"LeakyRelu", "LeakyRelu", "x"},
    {"Softmax", "Softmax", "x"},
    {"LogSoftmax", "LogSoftmax", "x"},
    {"Identity", "Identity", "x"},
    {"ConcatV2", "Concatenate", "xs,axis"},
};

GRAFT_COLD inline const Operation* find_operation(std::string_view name) {
  for (const Operation& operation : kOperations) {
    if (name == operation.name) return &operation;
  }
  return nullptr;
}
GRAFT_COLD inline const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (name == function.name) return &function;
  }
  return nullptr;
}

/// "x=x1,y" → {{"x", "x1"}, {"y", "y"}}: their names and ours.
struct Argument {
  std::string theirs, ours;
};
GRAFT_COLD inline std::vector<Argument> argument_list(std::string_view text) {
  std::vector<Argument> result;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(item.size() < text.size() ? item.size() + 1 : item.size());
    const std::size_t equals = item.find('=');
    const std::string theirs(item.substr(0, equals));
    result.push_back({theirs, equals == std::string_view::npos ? theirs : std::string(item.substr(equals + 1))});
  }
  return result;
}

}  // namespace graft::keras::ops
