#pragma once

#include <utility>

#include "graft/nn/layers/ops/binary.hpp"
#include "graft/nn/layers/ops/cast.hpp"
#include "graft/nn/layers/ops/clip.hpp"
#include "graft/nn/layers/ops/cumsum.hpp"
#include "graft/nn/layers/ops/get_item.hpp"
#include "graft/nn/layers/ops/matmul.hpp"
#include "graft/nn/layers/ops/pad.hpp"
#include "graft/nn/layers/ops/reduce.hpp"
#include "graft/nn/layers/ops/repeat_op.hpp"
#include "graft/nn/layers/ops/reshape_op.hpp"
#include "graft/nn/layers/ops/split.hpp"
#include "graft/nn/layers/ops/stack.hpp"
#include "graft/nn/layers/ops/transpose_op.hpp"
#include "graft/nn/layers/ops/unary.hpp"
#include "graft/nn/layers/ops/where.hpp"
#include "graft/nn/registry.hpp"

namespace graft::detail {

template <class Impl, class Scalar, std::size_t kKind>
GRAFT_COLD Layer<Scalar> make_op(const Config& config) {
  return Layer<Scalar>(std::shared_ptr<LayerImpl<Scalar>>(new Impl(kKind, config)));
}

/// Adds a family of operations under all its names.
template <class Impl, class Scalar, std::size_t... kKinds>
GRAFT_COLD void register_family(std::index_sequence<kKinds...>) {
  auto& registry = LayerRegistry<Scalar>::instance();
  const auto add = [&](const char* name, typename LayerRegistry<Scalar>::Factory factory) {
    if (!registry.contains(name)) registry.add(name, factory, true);
  };
  (add(Impl::name_of(kKinds), &make_op<Impl, Scalar, kKinds>), ...);
}
template <template <class> class Impl, class Scalar>
GRAFT_COLD void register_family() {
  register_family<Impl<Scalar>, Scalar>(std::make_index_sequence<Impl<Scalar>::kCount>());
}

/// The one list of operations.
template <class Scalar>
GRAFT_COLD void register_ops() {
  register_family<BinaryOpImpl, Scalar>();
  register_family<CastOpImpl, Scalar>();
  register_family<ClipOpImpl, Scalar>();
  register_family<CumsumOpImpl, Scalar>();
  register_family<GetItemOpImpl, Scalar>();
  register_family<MatmulOpImpl, Scalar>();
  register_family<PadOpImpl, Scalar>();
  register_family<ReduceOpImpl, Scalar>();
  register_family<RepeatOpImpl, Scalar>();
  register_family<ReshapeOpImpl, Scalar>();
  register_family<SplitOpImpl, Scalar>();
  register_family<StackOpImpl, Scalar>();
  register_family<TransposeOpImpl, Scalar>();
  register_family<UnaryOpImpl, Scalar>();
  register_family<WhereOpImpl, Scalar>();
}

}  // namespace graft::detail
