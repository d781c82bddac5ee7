#pragma once

#ifdef CONSUMER_CORE
#include <graft/core.hpp>
#if defined(H5_VERS_MAJOR) || defined(NLOHMANN_JSON_VERSION_MAJOR) || defined(ZLIB_VERSION)
#error "graft/core.hpp must include neither HDF5 nor nlohmann_json nor zlib"
#endif
#else
#include <graft/graft.hpp>
#endif

// Defined in other.cpp, which may be compiled with other flags than main.cpp.
graft::Sequential<float> make_model();
void train(const graft::Sequential<float>& model, const graft::Tensor<float>& x, const graft::Tensor<float>& y);
graft::Tensor<float> predict_there(const graft::Sequential<float>& model, const graft::Tensor<float>& x);
