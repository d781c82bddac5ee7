# Finds HDF5's C library, serial, and makes the target graft::hdf5.
#
# CMake's own module needs the C language and asks compiler wrappers, which may answer with the MPI variant; a project in
# C++ alone should not have to care. So the serial library is looked up first, where Debian, Ubuntu and most others put it
# (or below HDF5_ROOT); CMake's module is the second try. Used by the build and by the installed package.

find_path(GRAFT_HDF5_INCLUDE_DIR hdf5.h HINTS "${HDF5_ROOT}" ENV HDF5_ROOT PATH_SUFFIXES include hdf5/serial)
find_library(GRAFT_HDF5_LIBRARY NAMES hdf5_serial hdf5 HINTS "${HDF5_ROOT}" ENV HDF5_ROOT PATH_SUFFIXES lib hdf5/serial)
mark_as_advanced(GRAFT_HDF5_INCLUDE_DIR GRAFT_HDF5_LIBRARY)

if(NOT TARGET graft::hdf5)
  if(GRAFT_HDF5_INCLUDE_DIR AND GRAFT_HDF5_LIBRARY AND NOT GRAFT_HDF5_LIBRARY MATCHES "\\.a$")
    add_library(graft::hdf5 UNKNOWN IMPORTED)
    set_target_properties(graft::hdf5 PROPERTIES IMPORTED_LOCATION "${GRAFT_HDF5_LIBRARY}"
                                                 INTERFACE_INCLUDE_DIRECTORIES "${GRAFT_HDF5_INCLUDE_DIR}")
  else()
    enable_language(C)
    find_package(HDF5 QUIET COMPONENTS C)
    if(HDF5_FOUND)
      add_library(graft::hdf5 INTERFACE IMPORTED)
      target_include_directories(graft::hdf5 INTERFACE ${HDF5_INCLUDE_DIRS})
      target_compile_definitions(graft::hdf5 INTERFACE ${HDF5_DEFINITIONS})
      target_link_libraries(graft::hdf5 INTERFACE ${HDF5_LIBRARIES})
    endif()
  endif()
endif()

if(TARGET graft::hdf5)
  set(GraftHDF5_target graft::hdf5)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(GraftHDF5 REQUIRED_VARS GraftHDF5_target
                                  REASON_FAILURE_MESSAGE "HDF5's C library was not found (Debian, Ubuntu: libhdf5-dev)")
