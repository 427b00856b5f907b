# Called by ctest: installs BUILD below WORK, then configures, builds and runs CONSUMER against it.
function(step what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
set(prefix ${WORK}/prefix)
step("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
step("configure" ${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -G ${GENERATOR}
  -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_BUILD_TYPE=${BUILD_TYPE}
  "-DCMAKE_CXX_FLAGS=${FLAGS}")
step("build" ${CMAKE_COMMAND} --build ${WORK}/build)
# A file of one's own, far from the prefix and from every build tree.
# A folder `configs` above it would come first, and this tree lies in a checkout that has one.
string(MD5 own ${WORK})
set(jobs /tmp/orrery-consumer-${own})
if(DEFINED ENV{TMPDIR})
  set(jobs $ENV{TMPDIR}/orrery-consumer-${own})
endif()
file(WRITE ${jobs}/own.yaml "orrery: scenario/1
system: {use: clusters/eos, servers: 2}
workload:
  model: llama2-7b
  sequence_length: 2048
  global_batch: 32
  microbatch: 2
  parallelism: {sharding: zero3}
  precision: bf16
  software: torchtitan-2024-compile
")
# Copies that compete, for which the module is needed.
file(WRITE ${jobs}/competing.yaml "orrery: scenario/1
system: {use: clusters/eos, servers: 1}
workload:
  kind: transfers
  copies:
    - {from: server0.gpu0, to: server0.cpu0, bytes: 1 GB}
    - {from: server0.gpu1, to: server0.cpu0, bytes: 1 GB}
")
step("run the consumer with its module" ${CMAKE_COMMAND} -E chdir / ${WORK}/build/consumer ${jobs}/competing.yaml)
step("run the consumer" ${CMAKE_COMMAND} -E chdir / ${WORK}/build/consumer ${jobs}/own.yaml)
if(NOT output MATCHES "^step time [0-9.e+-]+ s\n$")
  message(FATAL_ERROR "the consumer printed:\n${output}")
endif()
step("run the executable" ${CMAKE_COMMAND} -E chdir ${jobs} ${prefix}/bin/orrery run own.yaml --json -)
string(JSON entry GET ${output} inputs 1 path)
if(NOT entry MATCHES "/?prefix/share/orrery/configs/")
  message(FATAL_ERROR "the executable read the library entry ${entry}")
endif()
step("list its suites' errors" ${CMAKE_COMMAND} -E chdir / ${prefix}/bin/orrery validate mlperf-node-power)

# What is missing is named, and what does without it works.
file(GLOB_RECURSE modules ${prefix}/*/simgrid.so)
file(REMOVE ${modules})
execute_process(COMMAND ${WORK}/build/consumer ${jobs}/competing.yaml RESULT_VARIABLE result ERROR_VARIABLE errors)
if(result EQUAL 0 OR NOT errors MATCHES "module simgrid.so of the event engine: not found; searched for .*${modules}")
  message(FATAL_ERROR "without its module the consumer ended with ${result} and said:\n${errors}")
endif()
step("run in closed form" ${prefix}/bin/orrery run ${jobs}/competing.yaml --fidelity analytic)

file(GLOB_RECURSE headers ${prefix}/include/orrery/*.hpp)
foreach(header ${headers})
  file(STRINGS ${header} foreign REGEX "#include <(fmt|yaml-cpp|nlohmann|boost|simgrid|openssl|CLI|Eigen)")
  if(foreign)
    message(FATAL_ERROR "${header} holds a third party: ${foreign}")
  endif()
endforeach()
file(REMOVE_RECURSE ${jobs})
