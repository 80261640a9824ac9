"""Values found in labelled rows: what counts as found, as false, as flagged."""

from __future__ import annotations

import pytest

from stepwell.evals.guards.replay import value_checks
from stepwell.evals.guards.values import Counted, ValueReport, count_values, counted, found_in, spans_of
from stepwell.guards import checks

MAIL, CARD = "jane.doe@example.org", "4111 1111 1111 1111"
TEXT = f"Write to {MAIL}, card {CARD}."


def spans(text: str, **labels: str) -> list[list[object]]:
    return [[text.index(v), text.index(v) + len(v), label] for label, v in labels.items()]


def of(report: ValueReport, label: str) -> Counted:
    return next(c for c in report.by_label if c.label == label)


def test_our_checks_find_labelled_values() -> None:
    rows: list[dict[str, object]] = [
        {"text": TEXT, "spans": spans(TEXT, EMAIL_ADDRESS=MAIL, CREDIT_CARD=CARD)},
        {"text": "Nothing of 12 words is anybody's here.", "spans": []},
    ]
    report = count_values(rows, value_checks())
    assert of(report, "CREDIT_CARD") == Counted("CREDIT_CARD", 1, 1, 1, 1, 0)
    assert of(report, "EMAIL_ADDRESS").recall == report.total.recall == report.total.precision == 1.0
    assert (report.n_clean, report.n_flagged) == (1, 0)
    assert report.us_per_1000_chars > 0


def test_a_value_behind_invisible_characters_is_found_as_by_a_guard() -> None:
    hidden = "\u200b".join(MAIL)
    report = count_values(
        [{"text": hidden, "spans": [[0, len(hidden), "EMAIL"]]}], [checks.make("email", {})]
    )
    assert (report.total.n_found, report.total.n_covered) == (1, 1)
    assert [f.kind for f in found_in([checks.make("email", {})], hidden)] == ["EMAIL"]


def test_missed_partly_found_and_false() -> None:
    read = [("aa 1234 bb 5678 cc 9999", [("CREDIT_CARD", 3, 7), ("CREDIT_CARD", 11, 15)]), ("dd 77", [])]
    found = [[("CREDIT_CARD", 3, 5), ("CREDIT_CARD", 19, 23)], [("EMAIL", 3, 5)]]
    report = counted("any", read, found, 1.0)
    assert of(report, "CREDIT_CARD") == Counted("CREDIT_CARD", 2, 1, 0, 2, 1)
    assert report.total == Counted("all", 2, 1, 0, 3, 2)
    assert report.total.recall == 0.5
    assert report.total.precision == pytest.approx(1 / 3)
    assert (report.n_clean, report.n_flagged) == (1, 1)
    low, high = report.total.recall_range
    assert 0 < low < 0.5 < high < 1


def test_a_hit_on_a_name_is_not_false_and_a_name_need_not_be_found() -> None:
    read = [("Ann Lee 555-0100", [("PERSON", 0, 7), ("PHONE", 8, 16)])]
    report = counted("any", read, [[("PHONE", 0, 7), ("PHONE", 8, 16)]], 1.0)
    assert [c.label for c in report.by_label] == ["PHONE"]
    assert (report.total.n, report.total.n_found, report.total.n_false) == (1, 1, 0)


def test_a_set_of_secrets_counts_every_label() -> None:
    read = [("k1 k2", [("jwt", 0, 2), ("stripe_live", 3, 5)])]
    report = counted("any", read, [[("SECRET", 0, 2)]], 1.0)
    assert [(c.label, c.recall) for c in report.by_label] == [("jwt", 1.0), ("stripe_live", 0.0)]
    assert report.total.precision == 1.0


def test_spans_in_either_form() -> None:
    row = {"text": "x", "spans": [[0, 1, "EMAIL"], {"start": 2, "end": 3, "type": "IP"}, [4, 9, "URL_QUERY"]]}
    assert list(spans_of(row)) == [("EMAIL", 0, 1), ("IP", 2, 3)]


def test_nothing_at_all_is_no_error() -> None:
    report = counted("any", [], [], 0.0)
    assert (report.total.recall, report.total.precision, report.by_label) == (1.0, 1.0, ())
    assert count_values([], value_checks()).n_clean == 0
