"""What a person corrects: notices, promises and causes follow by themselves."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.stories.bank import Banked
from tests.stories.story import PRICE, STAFF, Story

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine.commands import corrections as do

WHY = "agreed by telephone"


def test_a_due_date_that_is_moved_lifts_the_cause_and_starts_anew() -> None:
    story = Story().until(29)
    do.move_due(story.store, "I1-1", story.date(59), story.now, STAFF, WHY)
    assert (story.account.case, story.sub().state) == (None, State.ACTIVE)
    story.until(85)
    assert story.sub().state is State.PAST_DUE


def test_a_due_date_is_not_moved_before_what_was_told() -> None:
    story = Story().until(10)
    do.move_due(story.store, "I1-1", story.date(40), story.now, STAFF, WHY)
    with pytest.raises(Refused, match="only moves later"):
        do.move_due(story.store, "I1-1", story.date(35), story.now, STAFF, WHY)


def test_a_credit_note_for_the_whole_ends_the_case() -> None:
    story = Story().until(40)
    assert story.sub().state is State.DISABLED
    do.credit(story.store, "I1-1", PRICE, story.now, STAFF, WHY)
    assert (story.account.debts, story.sub().state) == ((), State.ACTIVE)


def test_a_corrected_total_lowers_what_is_open_and_what_was_paid_too_much_is_credit() -> None:
    story = Story().until(3).pay(PRICE - 1000)
    do.correct(story.store, "I1-1", PRICE - 3000, story.now, STAFF, WHY)
    assert (story.account.debts, story.account.credit) == ((), {"EUR": 2000})
    with pytest.raises(Refused, match="issue another invoice"):
        do.correct(story.store, "I1-1", PRICE, story.now, STAFF, WHY)


def test_a_withdrawn_invoice_asks_for_nothing_once() -> None:
    story = Story().until(3)
    do.void(story.store, "I1-1", story.now, STAFF, WHY)
    assert story.account.debts == ()
    with pytest.raises(Refused, match="asks for nothing"):
        do.void(story.store, "I1-1", story.now, STAFF, WHY)


def test_what_is_given_up_is_given_up_once() -> None:
    story = Story().until(3)
    do.give_up(story.store, "I1-1", story.now, STAFF, WHY)
    with pytest.raises(Refused, match="nothing is open"):
        do.give_up(story.store, "I1-1", story.now, STAFF, WHY)


@pytest.mark.parametrize("less", [1_000, 8_000, PRICE])
@pytest.mark.parametrize("paid", [0, 5_000])
@pytest.mark.parametrize("given_up_first", [True, False])
def test_what_is_given_up_was_paid_by_nobody_and_is_no_credit_when_less_is_asked(
    paid: int, less: int, given_up_first: bool
) -> None:
    story = Story().until(3)
    if paid:
        story.pay(paid)
    for gives_up in (True, False) if given_up_first else (False, True):
        if not gives_up:
            do.credit(story.store, "I1-1", less, story.now, STAFF, WHY)
        elif story.account.debts:
            do.give_up(story.store, "I1-1", story.now, STAFF, WHY)
        story.run()
    kept = max(0, paid + less - PRICE)
    assert (story.account.debts, story.account.credit) == ((), {"EUR": kept} if kept else {})
    assert (story.sub().state, story.account.case) == (State.ACTIVE, None)
    story.check()


def test_a_payment_that_is_taken_back_is_owed_again_from_that_day_and_only_once() -> None:
    story = Story().until(3).pay(PRICE)
    story.until(10)
    do.take_back(story.store, "P1", None, story.now, STAFF, WHY)
    story.run()
    assert [(d.open_minor, d.day_0) for d in story.account.debts] == [(PRICE, story.date(10))]
    with pytest.raises(Refused, match="more cannot be taken back"):
        do.take_back(story.store, "P1", None, story.now, STAFF, WHY)


def test_a_transfer_for_several_invoices_that_is_taken_back_leaves_each_of_them_owed() -> None:
    story = Story().until(3)
    story.bill(4, 5_000)
    story.until(6).pay(PRICE + 5_000, debts=(1, 2))
    assert story.account.debts == ()
    do.take_back(story.store, "P1", None, story.now, STAFF, "it never came")
    assert {d.no: d.open_minor for d in story.account.debts} == {1: PRICE, 2: 5_000}
    story.run()
    assert (story.sub().state, story.account.credit) == (State.PAST_DUE, {})
    story.check()


def taking_back(story: Story, acts: list[tuple[int, list[int]]], left: dict[str, int]) -> None:
    """Pay so much for some invoices, or, of a number below nothing, take so much of the payments back, the oldest
    first."""
    for minor, debts in acts:
        if minor > 0:
            story.pay(minor, debts=tuple(debts))
            left[f"P{story.paid}"] = minor
            continue
        for ref in list(left)[: len(debts)]:
            if part := min(-minor, left[ref]):
                do.take_back(story.store, ref, part, story.now, STAFF, WHY)
                left[ref] -= part


@given(
    st.lists(
        st.tuples(st.integers(-400, 400), st.lists(st.sampled_from([1, 2, 3]), unique=True)), min_size=1, max_size=7
    )
)
@example([(150, [1]), (-50, [1])])
@example([(230, [1, 2]), (-80, [1])])
@example([(50, [1]), (50, [1])])
@example([(1, []), (100, [1])])
@example([(1, []), (-1, [1]), (1, [1])])
@settings(max_examples=40, deadline=None)
def test_whatever_is_taken_back_is_owed_again_and_no_more(acts: list[tuple[int, list[int]]]) -> None:
    story, left, asked = Story(bill=False), dict[str, int](), {1: 100, 2: 200, 3: 300}
    for minor in asked.values():
        story.bill(-1, minor)
    story.until(2)
    taking_back(story, acts, left)
    settled = sum(asked.values()) - sum(d.open_minor for d in story.account.debts)
    assert settled + sum(story.account.credit.values()) == sum(left.values())
    taking_back(story, [(-400, [0] * len(left))], left)
    assert {d.no: d.open_minor for d in story.account.debts} == asked
    assert not any(story.account.credit.values())
    story.check()


def test_what_a_provider_took_is_not_taken_back_by_a_person_as_the_provider_reports_that() -> None:
    story = Banked()
    story.card()
    story.until(2)
    [taken] = story.bank.taken
    with pytest.raises(Refused, match="reports by itself") as refused:
        do.take_back(story.store, f"bank:{taken}", None, story.now, STAFF, WHY)
    assert refused.value.code == "provider_reports"
    assert story.account.debts == ()
    story.agrees()


def test_who_and_why_stand_in_the_journal() -> None:
    story = Story().until(3)
    do.credit(story.store, "I1-1", 1000, story.now, STAFF, WHY, ref="CN-1")
    [one] = [r for r in story.store.history(story.no) if isinstance(r.fact, f.InvoiceCredited)]
    assert (one.author, one.why, one.fact.ref) == (STAFF, WHY, "CN-1")


def test_what_is_not_there_is_named() -> None:
    story = Story()
    with pytest.raises(Refused, match="there is no invoice 'I9'"):
        do.void(story.store, "I9", story.now, STAFF, WHY)
    with pytest.raises(Refused, match="there is no payment 'P9'"):
        do.take_back(story.store, "P9", None, story.now, STAFF, WHY)


def test_the_day_of_an_invoice_of_which_nothing_is_open_is_not_moved() -> None:
    story = Story().pay(PRICE, (1,))
    with pytest.raises(Refused, match="nothing is open of invoice 'I1-1', so no day of it can move"):
        do.move_due(story.store, "I1-1", story.date(59), story.now, STAFF, WHY)


def test_a_due_date_too_far_away_names_the_way_out() -> None:
    story = Story()
    with pytest.raises(Refused, match="the furthest is 3 years from now: say an earlier day"):
        do.move_due(story.store, "I1-1", story.date(2000), story.now, STAFF, WHY)
