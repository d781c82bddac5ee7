#pragma once

#include "graft/transfer/fine_tune.hpp"
#include "graft/transfer/freeze.hpp"
#include "graft/transfer/reuse_layers.hpp"
