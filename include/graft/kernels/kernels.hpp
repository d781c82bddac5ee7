#pragma once

#include "graft/kernels/activation.hpp"
#include "graft/kernels/batch_norm.hpp"
#include "graft/kernels/conv.hpp"
#include "graft/kernels/broadcast.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/gemm.hpp"
#include "graft/kernels/group_norm.hpp"
#include "graft/kernels/optimizer_update.hpp"
#include "graft/kernels/pooling.hpp"
#include "graft/kernels/resize.hpp"
#include "graft/kernels/row_norm.hpp"
#include "graft/kernels/softmax.hpp"
