# Finds libjpeg (or libjpeg-turbo) and libpng, which decode pictures, and makes the targets graft::jpeg and graft::png.
# Each is optional: without it everything else works, and the functions that read pictures say what is missing. Used by
# the build and by the installed package.

find_path(GRAFT_JPEG_INCLUDE_DIR jpeglib.h HINTS "${JPEG_ROOT}" ENV JPEG_ROOT PATH_SUFFIXES include)
find_library(GRAFT_JPEG_LIBRARY NAMES jpeg HINTS "${JPEG_ROOT}" ENV JPEG_ROOT PATH_SUFFIXES lib)
find_path(GRAFT_PNG_INCLUDE_DIR png.h HINTS "${PNG_ROOT}" ENV PNG_ROOT PATH_SUFFIXES include include/libpng16)
find_library(GRAFT_PNG_LIBRARY NAMES png png16 HINTS "${PNG_ROOT}" ENV PNG_ROOT PATH_SUFFIXES lib)
mark_as_advanced(GRAFT_JPEG_INCLUDE_DIR GRAFT_JPEG_LIBRARY GRAFT_PNG_INCLUDE_DIR GRAFT_PNG_LIBRARY)

foreach(graft_format IN ITEMS jpeg png)
  string(TOUPPER "${graft_format}" graft_FORMAT)
  if(NOT TARGET graft::${graft_format} AND GRAFT_${graft_FORMAT}_INCLUDE_DIR AND GRAFT_${graft_FORMAT}_LIBRARY)
    add_library(graft::${graft_format} UNKNOWN IMPORTED)
    set_target_properties(graft::${graft_format} PROPERTIES
                          IMPORTED_LOCATION "${GRAFT_${graft_FORMAT}_LIBRARY}"
                          INTERFACE_INCLUDE_DIRECTORIES "${GRAFT_${graft_FORMAT}_INCLUDE_DIR}"
                          INTERFACE_COMPILE_DEFINITIONS GRAFT_HAS_${graft_FORMAT})
  endif()
  if(TARGET graft::${graft_format})
    set(GraftPictures_${graft_format} graft::${graft_format})
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(GraftPictures REQUIRED_VARS GraftPictures_jpeg GraftPictures_png
                                  REASON_FAILURE_MESSAGE "Debian, Ubuntu: libjpeg-dev libpng-dev")
