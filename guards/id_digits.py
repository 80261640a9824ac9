"""Check digits of national numbers, each by its authority's published rule. Values come without separators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_FI_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CF_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_CURP_CHARS = "0123456789ABCDEFGHIJKLMN?OPQRSTUVWXYZ"
# Verhoeff (1969): multiplication in the dihedral group D5, and the permutation of each place
_D5 = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def weighted(value: str, weights: Sequence[int]) -> int:
    """Sum of the digits times their weights."""
    return sum(int(d) * w for d, w in zip(value, weights, strict=True))


def is_date(year: int, month: int, day: int) -> bool:
    """Whether such a day may be; leap years are not looked at."""
    return (
        year >= 0
        and 1 <= month <= 12
        and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    )


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    return (sum(map(int, digits[-1::-2])) + sum(doubled[int(d)] for d in digits[-2::-2])) % 10 == 0


def uk_nino(value: str) -> bool:
    """Prefixes never given out (HMRC, NIM39110)."""
    return not (
        set(value[:2]) & set("DFIQUV")
        or value[1] == "O"
        or value[:2] in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    )


def uk_nhs(value: str) -> bool:
    """Modulus 11 (NHS data dictionary)."""
    return weighted(value[:9], range(10, 1, -1)) % 11 == (11 - int(value[9])) % 11 and len(set(value)) > 1


def de_tax(value: str) -> bool:
    """ISO 7064 MOD 11,10; one digit stands twice or three times among the first ten (BZSt)."""
    counts = Counter(Counter(value[:10]).values())
    if value[0] == "0" or counts[2] + counts[3] != 1 or any(n > 3 for n in counts):
        return False
    product = 10
    for digit in value[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(value[10])


def fr_nir(value: str) -> bool:
    """97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18 (INSEE)."""
    digits = value.upper().replace("2A", "19").replace("2B", "18")
    month = int(digits[3:5])
    return (month <= 12 or month >= 20) and month > 0 and 97 - int(digits[:13]) % 97 == int(digits[13:])


def es_dni(value: str) -> bool:
    """A letter by the number modulo 23; a foreigner's X, Y, Z count as 0, 1, 2."""
    number = value[:-1].upper().translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == value[-1].upper()


def it_fiscal(value: str) -> bool:
    """A letter by two tables (decree of 23 December 1976)."""
    places = [ord(c) - (48 if c.isdigit() else 65) for c in value.upper()]
    total = sum(_CF_ODD[p] for p in places[:15:2]) + sum(places[1:15:2])
    return total % 26 == places[15]


def nl_bsn(value: str) -> bool:
    """Eleven-test with the last digit negative."""
    return weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and len(set(value)) > 1


def pl_pesel(value: str) -> bool:
    """Weights 1, 3, 7, 9; the month tells the century."""
    is_born = is_date(0, int(value[2:4]) % 20, int(value[4:6]))
    return is_born and weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def se_personal(value: str) -> bool:
    """Luhn over the last ten digits; a coordination number adds 60 to the day."""
    number = value[-10:]
    return is_date(0, int(number[2:4]), int(number[4:6]) % 60) and luhn(number)


def br_cpf(value: str) -> bool:
    """Two check digits modulo 11."""
    return len(set(value)) > 1 and all(
        weighted(value[:n], range(n + 1, 1, -1)) * 10 % 11 % 10 == int(value[n]) for n in (9, 10)
    )


def br_cnpj(value: str) -> bool:
    """Two check digits modulo 11, weights 2 to 9 from the right."""
    return len(set(value)) > 1 and all(
        weighted(value[:n], [(n - 1 - i) % 8 + 2 for i in range(n)]) * 10 % 11 % 10 == int(value[n])
        for n in (12, 13)
    )


def in_aadhaar(value: str) -> bool:
    """Verhoeff; the first digit is 2 to 9 (UIDAI)."""
    check = 0
    for i, digit in enumerate(reversed(value)):
        check = int(_D5[check][int(_PERMUTED[i % 8][int(digit)])])
    return value[0] not in "01" and check == 0 and len(set(value)) > 1


def ca_sin(value: str) -> bool:
    """Luhn; 0 and 8 begin none."""
    return value[0] not in "08" and luhn(value)


def au_tfn(value: str) -> bool:
    """Weighted sum modulo 11."""
    return weighted(value, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and len(set(value)) > 1


def ch_ahv(value: str) -> bool:
    """EAN-13."""
    return weighted(value, (1, 3) * 6 + (1,)) % 10 == 0


def be_national(value: str) -> bool:
    """97 less the number modulo 97; a 2 goes before it for who was born from 2000 on."""
    number, check = value[:9], int(value[9:])
    is_born = int(value[2:4]) % 20 <= 12 and int(value[4:6]) <= 31
    return is_born and check in (97 - int(number) % 97, 97 - int("2" + number) % 97)


def fi_hetu(value: str) -> bool:
    """A character by the nine digits modulo 31."""
    digits = value[:6] + value[-4:-1]
    return is_date(0, int(value[2:4]), int(value[:2])) and _FI_LETTERS[int(digits) % 31] == value[-1].upper()


def cn_resident(value: str) -> bool:
    """ISO 7064 MOD 11-2 (GB 11643)."""
    total = sum(int(d) * pow(2, 17 - i, 11) for i, d in enumerate(value[:17]))
    year, month, day = int(value[6:10]), int(value[10:12]), int(value[12:14])
    return (
        1900 <= year <= 2100 and is_date(year, month, day) and "10X98765432"[total % 11] == value[17].upper()
    )


def mx_curp(value: str) -> bool:
    """Weights 18 to 2 over the characters' places in an alphabet with Ñ."""
    total = sum(_CURP_CHARS.index(c) * (18 - i) for i, c in enumerate(value[:17].upper()))
    return is_date(0, int(value[6:8]), int(value[8:10])) and (10 - total % 10) % 10 == int(value[17])


def tr_identity(value: str) -> bool:
    """Two check digits over odd and even places."""
    places = [int(d) for d in value]
    tenth = (sum(places[:9:2]) * 7 - sum(places[1:8:2])) % 10
    return value[0] != "0" and tenth == places[9] and sum(places[:10]) % 10 == places[10]


def za_identity(value: str) -> bool:
    """A date, then Luhn over all."""
    return is_date(0, int(value[2:4]), int(value[4:6])) and luhn(value)


def kr_resident(value: str) -> bool:
    """A date, the sex and century, and for numbers up to 2020 a weighted sum."""
    total = weighted(value[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
    return is_date(0, int(value[2:4]), int(value[4:6])) and (11 - total % 11) % 10 == int(value[12])


def any_value(_value: str) -> bool:
    """A form without check digits."""
    return True
