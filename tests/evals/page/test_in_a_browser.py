"""The page in a real browser, offline: open, sort, filter, search, open a row, compare, by mouse and by keys."""

from __future__ import annotations

import json
import random
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from stepwell.evals.gate import gate
from stepwell.evals.page.index import index_of
from stepwell.evals.page.whole import write_page
from stepwell.evals.report import Question, from_journal
from stepwell.evals.suite import Row, Suite
from tests.support.browser import Opened, browser, opened
from tests.support.eval_runs import Made, made_run

N_ROWS = 400
HOSTILE = (
    '</script><script>window.owned = 1</script><img src="http://example.com/x" onerror="window.owned = 1">'
    "<style>body{display:none}</style>\u202egnp.exe &lt;b&gt; ${owned} `x`\u0000 javascript:alert(1)"
)


def answer(n: int, arm: str, repeat: int) -> str:
    words = [f"w{i}" for i in range(12)]
    words[random.Random(n).randrange(12)] = f"only{arm}"
    return " ".join(words) + (f" needle{n}" if arm == "good" else "")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_run(tmp_path_factory.mktemp("run"), N_ROWS, arms=("cheap", "good"), answer=answer)


@pytest.fixture(scope="module")
def file(made: Made) -> Path:
    return written(made)


@pytest.fixture
def seen(chromium: Browser, file: Path) -> Iterator[Opened]:
    """The page, ready; whatever a test does, it must not complain or ask for anything."""
    with opened(chromium, file, viewport={"width": 1200, "height": 900}) as found:
        ready(found.page)
        yield found
        assert found.complaints == []
        assert found.requests == []


@pytest.fixture
def page(seen: Opened) -> Page:
    return seen.page


def written(made: Made, *, rows: Sequence[Row] | None = None) -> Path:
    report = from_journal(made.journal, suite=made.suite, question=Question("good", 0.02))
    path = made.journal.with_name("page.html")
    write_page(
        path, report, gate=gate(report), journal=made.journal, rows=made.suite.rows if rows is None else rows
    )
    return path


def ready(page: Page, turn: int = 1) -> None:
    page.wait_for_selector(f"html[data-ready='{turn}']")
    page.wait_for_selector("#sample h3")


def shown(page: Page) -> list[int]:
    """Numbers of the rows in sight, from the top, once their texts are there."""
    page.wait_for_function("![...document.querySelectorAll('.option .id')].some((e) => !e.textContent)")
    options = page.locator("[role=option]").evaluate_all(
        "all => all.sort((a, b) => a.dataset.at - b.dataset.at).map((o) => o.querySelector('.id').textContent)"
    )
    return [int(o.removeprefix("row-")) for o in options]


def chips(page: Page, at: int) -> list[str]:
    return page.locator(f"#option-{at} .chip").all_text_contents()


def test_opens_offline_with_the_verdict_first(page: Page) -> None:
    assert page.locator("h1").inner_text().startswith("cheap is worse than good by ")
    assert page.locator("svg.chart:visible").count() == 1
    expect(page.locator("#found")).to_have_text(f"{N_ROWS} rows")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_failures_come_first_then_errors_then_what_is_right(page: Page) -> None:
    assert {"0.00"} <= set(chips(page, 0)) <= {"0.00", "err"}
    page.locator("#list").press("End")
    assert chips(page, N_ROWS - 1) == ["1.00", "1.00"]


@pytest.mark.parametrize("order", ["suite", "dear", "cheap", "slow", "high", "differ"])
def test_sorts_as_the_journal_says(page: Page, made: Made, order: str) -> None:
    page.select_option("#order", order)
    ready(page, 2)
    first = shown(page)[:5]
    assert first == sorted(range(N_ROWS), key=_keys(made)[order])[:5]


