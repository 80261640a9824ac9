"""What a command is given: its configuration, its prompt, its outcomes."""

from __future__ import annotations

import difflib
import math
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.base.errors import BadRequest
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.config import Config

DEFAULT_PATH = "stepwell.yaml"
Prices = dict[str, tuple[float, float]]
_GZIP = b"\x1f\x8b"
_N_BATCH = 64


def config_of(args: Namespace) -> Config:
    """The configuration of --config, else of ./stepwell.yaml, else the embedded default.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    from stepwell.base.config import Config

    path = args.config or (DEFAULT_PATH if Path(DEFAULT_PATH).is_file() else None)
    return Config() if path is None else Config.from_yaml(path)


def prompt_of(args: Namespace) -> str:
    """The prompt, from stdin where it is `-`.

    Raises:
        UsageError: It is empty, or stdin is not text.
    """
    try:
        text = sys.stdin.read() if args.prompt == "-" else str(args.prompt)
    except UnicodeDecodeError:
        raise UsageError("stdin is not UTF-8 text") from None
    if not text.strip():
        raise UsageError("the prompt is empty")
    return text


def wishes_of(args: Namespace) -> dict[str, Any]:
    """What the caller asks of the router, as keyword arguments of `Stepwell.achat`."""
    names = (
        "model",
        "tier",
        "min_tier",
        "max_usd",
        "tenant",
        "below_floor",
        "timeout_s",
        "max_tokens",
        "conversation",
    )
    given = {name: getattr(args, name, None) for name in names}
    if getattr(args, "no_cache", False):
        given["cache"] = False
    return {name: value for name, value in given.items() if value is not None}


def prices_of(given: str | None) -> Prices:
    """`a=0.1/0.4,b=2.5/10`: USD per 1M tokens read and written; one number counts for both.

    Raises:
        UsageError: It reads otherwise.
    """
    found: Prices = {}
    for part in given.split(",") if given else ():
        name, _, price = part.partition("=")
        usd_in, _, usd_out = price.partition("/")
        try:
            both = (float(usd_in), float(usd_out or usd_in))
        except ValueError:
            raise UsageError(f"--prices: {part!r} is not NAME=USD_IN/USD_OUT") from None
        if not all(0 <= usd < math.inf for usd in both):
            raise UsageError(f"--prices: {part!r}: a price is 0 or more, and finite")
        found[name.strip()] = both
    return found


def tiers_of(given: str | None) -> list[str] | None:
    """`a,b`: names in order of price; None where none are given."""
    return [name.strip() for name in given.split(",")] if given else None


def check_names(prices: Prices, tiers: Sequence[str]) -> None:
    """Every price must be of one of these tiers.

    Raises:
        UsageError: One isn't; names the nearest tier.
    """
    for name in prices:
        if name not in tiers:
            near = difflib.get_close_matches(name, tiers, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"--prices: there is no tier {name!r}; {hint}There are {', '.join(tiers)}")


def check_error(option: str, share: float, *, is_zero_allowed: bool = False) -> float:
    """A share of errors that a budget, or a judge, may have.

    Raises:
        UsageError: It is not below a half, or not above 0; names the option.
    """
    if 0 < share < 0.5 or (is_zero_allowed and share == 0):
        return share
    low = "0 or more" if is_zero_allowed else "above 0"
    raise UsageError(f"{option} must be {low} and below 0.5; got {share:g}")


class Lines:
    """Lines of all files, one after the other; packed ones too, and - for stdin. To be read once.

    Reading raises UsageError where a packed file is damaged, OSError where there is none.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._path, self._n = "", 0

    def __iter__(self) -> Iterator[bytes]:
        for path in self._paths:
            lines = _lines_of_stdin() if path == "-" else _lines_of_file(path)
            for n, line in enumerate(lines, start=1):
                self._path, self._n = path, n
                yield line

    @contextmanager
    def naming(self, *, always: bool = False) -> Iterator[None]:
        """Where a line of several files is wrong, say of which; `always`: of one alone, too."""
        try:
            yield
        except BadRequest as e:
            before, _, what = str(e).partition(": ")
            if (len(self._paths) < 2 and not always) or not before.startswith("Line "):
                raise
            raise UsageError(f"{self._path}, line {self._n}: {what}") from e


def _lines_of_stdin() -> Iterator[bytes]:
    yield from getattr(sys.stdin, "buffer", None) or (line.encode() for line in sys.stdin)


def _lines_of_file(path: str) -> Iterator[bytes]:
    import gzip
    import zlib

    with Path(path).open("rb") as raw:
        is_packed = raw.peek(2)[:2] == _GZIP
        try:
            yield from gzip.GzipFile(fileobj=raw) if is_packed else raw
            yield b"\n"  # where the last line has no end, the next file must not go on with it
        except (EOFError, zlib.error, gzip.BadGzipFile) as e:
            raise UsageError(f"{path}: damaged: {type(e).__name__}") from e


def embed_with(config: Config) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """What gives texts their vectors for routing, shape (n, dim), by the configured embedder; shows how far it is."""
    from stepwell.base.embedding import embed_for_routing, load_embedder

    embedder = load_embedder(config.embedding)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        made = [np.zeros((0, embedder.dim), np.float32)]
        with terminal.progress("embedding") as show:
            for at in range(0, len(texts), _N_BATCH):
                made.append(embed_for_routing(embedder, texts[at : at + _N_BATCH]))
                show(min(at + _N_BATCH, len(texts)), len(texts))
        return np.concatenate(made)

    return embed


def needs_sklearn() -> None:
    """Raises:
    UsageError: The extra is not installed.
    """
    import importlib.util

    if importlib.util.find_spec("sklearn") is None:
        raise UsageError("this needs scikit-learn: pip install 'stepwell[tune]'")
