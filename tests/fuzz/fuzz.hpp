#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "graft/graft.hpp"
#include "graft/io/hdf5.hpp"
#include "graft/io/json.hpp"
#include "graft/io/keras/keras.hpp"
