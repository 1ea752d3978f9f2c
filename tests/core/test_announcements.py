"""An announcement is said once of one thing and one date, whatever it is about: every room makes its part from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import Account, Action, Debt, HoldScope, Method, Mode, Stop, Subscription, Terms
from arrears.core.account import Hold as AccountHold
from arrears.core.actions import StepRow, steps_of
from arrears.core.evolve import evolve
from arrears.core.invariants import messages
from arrears.core.invariants.checked import AccountBook, CheckedDebt, CheckedInstallation, Sub
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts
from arrears.core.payments.values import MethodKind, Network
from arrears.core.promises import Promise
from arrears.core.rules import announcing, due_soon
from arrears.core.rules.announcing import stands
from arrears.core.rules.charge import charged_with
from arrears.core.states import State
from arrears.engine.messages.drafting import _dated, _lines_of
from arrears.engine.messages.drafting_announced import Lines, announcement_drafts
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
    assert (draft.expires_on, draft.days_left) == ((ON, 3) if said.method else (None, None))
    assert list(announcement_drafts(ACCOUNT, [replace(said, on=ON + timedelta(1))], contacts, LINES, NOW)) == []


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
