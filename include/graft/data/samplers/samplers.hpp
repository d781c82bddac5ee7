#pragma once

#include "graft/data/samplers/balanced_batches.hpp"
#include "graft/data/samplers/pair_dataset.hpp"
#include "graft/data/samplers/triplet_dataset.hpp"
#include "graft/data/samplers/view_dataset.hpp"