def _keys(made: Made) -> dict[str, Callable[[int], Any]]:
    index = index_of(made.journal, made.suite.rows)
    scores = zip(*map(index.scores, index.arms), strict=True)
    mean = [[s for s in row if s == s] for row in scores]
    # as the page holds them
    usd = [array("f", index.costs_usd(arm)) for arm in index.arms]
    cost = [(usd[0][n] + usd[1][n], n) for n in range(N_ROWS)]
    ms = [max(index.ms[index.place(n, arm)] for arm in range(len(index.arms))) for n in range(N_ROWS)]
    return {
        "suite": lambda n: n,
        "dear": lambda n: (-cost[n][0], n),
        "cheap": lambda n: cost[n],
        "slow": lambda n: (-ms[n], n),
        "high": lambda n: (-sum(mean[n]) / len(mean[n]) if mean[n] else 9, n),
        "differ": lambda n: (min(mean[n]) - max(mean[n]) if mean[n] else 9, n),
    }


def test_filters_to_errors_and_back(page: Page) -> None:
    page.select_option("#show", "errors")
    ready(page, 2)
    shown_text = page.locator("#found").inner_text()
    n_errors = int(shown_text.split()[0])
    assert 0 < n_errors < N_ROWS
    assert all("err" in chips(page, at) for at in range(min(5, n_errors)))
    page.click("button[type=reset]")
    ready(page, 3)
    expect(page.locator("#found")).to_have_text(f"{N_ROWS} rows")


def test_filters_by_tag_and_arm_together(page: Page, made: Made) -> None:
    tag = made.suite.rows[0].tags[0]
    n_of_tag = sum(tag in row.tags for row in made.suite.rows)
    page.select_option("#tag", label=f"{tag} ({n_of_tag})")
    ready(page, 2)
    expect(page.locator("#found")).to_have_text(f"{n_of_tag} of {N_ROWS} rows")
    page.select_option("#arm", label="cheap")
    ready(page, 3)
    assert len(chips(page, 0)) == 1
    assert page.locator("#heads").inner_text() == "cheap"


@pytest.mark.parametrize(
    ("text", "row"), [("NEEDLE77", 77), ("Question 123:", 123), ("row-399", 399), ('"', None), ("a\\b", None)]
)
def test_searches_ids_and_texts(page: Page, text: str, row: int | None) -> None:
    page.fill("#text", text)
    ready(page, 2) if row is not None else page.wait_for_selector("html[data-ready='2']")
    if row is None:
        expect(page.locator("#found")).to_have_text(f"No row of {N_ROWS} is like that")
        assert page.locator("[role=option]").count() == 0
    else:
        # an error of good has no answer, and so no needle
        expect(page.locator("#found")).to_have_text(f"1 of {N_ROWS} rows")
        assert shown(page) == [row]


def test_a_row_opens_with_both_answers_and_their_differences(page: Page) -> None:
    page.fill("#text", "row-77")
    ready(page, 2)
    page.locator("[role=option]").first.click()
    expect(page.locator("#sample h3")).to_have_text("row-77")
    expect(page.locator("#sample pre").first).to_contain_text("Question 77:")
    assert page.locator("#sample del").all_text_contents() == ["onlycheap"]
    assert [t.strip() for t in page.locator("#sample ins").all_text_contents()] == ["onlygood", "needle77"]
    page.uncheck("#marked")
    assert page.locator("#sample del, #sample ins").count() == 0
    assert page.evaluate("document.activeElement.id") == "marked"
    assert page.evaluate("location.hash") == "#row-78"


def test_the_compared_arms_can_change_sides(page: Page) -> None:
    page.fill("#text", "row-77")
    ready(page, 2)
    page.select_option("#side-left", label="good")
    page.select_option("#side-right", label="cheap")
    assert page.locator("#sample .answer h4").all_text_contents() == ["good", "cheap"]
    assert page.locator("#sample ins").all_text_contents() == ["onlycheap"]


