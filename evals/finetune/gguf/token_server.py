"""The child process of a parity check: llama.cpp with one adapter always on, as exact as it can be or as it serves.

Run as `python -m stepwell.evals.finetune.gguf.token_server MODEL ADAPTER|- exact|served N_THREADS N_CTX`. Prints one
line with the address once the model is loaded, and ends when its standard input closes.
"""

from __future__ import annotations

import os
import sys


def main(model: str, adapter: str, how: str, n_threads: int, n_ctx: int) -> None:
    import xllamacpp as x

    params = x.CommonParams()
    params.model.path = model
    if adapter != "-":
        lora = x.CommonAdapterLoraInfo()
        lora.path, lora.scale = adapter, 1.0
        params.lora_adapters = [lora]
    if how == "exact":
        # float32 wherever llama.cpp can: it keeps keys and values in float16 by default
        params.cache_type_k = params.cache_type_v = x.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = x.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = 1
    params.n_ctx = n_ctx
    params.cpuparams.n_threads = n_threads
    params.cpuparams_batch.n_threads = n_threads
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = -1
    server = x.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # the server's threads stop only with the process


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
