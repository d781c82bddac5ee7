#pragma once

#include "graft/kernels/random_mask_desc.hpp"
#include "graft/kernels/simd/math.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/random_mask.inl"
#include "graft/kernels/simd/foreach_isa.inl"
