"""A promise to pay lets the ladder stand still while it is kept; broken, it goes on where it had stopped."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest
from tests.stories.bank import Banked
from tests.stories.story import PRICE, STAFF, Story, table

from arrears.core import facts as f
from arrears.core.account import Account, Action, DebtPart, DoubtKind, Mode
from arrears.core.arrangements import Arrangement, Instalment
from arrears.core.errors import Refused
from arrears.core.payments.settlement import quotes
from arrears.core.rules import arrangement, charge_agreed
from arrears.core.states import State
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.commands import corrections
from arrears.engine.payments import settling


def end(story: Story, promise: int = 1) -> None:
    commands.end_promise(story.store, story.no, promise, story.now, STAFF, "they asked")


# -- kept, and broken ----------------------------------------------------------------------------------------------


def test_while_a_promise_lasts_nothing_is_sent_and_kept_it_ends_the_case() -> None:
    story = Story().until(25)
    story.promise((40, 0))
    story.until(39).pay()
    assert story.until(60).diary(25, dates=True) == table("""
        day 25 12:00  promise 1: 12000
        day 25 12:00  hold 1 placed
        day 25 12:00  promised: disable cloud on day 45
        day 39 12:00  paid 12000 EUR
        day 39 12:00  promise 1 kept: 1
        day 39 12:00  resumed cloud: past_due -> active
        day 39 12:00  case settled
        day 41 00:00  hold 1 ended
    """)


def test_a_broken_promise_goes_on_where_the_ladder_had_stopped_with_a_new_warning_and_its_full_lead() -> None:
    story = Story().until(25)
    story.promise((34, 0))
    assert story.until(60).diary(25, dates=True) == table("""
        day 25 12:00  promise 1: 12000
        day 25 12:00  hold 1 placed
        day 25 12:00  promised: disable cloud on day 39
        day 35 00:00  hold 1 ended, void: disable cloud
        day 35 00:00  promise 1 broken, void: disable cloud
        day 35 09:00  warning 21: disable cloud on day 42
        day 37 09:00  warning 28: disable cloud on day 42
        day 43 00:00  disabled cloud on day 42
        day 43 00:00  cloud stopped; retention from day 42
        day 43 00:00  promised: delete cloud on day 132
        day 43 09:00  told: cloud disabled on day 42
    """)


def test_each_instalment_in_time_moves_the_dates_and_the_one_that_is_missed_breaks_it() -> None:
    story = Story().until(25)
    story.promise((34, 4000), (44, 4000), (54, 4000))
    story.until(30).pay(4000).until(40).pay(1000)
    assert story.until(46).diary(25, dates=True) == table("""
        day 25 12:00  promise 1: 4000, 4000, 4000
        day 25 12:00  hold 1 placed
        day 25 12:00  promised: disable cloud on day 39
        day 30 12:00  paid 4000 EUR
        day 30 12:00  promise 1 kept: 1
        day 30 12:00  hold 2 placed
        day 30 12:00  promised: disable cloud on day 49
        day 35 00:00  hold 1 ended, void: disable cloud
        day 40 12:00  paid 1000 EUR
        day 45 00:00  promise 1 broken
        day 45 00:00  hold 2 ended
        day 45 09:00  warning 21: disable cloud on day 52
    """)


def test_several_parts_at_once_are_several_that_are_kept() -> None:
    story = Story().until(10)
    story.promise((20, 4000), (30, 4000), (40, 4000))
    story.until(15).pay(8500)
    [arrangement] = story.account.arrangements
    assert (arrangement.kept, arrangement.next.on) == (2, story.date(40))
    story.until(40, "23:00").pay(3500)
    assert story.account.arrangements == ()
    assert story.sub().state is State.ACTIVE


@pytest.mark.parametrize(("paid_at", "kept"), [((20, "23:59"), True), ((21, "00:01"), False)])
def test_its_day_is_a_whole_day_of_the_customer(paid_at: tuple[int, str], kept: bool) -> None:
    story = Story(zone="Pacific/Niue").until(10)
    story.promise((20, 0))
    story.until(*paid_at).pay()
    assert [fact.broken for _, fact in story.facts(f.ArrangementEnded)] == [True] * (not kept)
    assert story.sub().state is State.ACTIVE
    story.check()


def test_ended_by_staff_no_day_that_was_told_comes_earlier() -> None:
    story = Story().until(10)
    story.promise((40, 0))
    assert story.announced(Action.DISABLE) == 60
    story.until(20)
    end(story)
    assert story.until(62).diary(20, only="warning disabled ended") == table("""
        day 20 12:00  promise 1 ended
        day 20 12:00  hold 1 ended
        day 30 09:00  warning 21: disable cloud on day 60
        day 37 09:00  warning 28: disable cloud on day 60
        day 61 00:00  disabled cloud on day 60
        day 61 09:00  told: cloud disabled on day 60
    """)


def test_a_promise_keeps_data_as_long_as_it_is_kept() -> None:
    story = Story().until(118)
    told = story.announced(Action.DELETE)
    story.promise((130, 0))
    story.until(131)
    assert story.sub().state is State.DISABLED
    assert (told, story.announced(Action.DELETE)) == (120, 138)
    assert story.until(140).diary(131, only="warning deletion") == table("""
        day 131 09:00  warning 89: delete cloud on day 138
        day 139 00:00  deletion of cloud scheduled
        day 140 00:00  deletion of cloud ordered
    """)


def test_who_has_paid_an_invoice_since_it_stopped_and_promises_the_rest_runs_again() -> None:
    story = Story().until(5)
    story.bill(4)
    story.until(32)
    assert story.sub().state is State.DISABLED
    story.promise((50, 0), debts=[2])
    assert story.sub().state is State.DISABLED, "a promise alone brings nothing back"
    story.pay(debts=(1,))
    assert story.sub().state is State.PAST_DUE


# -- what is asked for, and charged ---------------------------------------------------------------------------------


def asked(story: Story, also: tuple[int, ...] = ()) -> list[tuple[str, int]]:
    view = View(story.store.policies(), story.account, story.store.system().guards, story.now)
    return [(one.currency, one.amount_minor) for one in quotes(view, also)]


def test_nothing_is_demanded_before_its_day_and_on_it_no_more_than_is_due() -> None:
    story = Story().until(1)
    story.promise((10, 4000), (20, 8000))
    assert (asked(story), asked(story, (1,))) == ([], [("EUR", PRICE)])
    story.until(10, "00:00")
    assert asked(story) == [("EUR", 4000)]
    story.pay(1000)
    assert asked(story) == [("EUR", 3000)]
    story.until(10, "13:00").pay(3000)
    assert asked(story) == []
    story.bill(12, 500)
    story.until(13)
    assert asked(story) == [("EUR", 500)], "a new invoice is no part of what was promised"


def test_account_credit_goes_to_what_is_promised_too() -> None:
    story = Story().until(1)
    story.promise((10, 4000), (20, 8000))
    story.pay(4000, ())
    assert story.account.arrangements[0].kept == 1
    assert story.account.credit == {}


def declined() -> Banked:
    """Its card was declined on day 0, and would work by now."""
    story = Banked()
    story.card("first")
    story.bank.refuses.add("first")
    story.until(1)
    story.bank.refuses.clear()
    return story


def test_what_was_agreed_is_charged_on_its_day_and_nothing_else_is() -> None:
    story = declined()
    story.promise((10, 4000), (20, 8000), collects=True)
    assert story.until(30).diary(1, only="attempt kept settled") == table("""
        day 10 09:00  attempt 3 by merchant: EUR 4000 with method 1 for I1
        day 10 09:00  attempt 3 paid
        day 10 09:00  promise 1 kept: 1
        day 20 09:00  attempt 4 by merchant: EUR 8000 with method 1 for I1
        day 20 09:00  attempt 4 paid
        day 20 09:00  promise 1 kept: 2
        day 20 09:00  case settled
    """)
    story.agrees()


def test_without_agreement_nothing_is_charged_while_it_lasts() -> None:
    story = declined()
    story.promise((10, 4000), (20, 8000))
    story.until(10, "23:00")
    assert story.bank.taken == {}


def test_a_part_of_what_is_due_is_paid_already_and_only_the_rest_is_charged() -> None:
    story = declined()
    story.promise((10, 4000), (20, 8000), collects=True)
    story.until(5).pay(2500)
    story.until(10)
    assert [one.minor for one in story.bank.taken.values()] == [1500]


def test_a_decline_is_not_tried_again_that_day_and_breaks_it() -> None:
    story = declined()
    story.bank.refuses.add("first")
    story.promise((10, 4000), (20, 8000), collects=True)
    assert story.until(12).diary(2, only="attempt broken") == table("""
        day 10 09:00  attempt 3 by merchant: EUR 4000 with method 1 for I1
        day 10 09:00  attempt 3 declined: insufficient_funds
        day 11 00:00  promise 1 broken
    """)


def test_an_outcome_that_is_unknown_when_the_day_is_over_breaks_nothing() -> None:
    story = declined()
    story.promise((10, 4000), (20, 8000), collects=True)
    story.until(10, "08:00").bank.silent = True
    story.until(13)
    assert story.account.arrangements[0].kept == 0
    assert story.account.debt_is_held(1), "nothing happens before it is known"
    story.bank.silent = False
    story.hear()
    story.until(14)
    assert story.account.arrangements[0].kept == 1
    assert [one.minor for one in story.bank.taken.values()] == [4000]
    story.check()


def test_our_own_outage_breaks_nothing_what_was_agreed_is_charged_late() -> None:
    story = declined()
    story.promise((10, 4000), (20, 8000), collects=True)
    story.until(9).down_until(12).run()
    assert [one.minor for one in story.bank.taken.values()] == [4000]
    assert story.account.arrangements[0].kept == 1


def test_a_payer_who_pays_two_equal_parts_pays_twice() -> None:
    story = declined()
    story.promise((10, 6000), (20, 6000))
    story.until(10)
    assert story.settle(1) == ["paid"]
    with pytest.raises(Refused, match="promised for a later day"):
        story.settle(1)
    story.until(20)
    assert story.settle(1) == ["paid"]
    assert [one.minor for one in story.bank.taken.values()] == [6000, 6000]


def test_a_new_card_collects_nothing_of_what_is_promised_for_later() -> None:
    story = declined()
    story.promise((10, 0))
    with pytest.raises(Refused):
        story.settle(story.card("new", active=False))
    assert story.settle(1, also=[1]) == ["paid"]
    assert story.account.arrangements == ()


# -- what is refused ------------------------------------------------------------------------------------------------

REFUSALS: Final[dict[str, tuple[str, Callable[[Story], object]]]] = {
    "a day that is today": ("bad_date", lambda s: s.promise((20, 0))),
    "a day after a year": ("bad_date", lambda s: s.promise((20 + 367, 0))),
    "days out of order": ("bad_date", lambda s: s.promise((30, 6000), (25, 6000))),
    "one day twice": ("bad_date", lambda s: s.promise((30, 6000), (30, 6000))),
    "less than is open": ("bad_amount", lambda s: s.promise((30, 6000), (40, 5999))),
    "more than is open": ("bad_amount", lambda s: s.promise((30, 12001))),
    "a part of nothing": ("bad_amount", lambda s: s.promise((30, 0), (40, 12000))),
    "an invoice that is not past due": ("not_past_due", lambda s: s.promise((30, 0), debts=[s.bill(50)])),
    "an invoice that is paid": ("unknown_invoice", lambda s: s.pay().promise((30, 0), debts=[1])),
    "nothing past due": ("nothing_past_due", lambda s: s.pay().promise((30, 0))),
    "a disputed invoice": ("held", lambda s: (s.dispute(), s.promise((30, 0), debts=[1]))),
    "all that is past due is disputed": ("nothing_past_due", lambda s: (s.dispute(), s.promise((30, 0)))),
    "a second promise": ("already_promised", lambda s: (s.promise((30, 0)), s.promise((31, 0), debts=[1]))),
    "two currencies": ("several_currencies", lambda s: (s.bill(10, currency="USD"), s.run(), s.promise((30, 0)))),
    "charges without a method": ("no_method", lambda s: s.promise((30, 0), collects=True)),
    "its hold is ended": ("held_by_promise", lambda s: (s.promise((30, 0)), s.release(1))),
    "an end of nothing": ("unknown_promise", lambda s: end(s)),
    "an end twice": ("unknown_promise", lambda s: (s.promise((30, 0)), end(s), end(s))),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_cannot_be_promised_is_refused(what: str) -> None:
    code, act = REFUSALS[what]
    story = Story().until(20)
    with pytest.raises(Refused) as refused:
        act(story)
    assert refused.value.code == code
    story.check()


def test_charging_what_pays_by_transfer_is_refused() -> None:
    story = Story(mode=Mode.INVOICE).until(20)
    with pytest.raises(Refused, match="no one payment method"):
        story.promise((30, 0), collects=True)


def test_no_reason_no_promise() -> None:
    story = Story().until(20)
    parts = [Instalment(story.date(30), 0)]
    with pytest.raises(Refused, match="says why"):
        commands.promise(story.store, story.no, parts, now=story.now, author=STAFF, why=" ")


# -- beside everything else -----------------------------------------------------------------------------------------


def test_a_dispute_leaves_its_part_out_and_breaks_nothing() -> None:
    story = Story().until(5)
    story.bill(4, 3000)
    story.until(6)
    story.promise((10, 7000), (20, 8000))
    story.dispute(1)
    story.until(12)
    assert [fact.kept for _, fact in story.facts(f.ArrangementKept)] == [1], "3000 is asked for, and 8000 may be open"
    story.until(21)
    assert story.account.arrangements == ()
    assert story.facts(f.ArrangementEnded)[0][1].broken, "3000 was due, and not paid"


def test_a_cancel_changes_nothing_of_a_promise() -> None:
    story = Story().until(25)
    story.promise((34, 0))
    story.cancel()
    story.until(33).pay()
    assert [fact.kept for _, fact in story.facts(f.ArrangementKept)] == [1]
    story.check()


def test_money_that_leaves_again_is_due_with_the_next_part() -> None:
    story = Story().until(5)
    story.promise((10, 4000), (20, 8000))
    story.until(9).pay(4000)
    story.reopen(1, 4000)
    story.until(20, "01:00")
    assert asked(story) == [("EUR", 12000)]
    story.pay(8000)
    assert story.until(22).facts(f.ArrangementEnded)[0][1].broken


def test_a_credit_note_and_a_later_due_date_count_as_kept() -> None:
    story = Story().until(5)
    story.promise((10, 4000), (20, 8000))
    corrections.credit(story.store, "I1-1", 4000, story.now, STAFF, "kindness")
    assert story.account.arrangements[0].kept == 1
    corrections.move_due(story.store, "I1-1", story.date(60), story.now, STAFF, "more time")
    assert story.account.arrangements == ()
    story.check()


def test_two_currencies_are_two_promises() -> None:
    story = Story().until(5)
    story.bill(4, currency="USD")
    story.until(6)
    story.promise((10, 0), debts=[1])
    story.promise((20, 6000), (30, 6000), debts=[2])
    story.until(12)
    assert [fact.arrangement for _, fact in story.facts(f.ArrangementEnded)] == [1]
    assert [one.no for one in story.account.arrangements] == [2]
    story.check()


@pytest.mark.parametrize("kind", [DoubtKind.ATTEMPT, DoubtKind.BANK_CREDIT, DoubtKind.FEED])
def test_a_doubt_at_the_end_of_its_day_is_waited_for(kind: DoubtKind) -> None:
    story = Story().until(5)
    story.promise((10, 0))
    story.doubt(kind).until(14)
    assert story.account.arrangements
    story.clear(kind).run()
    assert story.facts(f.ArrangementEnded)[0][1].broken
    assert story.account.arrangements == ()
    story.check()


def test_a_broken_promise_voids_what_its_hold_did_not_move() -> None:
    """Another day that had been told already keeps the date; the warning that named it counts no more all the same."""
    story = Story().until(10)
    story.release(story.hold(29))
    story.until(33)
    told = story.announced(Action.DISABLE)
    assert story.sub().disable.counting
    story.promise((34, 0))
    story.until(35)
    assert (story.announced(Action.DISABLE), told) == (50, 49), "no rung names a day twice"
    assert [warning.accepted_at >= story.instant(35) for warning in story.sub().disable.counting] == [True]
    story.check()


# -- both orders ----------------------------------------------------------------------------------------------------

BESIDE: Final[dict[str, Callable[[Story], object]]] = {
    "promise": lambda s: s.promise((20, 4000), (30, 8000), debts=[1]),
    "payment": lambda s: s.pay(4000),
    "all paid": lambda s: s.pay(),
    "dispute": lambda s: s.dispute(),
    "hold": lambda s: s.hold(25),
    "cancel": lambda s: s.cancel(),
    "new invoice": lambda s: s.bill(12, 700),
    "written off": lambda s: s.write_off(),
    "blocked": lambda s: s.block(),
}
DEPENDS: Final = {
    "payment": "what is promised is what is open by then",
    "all paid": "nothing is past due that could be promised",
    "written off": "nothing is past due that could be promised",
    "dispute": "what is disputed is not asked for, so it cannot be promised",
}
"""What comes to something else before a promise than after it, and why."""


def outcome(names: tuple[str, ...]) -> tuple[object, ...]:
    story = Story().until(15)
    for name in names:
        with suppress(Refused):
            BESIDE[name](story)
    story.until(22)
    story.check()
    account = story.account
    return (
        [(d.no, d.open_minor, account.debt_is_held(d.no)) for d in account.debts],
        [(one.debts, one.kept) for one in account.arrangements],
        [(s.state, s.reasons) for s in account.subscriptions],
        [(s.disable if s.end is None else s.end.delete).promised_on for s in account.subscriptions],
    )


@pytest.mark.parametrize("other", [name for name in BESIDE if name not in ("promise", *DEPENDS)])
def test_both_orders_of_a_promise_and_something_else_come_to_the_same(other: str) -> None:
    first, second = itertools.permutations(("promise", other))
    assert outcome(first) == outcome(second)


@pytest.mark.parametrize("names", [*itertools.permutations(("promise", "dispute", "payment", "cancel"), 3)])
def test_in_every_order_every_invariant_holds(names: tuple[str, ...]) -> None:
    outcome(names)


@pytest.mark.turn(3)
@pytest.mark.parametrize("made_on", range(1, 40, 3))
@pytest.mark.parametrize("days", [1, 2, 9])
def test_a_promise_never_brings_a_cut_earlier(made_on: int, days: int) -> None:
    without, story = Story().until(150), Story().until(made_on)
    story.promise((made_on + days, 0))
    story.until(200)
    for kind in (f.Disabled, f.DeletionOrdered):
        [(before, _)], [(at, _)] = without.facts(kind), story.facts(kind)
        assert at >= before
    story.check()


@pytest.mark.parametrize("made_on", [24, 29, 30])
def test_before_any_cut_after_a_broken_promise_there_is_a_new_warning_with_its_full_lead(made_on: int) -> None:
    story = Story().until(made_on)
    story.promise((made_on + 1, 0))
    story.until(60)
    [(over, _)], [(cut, _)] = story.facts(f.ArrangementEnded), story.facts(f.Disabled)
    heard = [at for at, _ in story.facts(f.NoticeAccepted) if over <= at < cut]
    assert cut - min(heard) >= timedelta(days=7)


FAULTS: Final[dict[str, tuple[str, object, str, object]]] = {
    "its day is over a day early": ("I10", arrangement, "over_at", lambda view, one: view.morning(one.next.on)),
    "all of it is charged at once": ("I6", charge_agreed, "due_parts", lambda *_: (DebtPart(1, PRICE),)),
    "a part that is missing is done": ("I2", arrangement, "parts_done", lambda _account, one: one.kept + 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_is_put_back_is_named_by_an_invariant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invariant, module, place, wrong = FAULTS[name]
    monkeypatch.setattr(module, place, wrong)
    story = declined()
    story.bank.refuses.add("first")
    story.until(22).bank.refuses.clear()
    story.promise((34, 4000), (44, 8000), collects=name == "all of it is charged at once")
    story.until(46)
    assert invariant in {breach.invariant for breach in story.checker.breaches}


def test_a_promise_that_voids_no_warning_at_its_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its hold has moved nothing, as another day was told already, only its own end voids."""

    def unvoided(_account: Account, one: Arrangement, *, broken: bool) -> f.ArrangementEnded:
        return f.ArrangementEnded(arrangement=one.no, broken=broken)

    monkeypatch.setattr(arrangement, "ended", unvoided)
    story = Story().until(10)
    story.release(story.hold(29))
    story.until(33).promise((34, 0))
    story.until(36)
    assert [breach.invariant for breach in story.checker.breaches] == ["I9", "I9"], "one for each warning that counts"


def test_what_is_quoted_says_which_part_it_is() -> None:
    """Two parts of the same sum are two requests to pay."""
    story = declined()
    story.promise((10, 6000), (20, 6000))
    found = []
    for day in (10, 20):
        story.until(day)
        [quote] = settling.quote(story.store, story.no, story.now)
        found.append(quote.hash)
        story.pay(6000)
    assert len(set(found)) == 2


def test_what_became_of_a_promise_to_pay_is_seen_before_a_message_leaves_that_a_doubt_had_kept_back() -> None:
    story = Story().until(-1).doubt().until(2)
    story.promise((5, PRICE))
    story.until(8).clear().run()
    assert story.diary(2, only="promise hold reminder") == [
        "day 2 12:00 promise 1: 12000",
        "day 2 12:00 hold 1 placed",
        "day 8 12:00 hold 1 ended",
        "day 8 12:00 promise 1 broken",
        "day 8 12:00 reminder 3 (skipped 0)",
    ]
