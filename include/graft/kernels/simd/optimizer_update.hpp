#pragma once

#include "graft/kernels/reference/optimizer_update.hpp"
#include "graft/kernels/simd/math.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/optimizer_update.inl"
#include "graft/kernels/simd/foreach_isa.inl"
