"""How much like written language a word of Latin letters is, by its pairs of letters."""

from __future__ import annotations

from functools import cache

_LETTERS = " abcdefghijklmnopqrstuvwxyz"
# rows: first letter, a space for the word's edge; columns: second. Half bits that a pair costs, from "0" on. Counted by
# tests/tools/count_letters.py over texts written for Stepwell in many languages, most of them English.
_COSTS = (
    "N7999:9<:8?>:9:99?:76<=8G<B",
    "6A:::H=:A9C<8:5G<H776<;@D9A",
    "97>FE4NED8>F7JH4NN8>B7ALN9I",
    ";6L=J6NN59G89BI5LN:=89FNN?A",
    "27CH=5F>G8DH>A@7GD::B<ABN;D",
    "39@;9:=?A<E@:;7?<C689@<><>B",
    "48NNI89EN6EN;LK4IN7E8:NLNBG",
    "38GNE5M=79MG;D:8IN8:?9NDN@I",
    "65?HB2JLK7KJAC@6JM;B:=KFE?N",
    "7=>8:9;:DFB=9;49=E:76D<M>DA",
    "85MC<4ACB:M>DF<4@MD:@4BFMMF",
    "39DI?3B@D7KB<D::BN?8?<H?NAH",
    "56BA95=EC7D=6@C7?G@:;;A@N9G",
    "56:FA4HFN7NEA;A78NA<B:GJN8N",
    "4:C:66?7C:D=>F=8CGD97<@FJ=D",
    "5>=<;>9=C=C<:85:;J6:96<9BBD",
    "66CB?5CG:9KI6CF6:N7::9DEI=N",
    ":MMMMFM?MFMM<MMMMMCM=0;MMMM",
    "48@=:4C>B7G<?<;7CG<89;?@N:C",
    "39G;@6GF98L<>>@8<CB96;D<N@C",
    "49D@@6EK49KH?CD7AN::<<K<N=D",
    "7;<;<8?:C:DC896@9N566BCFA@D",
    "97KFE1KBN6NNCID8CN@CIBDINAN",
    "65KIF5MF55NICJ:6NN8;CENNNCN",
    "38N:A9GNE:NNN>NB5NNN4NNN>?N",
    "1=>AB9HFK=HD??@5;NC8;DNAGFG",
    "47AA@4MCF5M><@>9AMCM<7F9M:;",
)


@cache
def _costs() -> dict[tuple[str, str], int]:
    rows = zip(_LETTERS, _COSTS, strict=True)
    return {(a, b): ord(cost) - ord("0") for a, row in rows for b, cost in zip(_LETTERS, row, strict=True)}


def cost(word: str) -> int:
    """Half bits that it takes to write the word, of a to z only; words of a language cost 6 to 10 a letter."""
    costs = _costs()
    return sum([costs[pair] for pair in zip(" " + word, word + " ", strict=True)])
