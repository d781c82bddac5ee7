#pragma once

#include "graft/transfer/pretraining/auxiliary_tasks.hpp"
#include "graft/transfer/pretraining/greedy.hpp"
#include "graft/transfer/pretraining/mask_tokens.hpp"
#include "graft/transfer/pretraining/rbm.hpp"
#include "graft/transfer/pretraining/rbm_exact.hpp"
#include "graft/transfer/pretraining/reuse_encoder.hpp"
#include "graft/transfer/pretraining/twins.hpp"
