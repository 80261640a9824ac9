"""National numbers as data: how each is written, what proves it, and whether a word has to stand before it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stepwell.guards import id_digits as by
from stepwell.guards.check import any_word, begins

_CLASSES = {"0": "[0-9]", "L": "[A-Z]", "_": "[ .-]?", "~": "[.]?"}
_ANY_CASE = {"L": "[A-Za-z]"}
_SEPARATORS = str.maketrans("", "", " .-/+")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write one kind.

    Attributes:
        written: 0 a digit, L a capital, _ perhaps a space, dot or hyphen, ~ perhaps a dot; [..] any of these;
            others as they are.
        proves: Whether a value without separators may have been issued.
        words: A regex; one of them stands before the value. None: the value proves itself.
        is_any_case: Small letters will do.
    """

    kind: str
    written: str
    proves: Callable[[str], bool]
    words: re.Pattern[str] | None = None
    is_any_case: bool = False

    @property
    def atoms(self) -> list[str]:
        """A regex for each character, an optional separator joined to what follows it."""
        classes = _CLASSES | (_ANY_CASE if self.is_any_case else {})
        parts = re.findall(r"\[[^]]*\]|.", self.written)
        atoms: list[str] = []
        for regex in [classes.get(p) or (p if p[0] == "[" else re.escape(p)) for p in parts]:
            if atoms and atoms[-1].endswith("?"):
                atoms[-1] += regex
            else:
                atoms.append(regex)
        return atoms

    @property
    def whole(self) -> re.Pattern[str]:
        """Matches one character; group 1 is the rest of the value."""
        first, *rest = self.atoms
        return re.compile(begins(first, r"\w.\-/") + f"(?=({''.join(rest)})(?!\\w|[.\\-/][0-9]))", re.ASCII)

    def begun(self, n_max: int = 99) -> str:
        """Regex for the first to the `n_max`th character at the end of a text, and what may follow."""
        nested = ""
        for atom in reversed(self.atoms[1:n_max]):
            nested = f"(?:{atom}{nested})?+"
        return self.atoms[0] + nested + r"[ .\-/]?\Z"

    @property
    def shape(self) -> bytes:
        """What `id_shape` makes of every such value."""
        firsts = [p.strip("[]")[0] for p in re.findall(r"\[[^]]*\]|.", self.written)]
        return id_shape("".join(c for c in firsts if c not in "_~").encode())

    def is_proven(self, value: str) -> bool:
        return self.proves(value.translate(_SEPARATORS))


def _char(byte: int) -> str:
    """0 a digit, z a letter, else a space."""
    char = chr(byte)
    return " " if byte > 127 or not char.isalnum() else "0" if char.isdigit() else "z"


_TO_SHAPE = "".join(map(_char, range(256))).encode()


def id_shape(raw: bytes) -> bytes:
    """ASCII digits as 0, letters as z, everything else as a space; separators left out."""
    return raw.translate(_TO_SHAPE, b" .-/+")


_FORMS = (
    ("UK_NINO", "LL_00_00_00_[A-D]", by.uk_nino, ""),
    ("UK_NHS", "000_000_0000", by.uk_nhs, "nhs patient"),
    ("DE_TAX_ID", "00_000_000_000", by.de_tax, ""),
    ("FR_NIR", "[1-478]_00_00_00_000_000_00", by.fr_nir, ""),
    ("FR_NIR", "[1-478]_00_00_2[AB]_000_000_00", by.fr_nir, ""),
    ("ES_DNI", "00~000~000_L", by.es_dni, ""),
    ("ES_NIE", "[XYZ]_0000000_L", by.es_dni, ""),
    ("IT_FISCAL_CODE", "LLL_LLL_00L00_L000L", by.it_fiscal, ""),
    ("NL_BSN", "0000_00_000", by.nl_bsn, "bsn burgerservice\\w* sofi\\w* citizen"),
    ("NL_BSN", "000_000_000", by.nl_bsn, "bsn burgerservice\\w* sofi\\w* citizen"),
    ("PL_PESEL", "00000000000", by.pl_pesel, "pesel\\w*"),
    ("SE_PERSONNUMMER", "000000-0000", by.se_personal, ""),
    ("SE_PERSONNUMMER", "[12]0000000-0000", by.se_personal, ""),
    ("SE_PERSONNUMMER", "[12]00000000000", by.se_personal, "personnummer personnr samordningsnummer swedish"),
    ("BR_CPF", "000.000.000-00", by.br_cpf, ""),
    ("BR_CPF", "00000000000", by.br_cpf, "cpf cadastro"),
    ("BR_CNPJ", "00.000.000/0000-00", by.br_cnpj, ""),
    ("BR_CNPJ", "00000000000000", by.br_cnpj, "cnpj"),
    ("IN_AADHAAR", "[2-9]000[ -]0000[ -]0000", by.in_aadhaar, ""),
    ("IN_AADHAAR", "[2-9]00000000000", by.in_aadhaar, "adhaar aadhaar uid uidai"),
    ("IN_PAN", "LLLPL0000L", by.any_value, ""),
    ("IN_PAN", "LLL[ABCFGHJLT]L0000L", by.any_value, "pan permanent"),
    ("CA_SIN", "000_000_000", by.ca_sin, "sin nas social insurance assurance"),
    ("AU_TFN", "000_000_000", by.au_tfn, "tfn tax"),
    ("CH_AHV", "756_0000_0000_00", by.ch_ahv, ""),
    ("BE_NATIONAL_NUMBER", "00.00.00-000.00", by.be_national, ""),
    ("FI_HETU", "000000-0000", by.fi_hetu, ""),
    ("FI_HETU", "000000-000L", by.fi_hetu, ""),
    ("FI_HETU", "000000A0000", by.fi_hetu, ""),
    ("FI_HETU", "000000A000L", by.fi_hetu, ""),
    ("CN_RESIDENT_ID", "[1-8]00000000000000000", by.cn_resident, ""),
    ("CN_RESIDENT_ID", "[1-8]0000000000000000[Xx]", by.cn_resident, ""),
    ("MX_CURP", "LLLL000000[HMX]LLLLL00", by.mx_curp, ""),
    ("MX_CURP", "LLLL000000[HMX]LLLLLL0", by.mx_curp, ""),
    ("TR_IDENTITY", "00000000000", by.tr_identity, "tc tckn kimlik"),
    ("ZA_ID", "0000000000000", by.za_identity, "id identity sa"),
    ("KR_RRN", "000000-0000000", by.kr_resident, ""),
)


def _form(kind: str, written: str, proves: Callable[[str], bool], words: str) -> Form:
    return Form(
        kind, written, proves, any_word(words) if words else None, is_any_case=kind == "IT_FISCAL_CODE"
    )


FORMS = tuple(_form(*f) for f in _FORMS)
LETTERED = tuple(f for f in FORMS if not f.shape.startswith(b"0" * 7))
"""Those that a search for numbers does not see coming."""
