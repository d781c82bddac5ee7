#pragma once

namespace graft {

struct SaveOptions {
  bool include_optimizer = true;  ///< what was compiled, and the state of the optimizer
  int gzip = 0;                   ///< 0 … 9: how much the arrays are packed; 0 not at all
};

}  // namespace graft