def test_all_of_it_goes_by_keys(page: Page) -> None:
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"
    page.focus("#list")
    selected = "document.querySelector('[aria-selected=true]').dataset.at"
    for key, at in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", N_ROWS - 1), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(selected) == str(at)
        assert page.get_attribute("#list", "aria-activedescendant") == f"option-{at}"
    page.keyboard.press("PageDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    at = int(page.evaluate(selected))
    assert at > 3
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.tagName === 'H3'")
    expect(page.locator("#sample .steps span")).to_have_text(f"{at + 1} of {N_ROWS}")
    page.get_by_role("button", name="Next sample").click()
    expect(page.locator("#sample .steps span")).to_have_text(f"{at + 2} of {N_ROWS}")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "list"


def test_parts_have_the_roles_that_readers_need(page: Page) -> None:
    assert page.get_by_role("listbox", name="Samples").count() == 1
    assert page.get_by_role("search").count() == 1
    assert page.get_by_role("status").inner_text() == f"{N_ROWS} rows"
    for name in ("Search ids and texts", "Show", "Arm", "Tag", "Order"):
        assert page.get_by_label(name, exact=True).count() == 1
    option = page.locator("#list").get_by_role("option").first
    assert option.get_attribute("aria-setsize") == str(N_ROWS)
    expect(option).to_have_attribute("aria-label", re.compile(r"^row-\d+, Question .*, cheap \S+, good \S+$"))


def test_a_link_to_a_row_opens_it(chromium: Browser, file: Path) -> None:
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(f"{file.as_uri()}#row-200")
    ready(page)
    expect(page.locator("#sample h3")).to_have_text("row-199")
    context.close()


def test_on_a_narrow_screen_a_row_covers_the_list_until_it_is_closed(chromium: Browser, file: Path) -> None:
    with opened(chromium, file, viewport={"width": 390, "height": 800}) as found:
        page = found.page
        page.wait_for_selector("html[data-ready='1']")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("#sample").is_hidden()
        page.locator("[role=option]").nth(2).click()
        expect(page.locator("#sample")).to_be_visible()
        page.get_by_role("button", name="Close the sample").click()
        expect(page.locator("#sample")).to_be_hidden()
        assert found.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(chromium: Browser, file: Path, scheme: str) -> None:
    with opened(chromium, file, color_scheme=scheme) as found:
        ready(found.page)
        for place in ("h1", ".soft", ".chip.wrong", ".option .under", "#sample pre", "td small"):
            assert found.page.evaluate(_CONTRAST, place) >= 4.5, place


# WCAG 2.2's contrast of an element's text against what lies behind it
_CONTRAST = """(selector) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    const lit = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * lit[0] + 0.7152 * lit[1] + 0.0722 * lit[2];
  };
  const element = document.querySelector(selector), behind = [];
  for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
  const [a, b] = [over([...behind, getComputedStyle(element).color]), over(behind)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_hostile_texts_stay_text(chromium: Browser, tmp_path: Path) -> None:
    made = made_run(tmp_path, 6, arms=(HOSTILE, "good"), answer=lambda *_: HOSTILE)
    lines = made.journal.read_text("utf-8").replace('"row-3"', '"<b id=owned>row</b>"')
    made.journal.write_text(lines, "utf-8")
    with opened(chromium, written(made)) as found:
        page = found.page
        ready(page)
        for at in range(page.locator("[role=option]").count()):
            page.locator(f"#option-{at}").click()
            expect(page.locator("#sample .steps span")).to_contain_text(f"{at + 1} of")
        page.fill("#text", "javascript:alert")
        ready(page, 2)
        page.locator("[role=option]").first.click()
        assert page.evaluate("window.owned") is None
        assert page.locator("img, #owned").count() == 0
        expect(page.locator("#sample .answer pre").first).to_contain_text("</script><script>window.owned = 1")
        expect(page.locator("#sample .answer pre").first).to_contain_text("[U+202E]gnp.exe &lt;b&gt;")
        assert "\u202e" not in page.evaluate("document.body.innerText")
        assert found.complaints == []
        assert found.requests == []


def test_repeats_turns_and_several_messages_are_shown(chromium: Browser, tmp_path: Path) -> None:
    made = made_run(tmp_path, 1, arms=("a",), n_repeats=3, answer=lambda n, arm, repeat: f"take {repeat}")
    line = (
        '{"id": "row-0", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": '
        '[{"type": "text", "text": "What is it?"}]}], "turns": ["And then?"], "target": ["x", "y"]}'
    )
    rows = Suite.parse([line], name="s").rows
    with opened(chromium, written(made, rows=rows)) as found:
        ready(found.page)
        heads = found.page.locator("#sample .block h4").all_text_contents()
        assert heads == ["system", "Prompt", "Then, turn 2", "Target 1 (normalised)", "Target 2 (normalised)"]
        assert found.page.locator("#sample .block pre").nth(1).inner_text() == "What is it?"
        assert found.page.locator("#sample h5").count() == 3
        assert found.page.locator("#sample .compared").count() == 0
        assert found.complaints == []


def test_many_rows_scroll_without_many_elements(chromium: Browser, tmp_path: Path) -> None:
    made = made_run(tmp_path, 10_000, answer=lambda n, arm, repeat: f"{arm} {n}")
    with opened(chromium, written(made)) as found:
        page = found.page
        ready(page)
        page.select_option("#order", "suite")
        ready(page, 2)
        for share in (0.5, 0.25, 1.0):
            page.locator("#list").evaluate(
                "(list, share) => { list.scrollTop = share * list.scrollHeight; }", share
            )
            page.wait_for_function(
                """share => { const all = [...document.querySelectorAll(".option")];
                return all.some((o) => Math.abs(o.dataset.at - share * 10000) < 40); }""",
                arg=share,
            )
            assert page.locator("[role=option]").count() < 60
        assert shown(page)[-1] == 9999
        page.fill("#text", "good 9876")
        ready(page, 3)
        assert shown(page) == [9876]
        assert found.complaints == []


def test_without_scripts_the_figures_are_there(chromium: Browser, file: Path) -> None:
    with opened(chromium, file, java_script_enabled=False) as found:
        assert found.page.locator("h1").inner_text().startswith("cheap is worse than good by ")
        assert found.page.locator("table").count() >= 3
        assert found.page.locator("#found").inner_text() == "The samples open by script."


def test_small_sums_keep_their_digits(page: Page) -> None:
    scripts = (resources.files("stepwell.evals.page") / "show.js").read_text("utf-8")
    for cost_usd, words in ((0, "$0"), (4.3e-6, "$0.0000043"), (1.25e-9, "$0.00000000125"), (0.5, "$0.5000")):
        assert page.evaluate(f"(() => {{ {scripts}; return usdText({cost_usd}); }})()") == words


def test_each_line_of_a_text_runs_its_own_way(chromium: Browser, tmp_path: Path) -> None:
    text = "שלום, מה זה עושה?\nprint(a + b);\nשלום!"
    made = made_run(tmp_path, 1, arms=("a", "b"), answer=lambda n, arm, repeat: f"{text}\nreturn {arm};")
    row = json.dumps({"id": "row-0", "prompt": text, "target": "x"})
    with opened(chromium, written(made, rows=Suite.parse([row], name="s").rows)) as found:
        ready(found.page)
        for pre in (
            found.page.locator("#sample .block pre").first,
            found.page.locator("#sample .answer pre").first,
        ):
            starts = [pre.evaluate(PLACE, sign) for sign in ("p", ";", "ש", "!")]
            assert starts[0] < starts[1], "code runs from left to right"
            assert starts[2] > starts[3], "Hebrew runs from right to left"
        assert found.complaints == []


# the left edge of a sign, where it stands first
PLACE = """(pre, sign) => {
  const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let node; (node = walker.nextNode());) {
    const at = node.data.indexOf(sign);
    if (at < 0) continue;
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect().left;
  }
}"""
