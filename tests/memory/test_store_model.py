"""Whatever is done to a store, in whatever order: it holds what a few dicts would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Record

CAP = 4


@dataclass
class Row:
    answer_id: str
    partition: bytes
    sketch: bytes
    expires_at_s: float


@dataclass
class Model:
    """A store in dicts: entries in the order in which they came, rows in the order in which they were attached."""

    entries: dict[str, Entry] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)

    def drop(self, hit_ids: list[str]) -> int:
        for hit_id in hit_ids:
            self.entries.pop(hit_id)
            self.records.pop(hit_id, None)
            self.rows = {name: row for name, row in self.rows.items() if hit_id not in (name, row.answer_id)}
        return len(hit_ids)

    def put(self, entry: Entry) -> None:
        self.drop([h for h, e in self.entries.items() if e.expires_at_s <= entry.stored_at_s])
        older = [h for h, e in self.entries.items() if e.key == entry.key]
        self.entries[entry.hit_id] = entry
        for hit_id in older:
            self.take_over(hit_id, entry)
        self.drop(older)
        mine = [h for h, e in self.entries.items() if e.tenant == entry.tenant]
        self.drop(mine[: max(0, len(mine) - CAP)])

    def take_over(self, older: str, entry: Entry) -> None:
        for name, row in self.rows.items():
            if row.answer_id == older and name != older:
                row.answer_id, row.expires_at_s = entry.hit_id, min(row.expires_at_s, entry.expires_at_s)
        if older in self.records:
            self.records[entry.hit_id] = self.records[older]

    def attach(self, hit_id: str, answer_id: str, partition: bytes, sketch: bytes, until_s: float) -> bool:
        own, answer = self.entries.get(hit_id), self.entries.get(answer_id)
        if own is None or answer is None or own.tenant != answer.tenant:
            return False
        self.rows.pop(hit_id, None)
        ends_at_s = min(until_s, own.expires_at_s, answer.expires_at_s)
        self.rows[hit_id] = Row(answer_id, partition, sketch, ends_at_s)
        for name in [name for name, row in self.rows.items() if row.answer_id == hit_id != name]:
            self.rows[name] = self.rows.pop(name)  # under a new number
        return True

    def judged(self, answer_id: str, is_same: bool) -> None:
        if answer_id in self.entries:
            old = self.records.get(answer_id, Record())
            self.records[answer_id] = Record(old.n_right + is_same, old.n_wrong + (not is_same))


steps = st.tuples(
    st.sampled_from(["put", "put", "put", "attach", "attach", "judged", "remove", "erase", "wait"]),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(0, 3),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=40))
async def test_a_store_holds_what_a_few_dicts_would(work: list[tuple[str, int, int, int]]) -> None:
    store, model, now_s = SqliteStore(max_entries_per_tenant=CAP), Model(), 100.0
    names: dict[int, str] = {}
    all_names: list[str] = []
    for i, (what, n, m, x) in enumerate(work):
        hit_id, other = names.get(n, "none"), names.get(m, "none")
        if what == "put":
            entry = _entry(n, f"h{n}.{i}", now_s, lives_s=10.0 * (1 + x))
            names[n] = entry.hit_id
            all_names.append(entry.hit_id)
            await store.put(entry)
            model.put(entry)
        elif what == "attach":
            until_s, partition, sketch = now_s + 5 + 10 * x, b"pq"[x % 2 :][:1], b"%d" % i
            said = await store.attach(
                hit_id,
                answer_id=other,
                partition=partition,
                vector=b"v",
                sketch=sketch,
                expires_at_s=until_s,
            )
            assert said is model.attach(hit_id, other, partition, sketch, until_s)
        elif what == "judged":
            store.judged(hit_id, is_same=x > 0)
            model.judged(hit_id, x > 0)
        elif what == "remove":
            assert store.remove(hit_id) is bool(model.drop([hit_id] if hit_id in model.entries else []))
        elif what == "erase":
            user = f"u{x % 2}" if x < 2 else None
            gone = [
                h
                for h, e in model.entries.items()
                if e.tenant == f"t{n % 2}" and (user is None or e.user == user)
            ]
            assert store.erase(tenant=f"t{n % 2}", user=user) == model.drop(gone)
        else:
            now_s += 7.0 * x
    await _compare(store, model, now_s, all_names)
    await store.close()


def _entry(n: int, hit_id: str, now_s: float, *, lives_s: float) -> Entry:
    made = Entry(hit_id, bytes([n]) * 32, f"t{n % 2}", f"u{n % 3}", b"{}", "l", "m", 0.5, now_s, 0.0)
    return replace(made, expires_at_s=now_s + lives_s)


async def _compare(store: SqliteStore, model: Model, now_s: float, names: list[str]) -> None:
    living = {h: e for h, e in model.entries.items() if e.expires_at_s > now_s}
    for _ in range(2):  # on the way to the disk, then on it
        for n in range(8):
            wanted = [e for e in living.values() if e.key == bytes([n]) * 32]
            assert await store.get(bytes([n]) * 32, now_s=now_s) == (wanted[0] if wanted else None)
        for name in names:
            assert await store.find(name, now_s=now_s) == living.get(name)
        await store.attach("none", answer_id="none", partition=b"", vector=b"", sketch=b"", expires_at_s=0.0)
    for partition in (b"p", b"q"):
        rows = store.vectors_after(partition, 0, now_s=now_s, limit=99)
        sketches = store.sketches(partition, [r.seq for r in rows])
        wanted_rows = [r for r in model.rows.values() if r.partition == partition and r.expires_at_s > now_s]
        assert [(r.answer_id, r.expires_at_s, sketches[r.seq]) for r in rows] == [
            (r.answer_id, r.expires_at_s, r.sketch) for r in wanted_rows
        ]
    assert store.records(names) == {h: r for h, r in model.records.items() if h in names}
