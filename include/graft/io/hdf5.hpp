#pragma once

// RAII over the C API of HDF5, for what Keras files need: strings in attributes, and arrays of numbers.
#include "graft/io/hdf5/attributes.hpp"
#include "graft/io/hdf5/call.hpp"
#include "graft/io/hdf5/dataset.hpp"
#include "graft/io/hdf5/file.hpp"
#include "graft/io/hdf5/group.hpp"
#include "graft/io/hdf5/handle.hpp"
#include "graft/io/hdf5/image.hpp"
#include "graft/io/hdf5/write_driver.hpp"
