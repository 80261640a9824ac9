"""Where a link leads, read as a browser reads it, and whether it carries something there."""

from __future__ import annotations

import base64
import binascii
import html
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from stepwell.guards.normalise.fold import fold

_WEB = frozenset({"http", "https", "ftp", "ws", "wss"})
_SCRIPTS = frozenset({"javascript", "vbscript"})
_PICTURE = re.compile(r"image/(?:png|jpe?g|gif|webp|avif|bmp)[;,]", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,30}):")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")  # CommonMark 2.4
_BREAKS = re.compile(r"[\t\r\n]")  # URL standard: dropped wherever they stand
_AROUND = "".join(map(chr, range(33)))
_AUTHORITY_END = re.compile(r"[/?#]")
_NUMBER_HOST = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")
# RFC 2606 and 6761: nobody's
_NOBODYS = re.compile(r"(?:[^/]*\.)?(?:example(?:\.(?:com|net|org))?|test|invalid)")
_PICTURE_PATH = re.compile(r"\.(?:png|jpe?g|gif|webp|avif|bmp|svg|ico)\Z", re.IGNORECASE)
_ENCODED = re.compile(r"[A-Za-z0-9+/_\-]{16,4096}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){12,}")
_BASE32 = re.compile(r"[a-z2-7]{20,}|[A-Z2-7]{20,}")
_LETTER = re.compile(r"[A-Za-z]")
_MIN_DECODED_CHARS = 12


@dataclass(frozen=True, slots=True)
class Target:
    """Where a destination leads.

    Attributes:
        host: Lower case, decoded; "" where it leads to no other host.
        before: What stands before an @ in front of the host.
        is_script: Runs when it is followed, or shows a page made of the link itself.
        is_disguised: The host does not read as what it is.
        pieces: Its path's steps, then its query's values and the fragment, decoded.
        n_path: How many of them are of the path.
        values: The values of its query, joined.
    """

    host: str
    before: str = ""
    is_script: bool = False
    is_disguised: bool = False
    pieces: tuple[str, ...] = ()
    n_path: int = 0
    values: str = ""

    @property
    def leads_out(self) -> bool:
        return self.is_script or bool(self.host and not _NOBODYS.fullmatch(self.host))

    @property
    def looks_like_picture(self) -> bool:
        """Whether it may be an image, or a counter that asks for one."""
        path = self.pieces[: self.n_path]
        return len(self.pieces) > self.n_path or bool(path and _PICTURE_PATH.search(path[-1]))


NOWHERE = Target("")


def target(to: str, *, is_markup: bool) -> Target:
    """Read a destination; `is_markup`: with the escapes of HTML and Markdown."""
    plain = html.unescape(to) if is_markup and "&" in to else to
    plain = _BREAKS.sub("", plain).strip(_AROUND)
    read = _read(plain.replace("\\", "/"), is_markup=is_markup)
    if read is NOWHERE and is_markup and "\\" in plain:
        read = _read(_ESCAPED.sub(r"\1", plain).replace("\\", "/"), is_markup=True)
    return read


def _read(text: str, *, is_markup: bool) -> Target:
    m = _SCHEME.match(text)
    scheme = m[1].lower() if m else ""
    if scheme in _SCRIPTS:
        return Target("", is_script=True)
    if m and scheme == "data":
        return NOWHERE if _PICTURE.match(text, m.end()) else Target("", is_script=True)
    if m and scheme in _WEB:
        return _web(text[m.end() :].lstrip("/"))
    if is_markup and text.startswith("//"):
        return _web(text.lstrip("/"))
    return _web(text) if text[:4].lower() == "www." else NOWHERE


