from __future__ import annotations

from xml.etree import ElementTree

from stepwell.evals.cache.curves import Curves

SVG = "{http://www.w3.org/2000/svg}"


def test_a_drawing_stands_alone_and_names_every_line() -> None:
    lines = {"a < b": [(0.0, 0.0), (500.0, 0.4)], "c": [(0.0, 0.1), (1000.0, 0.2)], "none": []}
    curves = Curves("arrivals", "hit rate", lines, mark_y=0.3)
    root = ElementTree.fromstring(curves.svg())
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert {"a < b", "c", "arrivals", "hit rate", "1,000", "20 %"} <= set(texts)
    assert "none" not in texts
    drawn = [p.get("points", "") for p in root.iter(f"{SVG}polyline")]
    assert len(drawn) == 2
    ends = [tuple(map(float, line.split()[-1].split(","))) for line in drawn]
    assert ends[0][0] < ends[1][0]  # further right
    assert ends[0][1] < ends[1][1]  # higher up
    assert curves._repr_svg_() == curves.svg()


def test_nothing_to_draw_is_no_error() -> None:
    assert "<svg" in Curves("x", "y", {}).svg()
