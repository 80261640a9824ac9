"""A real headless browser for tests of pages.

In this order: $STEPWELL_BROWSER, the one that `make setup` fetched, a Chromium or Chrome on PATH.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from tests.support import fetch_browser

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# a page's own slowness is not what tests of it are about; a machine under load is slow
TIMEOUT_MS = 30_000


class NoBrowser(AssertionError):
    """A failure, not a skip: a page that nobody opened is not tested."""


@dataclass(slots=True)
class Opened:
    """A page, and what it did that it should not have done."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, own: str) -> None:
        """Note each request other than that of the page itself, and each error."""

        def on_request(request: Request) -> None:
            if request.url.partition("#")[0] != own and not request.url.startswith(("data:", "blob:")):
                self.requests.append(request.url)

        def on_dialog(dialog: Dialog) -> None:
            self.complaints.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{message.type}: {message.text}")

        self.page.on("request", on_request)
        self.page.on("dialog", on_dialog)
        self.page.on("console", on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser, closed at the end; for a whole module of tests.

    Raises:
        NoBrowser: There is none on this machine.
    """
    program, env = _program()
    with sync_playwright() as driver:
        # as root, and in most containers, Chromium's own sandbox can't start; nor is there a graphics card
        args = ["--no-sandbox", "--disable-gpu"]
        found = driver.chromium.launch(executable_path=program, env=env, args=args)
        try:
            yield found
        finally:
            found.close()


@contextmanager
def opened(found: Browser, path: Path, **context: Any) -> Iterator[Opened]:
    """The page of a file, opened offline. `context` as playwright's `new_context` takes it."""
    own = found.new_context(offline=True, **context)
    try:
        own.set_default_timeout(TIMEOUT_MS)
        seen = Opened(own.new_page())
        seen.watch(path.as_uri())
        seen.page.goto(path.as_uri())
        yield seen
    finally:
        own.close()


def _program() -> tuple[str, dict[str, str | float | bool]]:
    env: dict[str, str | float | bool] = dict(os.environ)
    if given := os.environ.get("STEPWELL_BROWSER"):
        return given, env
    if fetch_browser.is_fetched():
        folder = fetch_browser.FOLDER
        env |= {"LD_LIBRARY_PATH": str(folder / "al2023/lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")}
        return str(folder / "chromium"), env
    for name in ON_PATH:
        if program := shutil.which(name):
            return program, env
    raise NoBrowser("no browser: `make setup` fetches one, or name one in $STEPWELL_BROWSER")
