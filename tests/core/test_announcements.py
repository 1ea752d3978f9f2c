"""An announcement is said once of one thing and one date, whatever it is about: every room makes its part from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
from msgspec.structs import replace
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import (
    Account,
    Action,
    Case,
    Debt,
    DoubtKind,
    HoldScope,
    Method,
    Mode,
    Stop,
    Subscription,
    Terms,
)
from arrears.core.account import Hold as AccountHold
from arrears.core.actions import StepRow, steps_of
from arrears.core.evolve import evolve
from arrears.core.invariants import messages
from arrears.core.invariants.checked import AccountBook, CheckedDebt, CheckedDoubt, CheckedInstallation, Sub
from arrears.core.messages.kinds import (
    KINDS,
    Actor,
    Announces,
    Audience,
    Dated,
    KindSpec,
    LeadsTo,
    MessageKind,
    checked,
    contradiction,
)
from arrears.core.messages.recipients import Contacts
from arrears.core.payments.values import MethodKind, Network
from arrears.core.policy import default_policy
from arrears.core.promises import Promise
from arrears.core.rules import announcing, due_soon
from arrears.core.rules.announcing import stands
from arrears.core.rules.charge import charged_with
from arrears.core.states import Reason, State
from arrears.engine.messages.drafting import _dated, _lines_of, drafts
from arrears.engine.messages.drafting_announced import Lines, announcement_drafts
from arrears.engine.messages.leaving import restated
from arrears.sim.story import _part

ANNOUNCE = announcing.announce
LINES = Lines(_lines_of, _dated)
KIND = MessageKind.DUE_SOON
ON = date(2026, 1, 20)
NOW = datetime(2026, 1, 17, 9, tzinfo=UTC)
DEBT = Debt(1, "I1", "EUR", 12_000, 12_000, ON, (1,))
CLOUD = Subscription(1, "cloud", method=1, disable=Promise(promised_on=ON))
CARD = Method(1, MethodKind.CARD, Network.VISA, 1, expires_on=ON)
ACCOUNT = Account(1, Terms("default", "UTC"), debts=(DEBT,), subscriptions=(CLOUD,), methods=(CARD,))
HELD = AccountHold(1, HoldScope.DEBT, 1, tuple(Stop), "disputed", NOW)
EVERY = [f.Announcement(KIND, ON, debt=1), f.Announcement(KIND, ON, subscription=1), f.Announcement(KIND, ON, method=1)]
NAMES = ["debt", "subscription", "method"]
HOLD = f.Announcement(MessageKind.HOLD_ENDS, ON, hold=1)
OWED = replace(ACCOUNT, debts=(replace(DEBT, day_0=ON - timedelta(9)),))
KEPT = replace(HELD, scope=HoldScope.ACCOUNT, target=0, until=ON)


@pytest.mark.parametrize("said", EVERY, ids=NAMES)
def test_an_announcement_stands_while_its_thing_has_that_date_and_no_longer(said: f.Announcement) -> None:
    assert stands(ACCOUNT, said)
    assert not stands(ACCOUNT, replace(said, on=ON + timedelta(1)))
    over = replace(
        ACCOUNT,
        debts=(),
        subscriptions=(replace(CLOUD, state=State.DELETED, disable=Promise()),),
        methods=(replace(CARD, removed=True),),
    )
    assert not stands(over, said)


def test_a_debt_that_is_past_due_or_held_is_not_announced() -> None:
    said = EVERY[0]
    for debt in (replace(DEBT, day_0=ON), replace(DEBT, past_due_from=ON), replace(DEBT, ended=True)):
        assert not stands(replace(ACCOUNT, debts=(debt,)), said)
    assert not stands(replace(ACCOUNT, holds=(HELD,)), said)


@pytest.mark.parametrize(
    ("holds", "stand"),
    [
        ([KEPT], True),
        ([replace(KEPT, until=ON + timedelta(1))], False),
        ([replace(KEPT, until=None)], False),
        ([replace(KEPT, ended_at=NOW)], False),
        ([replace(KEPT, scope=HoldScope.DEBT, target=1)], True),
        ([replace(KEPT, scope=HoldScope.DEBT, target=2)], False),
        ([replace(KEPT, scope=HoldScope.SUBSCRIPTION, target=1)], True),
        ([replace(KEPT, scope=HoldScope.SUBSCRIPTION, target=2)], False),
        ([KEPT, replace(KEPT, no=2, until=None)], False),
        ([KEPT, replace(KEPT, no=2, until=ON + timedelta(1), scope=HoldScope.DEBT, target=1)], False),
        ([KEPT, replace(KEPT, no=2, until=ON + timedelta(1), stops=(Stop.REMIND,))], True),
        ([KEPT, replace(KEPT, no=2, until=None, ended_at=NOW)], True),
    ],
)
def test_the_end_of_a_hold_is_announced_while_something_goes_on_after_it(holds: list[AccountHold], stand: bool) -> None:
    account = replace(OWED, holds=tuple(holds))
    contacts = Contacts(1, "A1", "A1", "UTC", "nl")
    drafts = list(announcement_drafts(account, [HOLD], contacts, LINES, NOW))
    assert stands(account, HOLD) is stand
    said = [([line.number for line in draft.debts], draft.expires_on, draft.days_left) for draft in drafts]
    assert said == ([(["I1"], ON, 3)] if stand else [])
    assert not stands(replace(account, debts=(DEBT,)), HOLD), "nothing is past due"


@pytest.mark.parametrize("said", EVERY, ids=NAMES)
def test_its_message_names_what_it_is_about_and_there_is_none_once_that_has_changed(said: f.Announcement) -> None:
    contacts = Contacts(1, "A1", "A1", "UTC", "nl", cards={1: "Visa 4242"})
    [draft] = announcement_drafts(ACCOUNT, [said], contacts, LINES, NOW)
    assert draft.kind is KIND
    assert [line.number for line in draft.debts] == (["I1"] if said.debt else [])
    assert [(one.service, one.action) for one in draft.actions] == ([("cloud", "disable")] if said.subscription else [])
    assert draft.card == ("" if said.subscription else "Visa 4242")
    assert (draft.expires_on, draft.days_left) == (ON if said.method else None, 3)
    assert list(announcement_drafts(ACCOUNT, [replace(said, on=ON + timedelta(1))], contacts, LINES, NOW)) == []


OWING = replace(
    OWED,
    case=Case(1, ON, ACCOUNT.terms),
    subscriptions=(replace(CLOUD, state=State.PAST_DUE, reasons=(Reason.PAST_DUE,)),),
)
ABOUT = {
    Announces.DEBT: (ACCOUNT, EVERY[0]),
    Announces.SUBSCRIPTION: (OWING, EVERY[1]),
    Announces.METHOD: (ACCOUNT, EVERY[2]),
    Announces.HOLD: (replace(OWED, holds=(KEPT,)), replace(HOLD, kind=KIND)),
}


@pytest.mark.parametrize("leads_to", LeadsTo)
@pytest.mark.parametrize("about", Announces)
def test_every_pair_of_subject_and_button_makes_a_message_or_is_refused_when_the_table_is_read(
    about: Announces, leads_to: LeadsTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a message that was said to leave and is dropped: what asks for money lists what is asked for."""
    dated = Dated.PLANNED if about is Announces.SUBSCRIPTION else Dated.NOTHING
    spec = KindSpec(Audience.ONE, Actor.ADMINISTRATOR, leads_to, dated, announces=about)
    if contradiction(spec):
        with pytest.raises(TypeError, match=f"{KIND}: what announces a {about} leads to account"):
            checked({KIND: spec})
        return
    monkeypatch.setitem(cast(dict[MessageKind, KindSpec], KINDS), KIND, spec)
    account, said = ABOUT[about]
    assert stands(account, said)
    contacts = Contacts(1, "A1", "A1", "UTC", "nl")
    [draft] = drafts(account, f.notice_of(NOW.date(), [said]), 5, contacts, NOW)
    assert bool(draft.debts) or not spec.asks_for_money
    assert draft.days_left == 3


