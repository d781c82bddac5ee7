# install(): headers, licence, and a package for find_package(graft [COMPONENTS core graft]).
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/graft")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/graft" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# Two files of targets, so that graft::core can be had where HDF5 is not.
install(TARGETS graft_core EXPORT graftCoreTargets)
install(EXPORT graftCoreTargets NAMESPACE graft:: FILE graftCoreTargets.cmake DESTINATION "${package_dir}")
if(TARGET graft)
  install(TARGETS graft EXPORT graftTargets)
  if(GRAFT_INSTALL_COMPILED)
    set_target_properties(graft_compiled PROPERTIES EXCLUDE_FROM_ALL OFF)
    install(TARGETS graft_compiled EXPORT graftTargets)
  endif()
  install(EXPORT graftTargets NAMESPACE graft:: FILE graftTargets.cmake DESTINATION "${package_dir}")
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/graftConfig.cmake.in" "${PROJECT_BINARY_DIR}/graftConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/graftConfigVersion.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/graftConfig.cmake" "${PROJECT_BINARY_DIR}/graftConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindGraftHDF5.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindGraftZip.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindGraftPictures.cmake"
        DESTINATION "${package_dir}")
