"""The child process of a local tier: llama.cpp's own HTTP server, through xllamacpp, on a free loopback port.

Run as `python -m stepwell.router.tiers.local_server JSON`, of a `Started`. Prints one line with the address once the
model is loaded, and ends when its standard input closes, so it never outlives its parent.
"""

from __future__ import annotations

import contextlib
import os
import sys

import msgspec


class Started(msgspec.Struct, frozen=True):
    """What one server runs.

    Attributes:
        model: Path of the base's GGUF.
        adapters: Paths of LoRA GGUFs; their places are their ids in a request's `lora`.
        n_ctx: Tokens of all slots together.
        max_memory_mb: Most address space that the process may take; None: no limit.
    """

    model: str
    n_threads: int
    n_parallel: int
    n_ctx: int
    adapters: tuple[str, ...] = ()
    max_memory_mb: int | None = None


def main(started: Started) -> None:
    if started.max_memory_mb is not None:
        _limit(started.max_memory_mb)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = started.model
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = started.n_parallel
    params.n_ctx = started.n_ctx
    params.cpuparams.n_threads = started.n_threads
    params.cpuparams_batch.n_threads = started.n_threads
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = -1
    # each slot keeps its own prompt. The cache beside them grows to 8 GiB, and finds prompts by their tokens alone: it
    # hands one adapter what another has read (llama.cpp #26207)
    params.cache_ram_mib = 0
    # 0: a request that names no adapter is the base's
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in started.adapters]
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # the server's threads stop only with the process


def _limit(max_memory_mb: int) -> None:
    """Hold the process to some address space, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    n_bytes = max_memory_mb * 2**20
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some limits
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Started))
