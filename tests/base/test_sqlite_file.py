"""Opening a SQLite file of ours."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from stepwell.base.errors import ConfigError
from stepwell.base.sqlite_file import FileKind, connect, is_ours

KIND = FileKind(
    "a.path", "a thing", 0x1234, ("CREATE TABLE one (\n    x\n);\nINSERT INTO one VALUES (1);\n",)
)


def ask(connection: sqlite3.Connection, sql: str) -> object:
    return connection.execute(sql).fetchone()[0]


@pytest.mark.parametrize(("synchronous", "number"), [("NORMAL", 1), ("FULL", 2)])
def test_a_new_file_is_private_logged_and_forgets(
    tmp_path: Path, synchronous: Literal["NORMAL", "FULL"], number: int
) -> None:
    path = tmp_path / "c.db"
    with closing(connect(str(path), replace(KIND, synchronous=synchronous))) as connection:
        connection.execute("INSERT INTO one VALUES (2)")
        pragmas = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "user_version")
        assert [ask(connection, f"PRAGMA {p}") for p in pragmas] == ["wal", number, 1, 1, 1]
        assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
    assert is_ours(str(path), KIND)
    assert not is_ours(str(path), replace(KIND, application_id=0x4321))
    assert not is_ours(str(tmp_path / "none.db"), KIND)


def test_what_was_there_is_brought_up_once(tmp_path: Path) -> None:
    path = str(tmp_path / "c.db")
    connect(path, KIND).close()
    newer = replace(KIND, migrations=(*KIND.migrations, "INSERT INTO one VALUES (2);\n"))
    for _ in range(2):
        with closing(connect(path, newer)) as connection:
            assert ask(connection, "SELECT group_concat(x) FROM one") == "1,2"
    with pytest.raises(ConfigError, match=r"a\.path .*: schema 2, but this Stepwell knows 1"):
        connect(path, KIND)


def test_other_kinds_of_file_are_refused_and_stay_as_they_are(tmp_path: Path) -> None:
    foreign, ours, text = (tmp_path / name for name in ("foreign.db", "ours.db", "text.db"))
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE mine (n)")
    connect(str(ours), replace(KIND, application_id=0x4321)).close()
    text.write_text("no database, " * 100)
    for path in (foreign, ours, text):
        before = path.read_bytes()
        with pytest.raises(ConfigError, match=r"a\.path"):
            connect(str(path), KIND)
        assert path.read_bytes() == before
    with pytest.raises(ConfigError, match="can't be opened"):
        connect(str(tmp_path / "no" / "c.db"), KIND)


def test_none_is_in_memory() -> None:
    with closing(connect(None, KIND)) as connection:
        assert ask(connection, "SELECT x FROM one") == 1
