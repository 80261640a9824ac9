"""Erasing a person: nothing of theirs is left under the folders, whoever killed the erasure on its way."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepwell.evals.finetune.data import erase as erase_module
from stepwell.evals.finetune.data.chat import write_chat
from stepwell.evals.finetune.data.curate import CurateOptions, curate
from stepwell.evals.finetune.data.dataset import Dataset, read_card
from stepwell.evals.finetune.data.erase import erase_person
from stepwell.evals.finetune.data.erase_lines import take_out
from stepwell.evals.finetune.data.example import Example, FinetuneError, write_examples
from stepwell.evals.finetune.data.tainted import is_tainted, read_marks
from stepwell.evals.finetune.suite_of import held_out_suite
from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.evals.finetune.train.trained import CARD as TRAINING
from stepwell.evals.finetune.train.trained import TrainingCard
from stepwell.evals.folder import RunFolder
from stepwell.front.cli.main import main
from stepwell.router.outcome_notes import tenant_digest, user_digest
from stepwell.router.tiers.adapters import adapters_folder
from stepwell.router.tiers.bundle import CARD, BundleCard
from stepwell.traffic_line import Logged

ACME = tenant_digest("acme")
KIM, ANN = user_digest(ACME, "kim").hex(), user_digest(ACME, "ann").hex()
Said = tuple[dict[str, object], ...]
SECRETS = {KIM: "marmalade", ANN: "rhubarb"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))


def example(n: int) -> Example:
    who = KIM if n % 3 == 0 else ANN
    said: Said = (
        {"role": "system", "content": "Long rules"},
        {"role": "user", "content": f"{SECRETS[who]} jar {n}?"},
    )
    return Example(f"e{n}", said, f"{n} of {SECRETS[who]}", source="traffic", tenant=ACME.hex(), user=who)


def learnt(folder: Path, dataset_sha256: str) -> Path:
    folder.mkdir(parents=True)
    card = TrainingCard(Recipe(), "b", dataset_sha256, "w", 10, 1, 0.5, 1.0)
    (folder / TRAINING).write_bytes(msgspec.json.encode(card))
    return folder


def bundle(folder: Path, dataset_sha256: str) -> Path:
    folder.mkdir(parents=True)
    made = BundleCard("skill", "adapter", "0" * 64, dataset_sha256=dataset_sha256)
    (folder / CARD).write_bytes(msgspec.json.encode(made))
    return folder


class Place:
    """Everything that may hold somebody's text."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        examples = [example(n) for n in range(60)]
        write_examples(root / "examples.jsonl", examples)
        self.made = curate(examples, options=CurateOptions(system="jars"))
        self.made.save(root / "dataset")
        self.other = curate([e for e in examples if e.user == ANN], options=CurateOptions(held_out=5))
        self.other.save(root / "other")
        sha256 = self.made.card.sha256
        self.trained = learnt(root / "deep" / "training", sha256)
        self.clean = learnt(root / "clean", self.other.card.sha256)
        self.promoted = bundle(adapters_folder() / "skill" / ("0" * 12), sha256)
        write_chat(root / "openai.jsonl", self.made.train, self.made.card, host="openai")
        lines = [self._logged(e) for e in examples]
        (root / "traffic.jsonl").write_bytes(b"".join(lines[30:]))
        (root / "traffic.jsonl.1").write_bytes(b"".join(lines[:30]))
        self._run(root / "training" / "eval")

    def _logged(self, e: Example) -> bytes:
        line = Logged(e.id, at_s=1.0, tenant=e.tenant, user=e.user, messages=e.messages, answer=e.answer)
        return msgspec.json.encode(line) + b"\n"

    def _run(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        run, suite = RunFolder(folder), held_out_suite(self.made)
        run.keep_suite(suite)
        entries = [{"t": "s", "row": row.id, "answer": "?" + row.targets[0]} for row in suite.rows]
        run.journal.write_bytes(b"".join(msgspec.json.encode(e) + b"\n" for e in entries))
        run.page.write_text(str([row.messages for row in suite.rows]))

    def paths(self) -> list[Path]:
        return [self.root]

    def texts(self) -> bytes:
        import gzip

        raw = [
            p.read_bytes() for top in (self.root, adapters_folder()) for p in top.rglob("*") if p.is_file()
        ]
        return b"".join(gzip.decompress(r) if r.startswith(b"\x1f\x8b") else r for r in raw)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "data")


def gone(place: Place) -> None:
    left = place.texts()
    assert KIM.encode() not in left
    assert b"marmalade" not in left
    assert ANN.encode() in left
    assert b"rhubarb" in left
    dataset = Dataset.load(place.root / "dataset")
    assert dataset.card.earlier == (place.made.card.sha256,)
    assert dataset.card.n_erased == 20
    assert dataset.card.n_train + dataset.card.n_held_out == 40
    assert dataset.card.system == "jars"
    assert read_card(place.root / "other") == place.other.card
    assert is_tainted(place.trained)
    assert is_tainted(place.promoted)
    assert not is_tainted(place.clean)
    (mark,) = read_marks(place.trained)
    assert (mark.dataset, mark.n_erased) == (place.made.card.sha256, 20)
    assert len(list((place.root).rglob("*.part"))) == 0


