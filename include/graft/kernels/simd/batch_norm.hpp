#pragma once

#include "graft/kernels/simd/math.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/batch_norm.inl"
#include "graft/kernels/simd/foreach_isa.inl"
