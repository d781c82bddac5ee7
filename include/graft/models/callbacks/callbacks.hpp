#pragma once

// All callbacks.
#include "graft/models/callbacks/backup_and_restore.hpp"
#include "graft/models/callbacks/csv_logger.hpp"
#include "graft/models/callbacks/early_stopping.hpp"
#include "graft/models/callbacks/lambda_callback.hpp"
#include "graft/models/callbacks/learning_rate_scheduler.hpp"
#include "graft/models/callbacks/model_checkpoint.hpp"
#include "graft/models/callbacks/reduce_lr_on_plateau.hpp"
#include "graft/models/callbacks/tensor_board.hpp"
#include "graft/models/callbacks/terminate_on_nan.hpp"
