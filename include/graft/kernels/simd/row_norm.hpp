#pragma once

#include "graft/kernels/row_norm_desc.hpp"
#include "graft/kernels/simd/batch_norm.hpp"
#include "graft/kernels/simd/elementwise.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/row_norm.inl"
#include "graft/kernels/simd/foreach_isa.inl"
