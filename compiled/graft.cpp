// The optional library graft::compiled: every float template of the list, once, instead of in every file that uses it.

#include "graft/graft.hpp"
#include "graft/instantiations.hpp"

namespace graft {

GRAFT_CORE_TEMPLATES(GRAFT_DEFINE_TEMPLATE)
GRAFT_APPLICATION_TEMPLATES(GRAFT_DEFINE_TEMPLATE)
GRAFT_FILE_TEMPLATES(GRAFT_DEFINE_TEMPLATE)
GRAFT_PICTURE_TEMPLATES(GRAFT_DEFINE_TEMPLATE)

}  // namespace graft
