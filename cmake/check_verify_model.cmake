# cmake -DVERIFY=<verify_model> -DINSPECT=<inspect_model> -P check_verify_model.cmake
# The exit statuses and the output that examples/verify_model and inspect_model promise, on the files that GRAFT_SHARED has.

# expect(STATUS TEXT COMMAND…): the command ends with this status, and what it prints has this text.
cmake_minimum_required(VERSION 3.22)

function(expect status text)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(FIND "${output}" "${text}" at)
  if(NOT result EQUAL status OR at EQUAL -1)
    message(FATAL_ERROR "${ARGN}\nhad to end with ${status} and print \"${text}\", but ended with ${result}:\n${output}")
  endif()
endfunction()

expect(0 "usage: verify_model" "${VERIFY}" --help)
expect(2 "an argument is missing" "${VERIFY}" a.h5)
expect(2 "unknown option \"--tolerence\"" "${VERIFY}" a.h5 b.h5 --tolerence 1)
expect(2 "there is no such file" "${VERIFY}" no-such-model.h5 no-such.io.h5)
expect(2 "there is no such file" "${INSPECT}" no-such-model.h5)

set(files "$ENV{GRAFT_SHARED}/fixtures/keras")
if(NOT EXISTS "${files}/bn.h5")
  message("graft: skipped: GRAFT_SHARED does not name the folder of the reference data")
  return()
endif()
foreach(name IN ITEMS bn silent big c nested my_keras_model.tfkeras-2.5.0 my_model_A.tfkeras-2.4.0 my_model_A.tfkeras-2.5.0
                      my_model_A.tfkeras-2.9.0 my_model_A.tfkeras-2.10.0)
  expect(0 "max|Δ| = " "${VERIFY}" "${files}/${name}.h5" "${files}/${name}.io.h5")
endforeach()
expect(1 "DIFFERENT" "${VERIFY}" "${files}/my_model_A.tfkeras-2.4.0.h5" "${files}/my_model_A.tfkeras-2.5.0.io.h5")
expect(2 "expected shape" "${VERIFY}" "${files}/bn.h5" "${files}/big.io.h5")
expect(2 "there is no \"no\"" "${VERIFY}" "${files}/bn.h5" "${files}/bn.io.h5" --group /no)
set(layers "$ENV{GRAFT_SHARED}/golden/layers")
expect(0 "max|Δ| = " "${VERIFY}" "${layers}/PReLU.shared12.h5" "${layers}/PReLU.io.h5" --group /shared12)
expect(0 "Trainable params: 268,978" "${INSPECT}" "${files}/bn.h5")
expect(0 "Compiled: no" "${INSPECT}" "${files}/silent.h5")
set(examples "$ENV{GRAFT_SHARED}/fixtures/dl4j/modelimport/keras/examples")
expect(2 "<- not known" "${INSPECT}" "${examples}/lambda/model_lambda.h5")
expect(2 "refused" "${INSPECT}" --brief "${examples}/lambda/model_lambda.h5")
expect(0 "loaded\t3.11.3" "${INSPECT}" --brief "${files}/bn.h5")
expect(0 "max|Δ| = " "${VERIFY}" "${examples}/activations/ELU_0_model.h5"
       "${examples}/activations/ELU_0_inputs_and_outputs.h5" --group predictions)
