# Finds libzip, which reads .keras files, and makes the target graft::zip. Optional: without it everything else works, and
# load_model says of a .keras file what is missing.
#
# libzip's own package for CMake refers to programs that Debian and Ubuntu put into other packages, and then fails. Used
# by the build and by the installed package.

find_path(GRAFT_ZIP_INCLUDE_DIR zip.h HINTS "${libzip_ROOT}" ENV libzip_ROOT PATH_SUFFIXES include)
find_library(GRAFT_ZIP_LIBRARY NAMES zip HINTS "${libzip_ROOT}" ENV libzip_ROOT PATH_SUFFIXES lib)
mark_as_advanced(GRAFT_ZIP_INCLUDE_DIR GRAFT_ZIP_LIBRARY)

if(NOT TARGET graft::zip AND GRAFT_ZIP_INCLUDE_DIR AND GRAFT_ZIP_LIBRARY)
  add_library(graft::zip UNKNOWN IMPORTED)
  set_target_properties(graft::zip PROPERTIES IMPORTED_LOCATION "${GRAFT_ZIP_LIBRARY}"
                                              INTERFACE_INCLUDE_DIRECTORIES "${GRAFT_ZIP_INCLUDE_DIR}"
                                              INTERFACE_COMPILE_DEFINITIONS GRAFT_HAS_LIBZIP)
endif()

if(TARGET graft::zip)
  set(GraftZip_target graft::zip)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(GraftZip REQUIRED_VARS GraftZip_target
                                  REASON_FAILURE_MESSAGE "libzip was not found (Debian, Ubuntu: libzip-dev)")
