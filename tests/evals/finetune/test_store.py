"""The store: whole versions, an alias moved at once, and neither two processes nor a kill tears them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.heads import write_card
from stepwell.evals.finetune.store import promote_bundle, rollback
from stepwell.router.tiers.adapters import adapters_folder, find_bundle, read_aliases, versions_of
from stepwell.router.tiers.bundle import TAINTED, Bundle, BundleCard, file_sha256, read_bundle


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def bundle(folder: Path, content: bytes) -> Bundle:
    folder.mkdir(parents=True)
    (folder / "adapter.gguf").write_bytes(content)
    write_card(folder, BundleCard("mails", "adapter", file_sha256(folder / "adapter.gguf"), base="b"))
    return read_bundle(folder)


def served(name: str = "mails") -> bytes:
    found = find_bundle(name)
    assert found is not None
    return found.file.read_bytes()


def test_a_promoted_model_is_what_its_name_means(tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "1", b"one"), bundle(tmp_path / "2", b"two")
    (tmp_path / "eval.json").write_text("{}")
    card = msgspec.structs.replace(first.card, exact={"base": 0.0, "adapter": 0.9}, said=("better",))
    made = promote_bundle(first, "mails", card=card, report=tmp_path / "eval.json")
    assert (served(), made.card.exact["adapter"]) == (b"one", 0.9)
    assert sorted(p.name for p in made.folder.iterdir()) == ["adapter.gguf", "card.json", "eval.json"]
    promote_bundle(second, "mails")
    assert served() == b"two"
    assert served(f"mails@{first.card.version[:6]}") == b"one"
    assert read_aliases("mails").previous == (first.card.version,)


def test_it_is_its_owners_alone(tmp_path: Path, home: Path) -> None:
    made = promote_bundle(bundle(tmp_path / "1", b"one"), "mails")
    for path in (home / "adapters" / "mails", made.folder, *made.folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_same_version_again_is_no_error(tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "1", b"one"), bundle(tmp_path / "2", b"two")
    for one in (first, first, second, first):
        promote_bundle(one, "mails")
    assert read_aliases("mails").champion == first.card.version
    assert read_aliases("mails").previous == (second.card.version,)
    assert len(versions_of("mails")) == 2


def test_a_rollback_goes_back_step_by_step(tmp_path: Path) -> None:
    made = [bundle(tmp_path / str(n), str(n).encode()) for n in range(3)]
    for one in made:
        promote_bundle(one, "mails")
    rollback("mails")
    assert served() == b"1"
    rollback("mails")
    assert served() == b"0"
    with pytest.raises(FinetuneError, match="no earlier version"):
        rollback("mails")
    rollback("mails", to=made[2].card.version[:8])
    assert served() == b"2"
    assert rollback("mails").champion == made[0].card.version


@pytest.mark.parametrize("to", ["zzz", ""])
def test_a_version_that_is_not_here_is_told(tmp_path: Path, to: str) -> None:
    promote_bundle(bundle(tmp_path / "1", b"one"), "mails")
    with pytest.raises(FinetuneError, match="0 versions begin with"):
        rollback("mails", to=to)
    with pytest.raises(FinetuneError, match="nothing is promoted as 'other'"):
        rollback("other")


@pytest.mark.parametrize("name", ["", "Mails", "../x", "a/b", "auto", "-x", "x" * 65, ".part"])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str, home: Path) -> None:
    with pytest.raises(FinetuneError, match="can't name a model"):
        promote_bundle(bundle(tmp_path / "1", b"one"), name)
    assert not home.exists()


def test_what_names_weights_stays_weights(tmp_path: Path, home: Path) -> None:
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "mine.gguf").write_bytes(b"GGUF")
    for name in ("smollm2-135m-instruct", "mine"):
        with pytest.raises(FinetuneError, match="names weights"):
            promote_bundle(bundle(tmp_path / name, b"one"), name)
    promote_bundle(bundle(tmp_path / "1", b"one"), "mails")
    (home / "weights" / "mails.gguf").write_bytes(b"GGUF")
    assert find_bundle("mails") is None, "weights that came later go before it, too"
    (tmp_path / "1.gguf").write_bytes(b"GGUF")
    beside = find_bundle(str(tmp_path / "1"))
    assert beside is not None, "a bundle's folder is itself, whatever lies beside it"


def test_a_name_means_nothing_before_it_serves(tmp_path: Path, home: Path) -> None:
    made = promote_bundle(bundle(tmp_path / "1", b"one"), "mails")
    (
        home / "adapters" / "mails" / "aliases.json"
    ).unlink()  # as in the moment before a first promotion is through
    assert find_bundle("mails") is None
    assert served(f"mails@{made.card.version}") == b"one"


def test_the_same_model_measured_again_says_what_was_measured_last(tmp_path: Path) -> None:
    one, report = bundle(tmp_path / "1", b"one"), tmp_path / "eval.json"
    for exact in (0.7, 0.9):
        report.write_text(str(exact))
        card = msgspec.structs.replace(one.card, exact={"adapter": exact})
        made = promote_bundle(one, "mails", card=card, report=report)
    assert (made.card.exact, (made.folder / "eval.json").read_text()) == ({"adapter": 0.9}, "0.9")
    assert sorted(p.name for p in made.folder.iterdir()) == ["adapter.gguf", "card.json", "eval.json"]


def test_nothing_goes_back_to_what_was_erased_from(tmp_path: Path) -> None:
    made = [promote_bundle(bundle(tmp_path / str(n), str(n).encode()), "mails") for n in range(3)]
    (made[1].folder / TAINTED).write_text("{}")
    for to in (None, made[1].card.version):
        with pytest.raises(FinetuneError, match=f"erased since.*--to {made[0].card.version}"):
            rollback("mails", to=to)
    assert served() == b"2"
    rollback("mails", to=made[0].card.version)
    assert served() == b"0"
    (made[0].folder / TAINTED).write_text("{}")
    assert rollback("mails", to=made[0].card.version).champion == made[0].card.version, "it serves already"
    with pytest.raises(FinetuneError, match="erased since"):
        promote_bundle(bundle(tmp_path / "again", b"1"), "mails")
    assert served() == b"0"


def test_a_damaged_copy_is_made_anew_and_never_gone_back_to(tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "1", b"one"), bundle(tmp_path / "2", b"two")
    kept = promote_bundle(first, "mails")
    promote_bundle(second, "mails")
    kept.file.write_bytes(b"torn")
    with pytest.raises(FinetuneError, match="damaged or gone"):
        rollback("mails")
    assert served() == b"two"
    promote_bundle(first, "mails")
    assert served() == b"one"


def test_a_bundle_that_changed_since_it_was_read_is_not_promoted(tmp_path: Path) -> None:
    one = bundle(tmp_path / "1", b"one")
    one.file.write_bytes(b"other")
    with pytest.raises(FinetuneError, match="sha256 is not the one"):
        promote_bundle(one, "mails")
    assert read_aliases("mails").champion == ""


def test_two_processes_do_not_tear_it(tmp_path: Path) -> None:
    folders = [bundle(tmp_path / str(n), bytes([n]) * 200_000).folder for n in range(3)]
    code = (
        "import sys; from pathlib import Path;"
        "from stepwell.evals.finetune.store import promote_bundle;"
        "from stepwell.router.tiers.bundle import read_bundle;"
        "[promote_bundle(read_bundle(Path(f)), 'mails') for _ in range(5) for f in sys.argv[1:]]"
    )
    orders = (folders, folders[::-1], folders[1:] + folders[:1])
    running = [subprocess.Popen([sys.executable, "-c", code, *map(str, order)]) for order in orders]
    n_seen = 0
    while any(p.poll() is None for p in running):
        if adapters_folder().is_dir() and read_aliases("mails").champion:
            assert len(served()) == 200_000
            n_seen += 1
    assert [p.returncode for p in running] == [0, 0, 0]
    aliases = read_aliases("mails")
    assert sorted({aliases.champion, *aliases.previous}) == sorted(versions_of("mails"))
    assert len(aliases.previous) == 2
    assert n_seen > 0


def test_a_kill_leaves_what_served(tmp_path: Path, home: Path) -> None:
    first, second = bundle(tmp_path / "1", b"one"), bundle(tmp_path / "2", b"two" * 100)
    promote_bundle(first, "mails")
    code = (
        "import os, shutil, signal, sys; from pathlib import Path;"
        "from stepwell.evals.finetune import store; from stepwell.router.tiers.bundle import read_bundle;"
        "store.write_whole = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
        "store.promote_bundle(read_bundle(Path(sys.argv[1])), 'mails')"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(second.folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert served() == b"one"
    assert versions_of("mails") == [first.card.version]
    assert len(list((home / "adapters").glob(".*.part"))) == 1
    promote_bundle(second, "mails")
    assert served() == b"two" * 100
    assert list((home / "adapters").glob(".*.part")) == []


@pytest.mark.skipif(os.name == "nt", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_leaves_what_served(tmp_path: Path, home: Path) -> None:
    first, second = bundle(tmp_path / "1", b"one"), bundle(tmp_path / "2", b"2" * 100_000)
    promote_bundle(first, "mails")
    code = (
        "import resource, signal, sys; from pathlib import Path;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000));"
        "from stepwell.evals.finetune.store import promote_bundle;"
        "from stepwell.router.tiers.bundle import read_bundle;"
        "promote_bundle(read_bundle(Path(sys.argv[1])), 'mails')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(second.folder)], check=False, capture_output=True, text=True
    )
    assert "can't be written: File too large" in done.stderr
    assert served() == b"one"
    assert list((home / "adapters").glob(".*.part")) == []