def test_nothing_of_a_user_is_left(place: Place) -> None:
    assert b"marmalade" in place.texts()
    done = erase_person(tenant="acme", user="kim", folders=place.paths())
    gone(place)
    assert (done.n_lines, done.n_examples, done.n_datasets) == (40, 20, 1)
    assert done.n_copies > 15
    assert (len(done.learnt), done.n_newly) == (2, 2)
    assert (place.root / "traffic.jsonl.1").read_bytes().count(b"\n") == 20


def test_again_changes_nothing(place: Place) -> None:
    erase_person(tenant="acme", user="kim", folders=place.paths())
    before = place.texts()
    done = erase_person(tenant="acme", user="kim", folders=place.paths())
    assert place.texts() == before
    assert (done.n_lines, done.n_examples, done.n_copies, done.n_newly) == (0, 0, 0, 0)
    assert len(done.learnt) == 2


def test_an_erasure_of_another_person_adds_a_mark(place: Place) -> None:
    erase_person(tenant="acme", user="kim", folders=place.paths())
    left = Dataset.load(place.root / "dataset").card
    erase_person(tenant="acme", user="ann", folders=place.paths())
    assert [m.dataset for m in read_marks(place.trained)] == [place.made.card.sha256, left.sha256]
    assert is_tainted(place.clean)
    assert Dataset.load(place.root / "dataset").card.n_erased == 60


def test_a_whole_tenant(place: Place) -> None:
    erase_person(tenant="acme", user=None, folders=place.paths())
    left = place.texts()
    assert ACME.hex().encode() not in left
    assert not any(word.encode() in left for word in SECRETS.values())


def test_nobody_of_that_name(place: Place) -> None:
    before = place.texts()
    for tenant, user in (("acme", "joe"), (None, "kim"), ("other", None)):
        done = erase_person(tenant=tenant, user=user, folders=place.paths())
        assert (done.n_lines, done.n_examples, done.learnt) == (0, 0, ())
    assert place.texts() == before
    with pytest.raises(FinetuneError, match="name whom"):
        erase_person(tenant=None, user=None, folders=place.paths())


class Killed(BaseException):
    """As SIGKILL: nothing is caught."""


N_STEPS = 16


