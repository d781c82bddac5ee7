#pragma once

#include "graft/kernels/simd/vec.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/math.inl"
#include "graft/kernels/simd/foreach_isa.inl"
