"""The child process of a local tier: llama.cpp's own HTTP server, through xllamacpp, on a free loopback port.

Run as `python -m stepwell.router.tiers.local_server MODEL N_THREADS N_PARALLEL N_CTX`. Prints one line with the
address once the model is loaded, and ends when its standard input closes, so it never outlives its parent.
"""

from __future__ import annotations

import os
import sys


def main(path: str, n_threads: int, n_parallel: int, n_ctx: int) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = n_parallel
    params.n_ctx = n_ctx
    params.cpuparams.n_threads = n_threads
    params.cpuparams_batch.n_threads = n_threads
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # the server's threads stop only with the process


if __name__ == "__main__":
    main(sys.argv[1], *(int(a) for a in sys.argv[2:5]))