@pytest.mark.parametrize("at", range(N_STEPS))
def test_killed_on_its_way_and_made_again(place: Place, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    n = 0

    def dying(real: Any) -> Any:
        def call(*given: Any, **more: Any) -> Any:
            nonlocal n
            if n == at:
                raise Killed
            n += 1
            return real(*given, **more)

        return call

    with monkeypatch.context() as patch:
        for name in ("take_out", "write_whole", "mark"):
            patch.setattr(erase_module, name, dying(getattr(erase_module, name)))
        with pytest.raises(Killed):
            erase_person(tenant="acme", user="kim", folders=place.paths())
    erase_person(tenant="acme", user="kim", folders=place.paths())
    gone(place)


def test_lines_that_others_append_meanwhile_stay(place: Place) -> None:
    log = place.root / "traffic.jsonl"
    late = place._logged(example(100))
    seen = 0

    def is_out(raw: bytes) -> bool:
        nonlocal seen
        seen += 1
        if seen == 40:  # in the second pass: the new file is being written
            with log.open("ab") as file:
                file.write(late)
        return KIM.encode() in raw

    assert take_out(log, is_out, is_log=True) == 10
    assert log.read_bytes().endswith(late)
    assert KIM.encode() not in log.read_bytes()


def test_the_command_says_how_much(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(f"finetune: {{folders: [{place.root}]}}\ntraffic: {{path: {place.root}/traffic.jsonl}}")
    words = ["local", "erase", "--config", str(config), "--json"]
    assert main(words) == 2
    assert main([*words, "--tenant", "acme", "--user", "kim", str(tmp_path / "nowhere")]) == 2
    capsys.readouterr()
    assert main([*words, "--tenant", "acme", "--user", "kim"]) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert (told["n_lines"], told["n_examples"], len(told["learnt"])) == (40, 20, 2)
    gone(place)


def _of_suite(name: str, e: Example) -> Example:
    """As collected from a suite that was drawn from traffic."""
    return Example(name, e.messages, "another answer")


def test_copies_that_name_nobody_are_told_by_the_ask_alone(tmp_path: Path) -> None:
    theirs, others = [[example(n) for n in range(60) if (n % 3 == 0) is is_kim] for is_kim in (True, False)]
    write_examples(tmp_path / "examples.jsonl", [*theirs, *others])
    copies = [_of_suite(f"c{n}", e) for n, e in enumerate([*theirs, *others])]
    write_examples(tmp_path / "copied.jsonl", copies)
    made = curate(copies, options=CurateOptions(held_out=5))
    made.save(tmp_path / "dataset")
    trained = learnt(tmp_path / "training", made.card.sha256)
    rows = [{"id": e.id, "messages": e.messages, "scorer": "graded"} for e in copies]
    (tmp_path / "suite.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    unnamed = msgspec.structs.replace(theirs[0], tenant="", user="", at_s=1.0)
    write_examples(tmp_path / "unnamed.jsonl", [unnamed])
    done = erase_person(tenant="acme", user="kim", folders=[tmp_path])
    for name in ("examples.jsonl", "copied.jsonl", "suite.jsonl"):
        left = (tmp_path / name).read_bytes()
        assert (left.count(b"\n"), b"marmalade" in left) == (40, False)
    assert (tmp_path / "unnamed.jsonl").read_bytes().count(b"\n") == 1
    card = Dataset.load(tmp_path / "dataset").card
    assert card.n_erased == made.card.n_train + made.card.n_held_out - 40 > 0
    assert (done.learnt, is_tainted(trained)) == ((str(trained),), True)


def test_copies_are_found_later_by_the_datasets_card(place: Place, tmp_path: Path) -> None:
    late = [_of_suite(f"c{n}", example(n)) for n in range(6)]
    erase_person(tenant="acme", user="kim", folders=place.paths())
    write_examples(place.root / "late.jsonl", late)
    done = erase_person(tenant="acme", user="kim", folders=place.paths())
    assert (done.n_copies, b"marmalade" in place.texts()) == (2, False)


@pytest.mark.parametrize("names", [["train.jsonl", "held_out.jsonl"], ["train.jsonl"], ["card.json"]])
def test_a_datasets_files_stand_for_the_dataset(place: Place, names: list[str]) -> None:
    files = [place.root / "dataset" / name for name in names]
    done = erase_person(tenant="acme", user="kim", folders=[*files, place.trained])
    assert Dataset.load(place.root / "dataset").card.n_erased == 20
    assert (done.n_examples, is_tainted(place.trained)) == (20, True)


def test_a_dataset_changed_by_hand_is_erased_in_and_stays_unusable(place: Place) -> None:
    part = place.root / "dataset" / "train.jsonl"
    planted = msgspec.json.encode(Example("x", ({"role": "user", "content": "planted"},), "evil"))
    part.write_bytes(part.read_bytes() + planted + b"\n")
    for _ in range(2):
        done = erase_person(tenant="acme", user="kim", folders=place.paths())
    assert b"marmalade" not in place.texts()
    card = read_card(place.root / "dataset")
    assert (card.sha256, card.n_erased) == (place.made.card.sha256, 20)
    assert is_tainted(place.trained)
    with pytest.raises(FinetuneError, match="curate again"):
        Dataset.load(place.root / "dataset")
    done = erase_person(tenant="acme", user="ann", folders=place.paths())
    assert done.edited == (str(place.root / "dataset"),)
    assert "changed by hand" in done.said
    assert read_card(place.root / "dataset").n_erased == 60


def test_it_says_what_it_looked_for_and_not_more(place: Place) -> None:
    said = erase_person(tenant="acme", user="kim", folders=[place.root / "examples.jsonl"]).said
    assert said.endswith("no dataset with their examples among these paths")
    said = erase_person(tenant="acme", user="kim", folders=[place.root / "dataset", place.root / "none"]).said
    assert "trained models are marked" in said  # the promoted one
    said = erase_person(tenant="acme", user="ann", folders=[place.root / "other"]).said
    assert said.endswith("no model trained on them among these paths")


@pytest.mark.parametrize(
    "name", ["examples", "e.json", "e.ndjson", "e.txt", "e.jsonl.bak", "e.jsonl~", "e.gz"]
)
def test_files_of_lines_are_told_by_their_content(tmp_path: Path, name: str) -> None:
    import gzip

    path = tmp_path / name
    write_examples(path, [example(n) for n in range(6)])
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "blob").write_bytes(bytes(range(256)))
    assert erase_person(tenant="acme", user="kim", folders=[tmp_path]).n_lines == 2
    raw = path.read_bytes()
    assert KIM.encode() not in (gzip.decompress(raw) if name.endswith("gz") else raw)


def test_what_is_not_looked_into_is_said(tmp_path: Path) -> None:
    call = {"id": "c1", "call_type": "acompletion", "model": "m", "end_user": "kim", "messages": []}
    log, page, pretty = tmp_path / "litellm.jsonl", tmp_path / "page.json", tmp_path / "pretty.json"
    log.write_bytes(msgspec.json.encode(call) + b"\n")
    page.write_bytes(msgspec.json.format(msgspec.json.encode([call]), indent=2))
    pretty.write_bytes(msgspec.json.format(msgspec.json.encode([example(0)]), indent=2))
    (tmp_path / "settings.json").write_text("{\n}")
    write_examples(tmp_path / "e.jsonl", [example(0)])
    done = erase_person(tenant="acme", user="kim", folders=[tmp_path])
    assert sorted(done.not_looked_into) == sorted(map(str, (log, page, pretty)))
    assert f"{log}: not erased in" in done.said
    assert KIM in pretty.read_text()
