"""Conversations' vaults: kept, encrypted, apart from each other, and gone when they are erased."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from stepwell.base.config.guards import MasksConfig
from stepwell.base.errors import ConfigError, ConversationErased, StoreUnavailable
from stepwell.guards.masks import batches, store
from stepwell.guards.masks.store import BLOCK, MaskStore
from stepwell.guards.masks.vault import Vault

KEY_ENV = "MASK_KEY_OF_TESTS"
WHO = ("tenant", "user", "talk")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(KEY_ENV, Fernet.generate_key().decode())
    return str(tmp_path / "masks.db")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1e9]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def opened(path: str | None, **more: Any) -> MaskStore:
    return MaskStore(MasksConfig(path=path, key_env=KEY_ENV, **more))


async def masked(masks: MaskStore, *values: str, who: tuple[str, str, str] = WHO) -> list[str]:
    """What one request does."""
    vault = await masks.open(*who)
    made = [vault.mask("EMAIL", v) for v in values]
    await masks.save(*who, vault)
    return made


def disk(path: str) -> tuple[bytes, int]:
    """All bytes of the file and its logs, and its mode."""
    return b"".join(p.read_bytes() for p in Path(path).parent.iterdir()), Path(path).stat().st_mode


async def entries(masks: MaskStore, who: tuple[str, str, str] = WHO) -> dict[str, str]:
    vault = await masks.open(*who)
    await masks.save(*who, vault)
    return dict(vault.entries)


@pytest.mark.parametrize("is_file", [True, False])
async def test_a_conversation_keeps_its_placeholders(path: str, is_file: bool) -> None:
    masks = opened(path if is_file else None)
    assert await masked(masks, "a@x.io", "b@x.io") == ["[EMAIL_1]", "[EMAIL_2]"]
    # the client sends the whole history again, with the values it was shown
    assert await masked(masks, "c@x.io", "b@x.io", "a@x.io") == ["[EMAIL_3]", "[EMAIL_2]", "[EMAIL_1]"]
    assert Vault(await entries(masks)).restore("[EMAIL_2] and [email 3]") == "b@x.io and c@x.io"
    if is_file:
        await masks.close()
        masks = opened(path)
        assert await masked(masks, "b@x.io", "d@x.io") == ["[EMAIL_2]", "[EMAIL_4]"]
    await masks.close()


async def test_tenants_users_and_conversations_share_nothing(path: str) -> None:
    masks = opened(path)
    await masked(masks, "a@x.io")
    for other in (("t2", "user", "talk"), ("tenant", "u2", "talk"), ("tenant", "user", "talk2")):
        assert await entries(masks, other) == {}
        assert await masked(masks, "z@x.io", who=other) == ["[EMAIL_1]"]
    assert await entries(masks) == {"EMAIL_1": "a@x.io"}
    await masks.close()


async def test_what_callers_wrote_stays_their_own_later_on(path: str) -> None:
    masks = opened(path)
    vault = await masks.open(*WHO)
    vault.reserve("what does [EMAIL_1] mean?")
    await masks.save(*WHO, vault)
    assert await masked(masks, "a@x.io") == ["[EMAIL_2]"]
    assert (await masks.open(*WHO)).restore("[EMAIL_1] [EMAIL_2]") == "[EMAIL_1] a@x.io"
    await masks.close()


async def test_two_at_once_never_give_out_the_same_number(path: str) -> None:
    one, two = opened(path), opened(path)
    a, b = await one.open(*WHO), await two.open(*WHO)
    names = [a.mask("EMAIL", "a@x.io"), b.mask("EMAIL", "b@x.io"), a.mask("EMAIL", "c@x.io")]
    assert names == ["[EMAIL_1]", f"[EMAIL_{BLOCK + 1}]", "[EMAIL_2]"]
    await two.save(*WHO, b)
    await one.save(*WHO, a)
    assert await masked(two, "d@x.io") == ["[EMAIL_3]"]
    # a vault may go on after it was saved: others have used its numbers meanwhile
    assert a.mask("EMAIL", "e@x.io") == "[EMAIL_4]"
    assert a.restore("[EMAIL_3]") == "d@x.io"
    await one.save(*WHO, a)
    values = ["a@x.io", "c@x.io", "b@x.io", "d@x.io", "e@x.io"]
    assert sorted((await entries(two)).values()) == sorted(values)
    await one.close()
    await two.close()


async def test_to_read_holds_no_numbers(path: str) -> None:
    masks = opened(path)
    await masked(masks, "a@x.io")
    seen = await masks.read(*WHO)
    assert seen.restore("[EMAIL_1]") == "a@x.io"
    assert await masked(masks, "b@x.io") == ["[EMAIL_2]"]
    assert (await masks.read("tenant", "user", "other")).is_empty
    await masks.close()


async def test_many_at_once_and_more_values_than_a_block(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BLOCK", 3)
    stores = [opened(path), opened(path)]

    async def ask(n: int) -> list[tuple[str, str]]:
        values = [f"{n}-{i}@x.io" for i in range(n % 9)] + ["all@x.io"]
        return list(zip(await masked(stores[n % 2], *values), values, strict=True))

    found = [pair for made in await asyncio.gather(*map(ask, range(24))) for pair in made]
    kept = await entries(stores[0])
    assert all(kept[name.strip("[]")] == value for name, value in found)
    assert len({v for _, v in found}) == len(set(kept.values()))
    for masks in stores:
        await masks.close()


async def test_a_vault_that_is_dropped_gives_its_numbers_back(path: str) -> None:
    masks = opened(path)
    vault = await masks.open(*WHO)
    assert vault.mask("EMAIL", "a@x.io") == "[EMAIL_1]"  # and then the request was blocked
    del vault
    await asyncio.sleep(0)  # the loop lets go of what it has just handed over
    assert await masked(masks, "b@x.io") == ["[EMAIL_1]"]
    await masks.close()


async def test_numbers_of_who_died_are_free_after_a_while(path: str, clock: list[float]) -> None:
    masks = opened(path)
    dead = await masks.open(*WHO)
    assert await masked(masks, "a@x.io") == [f"[EMAIL_{BLOCK + 1}]"]
    clock[0] += store.LEASE_S + 1
    assert await masked(masks, "b@x.io") == ["[EMAIL_1]"]
    dead.mask("EMAIL", "late@x.io")
    with pytest.raises(ConversationErased):
        await masks.save(*WHO, dead)
    await masks.close()


async def test_values_and_names_are_not_in_the_file(path: str) -> None:
    masks = opened(path)
    vault = await masks.open("acme corp", "ann lee", "talk number 1")
    vault.mask("EMAIL", "ann.lee@example.org")
    await masks.save("acme corp", "ann lee", "talk number 1", vault)
    on_disk, mode = disk(path)
    for secret in (b"ann.lee", b"example.org", b"acme", b"ann lee", b"talk number", b"EMAIL"):
        assert secret not in on_disk
    assert mode & 0o077 == 0
    await masks.close()


async def test_erased_values_are_gone_for_who_has_the_key_too(path: str) -> None:
    masks = opened(path)
    for n in range(40):
        for _ in range(3):
            await masked(masks, f"{n}@x.io", f"{n}-{_}@x.io", who=("tenant", f"u{n % 4}", f"talk {n}"))
    with sqlite3.connect(path) as reader:
        salts = [s for (s,) in reader.execute("SELECT salt FROM salts")]
    reader.close()
    held = await masks.open("tenant", "u1", "talk 1")
    assert await masks.erase("tenant", "u0", "talk 0") == 1
    assert await masks.erase("tenant", "u0", "talk 0") == 0
    assert await masks.erase("tenant", "u1") == 10
    held.mask("EMAIL", "late@x.io")
    with pytest.raises(ConversationErased):
        await masks.save("tenant", "u1", "talk 1", held)
    assert await entries(masks, ("tenant", "u1", "talk 1")) == {}
    assert await entries(masks, ("tenant", "u2", "talk 2")) != {}
    assert await masks.erase("tenant") == 29
    await masks.close()
    on_disk, _ = disk(path)
    assert len(salts) == 40
    assert not any(salt in on_disk for salt in salts)


async def test_old_conversations_and_too_many_go(path: str, clock: list[float]) -> None:
    masks = opened(path, ttl_s=1000, max_conversations=3)
    for n in range(5):
        clock[0] += 100
        await masked(masks, f"{n}@x.io", who=("t", "u", str(n)))
    found = [await entries(masks, ("t", "u", str(n))) for n in range(5)]
    assert [bool(f) for f in found] == [False, False, True, True, True]
    clock[0] += 999
    assert await entries(masks, ("t", "u", "4")) != {}  # used: it stays
    clock[0] += 2
    assert await entries(masks, ("t", "u", "3")) == {}
    assert await entries(masks, ("t", "u", "4")) != {}
    await masks.close()


async def test_many_requests_add_up_to_few_rows(path: str) -> None:
    masks = opened(path)
    for n in range(3 * batches.MOST):
        await masked(masks, f"{n}@x.io")
    kept = await entries(masks)
    assert list(kept) == [f"EMAIL_{n + 1}" for n in range(3 * batches.MOST)]
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT count(*) FROM batches").fetchone()[0] <= batches.MOST + 1
    reader.close()
    await masks.close()


def test_a_file_needs_its_key(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(opened(path).close())
    monkeypatch.setenv(KEY_ENV, Fernet.generate_key().decode())
    with pytest.raises(ConfigError, match=f"{KEY_ENV} holds another key"):
        opened(path)
    monkeypatch.setenv(KEY_ENV, "correct horse")
    with pytest.raises(ConfigError, match="holds no Fernet key") as caught:
        opened(path)
    assert "horse" not in str(caught.value)
    monkeypatch.delenv(KEY_ENV)
    with pytest.raises(ConfigError, match=r"Fernet\.generate_key"):
        opened(path)


async def test_what_was_tampered_with_is_refused(path: str) -> None:
    masks = opened(path)
    await masked(masks, "a@x.io")
    with sqlite3.connect(path) as writer:
        writer.execute("UPDATE batches SET sealed = replace(sealed, substr(sealed, 20, 1), '-')")
    writer.close()
    with pytest.raises(StoreUnavailable, match="WrongKey"):
        await masks.open(*WHO)
    await masks.close()
    with pytest.raises(StoreUnavailable):
        await masks.open(*WHO)


async def test_a_vault_is_saved_where_it_belongs() -> None:
    masks = opened(None)
    vault = await masks.open(*WHO)
    for who, what in ((("tenant", "user", "other"), vault), (WHO, Vault())):
        with pytest.raises(ValueError, match="by which it was opened"):
            await masks.save(*who, what)
    await masks.close()


_CHILD = """
import asyncio, os, signal, sys
from stepwell.base.config.guards import MasksConfig
from stepwell.guards.masks.store import MaskStore

async def main():
    masks = MaskStore(MasksConfig(path=sys.argv[1], key_env=sys.argv[2]))
    vault = await masks.open("tenant", "user", "talk")
    vault.mask("EMAIL", "a@x.io")
    await masks.save("tenant", "user", "talk", vault)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_was_saved_survives_a_kill(path: str) -> None:
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", _CHILD, path, KEY_ENV], check=False)
    assert done.returncode == -9
    masks = opened(path)
    assert await masked(masks, "b@x.io", "a@x.io") == ["[EMAIL_2]", "[EMAIL_1]"]
    await masks.close()
