"""Folding: every kind of fact has its fold, and the fold of the facts is the state, on any machine at any time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import (
    Account,
    Action,
    Debt,
    DoubtKind,
    Mode,
    Promise,
    Terms,
    decode_account,
    encode_account,
)
from arrears.core.actions import actions_of, steps_of
from arrears.core.evolve import FOLDS, evolve, fold, open_account
from arrears.core.facts import AnyFact, Fact, Recorded, decode_fact, encode_fact, kind_of
from arrears.core.ledger import entries_of
from arrears.core.states import State
from arrears.core.tasks import tasks_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KINDS = get_args(AnyFact)
OPENED = f.AccountOpened(terms=Terms("default", "UTC"), mode=Mode.CARD)


def recorded(fact: AnyFact, seq: int = 1) -> Recorded:
    return Recorded(1, seq, NOW, "staff:1", "", fact)


def opened(*facts: AnyFact) -> Account:
    """The account that these facts make after the usual first three."""
    debt = Debt(1, "I1", "EUR", 12_000, 12_000, date(2026, 1, 1), (1,))
    first = (
        OPENED,
        f.SubscriptionAdded(subscription=1, service="cloud"),
        f.InvoiceIssued(debt=debt, issued_on=date(2026, 1, 1)),
    )
    return fold(recorded(fact, seq) for seq, fact in enumerate((*first, *facts), 1))


def all_subclasses(kind: type[Fact]) -> set[type[Fact]]:
    return {kind, *(one for sub in kind.__subclasses__() for one in all_subclasses(sub))}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_fact_has_a_fold(kind: type[Fact]) -> None:
    assert (kind in FOLDS) != (kind is f.AccountOpened), "opening makes the account; every other fact changes it"


def test_the_closed_set_of_facts_is_closed() -> None:
    system = set(get_args(f.SystemFact))
    assert all_subclasses(Fact) - {Fact} == set(KINDS) | system
    assert set(FOLDS) == set(KINDS) - {f.AccountOpened}
    assert len({kind.__struct_config__.tag for kind in KINDS}) == len(KINDS)
    assert kind_of(OPENED) == "account_opened"


def test_an_account_is_opened_by_its_first_fact_alone() -> None:
    account = open_account(recorded(OPENED))
    assert (account.no, account.terms, account.subscriptions, account.debts) == (1, OPENED.terms, (), ())
    with pytest.raises(AssertionError):
        open_account(recorded(f.Unparked()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_fact_in_a_long_story_survives_being_written(kind: type[Fact]) -> None:
    found = [r for r in LONG_HISTORY if isinstance(r.fact, kind)]
    assert found or kind in NOT_IN_THE_STORY
    for r in found:
        text = encode_fact(r.fact)
        assert decode_fact(text) == r.fact
        assert encode_fact(decode_fact(text)) == text
        assert decode_fact(text.encode()) == r.fact


def test_equal_accounts_have_equal_texts_and_what_we_did_not_write_is_refused() -> None:
    account = fold(LONG_HISTORY)
    text = encode_account(account)
    again = decode_account(text)
    assert again == account
    assert encode_account(again) == text
    for broken in ("", "{}", text.replace("EUR", "EU\\u", 1), '{"no": "one"}'):
        with pytest.raises(msgspec.MsgspecError):
            decode_account(broken)


def test_folding_reads_nothing_but_the_facts() -> None:
    """A half and its rest give the whole, whenever it is folded."""
    middle = len(LONG_HISTORY) // 2
    account = fold(LONG_HISTORY[:middle])
    for r in LONG_HISTORY[middle:]:
        account = evolve(account, r)
    assert account == fold(LONG_HISTORY)


def test_a_fact_leaves_the_account_before_it_as_it_was() -> None:
    before = opened()
    text = encode_account(before)
    evolve(before, recorded(f.PaymentBooked(ref="P", currency="EUR", amount_minor=5, credit_minor=5), 4))
    assert encode_account(before) == text


# -- single folds where a mistake would be dear --------------------------------------------------------------------


def test_more_than_is_open_is_never_booked() -> None:
    with pytest.raises(AssertionError, match="below zero"):
        opened(f.PaymentBooked(ref="P", currency="EUR", amount_minor=12_001, allocations=(f.Allocation(1, 12_001),)))


def test_more_credit_than_there_is_is_never_used() -> None:
    with pytest.raises(AssertionError, match="more credit than it has"):
        opened(f.CreditAllocated(currency="EUR", allocations=(f.Allocation(1, 1),)))


def test_a_decline_of_what_is_past_due_already_changes_no_day() -> None:
    past = f.BecamePastDue(
        debts=(f.PastDue(1, date(2026, 1, 2)),),
        subscriptions=(1,),
        entered_on=date(2026, 1, 2),
        terms=Terms("v", "UTC"),
        case=1,
        opened=True,
    )
    account = opened(past, f.ChargeDeclined(debts=(1,), on=date(2026, 1, 20)))
    [debt] = account.debts
    assert (debt.day_0, debt.past_due_from) == (date(2026, 1, 2), None)
    assert account.subscription(1).state is State.PAST_DUE


def test_a_promised_day_only_moves_later() -> None:
    moved = [f.DateMoved(subscription=1, action=Action.DISABLE, on=date(2026, 2, day)) for day in (5, 3, 9)]
    days = [opened(*moved[:count]).subscription(1).promise(Action.DISABLE).promised_on for count in (1, 2, 3)]
    assert days == [date(2026, 2, 5), date(2026, 2, 5), date(2026, 2, 9)]


def test_only_the_first_accepted_warning_starts_the_lead_and_none_from_before_the_episode() -> None:
    warning = f.Warning(subscription=1, generation=1, action=Action.DISABLE, step=21, promised_on=date(2026, 2, 1))
    sent = f.Noticed(on=date(2026, 1, 22), parts=(warning,))
    account = opened(sent)
    late = Recorded(1, 5, datetime(2026, 1, 25, tzinfo=UTC), "arrears", "", f.NoticeAccepted(notice=4))
    first = evolve(account, replace(late, at=NOW))
    assert first.subscription(1).disable.accepted_at == NOW
    assert evolve(first, late).subscription(1).disable.accepted_at == NOW
    [sub] = account.subscriptions
    again = replace(account, subscriptions=(replace(sub, disable=replace(sub.disable, since_seq=4)),))
    assert evolve(again, late).subscription(1).disable.accepted_at is None
    assert evolve(account, replace(late, fact=f.NoticeAccepted(notice=3))) == account


def test_an_acknowledgement_of_an_overtaken_order_dates_no_service_end() -> None:
    story = Story().until(30)
    story.hands.busy = True
    story.until(35).pay()
    story.bill(40)
    story.until(72)
    story.hands.busy = False
    end = story.sub().end
    assert end is not None
    assert end.ended_on is None
    old = f.OrderAcknowledged(subscription=1, order_no=1, order="disable", generation=1, ended_on=date(2026, 1, 1))
    after = evolve(story.account, recorded(old, 99)).subscription(1)
    assert after.end == end
    assert [o.no for o in after.orders] == [2, 3]


def test_a_new_episode_promises_nothing_but_remembers_the_days_it_named() -> None:
    sent = Story().until(29).pay().sub().disable
    assert (sent.promised_on, sent.accepted_at) == (None, None)
    assert sent == Promise(since_seq=sent.since_seq, sent=sent.sent)


def test_actions_steps_tasks_and_entries_follow_from_the_facts_alone() -> None:
    for r in LONG_HISTORY:
        again = Recorded(r.account, r.seq, r.at, r.author, r.why, decode_fact(encode_fact(r.fact)))
        for rows in (actions_of, steps_of, tasks_of, entries_of):
            assert list(rows(again)) == list(rows(r))


def _long_history() -> list[Recorded]:
    """A story in which nearly everything happens."""
    story = Story(services=("cloud", "mail"), policy="[tolerance]\nEUR = 10")
    story.until(-1, "10:00").decline().until(2)
    hold = story.hold(4)
    story.until(3).release(hold).until(5).pay(11_995)
    story.bill(9, 5_000)
    story.bill(9, 7_000)
    story.until(12).pay(100, ()).doubt(DoubtKind.BANK_CREDIT).until(14).clear(DoubtKind.BANK_CREDIT)
    story.until(15).write_off(2).reopen(2, 3_000)
    story.until(25).block(subscription=2).unblock(subscription=2)
    story.mail.works = False
    story.until(32)
    story.mail.works = True
    story.until(39).doubt().until(50).clear().until(80).cancel(2).reactivate(2)
    story.until(90).pay(20_000, (2, 3)).move("Europe/Amsterdam")
    story.bill(99)
    story.until(101).promise((104, 1_000), (108, 1_000))
    story.until(103).pay(1_000, (4,))
    story.until(260)
    return list(story.history())


LONG_HISTORY = _long_history()
NOT_IN_THE_STORY = {
    f.OrderRepeated,
    f.WarningsLapsed,
    f.NoticeBounced,
    f.RecipientsChanged,
    f.AuthorisationDeclined,
    f.AddressAsked,
    f.AddressConfirmed,
    f.TestAsked,
    f.InvoiceCredited,
    f.DueMoved,
    f.Invited,
    f.InvitationWithdrawn,
    f.InvitationAccepted,
    f.AccessEnded,
    f.PersonErased,
    f.ResetAsked,
    f.SignInChanged,
    f.Restricted,
    f.DeletionUnscheduled,
    f.DeletionCapped,
    f.DeletionReleased,
    f.DeletedInPart,
    f.Parked,
    f.Unparked,
    f.TaskClosed,
    f.WarnedOtherwise,
    f.MethodAdded,
    f.MethodActivated,
    f.MethodRenewed,
    f.MethodSpent,
    f.MethodRemoved,
    f.AttemptCreated,
    f.AttemptMoved,
    f.ChallengeLapsed,
    f.Refunded,
    f.RefundAsked,
    f.RefundCovered,
    f.RefundUndone,
    f.ChargebackClosed,
    f.CardTried,
    f.SupportOpened,
    f.SupportSaid,
    f.SupportAnswered,
    f.SupportClosed,
    f.ResumeLate,
}
"""Those are walked elsewhere: in the stories of restriction, deletion, poison, money and support."""
