#!/usr/bin/env bash
# docent bench: figures with the keys that scripts rely on.
. "$(dirname "$0")/lib.sh"

run 2 bench words; one_sentence
run 1 bench --model "$work/none.gguf"; one_sentence; err_has none.gguf

# Without models the machine is measured all the same.
(export DOCENT_MODELS=$work/empty
 run 0 bench --quiet --json; err_empty
 json '.read_gbps > 0 and .gemm_gflops > 0 and .model == null and .prefill_tps == 0') || exit 1

# Kernels that are not there are not silently replaced by others.
(export DOCENT_ISA=pdp11 DOCENT_MODELS=$work/empty
 run 1 bench --quiet; one_sentence; err_has pdp11; err_has portable) || exit 1

need_models smollm2-135m minilm
run 1 bench --model smollm2-135m --mem 10M; one_sentence; err_has limit
run 0 bench --model smollm2-135m --json
json '(.isa | length > 0) and .threads >= 1 and (.model | length > 0)'
json '.prefill_tps > 0 and .decode_tps > 0 and .encode_tps > 0 and .read_gbps > 0 and .gemm_gflops > 0'
json '.decode_of_roofline > 0 and .prefill_of_peak > 0'
echo passed
