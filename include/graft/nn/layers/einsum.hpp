#pragma once

#include <string>
#include <vector>

#include "graft/kernels/gemm.hpp"
#include "graft/kernels/strided.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// An equation of a sum of products of two tensors, "abc,cde->abde", for an input of known rank: every label once in a
/// term, and none that is in one operand only and not in the result. "..." stands for the axes that nothing names.
class Einsum {
 public:
  std::string input, kernel, output;
  int elided = 0;        ///< labels that "..." became
  bool in_front = true;  ///< "..." stands in front of the named axes

  /// Throws ConfigError for another kind of equation, and ShapeError for an input of too small a rank.
  GRAFT_COLD Einsum(const std::string& equation, int rank, const std::string& where) {
    std::string text;
    for (const char c : equation) {
      if (c != ' ') text += c;
    }
    const std::size_t comma = text.find(','), arrow = text.find("->");
    if (comma == std::string::npos || arrow == std::string::npos || arrow < comma) refuse(where, equation);
    input = text.substr(0, comma);
    kernel = text.substr(comma + 1, arrow - comma - 1);
    output = text.substr(arrow + 2);
    const std::size_t dots = input.find("...");
    if (dots != std::string::npos) {
      elided = rank - static_cast<int>(input.size() - 3);
      in_front = dots == 0;
      if (elided < 0 || elided > Shape::kMaxRank) too_small(where, rank);
      std::string labels;
      for (int i = 0; i < elided; ++i) labels += static_cast<char>('0' + i);
      input.replace(dots, 3, labels);
      const std::size_t there = output.find("...");
      if (there == std::string::npos) refuse(where, equation);
      output.replace(there, 3, labels);
    }
    if (static_cast<int>(input.size()) != rank) too_small(where, rank);
    bool good =
        kernel.size() <= Shape::kMaxRank && output.size() <= Shape::kMaxRank && !kernel.empty() && !output.empty();
    for (const std::string* term : {&input, &kernel, &output}) {
      for (const char c : *term) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        good = good && letter && term->find(c) == term->rfind(c);
        const int places = in(c, input) + in(c, kernel) + in(c, output);
        good = good && places >= 2;
      }
    }
    if (!good) refuse(where, equation);
  }

  static bool in(char label, const std::string& term) { return term.find(label) != std::string::npos; }

 private:
  [[noreturn]] GRAFT_COLD static void refuse(const std::string& where, const std::string& equation) {
    fail<ConfigError>(where, "an equation like \"abc,cd->abd\", each label in two or three of its terms, once in each",
                      "\"" + equation + "\"");
  }
  [[noreturn]] GRAFT_COLD static void too_small(const std::string& where, int rank) {
    fail<ShapeError>(where, "an input of the rank of the equation", "one of rank " + std::to_string(rank));
  }
};

/// The same for given shapes, as products of matrices: operands and result are brought into the orders (shared, rows,
/// sum), (shared, sum, cols) and (shared, rows, cols) where they do not have them.
class EinsumPlan {
 public:
  EinsumPlan(const Einsum& equation, const Shape& input, const Shape& kernel) : input_(input), kernel_(kernel) {
    std::string shared, rows, cols, sum;
    for (const char c : equation.output) {
      (Einsum::in(c, equation.input) ? Einsum::in(c, equation.kernel) ? shared : rows : cols) += c;
    }
    for (const char c : equation.kernel) {
      if (!Einsum::in(c, equation.output)) sum += c;
    }
    const auto dim = [&](char c) {
      const std::size_t at = equation.input.find(c);
      return at != std::string::npos ? input[static_cast<int>(at)] : kernel[static_cast<int>(equation.kernel.find(c))];
    };
    const auto product = [&](const std::string& labels) {
      Index total = 1;
      for (const char c : labels) total *= dim(c);
      return total;
    };
    for (const char c : equation.output) output_.push_back(dim(c));
    batch = product(shared), m = product(rows), n = product(cols), k = product(sum);
    moves_input_ = order(equation.input, shared + rows + sum, input, input_order_);
    moves_kernel_ = order(equation.kernel, shared + sum + cols, kernel, kernel_order_);
    moves_output_ = order(equation.output, shared + rows + cols, output_, output_order_);
  }