@pytest.mark.parametrize("dated", Dated)
@pytest.mark.parametrize("about", Announces)
def test_no_announcement_counts_as_a_warning_and_what_is_planned_is_named_as_it_is_planned(
    about: Announces, dated: Dated
) -> None:
    spec = KindSpec(Audience.ONE, Actor.ADMINISTRATOR, LeadsTo.ACCOUNT, dated, announces=about)
    assert (contradiction(spec) == "") is (
        dated is (Dated.PLANNED if about is Announces.SUBSCRIPTION else Dated.NOTHING)
    )


@pytest.mark.parametrize(
    ("change", "debts"),
    [
        ({}, ["I1"]),
        ({"holds": (HELD,)}, []),
        ({"subscriptions": (replace(OWING.subscriptions[0], reasons=(Reason.CANCELED, Reason.PAST_DUE)),)}, []),
        ({"subscriptions": (replace(OWING.subscriptions[0], reasons=(Reason.CANCELED,)),)}, []),
    ],
)
def test_what_asks_for_money_before_something_happens_is_said_only_where_paying_keeps_it_from_happening(
    change: dict[str, object], debts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, said = replace(OWING, **change), EVERY[1]
    [draft] = announcement_drafts(account, [said], Contacts(1, "A1", "A1", "UTC", "nl"), LINES, NOW)
    assert [line.number for line in draft.debts] == debts
    spec = KindSpec(Audience.ONE, Actor.ADMINISTRATOR, LeadsTo.PAYING, Dated.PLANNED, announces=Announces.SUBSCRIPTION)
    monkeypatch.setitem(cast(dict[MessageKind, KindSpec], KINDS), KIND, spec)
    assert stands(account, said) is bool(debts)


def test_what_is_planned_is_not_announced_on_its_day_and_a_letter_that_leaves_late_counts_the_days_anew() -> None:
    contacts = Contacts(1, "A1", "A1", "UTC", "nl")
    assert list(announcement_drafts(OWING, [EVERY[1]], contacts, LINES, NOW + timedelta(3))) == []
    [draft] = announcement_drafts(OWING, [EVERY[1]], contacts, LINES, NOW + timedelta(1))
    assert (draft.days_left, draft.services) == (2, ("cloud",))
    told = {("cloud", Action.DISABLE): ON + timedelta(5)}
    left = restated(draft, told, NOW.date() + timedelta(2))
    assert ([one.on for one in left.actions], left.days_left) == ([ON + timedelta(5)], 6)


@pytest.mark.parametrize("leads_to", [LeadsTo.ACCOUNT, LeadsTo.PAYING])
def test_whatever_asks_for_money_is_a_demand_for_the_checker(
    leads_to: LeadsTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = KindSpec(Audience.ONE, Actor.ADMINISTRATOR, leads_to, Dated.PLANNED, announces=Announces.SUBSCRIPTION)
    monkeypatch.setitem(cast(dict[MessageKind, KindSpec], KINDS), KIND, spec)
    book = AccountBook({"": default_policy()}, CheckedInstallation())
    book.subs[1] = Sub(1, "cloud")
    book.subs[1].promised[Action.DISABLE] = ON
    book.doubts.append(CheckedDoubt(DoubtKind.ATTEMPT, "1", NOW, None))
    notice = f.notice_of(NOW.date(), [EVERY[1]], at_once=True)
    messages.noticed(book, notice, f.Recorded(1, 5, NOW, "arrears", "", notice))
    assert [one.invariant for one in book.breaches] == (["I8"] if leads_to is LeadsTo.PAYING else [])


@pytest.mark.parametrize("said", [*EVERY, replace(EVERY[0], debt=0, hold=1)], ids=[*NAMES, "hold"])
def test_the_account_remembers_what_was_said_until_that_day_is_over_and_a_step_keeps_it_for_good(
    said: f.Announcement,
) -> None:
    notice = f.notice_of(NOW.date(), [said])
    recorded = f.Recorded(1, 5, NOW, "arrears", "", notice)
    assert list(steps_of(recorded)) == [StepRow(1, 5, "announce_due_soon", 0, 1, 0, 0, ON, False)]
    after = evolve(ACCOUNT, recorded)
    assert after.announced == (said,)
    later = replace(said, on=ON + timedelta(9))
    told = f.Recorded(1, 6, NOW + timedelta(5), "arrears", "", f.notice_of(ON + timedelta(2), [later]))
    assert evolve(after, told).announced == (later,)


def of_what_is_held(patch: pytest.MonkeyPatch, story: Story) -> None:
    patch.setattr(announcing, "stands", lambda *_: True)
    patch.setattr(announcing, "_holds", lambda *_: [])
    story.dispute()


def of_what_is_paid(patch: pytest.MonkeyPatch, story: Story) -> None:
    patch.setattr(announcing, "stands", lambda *_: True)
    patch.setattr(due_soon, "announce", lambda view, said, days: ANNOUNCE(view, replace(said, debt=1), days))
    story.pay()
    story.bill(20)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (EVERY[0], "invoice I1, 20 January 2026"),
        (EVERY[1], "cloud, 20 January 2026"),
        (EVERY[2], "payment method 1, 20 January 2026"),
        (replace(EVERY[0], debt=0, hold=1), "hold 1, 20 January 2026"),
    ],
)
def test_staff_read_what_was_announced(said: f.Announcement, words: str) -> None:
    assert _part(ACCOUNT, said) == ("due soon", words)


