#pragma once

#include <algorithm>

#include "graft/kernels/elementwise.hpp"
#include "graft/nn/layer.hpp"

namespace graft::detail {

template <class Scalar>
void copy_or_add(const TensorView<const Scalar>& from, const TensorView<Scalar>& to, bool add = false) {
  if (add) kernels::add(to.size(), to.data(), from.data(), to.data());
  else if (from.data() != to.data()) std::copy_n(from.data(), to.size(), to.data());
}

/// Base of layers whose output is their input under another shape. A plan calls neither forward nor backward; both do
/// the right thing for who calls them.
template <class Scalar>
class ViewLayerImpl : public LayerImpl<Scalar> {
 public:
  using LayerImpl<Scalar>::LayerImpl;

  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.is_view = needs.in_place = needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override { copy_or_add<Scalar>(args.x(), args.y()); }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (args.dx()) copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
  }
};

}  // namespace graft::detail
