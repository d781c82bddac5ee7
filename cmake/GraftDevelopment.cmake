# What only graft's own build wants: warnings as errors in our headers, ccache, a build type.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(GRAFT_CCACHE ccache)
mark_as_advanced(GRAFT_CCACHE)
if(GRAFT_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${GRAFT_CCACHE}")
endif()

# Dependencies are SYSTEM already (imported targets); our include folder is not, so that our headers are held to this.
add_library(graft_warnings INTERFACE)
target_compile_options(graft_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)

# The sanitizers of the presets; -fno-sanitize-recover makes a finding a failed test.
set(GRAFT_SANITIZE "" CACHE STRING "Sanitizers for everything that is built: address,undefined or thread")
if(GRAFT_SANITIZE)
  add_compile_options(-fsanitize=${GRAFT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GRAFT_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(graft_warnings INTERFACE -Wno-maybe-uninitialized)  # g++ sees ghosts in sanitized code
  endif()
endif()
