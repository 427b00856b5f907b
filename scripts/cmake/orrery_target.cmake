# How this project's own targets are compiled where a preset asks for it; consumers of the package never see it.
option(ORRERY_UNITY "Compile the files of a folder of sim/ and models/ as one translation unit" OFF)
option(ORRERY_PCH "Precompile the headers that most files read" OFF)
set(ORRERY_COMMON_HEADERS <algorithm> <filesystem> <functional> <map> <memory> <optional> <string> <vector> <fmt/format.h>)

# Small folders that are compiled together.
set(ORRERY_UNITY_sim_thermal sim_job)
set(ORRERY_UNITY_sim_report sim_scenario)
set(ORRERY_UNITY_sim_telemetry sim_scenario)
foreach(small sim_units sim_install sim_program sim_folding)
  set(ORRERY_UNITY_${small} sim_kernel)
endforeach()
set(ORRERY_UNITY_sim_sdk sim_study)
set(ORRERY_UNITY_models models_workload)
set(ORRERY_UNITY_models_collective models_accelerator)
set(ORRERY_UNITY_models_cooling models_accelerator)

# One translation unit a folder, or a few small ones: headers are read, and templates instantiated, once. The names that its
# files keep to themselves (anonymous namespaces) must differ.
function(orrery_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    string(REPLACE "/" "_" group "${folder}")
    if(DEFINED ORRERY_UNITY_${group})
      set(group ${ORRERY_UNITY_${group}})
    endif()
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()

function(orrery_pch target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  # ccache reads what a precompiled header includes.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()

# For sim/ and models/. A unity build reads most headers once anyway.
function(orrery_target target)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:orrery_options>)
  if(ORRERY_UNITY)
    orrery_unity(${target})
  elseif(ORRERY_PCH)
    orrery_pch(${target} ${ORRERY_COMMON_HEADERS})
  endif()
endfunction()
