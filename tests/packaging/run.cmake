# cmake -DCASE=… -DSOURCE=<graft> -DBUILD=<graft's build> -DWORK=<scratch> -DPREFIX=<installed> … -P run.cmake
# One case of tests/packaging/CMakeLists.txt.

set(consumer "${CMAKE_CURRENT_LIST_DIR}/consumer")
if(NOT CASE STREQUAL "install")
  file(REMOVE_RECURSE "${WORK}")
endif()

function(execute)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REPLACE ";" " " command "${ARGN}")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${command}\nfailed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" -DCMAKE_BUILD_TYPE=)

# consume(ARGUMENTS…): configures, builds and runs the consumer; its build's commands are left in `output`.
function(consume)
  execute(${configure} -S "${consumer}" -B "${WORK}/build" "-DCMAKE_CXX_COMPILER=${CXX}" "-DGRAFT_SOURCE=${SOURCE}" ${ARGN})
  execute("${CMAKE_COMMAND}" --build "${WORK}/build" --verbose)
  set(output "${output}" PARENT_SCOPE)
  execute("${WORK}/build/consumer" "${WORK}")
endfunction()

# refused(TEXT ARGUMENTS…): configuring the consumer fails and says TEXT.
function(refused text)
  execute_process(COMMAND ${configure} -S "${consumer}" -B "${WORK}/refused" "-DCMAKE_CXX_COMPILER=${CXX}" ${ARGN}
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(result EQUAL 0 OR NOT output MATCHES "${text}")
    message(FATAL_ERROR "configuring with ${ARGN} had to fail with \"${text}\", but: ${output}")
  endif()
  file(REMOVE_RECURSE "${WORK}/refused")
endfunction()

set(without_files "")
foreach(package IN ITEMS GraftHDF5 HDF5 nlohmann_json ZLIB)
  list(APPEND without_files "-DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON")
endforeach()

function(check_no_file_libraries)
  if(output MATCHES "hdf5|libz|-lz( |$)")
    message(FATAL_ERROR "graft::core must need neither HDF5 nor zlib:\n${output}")
  endif()
endfunction()

if(CASE STREQUAL "install")
  file(REMOVE_RECURSE "${PREFIX}")
  execute("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}")

elseif(CASE STREQUAL "find_package_core")
  consume(-DGRAFT_HOW=find_package -DGRAFT_COMPONENTS=core "-DCMAKE_PREFIX_PATH=${PREFIX}" ${without_files})
  check_no_file_libraries()

elseif(CASE STREQUAL "find_package_missing")
  set(prefix -DGRAFT_HOW=find_package "-DCMAKE_PREFIX_PATH=${PREFIX}")
  refused("graft::graft needs nlohmann_json, which was not found.*COMPONENTS core"
          ${prefix} -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
  refused("graft::graft needs GraftHDF5" ${prefix} -DGRAFT_COMPONENTS=graft -DCMAKE_DISABLE_FIND_PACKAGE_GraftHDF5=ON)
  refused("components core and graft, not .*cuda" ${prefix} -DGRAFT_COMPONENTS=cuda)
  refused("version" ${prefix} -DGRAFT_VERSION=99.0)

elseif(CASE STREQUAL "find_package")
  # Installed here, moved there, to a path with a space; nothing is left where it was installed.
  execute("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/first")
  file(RENAME "${WORK}/first" "${WORK}/moved prefix")
  file(GLOB_RECURSE files "${WORK}/moved prefix/*.cmake")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    foreach(path IN ITEMS "${WORK}" "${SOURCE}" "${BUILD}")
      string(FIND "${text}" "${path}" position)
      if(NOT position EQUAL -1)
        message(FATAL_ERROR "${file} mentions ${path}")
      endif()
    endforeach()
  endforeach()
  consume(-DGRAFT_HOW=find_package "-DCMAKE_PREFIX_PATH=${WORK}/moved prefix")

elseif(CASE STREQUAL "add_subdirectory")
  consume(-DGRAFT_HOW=add_subdirectory -DGRAFT_STRICT=ON)
  file(GLOB_RECURSE extra "${WORK}/build/*graft_test*" "${WORK}/build/*graft_headers*")
  if(extra)
    message(FATAL_ERROR "add_subdirectory built graft's tests: ${extra}")
  endif()

elseif(CASE STREQUAL "fetch_content")
  consume(-DGRAFT_HOW=fetch_content -DGRAFT_STRICT=ON)

elseif(CASE STREQUAL "core_only")
  # Built and installed without HDF5, JSON and zlib, it is found; graft::graft is refused with the reason.
  execute(${configure} -S "${SOURCE}" -B "${WORK}/graft" "-DCMAKE_CXX_COMPILER=${CXX}" -DGRAFT_CORE_ONLY=ON
          -DGRAFT_BUILD_TESTS=OFF ${without_files})
  execute("${CMAKE_COMMAND}" --build "${WORK}/graft")
  execute("${CMAKE_COMMAND}" --install "${WORK}/graft" --prefix "${WORK}/prefix")
  execute(${configure} -S "${consumer}" -B "${WORK}/build" "-DCMAKE_CXX_COMPILER=${CXX}" -DGRAFT_HOW=find_package
          -DGRAFT_COMPONENTS=core "-DCMAKE_PREFIX_PATH=${WORK}/prefix" ${without_files})
  refused("installed with GRAFT_CORE_ONLY" -DGRAFT_HOW=find_package "-DCMAKE_PREFIX_PATH=${WORK}/prefix")

elseif(CASE STREQUAL "mixed_flags")
  # One file with -mavx2, one without, in one program that passes models and tensors to and fro. Without optimization:
  # nothing is inlined, so that whatever both files have is merged.
  if(EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo avx2 REGEX "^flags.* avx2 " LIMIT_COUNT 1)
  endif()
  if(NOT avx2)
    message("graft: skipped: no AVX2 here")
    return()
  endif()
  consume(-DGRAFT_HOW=add_subdirectory -DGRAFT_STRICT=ON "-DGRAFT_OTHER_FLAGS=-mavx2 -mfma")

elseif(CASE STREQUAL "clang")
  if(NOT CLANG)
    message("graft: skipped: no clang++ here")
    return()
  endif()
  set(CXX "${CLANG}")
  consume(-DGRAFT_HOW=add_subdirectory -DGRAFT_STRICT=ON)

elseif(CASE STREQUAL "readme")
  # The README's code compiles: each ```cpp block, its includes on top, the rest in a function with what readme.hpp declares.
  file(READ "${SOURCE}/README.md" text)
  string(REPLACE ";" "\\;" text "${text}")
  string(REPLACE "[" "<bracket>" text "${text}")
  string(REPLACE "]" "</bracket>" text "${text}")
  string(REPLACE "\n" ";" lines "${text}")
  set(inside FALSE)
  set(count 0)
  set(includes "")
  set(functions "")
  foreach(line IN LISTS lines)
    string(REPLACE "<bracket>" "[" line "${line}")
    string(REPLACE "</bracket>" "]" line "${line}")
    if(line STREQUAL "```cpp")
      set(inside TRUE)
      math(EXPR count "${count} + 1")
      string(APPEND functions "void readme_${count}() {\n")
    elseif(inside AND line STREQUAL "```")
      set(inside FALSE)
      string(APPEND functions "}\n")
    elseif(inside AND line MATCHES "^#include")
      string(APPEND includes "${line}\n")
    elseif(inside)
      string(APPEND functions "${line}\n")
    endif()
  endforeach()
  if(count EQUAL 0)
    message(FATAL_ERROR "README.md has no block of C++")
  endif()
  file(WRITE "${WORK}/readme.cpp" "${includes}#include \"readme.hpp\"\n${functions}")
  execute(${configure} -S "${consumer}" -B "${WORK}/build" "-DCMAKE_CXX_COMPILER=${CXX}" "-DGRAFT_SOURCE=${SOURCE}"
          -DGRAFT_HOW=add_subdirectory "-DGRAFT_README=${WORK}/readme.cpp")
  execute("${CMAKE_COMMAND}" --build "${WORK}/build" --target readme)

else()
  message(FATAL_ERROR "no case \"${CASE}\"")
endif()
