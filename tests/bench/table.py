"""The tables that `make bench` prints."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tests.bench.rounds import Row
from tests.bench.starts import InProcess, Start


def show_rows(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title} (load average {os.getloadavg()[0]:.1f})")
    is_stream = any(r.cpu_us_token is not None for r in rows)
    streamed = f" {'us/token':>9} {'+first ms':>9}" if is_stream else ""
    print(f"  {'':16} {'cpu us c=1':>11} {'c=32':>9} {'+p50 ms':>8}{streamed} {'RSS MiB':>11} {'wrong':>6}")
    for r in rows:
        rss = f"{r.rss_before_mib:.0f}/{r.rss_after_mib:.0f}"
        per_token = f" {r.cpu_us_token or 0:9.2f} {r.added_first_ms or 0:9.2f}" if is_stream else ""
        cpu = f"{r.cpu_us_c1:11.0f} {r.cpu_us_c32:9.0f}"
        print(f"  {r.peer:16} {cpu} {r.added_ms:8.2f}{per_token} {rss:>11} {r.n_wrong:6}", flush=True)
        if r.sample:
            print(f"    {r.sample!r}")


def show_in_process(found: Sequence[InProcess]) -> None:
    print("\nin process, cpu us")
    print(f"  {'':16} {'call c=1':>11} {'c=32':>9} {'us/token':>9} {'RSS MiB':>8}")
    for r in found:
        line = f"{r.json_us_c1:11.0f} {r.json_us_c32:9.0f} {r.stream_us_token:9.2f} {r.rss_mib:8.0f}"
        print(f"  {r.name:16} {line}", flush=True)


def show_starts(found: Sequence[Start]) -> None:
    print("\ncold start to the first right answer")
    print(f"  {'':16} {'s':>7} {'cpu s':>7} {'RSS MiB':>8}")
    for r in found:
        print(f"  {r.peer:16} {r.first_200_s:7.2f} {r.cpu_s:7.2f} {r.rss_mib:8.0f}", flush=True)


def show_imports(cpu_s: float) -> None:
    print(f"\nimport stepwell: {cpu_s:.3f} s CPU", flush=True)