def _web(rest: str) -> Target:
    m = _AUTHORITY_END.search(rest)
    authority, rest = (rest[: m.start()], rest[m.start() :]) if m else (rest, "")
    before, _, raw = authority.rpartition("@")
    host = unquote(raw).lower()
    if not host.startswith("["):
        host = host.partition(":")[0]
    host, is_dressed = _plain_host(host.rstrip("."))
    if not host:
        return NOWHERE
    path, _, fragment = rest.partition("#")
    path, _, query = path.partition("?")
    steps = [_decoded(p) for p in path.split("/") if p]
    fields = [part.partition("=") for part in re.split(r"[&;]", query)]
    more = [_decoded(p) for name, _, value in fields for p in (name, value) if p]
    is_disguised = is_dressed or "%" in raw or "." in before or _is_number(host)
    return Target(
        host,
        unquote(before),
        False,
        is_disguised,
        (*steps, *more, *([_decoded(fragment)] if fragment else [])),
        len(steps),
        _decoded("".join(value.rstrip("=") for _, _, value in fields)),
    )


def _plain_host(host: str) -> tuple[str, bool]:
    """A host as ASCII where it reads so, and whether it had to be undressed or looks like another."""
    if "xn--" in host:
        host = ".".join(_from_punycode(label) for label in host.split("."))
    if host.isascii():
        return host, False
    folded = fold(host)
    if folded is not None and folded.text.isascii():
        return folded.text.lower().replace("\u3002", "."), True
    return host, host.rpartition(".")[2].isascii() and any(map(_looks_latin, host.split(".")))


def _looks_latin(label: str) -> bool:
    """Whether letters of other scripts can all be read as Latin ones."""
    from stepwell.guards.normalise.lookalikes import unmask

    # a word that mixes scripts, and the label between Latin words: then it is read as one
    read = None if label.isascii() else unmask(f"a\u0430 {label} a")
    return read is not None and read.text.isascii()


def _from_punycode(label: str) -> str:
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _is_number(host: str) -> bool:
    """An address written so that few would know it for one."""
    if not _NUMBER_HOST.fullmatch(host):
        return False
    try:
        return str(ipaddress.IPv4Address(host)) != host
    except ValueError:
        return True


def _decoded(piece: str) -> str:
    once = unquote_plus(piece)
    return unquote(once) if "%" in once else once


# ---- what it carries


def carries_text(target: Target) -> bool:
    """Whether something in it, the subdomains included, decodes to readable text."""
    labels = target.host.split(".")[:-2]
    path = target.pieces[: target.n_path]
    joined = ("/".join(path), "".join(path), target.values, "".join(labels))
    parts = [*target.pieces, *joined, target.before, *labels]
    return any(_decodes(run[0]) for part in parts for run in _ENCODED.finditer(part))


def longest_opaque(target: Target) -> int:
    """Length of the longest run without a space in one of its pieces, or of the subdomains together."""
    labels = target.host.split(".")[:-2]
    return max(
        [sum(map(len, labels)), *(len(word) for piece in target.pieces for word in piece.split())],
        default=0,
    )


def most_words(target: Target) -> int:
    """Most words in one value of the query, or in the fragment."""
    return max((len(p.split()) for p in target.pieces[target.n_path :]), default=0)


def _decodes(run: str) -> bool:
    return any(_is_text(raw) for raw in _readings(run))


def _readings(run: str) -> Iterator[bytes]:
    if _HEX.fullmatch(run):
        yield bytes.fromhex(run)
    ways: Sequence[tuple[bool, Callable[[str], bytes], str, int]] = (
        (True, base64.b64decode, run.replace("-", "+").replace("_", "/"), 4),
        (bool(_BASE32.fullmatch(run)), base64.b32decode, run.upper(), 8),
    )
    for is_so, decode, text, size in ways:
        if not is_so:
            continue
        try:
            yield decode(text[: len(text) - (len(text) % size == 1)] + "=" * (-len(text) % size))
        except (ValueError, binascii.Error):
            continue


def _is_text(raw: bytes) -> bool:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    n_plain = sum(c.isprintable() or c.isspace() for c in text)
    return len(text) >= _MIN_DECODED_CHARS and n_plain == len(text) and _LETTER.search(text) is not None
