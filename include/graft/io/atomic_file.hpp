#pragma once

#include "graft/core/atomic_file.hpp"
