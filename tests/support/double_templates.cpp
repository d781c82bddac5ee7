#include "double_templates.hpp"

namespace graft {

GRAFT_DOUBLE_TEMPLATES(GRAFT_DEFINE_TEMPLATE)

}  // namespace graft
