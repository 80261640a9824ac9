"""How much like written language a word of Latin letters is, by its pairs of letters."""

from __future__ import annotations

from functools import cache

_LETTERS = " abcdefghijklmnopqrstuvwxyz"
# rows: first letter, a space for the word's edge; columns: second. Half bits that a pair costs, from "0" on. Counted by
# tests/tools/count_letters.py over texts written for Stepwell in many languages, most of them English.
_COSTS = (
    "N6:99::<:7?>:9:99?:85<=8H<B",
    "6B::9G=:B9C<8;5G<K776<;?E9B",
    "97?JD4NFC7@F8NN4NN8>C7?JN:N",
    ";6J=J5NN59G89EJ5JL:?8:LNN>A",
    "28DH=5G>H8DJ=C?7FG::E;@AN;B",
    "39@;9:=?A<E@;;7?=C689@<>=>C",
    "48NNG89EN6FN;JN4JN7F8:NNNDF",
    "38INE5K>69NK<D;8GN8;@8NHNAK",
    "65>LA2NLN7LNAE@6IL;B:>JIF?N",
    "6=?8:9;:EGA<9<49?F966F<L>EC",
    "86KK<4?AA9K=DD;4?KK;@5ADKKD",
    "3:FGC3I>C6IC=E:;AN?7?<I>NAN",
    "66BB95=DC6E<6AD7?G?:;;C?N8G",
    "56;FF4HJN7NJB;B79NE<C:NIN7L",
    "4;E:66A6D:E>>H>8EHF97=@GK=C",
    "5>=>;=9>D<B=:85:;I6:96<9CCF",
    "66@B>6DI:8IG6FH6:N7::9BGK=N",
    ";KKKKKKKKKKK=KKKKKDKD0>KKKK",
    "48@=:4C>A8I<><;7CF=99<@AN;B",
    "39H;@7HF:8N<??@8<EF96<E<N@C",
    "49C@G6GL39NH?EC7CN;:<<K<N=E",
    "7<=;<7@:E;CD8:6A8N566DCHA@C",
    "<7IND1ICN6NNDII8GN?DIDGNNBN",
    "65INF5KG55NHCN:6NN9<EFNNNCN",
    "47L;L8ELE:LLL?LB5LLL4LLLCAL",
    "1>>BE9HII<IE>>A5=NG8;EN@FEK",
    "47J@D4JJD6J<=?=8JJBJ:7D9J9:",
)


@cache
def _costs() -> dict[tuple[str, str], int]:
    rows = zip(_LETTERS, _COSTS, strict=True)
    return {(a, b): ord(cost) - ord("0") for a, row in rows for b, cost in zip(_LETTERS, row, strict=True)}


def cost(word: str) -> int:
    """Half bits that it takes to write the word, of a to z only; words of a language cost 6 to 10 a letter."""
    costs = _costs()
    return sum([costs[pair] for pair in zip(" " + word, word + " ", strict=True)])
