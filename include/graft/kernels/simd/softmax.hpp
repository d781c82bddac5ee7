#pragma once

#include "graft/kernels/reference/softmax.hpp"
#include "graft/kernels/simd/math.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/softmax.inl"
#include "graft/kernels/simd/foreach_isa.inl"
