"""The frame of the sample browser; its scripts fill it."""

from __future__ import annotations

from importlib import resources

_SCRIPTS = ("data.js", "order.js", "diff.js", "show.js", "list.js", "sample.js", "start.js")

_SHOW = (
    ("all", "all rows"),
    ("wrong", "a score under 0.5"),
    ("flawed", "a score under 1"),
    ("right", "all right"),
    ("errors", "errors"),
)
_ORDER = (
    ("failures", "failures first"),
    ("low", "score, low first"),
    ("high", "score, high first"),
    ("dear", "cost, high first"),
    ("cheap", "cost, low first"),
    ("slow", "time, slow first"),
    ("fast", "time, fast first"),
)
_SEVERAL = ("differ", "arms that disagree")


def script() -> str:
    """All scripts as one that leaves no names behind."""
    return f'"use strict";\n(() => {{\n{"".join(_asset(name) for name in _SCRIPTS)}}})();\n'


def looks() -> str:
    return _asset("page.css")


def frame() -> str:
    """Shown once the script runs; without scripts there is a line that says so."""
    shows = _options(_SHOW) + _options((_SEVERAL,), css_class="several")
    orders = (
        _options(_ORDER)
        + _options((("differ", "disagreement"),), css_class="several")
        + _options((("suite", "as in the suite"),))
    )
    return (
        '<section class="browser" aria-labelledby="samples-title"><h2 id="samples-title">Samples</h2>'
        '<form id="sift" role="search" hidden>'
        '<label class="grow">Search ids and texts<input type="search" id="text" autocomplete="off" spellcheck="false">'
        f'</label><label>Show<select id="show">{shows}</select></label>'
        '<label class="several">Arm<select id="arm"><option value="-1">all arms</option></select></label>'
        '<label>Tag<select id="tag"><option value="-1">all tags</option></select></label>'
        f'<label>Order<select id="order">{orders}</select></label>'
        '<button type="reset">Reset</button></form>'
        '<p id="found" role="status">The samples open by script.</p>'
        '<div class="bench"><div id="listing"><div class="heads" id="heads"></div>'
        '<div id="list" role="listbox" tabindex="0" aria-label="Samples"><div class="filler" role="presentation"></div>'
        '</div></div><article id="sample" aria-label="Sample"></article></div>'
        '<p class="soft">In the list <kbd>↑</kbd> <kbd>↓</kbd> move and <kbd>Enter</kbd> opens; anywhere '
        "<kbd>j</kbd> <kbd>k</kbd> are next and previous, <kbd>/</kbd> searches, <kbd>Esc</kbd> goes back to the "
        "list.</p></section>"
    )


def _options(of: tuple[tuple[str, str], ...], *, css_class: str = "") -> str:
    given = f' class="{css_class}"' if css_class else ""
    return "".join(f'<option value="{value}"{given}>{name}</option>' for value, name in of)


def _asset(name: str) -> str:
    return (resources.files("stepwell.evals.page") / name).read_text("utf-8")