@pytest.mark.parametrize("wrong", [of_what_is_held, of_what_is_paid])
def test_the_checker_sees_an_announcement_that_should_not_have_been(
    wrong: Callable[[pytest.MonkeyPatch, Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(policy="[remind]\nbefore_due_days = 3", bill=False, mode=Mode.INVOICE)
    story.bill(20)
    story.until(16)
    wrong(monkeypatch, story)
    story.until(19)
    assert {breach.invariant for breach in story.checker.breaches} == {"I22"}


@pytest.mark.parametrize("said", [*EVERY, HOLD], ids=[*NAMES, "hold"])
def test_the_checker_knows_by_itself_what_may_be_announced_once_and_before_its_date(said: f.Announcement) -> None:
    book = AccountBook({}, CheckedInstallation())
    book.debts[1] = CheckedDebt(1, "EUR", 12_000, ON, (1,))
    book.subs[1] = Sub(1, "cloud")
    book.subs[1].promised[Action.DISABLE] = ON
    book.methods[1] = True
    book.holds[1] = KEPT
    messages._announced(book, said, ON - timedelta(1))
    assert book.breaches == []
    messages._announced(book, said, ON - timedelta(1))
    assert len(book.breaches) == 1, "twice"
    book.announced.clear()
    messages._announced(book, said, ON)
    assert len(book.breaches) == 2, "on its date"
    book.announced.clear()
    book.holds.clear()
    book.debts[1].due_on, book.subs[1].promised[Action.DISABLE], book.methods[1] = NOW.date(), NOW.date(), False
    messages._announced(book, said, ON - timedelta(1))
    assert len(book.breaches) == 3, "it has another date, or is gone"


@pytest.mark.parametrize(
    ("change", "collected"),
    [
        ({}, True),
        ({"mode": Mode.INVOICE}, False),
        ({"methods": (replace(CARD, failed=True),)}, False),
        ({"methods": (replace(CARD, removed=True),)}, False),
        ({"methods": (replace(CARD, expires_on=ON - timedelta(1)),)}, False),
        ({"debts": (replace(DEBT, settled_separately=True),)}, False),
        ({"holds": (HELD,)}, False),
        ({"holds": (replace(HELD, until=ON),)}, False),
        ({"holds": (replace(HELD, until=ON - timedelta(1)),)}, True),
        ({"holds": (replace(HELD, scope=HoldScope.SUBSCRIPTION, target=2),)}, True),
        ({"holds": (replace(HELD, scope=HoldScope.ACCOUNT, target=0),)}, False),
        ({"holds": (replace(HELD, stops=(Stop.REMIND,)),)}, True),
    ],
)
def test_an_invoice_is_said_to_be_collected_by_itself_only_where_that_can_be_promised(
    change: dict[str, object], collected: bool
) -> None:
    account = replace(ACCOUNT, **change)
    assert (charged_with(account, account.debts[0]) is not None) is collected
