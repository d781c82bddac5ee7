#pragma once

#include "graft/kernels/reference/activation.hpp"
#include "graft/kernels/simd/math.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/activation.inl"
#include "graft/kernels/simd/foreach_isa.inl"
