#pragma once

// Everything that needs neither HDF5 nor JSON: building, training and transfer. For files include graft/graft.hpp.

#include "graft/core/array_like.hpp"
#include "graft/core/config.hpp"
#include "graft/core/error.hpp"
#include "graft/core/random.hpp"
#include "graft/core/tensor.hpp"
#include "graft/core/thread_pool.hpp"
#include "graft/core/version.hpp"
#include "graft/data/dataset.hpp"
#include "graft/data/image_grid.hpp"
#include "graft/data/samplers/samplers.hpp"
#include "graft/graph/input.hpp"
#include "graft/graph/ops.hpp"
#include "graft/metrics/confusion_matrix.hpp"
#include "graft/models/callbacks/callbacks.hpp"
#include "graft/models/clone.hpp"
#include "graft/models/model.hpp"
#include "graft/models/plot_model.hpp"
#include "graft/models/preprocessing_mode.hpp"
#include "graft/models/sequential.hpp"
#include "graft/models/value_and_gradients.hpp"
#include "graft/nn/layers.hpp"
#include "graft/transfer/transfer.hpp"

#ifdef GRAFT_COMPILED
#include "graft/instantiations.hpp"
namespace graft {
GRAFT_CORE_TEMPLATES(GRAFT_DECLARE_TEMPLATE)
}
#endif
