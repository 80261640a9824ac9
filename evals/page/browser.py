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
        f"{_field('text', 'Search ids and texts', _SEARCH, css_class='field grow')}"
        f"{_field('show', 'Show', f'<select id=show>{shows}</select>')}"
        f"{_field('arm', 'Arm', _choice('arm', 'all arms'), css_class='field several')}"
        f"{_field('tag', 'Tag', _choice('tag', 'all tags'))}"
        f"{_field('order', 'Order', f'<select id=order>{orders}</select>')}"
        '<button type="reset">Reset</button></form>'
        '<p id="found" role="status">The samples open by script.</p>'
        '<div class="bench"><div id="listing"><div class="heads" id="heads"></div>'
        '<div id="list" role="listbox" tabindex="0" aria-label="Samples"><div class="filler" role="presentation"></div>'
        '</div></div><article id="sample" aria-label="Sample"></article></div>'
        '<p class="soft">In the list <kbd>↑</kbd> <kbd>↓</kbd> move and <kbd>Enter</kbd> opens; anywhere '
        "<kbd>j</kbd> <kbd>k</kbd> are next and previous, <kbd>/</kbd> searches, <kbd>Esc</kbd> goes back to the "
        "list.</p></section>"
    )


_SEARCH = '<input type="search" id="text" autocomplete="off" spellcheck="false">'


def _field(name: str, label: str, control: str, *, css_class: str = "field") -> str:
    return f'<div class="{css_class}"><label for="{name}">{label}</label>{control}</div>'


def _choice(name: str, every: str) -> str:
    return f'<select id="{name}"><option value="-1">{every}</option></select>'


def _options(of: tuple[tuple[str, str], ...], *, css_class: str = "") -> str:
    given = f' class="{css_class}"' if css_class else ""
    return "".join(f'<option value="{value}"{given}>{name}</option>' for value, name in of)


def _asset(name: str) -> str:
    return (resources.files("stepwell.evals.page") / name).read_text("utf-8")
