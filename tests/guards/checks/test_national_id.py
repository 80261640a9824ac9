"""What the national_id check finds and leaves. The numbers are made up, or issuers' own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.checks.national_id import make
from stepwell.guards.id_forms import FORMS, id_shape

VALUES = [
    ("UK_NINO", "my NINO is ", "AB 12 34 56 C"),
    ("UK_NINO", "", "JG103759A"),
    ("UK_NHS", "NHS no. ", "943 476 5919"),
    ("DE_TAX_ID", "Steuer-ID ", "36 574 261 809"),
    ("DE_TAX_ID", "", "36574261809"),
    ("FR_NIR", "", "2 55 08 14 168 025 38"),
    ("FR_NIR", "", "295012A07801259"),
    ("ES_DNI", "DNI ", "54362315K"),
    ("ES_DNI", "", "54.362.315-K"),
    ("ES_NIE", "", "X-2482300-W"),
    ("IT_FISCAL_CODE", "", "RCCMNL83S18D969H"),
    ("IT_FISCAL_CODE", "", "rccmnl83s18d969h"),
    ("NL_BSN", "BSN: ", "111222333"),
    ("PL_PESEL", "PESEL ", "44051401359"),
    ("SE_PERSONNUMMER", "", "880320-0016"),
    ("SE_PERSONNUMMER", "", "19880320-0016"),
    ("BR_CPF", "", "390.533.447-05"),
    ("BR_CPF", "CPF ", "39053344705"),
    ("BR_CNPJ", "", "16.727.230/0001-97"),
    ("IN_AADHAAR", "", "2341 2341 2346"),
    ("IN_PAN", "", "ACUPA7085R"),
    ("CA_SIN", "Social insurance number ", "123-456-782"),
    ("AU_TFN", "TFN ", "123 456 782"),
    ("CH_AHV", "", "756.9217.0769.85"),
    ("BE_NATIONAL_NUMBER", "", "85.07.30-033.28"),
    ("FI_HETU", "", "131052-308T"),
    ("CN_RESIDENT_ID", "", "360426199101010071"),
    ("MX_CURP", "", "BOXW310820HNERXN09"),
    ("TR_IDENTITY", "TC kimlik no ", "17291716060"),
    ("ZA_ID", "ID number ", "7503305044089"),
    ("KR_RRN", "", "971013-9019902"),
]


@pytest.mark.parametrize(("kind", "before", "value"), VALUES)
def test_finds(kind: str, before: str, value: str) -> None:
    text = f"{before}{value}, thanks"
    assert (kind, value) in [(f.kind, text[f.start : f.end]) for f in make().find(text)]


@pytest.mark.parametrize(("kind", "before", "value"), VALUES)
def test_one_wrong_character_is_no_number(kind: str, before: str, value: str) -> None:
    wrong = value[:-1] + ("Z" if value[-1].isalpha() else str((int(value[-1]) + 1) % 10))
    found = [f.kind for f in make().find(f"{before}{wrong}, thanks")]
    assert kind not in found or kind == "IN_PAN"


@pytest.mark.parametrize(
    "text",
    [
        "943 476 5919",
        "order 111222333",
        "123-456-782",
        "a44051401359",
        "QQ123456C",
        "GB123456A",
        "54362315K9",
        "3.54362315",
        "111.111.111-11",
        "2024-05-12T10:45:00",
        "HELLO1234W",
        "PAPER1234W",
        "sha256 9f86d081884c7d659a2feaa0c55ad015",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []


@pytest.mark.parametrize(("kind", "before", "value"), VALUES)
def test_its_shape_and_its_beginnings_are_seen(kind: str, before: str, value: str) -> None:
    forms = [f for f in FORMS if f.kind == kind]
    assert any(f.shape in id_shape(value.encode()) for f in forms)
    for n in range(1, len(value) + 1):
        text = before + value[:n]
        assert make().open_at(text) <= len(before)


@given(st.text("0123456789AB -./xX\n", max_size=60))
def test_spans_lie_in_the_text(text: str) -> None:
    check = make()
    assert all(0 <= f.start < f.end <= len(text) for f in check.find(text))
    assert 0 <= check.open_at(text) <= len(text)
