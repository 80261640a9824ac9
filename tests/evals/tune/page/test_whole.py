"""The page: sound HTML, nothing fetched, no text of a row, and the same numbers with and without scripts."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from stepwell.evals.page.labels import labels
from stepwell.evals.page.text import exact, pct, per_1k, shares, usd
from stepwell.evals.tune.describe import describe
from stepwell.evals.tune.floors import floors
from stepwell.evals.tune.frontier import Floor
from stepwell.evals.tune.page.whole import page
from stepwell.evals.tune.report import Origin, TuneReport, Verdict
from stepwell.evals.tune.rows import Outcomes
from stepwell.evals.tune.view import View

HOSTILE = '</script><img src=x onerror="alert(1)">&\'"'
SECRET = "the wording of a prompt"
VOID = {"meta", "input", "br", "img", "link", "hr"}


def outcomes(n: int = 300, k: int = 2, domain: str = "law") -> Outcomes:
    random = np.random.default_rng(1)
    unknown = np.full((n, k), np.nan)
    return Outcomes(
        ids=[f"row-{i}" for i in range(n)],
        prompts=[f"{SECRET} {i} {'x' * int(random.integers(1, 80))}" for i in range(n)],
        domains=[domain if i % 3 else "sums" for i in range(n)],
        sources=[""] * n,
        tiers=tuple(f"tier{j}" for j in range(k)),
        scores=(random.random((n, k)) < np.linspace(0.5, 0.8, k)).astype(float),
        out_tokens=unknown,
        cost_usd=unknown,
        n_input_tokens=np.ones(n),
        answers=[{} for _ in range(n)],
    )


def floor(q: float, k: int, *, by: str = "router") -> Floor:
    price = 0.1 if by == "router" else None
    share = tuple(1 / k for _ in range(k))
    return Floor(q, True, by, price, 0.6 + q / 10, q + 0.001, 2e-3 * q, share, 1 - q)  # type: ignore[arg-type]


def a_report(rows: Outcomes | None = None, *, by: str = "router", needed: int | None = None) -> TuneReport:
    rows = rows or outcomes()
    n, k = rows.scores.shape
    random = np.random.default_rng(2)
    costs = np.geomspace(1e-4, 3e-3, k) * (0.5 + random.random((n, 1)))
    p_ok = np.clip(0.6 * rows.scores + 0.4 * random.random((n, k)), 0, 1)
    verdict = Verdict(by, 0.9, 0.95, "The promise holds.", ("Tested on unseen labels.",), n, needed)  # type: ignore[arg-type]
    return describe(
        rows,
        costs,
        p_ok,
        costs,
        verdict=verdict,
        floors=[floor(q, k, by=by) for q in (0.8, 0.85, 0.9, 0.95)],
        origin=Origin("rows.jsonl", "ab" * 32, n, "stepwell tune rows.jsonl", 0, "0.1.0", "2026-11-21"),
        n_resamples=40,
    )


class Reader(HTMLParser):
    """Keeps what the tests ask about; fails where elements do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.tags: dict[str, int] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs), f"{tag} has an attribute twice"
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.ids += [v for v in [given.get("id")] if v]
        self.links += [
            v or "" for name, v in attrs if name in ("src", "href", "xlink:href", "action", "poster")
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def data_of(text: str) -> dict[str, list[dict[str, object]]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    read: dict[str, list[dict[str, object]]] = json.loads(found[1])
    return read


@pytest.fixture(scope="module")
def two() -> TuneReport:
    return a_report()


@pytest.mark.parametrize("k", [2, 5])
def test_is_sound_html(k: int) -> None:
    read = Reader(page(a_report(outcomes(k=k))))
    assert len(read.ids) == len(set(read.ids))
    assert read.tags["h1"] == 1
    assert read.tags["main"] == 1


def test_fetches_nothing(two: TuneReport) -> None:
    text = page(two)
    read = Reader(text)
    assert read.links == []
    assert read.handlers == []
    urls = set(re.findall(r"(?:https?:)?//[\w.]+", text.replace("'none'", "")))
    assert urls <= {"http://www.w3.org"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_runs_only_the_script_that_its_policy_names(two: TuneReport) -> None:
    import base64
    import hashlib

    text = page(two)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_holds_no_text_of_a_row(two: TuneReport) -> None:
    assert SECRET not in page(two)
    assert SECRET not in msgspec.json.encode(two).decode()


def test_escapes_every_name_from_outside() -> None:
    rows = replace(outcomes(domain=HOSTILE), tiers=("cheap", HOSTILE))
    report = a_report(rows)
    hostile = msgspec.structs.replace(
        report,
        title=HOSTILE,
        verdict=msgspec.structs.replace(report.verdict, headline=HOSTILE, said=(HOSTILE,)),
        origin=msgspec.structs.replace(report.origin, data=HOSTILE, command=HOSTILE, embedder=HOSTILE),
    )
    text = page(hostile)
    read = Reader(text)
    assert "img" not in read.tags
    assert read.handlers == []
    assert read.tags["script"] == 2
    assert HOSTILE in json.dumps(data_of(text), ensure_ascii=False).replace('\\"', '"')


def test_slider_and_table_say_the_same(two: TuneReport) -> None:
    text = page(two)
    moved = data_of(text)["floors"]
    rows = re.findall(r'<tr data-floor="(\d+)"(.*?)</tr>', text, re.DOTALL)
    assert len(moved) == len(rows) == len(two.frontier.floors)
    for f, now, (place, row) in zip(two.frontier.floors, moved, rows, strict=True):
        said = now["said"]
        assert isinstance(said, dict)
        assert now["q"] == exact(f.q)
        assert two.frontier.floors[int(place)] == f
        for shown in (exact(f.q), said["cost"], said["saved"], said["low"], said["score"], said["who"]):
            assert f">{shown}<" in row
        assert now["x"] == pytest.approx(1000 * f.cost_usd)
        assert now["wanted"] == pytest.approx(f.q * two.frontier.singles[-1].quality)


def test_shows_the_floor_in_force_without_scripts(two: TuneReport) -> None:
    text = page(two)
    assert re.findall(r'<tr data-floor="(\d+)" class="now"', text) == ["2"]
    assert 'id="floor" min="0" max="3" step="1" value="2"' in text
    assert f'<dd id="now-cost">{per_1k(two.policy.cost_usd)}</dd>' in text
    assert '<div class="slider" hidden>' in text


def test_hover_knows_every_point_of_the_router(two: TuneReport) -> None:
    router = two.frontier.curve("router")
    assert router is not None
    points = data_of(page(two))["points"]
    assert len(points) == len(router.points)
    assert all("price" in str(p["said"]) and "over mixing" in str(p["said"]) for p in points)


def test_says_how_many_labels_are_missing() -> None:
    text = page(a_report(by="mix", needed=1234))
    assert "<dd>300 of 1,234</dd>" in text
    assert "verdict fallen" in text
    assert "of those needed" not in page(a_report())


def test_every_section_is_there_for_two_tiers_and_for_more() -> None:
    for k, measure in ((2, "APGR"), (4, "AIQ")):
        text = page(a_report(outcomes(k=k)))
        assert f"<span>{measure}</span>" in text
        assert text.count('class="reliability"') == k
        assert ">sums<" in text
        assert "stepwell tune rows.jsonl" in text


def test_a_report_goes_to_json_and_back(two: TuneReport) -> None:
    assert msgspec.json.decode(msgspec.json.encode(two), type=TuneReport) == two


def test_a_report_leaves_out_rows_without_every_score() -> None:
    rows = outcomes()
    rows.scores[:20, 1] = np.nan
    assert a_report(rows).frontier.n_rows == 280


def test_a_drawing_stands_alone(two: TuneReport) -> None:
    view = View(two.frontier, 0.9)
    Reader(view.svg())
    assert "<style>" in view.svg()
    assert view._repr_svg_() == view.svg()
    lines = str(view).splitlines()
    assert len(lines) == 1 + len(two.frontier.floors)
    assert lines[3].split()[:2] == ["90%", "router"]
    assert len(view.compared().splitlines()) > 5


def test_names_keep_apart() -> None:
    names = ["first model", "second model", "third model"]
    at = [(50.0, 50.0), (52.0, 51.0), (60.0, 52.0)]
    placed = labels(names, at, font_px=12, frame=(0, 0, 400, 200))
    boxes = [p.box(len(n), 12) for p, n in zip(placed, names, strict=True)]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


@pytest.mark.parametrize(
    ("share", "said"), [(0.95, "95"), (1.0, "100"), (0.999, "99"), (0.0, "0"), (0.004, "&lt;1")]
)
def test_a_share_never_rounds_to_all_or_nothing(share: float, said: str) -> None:
    assert pct(share) == f"{said}%"


def test_a_chosen_share_keeps_its_digits() -> None:
    assert [exact(q) for q in (0.925, 0.95, 1.0, 0.29)] == ["92.5%", "95%", "100%", "29%"]


def test_floors_lie_on_the_curve() -> None:
    rows = outcomes()
    random = np.random.default_rng(2)
    costs = np.array([1e-4, 3e-3]) * (0.5 + random.random((300, 1)))
    p_ok = np.clip(0.6 * rows.scores + 0.4 * random.random((300, 2)), 0, 1)
    kept = floors(p_ok, 2 * costs, rows.scores, qs=(0.8, 0.9))
    verdict = Verdict(kept[-1].by, 0.9, 0.95, "", (), 300)
    origin = Origin("", "", 300, "", 0, "", "")
    report = describe(
        rows, costs, p_ok, 2 * costs, verdict=verdict, floors=kept, origin=origin, n_resamples=20
    )
    for promised, shown in zip(kept, report.frontier.floors, strict=True):
        assert shown.cost_usd == pytest.approx(promised.cost_usd / 2)
        assert shown.quality == pytest.approx(promised.quality)
        assert shown.saved == pytest.approx(promised.saved)
        assert shown.shares == pytest.approx(promised.shares)


def test_dollars_keep_three_figures() -> None:
    assert [usd(v) for v in (0, 0.0329, 0.252, 3.384, 12345)] == [
        "$0",
        "$0.0329",
        "$0.252",
        "$3.38",
        "$12,345",
    ]


def test_many_tiers_are_summed_up() -> None:
    assert shares(tuple("abcdef"), (0.3, 0.3, 0.2, 0.1, 0.06, 0.04)).endswith("and 2 more")
