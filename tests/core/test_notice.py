"""A notice keeps the text it always had in the journal, whatever it says."""

from __future__ import annotations

from datetime import date
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.facts.notice import STORED
from arrears.core.messages.kinds import MessageKind

DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
NUMBERS = st.integers(0, 10**6)
STEPS = st.lists(NUMBERS, max_size=3).map(tuple)
DEBTS = st.lists(st.builds(f.RemindedDebt, NUMBERS, NUMBERS, STEPS, NUMBERS), max_size=3).map(tuple)
KINDS = {
    f.Reminder: st.builds(f.Reminder, NUMBERS, NUMBERS, STEPS, DEBTS),
    f.Warning: st.builds(
        f.Warning, NUMBERS, NUMBERS, st.sampled_from(Action), NUMBERS, DAYS, st.booleans(), st.none() | DAYS
    ),
    f.Told: st.builds(f.Told, NUMBERS, st.sampled_from(["restricted", "disabled", "deleted", "running"]), DAYS),
    f.Expiring: st.builds(f.Expiring, NUMBERS, NUMBERS, DAYS),
    f.Announcement: st.builds(f.Announcement, st.sampled_from(MessageKind), DAYS, NUMBERS, NUMBERS, NUMBERS),
}


class Written(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="noticed"):
    """The notice as the first journals have it: what they hold is hashed, so nothing of it may ever change."""

    on: date
    reminder: f.Reminder | None = None
    warnings: tuple[f.Warning, ...] = ()
    told: tuple[f.Told, ...] = ()
    at_once: bool = False
    expiring: tuple[f.Expiring, ...] = ()
    announced: tuple[f.Announcement, ...] = ()


@st.composite
def notices(draw: st.DrawFn) -> f.Noticed:
    parts: list[f.NoticePart] = []
    for kind, made in KINDS.items():
        parts += draw(st.lists(made, max_size=1 if STORED[kind].alone else 3))
    return f.notice_of(draw(DAYS), draw(st.permutations(parts)), draw(st.booleans()))


def as_written(notice: f.Noticed) -> str:
    [reminder] = notice.each(f.Reminder) or (None,)
    written = Written(
        notice.on,
        reminder,
        notice.each(f.Warning),
        notice.each(f.Told),
        notice.at_once,
        notice.each(f.Expiring),
        notice.each(f.Announcement),
    )
    return msgspec.json.Encoder(order="deterministic").encode(written).decode()


def test_every_kind_of_part_is_tried_here() -> None:
    assert set(KINDS) == set(get_args(f.NoticePart)) == set(STORED)


@given(notices())
def test_every_combination_of_parts_comes_back_from_the_text_that_was_always_written(notice: f.Noticed) -> None:
    text = f.encode_fact(notice)
    assert text == as_written(notice)
    assert f.decode_fact(text) == notice
    assert f.encode_fact(f.decode_fact(text)) == text


def test_one_notice_has_one_reminder() -> None:
    twice = f.Noticed(on=date(2026, 1, 1), parts=(f.Reminder(1, 3), f.Reminder(1, 7)))
    with pytest.raises(AssertionError, match="a second reminder"):
        f.encode_fact(twice)


def test_the_reminders_of_several_debts_are_one_named_after_the_furthest() -> None:
    one, other = f.RemindedDebt(2, 0), f.RemindedDebt(1, 7, (3,))
    told = f.Told(1, "disabled", date(2026, 1, 1))
    parts = [told, f.Reminder(1, 0, (), (one,)), f.Reminder(1, 7, (3,), (other,))]
    assert f.notice_of(date(2026, 1, 1), parts).parts == (f.Reminder(1, 7, (3,), (other, one)), told)


def test_a_table_that_forgets_a_kind_says_so_when_it_is_loaded() -> None:
    assert closed("fruit", ["pear", "fig"], {"pear": 1}, {"fig": 2}) == {"pear": 1, "fig": 2}
    with pytest.raises(TypeError, match="fruit: fig is forgotten, pear is there twice, plum is unknown"):
        closed("fruit", ["pear", "fig"], {"pear": 1, "plum": 3}, {"pear": 2})
