from __future__ import annotations

from stepwell.memory.context.packing.dates import dates, day

DAY_S = 86_400.0
MAY_8 = 1_683_504_000.0  # 8 May 2023, 00:00 UTC


def test_a_day_is_told_in_utc() -> None:
    assert day(MAY_8) == "8 May 2023"
    assert day(MAY_8 - 1) == "7 May 2023"


def test_days_are_told_in_order() -> None:
    told = dates([MAY_8, MAY_8 + 5, MAY_8 + 3 * DAY_S, MAY_8 + 9 * DAY_S], max_spans=12)
    assert told == (
        "Of the messages that follow, the first 2 on 8 May 2023, the next on 11 May 2023, "
        "all later ones on 17 May 2023."
    )


def test_one_day_need_not_be_told() -> None:
    assert dates([MAY_8, MAY_8 + 5], max_spans=12) == ""
    assert dates([0.0, 0.0], max_spans=12) == ""
    assert dates([], max_spans=12) == ""


def test_a_message_of_unknown_time_goes_with_those_beside_it() -> None:
    told = dates([0.0, MAY_8, 0.0, MAY_8 + DAY_S, 0.0], max_spans=12)
    assert told == "Of the messages that follow, the first 3 on 8 May 2023, all later ones on 9 May 2023."


def test_the_line_stays_while_the_last_day_goes_on() -> None:
    begun = [MAY_8, MAY_8 + DAY_S]
    assert dates(begun, max_spans=12) == dates([*begun, MAY_8 + DAY_S + 60], max_spans=12)


def test_many_days_are_told_by_their_ends() -> None:
    told = dates([MAY_8 + i * DAY_S for i in range(30)], max_spans=3)
    assert told == (
        "Of the messages that follow, the first 10 from 8 May 2023 to 17 May 2023, the next 10 from 18 May 2023 to "
        "27 May 2023, all later ones from 28 May 2023 to 6 June 2023."
    )
