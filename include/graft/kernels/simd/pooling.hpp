#pragma once

#include <cstdint>

#include "graft/kernels/pooling_desc.hpp"
#include "graft/kernels/simd/math.hpp"

#define GRAFT_SIMD_SOURCE "graft/kernels/simd/pooling.inl"
#include "graft/kernels/simd/foreach_isa.inl"
