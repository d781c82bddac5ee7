#pragma once

#include "graft/kernels/conv_desc.hpp"
#include "graft/kernels/simd/gemm.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/conv_rows.inl"
#include "graft/kernels/simd/foreach_isa.inl"
#define GRAFT_SIMD_SOURCE "graft/kernels/simd/depthwise_conv.inl"
#include "graft/kernels/simd/foreach_isa.inl"
#define GRAFT_SIMD_SOURCE "graft/kernels/simd/winograd.inl"
#include "graft/kernels/simd/foreach_isa.inl"
#define GRAFT_SIMD_SOURCE "graft/kernels/simd/conv.inl"
#include "graft/kernels/simd/foreach_isa.inl"
