"""Open one of our SQLite files: nobody else's, private, in WAL, at its newest version."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stepwell.base.errors import ConfigError


@dataclass(frozen=True, slots=True)
class FileKind:
    """What we keep in a file.

    Attributes:
        setting: The setting that names the file, for errors: "cache.path".
        use: "a cache", for errors.
        application_id: Tells our file from any other SQLite file.
        migrations: One script a version, applied in order; a statement begins on a line of its own. A released one is
            never edited.
        synchronous: With FULL, what is committed survives a loss of power, too; a commit waits for the disk.
    """

    setting: str
    use: str
    application_id: int
    migrations: tuple[str, ...]
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL"


_WHOSE = """
    SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
    FROM pragma_application_id, pragma_user_version
"""


def connect(path: str | None, kind: FileKind, *, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """Open or make the file and bring it to the newest version; None opens one in memory.

    Several processes may at once. Any thread may use the connection, one at a time.

    Raises:
        ConfigError: The file can't be opened, is not ours, or was written by a newer Stepwell.
    """
    try:
        # Only SQLite may open a file that SQLite has open: whoever closes another descriptor of it gives up all of this
        # process's locks, and the next process to end then deletes a log that we still write to
        # (sqlite.org/howtocorrupt.html, 2.2).
        if path is not None:
            with suppress(FileExistsError):
                # what it holds is nobody else's business; SQLite gives -wal and -shm the same mode
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=busy_timeout_s
        )
    except (OSError, sqlite3.Error) as e:
        raise ConfigError(f"{kind.setting} {path}: can't be opened: {_why(e)}") from e
    try:
        _prepare(connection, path, kind)
    except sqlite3.Error as e:
        connection.close()
        raise ConfigError(f"{kind.setting} {path}: not usable as {kind.use}: {_why(e)}") from e
    except ConfigError:
        connection.close()
        raise
    return connection


def is_ours(path: str, kind: FileKind) -> bool:
    """Whether a file is of that kind; reads only."""
    try:
        if not Path(path).stat().st_size:
            return False
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA application_id").fetchone()[0] == kind.application_id)
    except (OSError, sqlite3.Error):
        return False


def _prepare(connection: sqlite3.Connection, path: str | None, kind: FileKind) -> None:
    _version(connection, path, kind)  # another program's file must not become a WAL one
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={kind.synchronous}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what was erased must not stay in free pages
    if _version(connection, path, kind) < len(kind.migrations):
        _migrate(connection, path, kind)


def _migrate(connection: sqlite3.Connection, path: str | None, kind: FileKind) -> None:
    connection.execute("BEGIN IMMEDIATE")  # of several processes that start at once, one migrates
    try:
        for script in kind.migrations[_version(connection, path, kind) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={kind.application_id}")
        connection.execute(f"PRAGMA user_version={len(kind.migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: str | None, kind: FileKind) -> int:
    # at one glance: another process may be making the file just now
    owner, version, n_tables = connection.execute(_WHOSE).fetchone()
    if owner != kind.application_id and (n_tables or owner):
        raise _foreign(path, kind)
    if version > len(kind.migrations):
        raise ConfigError(
            f"{kind.setting} {path}: schema {version}, but this Stepwell knows "
            f"{len(kind.migrations)}; use a newer Stepwell or another path"
        )
    return int(version)


def _foreign(path: str | None, kind: FileKind) -> ConfigError:
    return ConfigError(f"{kind.setting} {path}: a database of another program")


def _statements(script: str) -> list[str]:
    """Cut a script where a statement is whole (executescript would commit what we hold open)."""
    whole, open_part = [], ""
    for line in script.splitlines(keepends=True):
        open_part += line
        if sqlite3.complete_statement(open_part):
            whole.append(open_part)
            open_part = ""
    return whole


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