  Index batch = 1, m = 1, n = 1, k = 1;
  const Shape& output() const { return output_; }

  /// Numbers of scratch memory for forward and for backward.
  Index scratch(bool backward) const {
    const Index x = batch * m * k, w = batch * k * n, y = batch * m * n;
    return (moves_input_ ? x : 0) + (moves_kernel_ ? w : 0) + (moves_output_ ? y : 0) +
           (backward ? (moves_input_ ? x : 0) + (moves_kernel_ ? w : 0) : 0);
  }

  template <class Scalar>
  void forward(const Scalar* x, const Scalar* w, Scalar* y, Scalar* aside) const {
    const Scalar* input = arranged(moves_input_, input_order_, x, batch * m * k, aside);
    const Scalar* kernel = arranged(moves_kernel_, kernel_order_, w, batch * k * n, aside);
    Scalar* into = moves_output_ ? aside : y;
    kernels::GemmDesc desc;
    desc.m = m, desc.n = n, desc.k = k;
    for (Index b = 0; b < batch; ++b) {
      kernels::gemm<Scalar>(desc, {input + b * m * k, kernel + b * k * n, into + b * m * n});
    }
    if (moves_output_) kernels::scatter(output_order_, into, y);
  }

  /// dx and dw may be null.
  template <class Scalar>
  void backward(const Scalar* x, const Scalar* w, const Scalar* dy, Scalar* dx, Scalar* dw, Scalar* aside) const {
    const Scalar* slopes = arranged(moves_output_, output_order_, dy, batch * m * n, aside);
    if (dx) {
      const Scalar* kernel = arranged(moves_kernel_, kernel_order_, w, batch * k * n, aside);
      Scalar* into = moves_input_ ? aside : dx;
      if (moves_input_) aside += batch * m * k;
      kernels::GemmDesc desc;
      desc.m = m, desc.n = k, desc.k = n;
      desc.trans_b = kernels::Transpose::yes;
      for (Index b = 0; b < batch; ++b) {
        kernels::gemm<Scalar>(desc, {slopes + b * m * n, kernel + b * k * n, into + b * m * k});
      }
      if (moves_input_) kernels::scatter(input_order_, into, dx);
    }
    if (!dw) return;
    const Scalar* input = arranged(moves_input_, input_order_, x, batch * m * k, aside);
    Scalar* into = moves_kernel_ ? aside : dw;
    kernels::GemmDesc desc;
    desc.m = k, desc.n = n, desc.k = m;
    desc.trans_a = kernels::Transpose::yes;
    for (Index b = 0; b < batch; ++b) {
      kernels::gemm<Scalar>(desc, {input + b * m * k, slopes + b * m * n, into + b * k * n});
    }
    if (moves_kernel_) kernels::scatter(kernel_order_, into, dw);
  }

 private:
  /// Where the elements in the wanted order stand in the tensor; false when they stand so already.
  static bool order(const std::string& labels, const std::string& wanted, const Shape& shape,
                    kernels::StridedDesc& desc) {
    for (const char c : wanted) {
      const int axis = static_cast<int>(labels.find(c));
      Index stride = 1;
      for (int a = axis + 1; a < shape.rank(); ++a) stride *= shape[a];
      desc.push(shape[axis], stride);
    }
    return labels != wanted;
  }
  template <class Scalar>
  static const Scalar* arranged(bool moves, const kernels::StridedDesc& desc, const Scalar* from, Index count,
                                Scalar*& aside) {
    if (!moves) return from;
    Scalar* to = aside;
    aside += count;
    kernels::gather(desc, from, to);
    return to;
  }

  Shape input_, kernel_, output_;
  kernels::StridedDesc input_order_, kernel_order_, output_order_;
  bool moves_input_ = false, moves_kernel_ = false, moves_output_ = false;
};

}  // namespace graft::detail
