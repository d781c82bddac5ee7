#pragma once

#include "graft/transfer/batch_norm_policy.hpp"
#include "graft/transfer/feature_cache.hpp"
#include "graft/transfer/fine_tune.hpp"
#include "graft/transfer/freeze.hpp"
#include "graft/transfer/layer_groups.hpp"
#include "graft/transfer/learning_rates.hpp"
#include "graft/transfer/pretraining/pretraining.hpp"
#include "graft/transfer/rank_sources.hpp"
#include "graft/transfer/reuse_depth.hpp"
#include "graft/transfer/reuse_layers.hpp"
#include "graft/transfer/strategy.hpp"
#include "graft/transfer/transfer_report.hpp"
