#pragma once

#include <type_traits>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/gemm_desc.hpp"
#include "graft/kernels/simd/activation.hpp"
#include "graft/kernels/workspace.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/gemm.inl"
#include "graft/kernels/simd/foreach_isa.inl"
