"""Words that say nothing, and words written in several ways."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


STOP = frozenset(
    _words(
        """a an the of to in on at for with by from and or but if then than that this these those it its is are was
        were be been being am do does did done has have had i you he she we they me my your his her our their us them
        him as so such not no yes can could will would shall should may might must there here what which who whom when
        where why how also just only very more most some any all each every into out up down over under again about
        between through during because while until too own same other another get gets got make makes made use uses
        used using way ways usually generally typically most many please sure"""
    )
)
SMALL_NUMBERS = {
    word: str(n)
    for n, words in enumerate(
        ["zero", "once", "two twice", *_words("three four five six seven eight nine ten eleven twelve")]
    )
    for word in _words(words)
}
_MONTHS = _words("january february march april may june july august september october november december")
MONTHS = {name[:n]: f"month{i}" for i, name in enumerate(_MONTHS, 1) for n in (3, 4, len(name))}
UNITS = {
    word: line[0]
    for line in map(
        _words,
        [
            "km kilometre kilometres kilometer kilometers kms",
            "m metre metres meter meters",
            "cm centimetre centimetres centimeter centimeters",
            "mm millimetre millimetres millimeter millimeters",
            "mile miles mi",
            "foot feet ft",
            "inch inches",
            "kg kilogram kilograms kilo kilos",
            "g gram grams",
            "mg milligram milligrams",
            "lb lbs pound pounds",
            "l litre litres liter liters",
            "ml millilitre millilitres milliliter milliliters",
            "s second seconds sec secs",
            "min minute minutes mins",
            "h hour hours hr hrs",
            "d day days",
            "week weeks",
            "month months",
            "year years yr yrs",
            "percent %",
            "euro euros eur €",
            "dollar dollars usd $",
            "gbp £",
            "celsius °c",
            "fahrenheit °f",
            "kb kilobyte kilobytes",
            "mb megabyte megabytes",
            "gb gigabyte gigabytes",
        ],
    )
    for word in line
}
