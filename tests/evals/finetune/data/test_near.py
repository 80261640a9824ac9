"""Which asks are near: a copy with other courtesies or a misspelt word is, one about another order is not."""

import random

import pytest

from stepwell.evals.finetune.data.alike_across import leaks
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.data.near import is_same_ask, n_changed, near_across, near_pairs, words_of

MAIL = (
    "Dear team, my order 47-1183 came on Monday and the copper kettle in it has a dent near the spout. I would like "
    "the 39.90 EUR back on the card that I paid with, as the shop in Lund has no other kettle of that kind left."
)


def example(name: str, text: str, *, group: str = "") -> Example:
    return Example(name, ({"role": "user", "content": text},), "yes", group=group)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.lower(),
        MAIL + " Thanks!",
        "Hello, could you please help me: " + MAIL,
        MAIL.replace("spout", "spuot"),
        MAIL.replace("Lund", "Malmo"),
        MAIL.replace(".", " ."),
    ],
)
def test_a_copy_is_near(other: str) -> None:
    assert n_changed(words_of(MAIL), words_of(other)) is not None


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace("47-1183", "47-1184"),
        MAIL.replace("39.90", "39.95"),
        "I want my money back for a kettle with a dent.",
        "",
    ],
)
def test_another_order_is_not(other: str) -> None:
    assert n_changed(words_of(MAIL), words_of(other)) is None


def test_short_asks_with_another_word_are_two() -> None:
    assert n_changed(words_of("Cancel my card"), words_of("Activate my card")) is None
    assert n_changed(words_of("I did it"), words_of("I did not do it")) is None
    assert n_changed(words_of("Cancel my card"), words_of("please cancel the card!")) == 0


def sentences(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    words = [
        a + b for a in ("ba", "ko", "du", "fen", "gri", "lum") for b in ("dal", "nor", "rek", "sti", "va")
    ]
    return [" ".join(rng.choices(words, k=rng.randint(2, 30))) for _ in range(n)]


@pytest.mark.parametrize("seed", range(5))
def test_the_index_misses_no_pair(seed: int) -> None:
    rng = random.Random(seed)
    texts = sentences(60, seed)
    for _ in range(40):  # copies with a word or two changed
        words = rng.choice(texts).split()
        words[rng.randrange(len(words))] = rng.choice(["dunor", "bava", "komet"])
        texts.append(" ".join(words))
    words_of_all = [words_of(t) for t in texts]
    all_pairs = {
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if n_changed(words_of_all[i], words_of_all[j]) is not None
    }
    assert len(all_pairs) > 10
    assert set(near_pairs(words_of_all)) == all_pairs
    across = {(i, j + 50) for i, j in near_across(words_of_all[:50], words_of_all[50:])}
    assert across == {(i, j) for i, j in all_pairs if i < 50 <= j}


def test_leaks_name_the_plainest_reason() -> None:
    train = [
        example("t1", MAIL, group="talk"),
        example("t2", "Where is my parcel?"),
        example("t3", "Something else entirely", group="other"),
    ]
    held_out = [
        example("same", MAIL.upper(), group="talk"),
        example("near", MAIL.replace("spout", "spuot")),
        example("group", "And when does it come?", group="other"),
        example("clean", "How do I change my address?", group="mine"),
        example("nameless", "Is the shop open on Sunday?"),
    ]
    assert [(leak.kind, leak.train_id, leak.held_out_id) for leak in leaks(train, held_out)] == [
        ("same", "t1", "same"),
        ("near", "t1", "near"),
        ("group", "t3", "group"),
    ]


def test_the_same_ask_is_found_among_thousands_of_one_template() -> None:
    colours = sentences(3_000, 1)
    train = [example(str(n), f"please send one {text} of the usual kind") for n, text in enumerate(colours)]
    held_out = [example("h", f"please send one {colours[1234]} of the usual kind")]
    (leak,) = leaks(train, held_out)
    assert (leak.kind, leak.train_id) == ("same", str(colours.index(colours[1234])))


def test_an_ask_with_a_word_more_is_near_and_the_same_ask_unless_it_turns_it_round() -> None:
    plain = words_of("Where do your drivers leave parcels in winter")
    more, turned = (
        words_of(f"Where do your drivers {w} leave parcels in winter") for w in ("usually", "not")
    )
    assert n_changed(plain, more) == n_changed(plain, turned) == 1
    assert is_same_ask(plain, more)
    assert not is_same_ask(plain, turned)
    assert n_changed(plain, words_of("Where do your drivers leave letters in winter")) is None


@pytest.mark.parametrize(
    ("ask", "near", "other"),
    [
        (
            "请问我上周在网上订购的蓝色雨伞什么时候可以送到我家",
            "请问我上周在网上订购的绿色雨伞什么时候可以送到我家",
            "我的账户被锁定了应该怎样才能重新设置登录密码呢",
        ),
        (
            "先週オンラインで注文した青い傘はいつ自宅に届きますか教えてください",
            "先週オンラインで注文した赤い傘はいつ自宅に届きますか教えてください",
            "アカウントがロックされたので新しいパスワードを設定したいです",
        ),
        (
            "ร่มสีฟ้าที่ฉันสั่งซื้อออนไลน์เมื่อสัปดาห์ที่แล้วจะมาถึงบ้านเมื่อไร",
            "ร่มสีฟ้าที่ผมสั่งซื้อออนไลน์เมื่อสัปดาห์ที่แล้วจะมาถึงบ้านเมื่อไร",
            "บัญชีของฉันถูกล็อกต้องตั้งรหัสผ่านใหม่อย่างไรจึงจะเข้าใช้งานได้",
        ),
    ],
)
def test_scripts_without_blanks_are_compared_by_characters(ask: str, near: str, other: str) -> None:
    words = [words_of(text) for text in (ask, near, other)]
    assert set(near_pairs(words)) == {(0, 1)}
    assert set(near_across(words[:1], words[1:])) == {(0, 0)}


def test_a_number_amid_characters_is_a_number_and_one_character_may_turn_an_ask_round() -> None:
    one, two = words_of("我的订单12345现在到哪里了请告诉我"), words_of("我的订单67890现在到哪里了请告诉我")
    assert one.numbers == ("12345",)
    assert n_changed(one, two) is None
    can, can_not = (
        words_of("这件商品现在可以退货并且全额退款吗"),
        words_of("这件商品现在不可以退货并且全额退款吗"),
    )
    assert n_changed(can, can_not) == 1
    assert not is_same_ask(can, can_not)
