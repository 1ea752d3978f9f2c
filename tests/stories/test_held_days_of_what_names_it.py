"""A deletion counts no day on which it was held, neither from the end of service nor from the debt that is its clock,
also where that debt names another service (spec, section 8; decision 84). The days are written down by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle.test_stories import judged
from tests.sizes import few
from tests.stories.story import PRICE, Story

from arrears.core import facts as f
from arrears.core.account import HoldScope
from arrears.sim.ladder import disagreements

MAIL = 2
SCOPES = {1: (HoldScope.DEBT, 1), 2: (HoldScope.DEBT, 2), 3: (HoldScope.SUBSCRIPTION, MAIL), 4: (HoldScope.ACCOUNT, 0)}


def one_clock(second: int = 20) -> Story:
    """The invoice that is the account's clock names `cloud` alone, and one past due later names `mail`."""
    story = Story(policy='scope = "account"', services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    story.bill(second - 1, subscriptions=(MAIL,))
    return story


def held(story: Story, on: int, first: int, last: int) -> Story:
    """From noon of the day before its first full day on."""
    scope, target = SCOPES[on]
    story.until(first - 1).hold(last, scope=scope, target=target)
    return story


def deleted_on(story: Story, until: int = 260) -> int:
    """The day of the deletion of `mail`; and nobody who reads the journal says anything else."""
    story.until(until).check()
    assert story.facts(f.Parked) == []
    assert judged(story) == []
    assert list(disagreements(story.history(), story.store.policies())) == []
    [(_, scheduled)] = [(at, fact) for at, fact in story.facts(f.DeletionScheduled) if fact.subscription == MAIL]
    return story.day(scheduled.on)


def canceled(story: Story) -> Story:
    return story.until(5).cancel(MAIL)


@pytest.mark.parametrize(
    ("what", "day"),
    [
        (lambda s: canceled(s), 120),
        (lambda s: held(canceled(s), 2, 51, 60), 130),
        # From day 5 on 16 days of its retention, from day 0 on 18 of the clock.
        (lambda s: canceled(held(s, 2, 3, 20)), 138),
        # It is stopped with the account, and the days before that are days of the clock alone.
        (lambda s: held(s.until(11), 2, 13, 21), 129),
        # While the clock is held it is none, and the day by the other debt is told: 20 + 120.
        (lambda s: held(canceled(s), 1, 51, 60), 140),
        (lambda s: held(held(canceled(s), 2, 51, 60), 2, 71, 74), 134),
        # Each day once: 51 to 65, whichever came first.
        (lambda s: held(held(canceled(s), 2, 51, 60), 3, 56, 65), 135),
        (lambda s: held(held(canceled(s), 3, 51, 60), 2, 56, 65), 135),
        (lambda s: held(held(canceled(s), 2, 51, 60), 4, 56, 65), 135),
        # The same beside ten days on which the other one was held itself: 20 + 120 + 10.
        (lambda s: held(held(canceled(s), 2, 51, 60), 1, 63, 70), 150),
    ],
)
def test_each_plus_its_held_days(what: Callable[[Story], Story], day: int) -> None:
    assert deleted_on(what(one_clock())) == day


@pytest.mark.parametrize(("both", "day"), [(False, 120), (True, 130)])
def test_of_two_invoices_that_name_it_one_that_is_free_leads_to_it(*, both: bool, day: int) -> None:
    """One after the other is held: nobody can say that it was never held, and the later day is taken."""
    story = canceled(one_clock())
    story.bill(24, subscriptions=(MAIL,))
    held(story.until(30), 2, 51, 60)
    if both:
        story.until(60, "23:00").hold(70, scope=HoldScope.DEBT, target=3)
    assert deleted_on(story) == day


HOLDS = st.lists(
    st.tuples(st.sampled_from((2, 3, 4)), st.integers(2, 70), st.integers(0, 19)),
    min_size=1,
    max_size=3,
).map(lambda holds: sorted(holds, key=lambda hold: hold[1]))


@settings(max_examples=few(12, 300), deadline=None)
@given(second=st.integers(1, 28), cancel=st.none() | st.integers(1, 28), holds=HOLDS)
def test_no_day_counts_on_which_it_was_held(
    second: int, cancel: int | None, holds: Sequence[tuple[int, int, int]]
) -> None:
    """Counted one by one: the days of its retention, and those of either debt."""
    story = one_clock(second)
    acts: list[tuple[float, Callable[[], object]]] = []
    if cancel is not None:
        acts.append((cancel, lambda: story.until(cancel).cancel(MAIL)))
    acts += [(first - 0.5, lambda h=(on, first, first + many): held(story, *h)) for on, first, many in holds]
    for _, act in sorted(acts, key=lambda one: one[0]):
        act()
    off = {day for _, first, many in holds for day in range(first, first + many + 1)}

    def reached(start: int, days: int) -> int:
        return [day for day in range(start, 400) if day not in off][days]

    deleted = deleted_on(story, 320)
    ended = [fact.ended_on for _, fact in story.facts(f.OrderAcknowledged) if fact.subscription == MAIL]
    stopped = cancel if cancel is not None else next(story.day(on) for on in ended if on is not None)
    assert deleted == min(max(reached(stopped, 90), reached(day_0, 120)) for day_0 in (0, second))


# -- what held it is not owed any more, or another invoice names it since (decision 92) --------------------------------


@pytest.mark.parametrize("again", [None, 65])
@pytest.mark.parametrize("how", ["paid", "released"])
@pytest.mark.parametrize(("disputed", "day"), [(51, 129), (-1, 181)])
def test_days_on_which_it_was_held_are_none_whatever_became_of_that_invoice(
    disputed: int, day: int, how: str, again: int | None
) -> None:
    """The account's clock is a free invoice for `cloud`: 120 days, and those from 52 or from 0 on to 60. It changes
    nothing whether the invoice for `mail` is paid while it is disputed or is no longer so, nor that another follows."""
    story = one_clock(2)
    holds = []
    acts = [(5, lambda: story.cancel(MAIL)), (disputed, lambda: holds.append(story.dispute(2)))]
    for on, act in sorted(acts, key=lambda one: one[0]):
        story.until(on)
        act()
    story.until(61)
    _ = story.pay(PRICE, (2,)) if how == "paid" else story.release(holds[0])
    if again is not None:
        story.until(again - 1).bill(again, subscriptions=(MAIL,))
    assert deleted_on(story) == day


@pytest.mark.parametrize("how", ["paid", "given up"])
def test_who_objects_and_then_owes_nothing_has_all_days_of_the_retention(how: str) -> None:
    """The default policy: canceled on day 5, kept for 90 days, of which 6 to 60 were days of a dispute."""
    story = Story(services=("cloud", "mail"), bill=False)
    story.bill(1, subscriptions=(MAIL,))
    story.until(-1).dispute(1)
    canceled(story).until(61)
    _ = story.pay(PRICE, (1,)) if how == "paid" else story.write_off(1)
    assert deleted_on(story) == 151


def test_what_was_held_before_an_invoice_was_past_due_is_no_day_of_it() -> None:
    """An invoice that was held, a free one that came only afterwards, and the account's clock: no order of the two
    that name it leads to an earlier day than 120 and the ten of the hold."""
    story = canceled(one_clock(2))
    held(story, 2, 51, 60)
    story.until(64).bill(65, subscriptions=(MAIL,))
    assert deleted_on(story) == 130


def test_an_invoice_that_is_reopened_while_it_is_disputed_still() -> None:
    """Paid, and the money leaves again on day 70: the days 52 to 74 are none."""
    story = canceled(one_clock(2))
    story.until(51).dispute(2)
    story.until(61).pay(PRICE, (2,))
    story.until(70).reopen(2, due=1)
    story.until(75).release(1)
    assert deleted_on(story) == 143
