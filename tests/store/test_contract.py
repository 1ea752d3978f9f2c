"""One contract, two stores: what may exist once, which edges are forbidden, and that a refusal leaves nothing behind.

The simulator's thousand years run on the memory store; they count for PostgreSQL because both pass these tests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

import msgspec
import psycopg
import pytest
from msgspec.structs import replace
from tests.store.contract import (
    API,
    DAY_1,
    NO,
    AnyStore,
    at,
    invoice,
    new_account,
    open_book,
    owing_book,
    payment,
    play,
    standing,
)

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Action, CaseOutcome, Debt, DebtPart, DoubtKind, HoldScope, Stop, Terms
from arrears.core.errors import Refused
from arrears.core.evolve import fold
from arrears.core.facts import Evidence, Noticed, Recorded, Reminder, Warning
from arrears.core.facts.decided import PastDue
from arrears.core.messages.recipients import ChannelName, Extra
from arrears.core.payments.values import AttemptState, Initiator, MethodDetails, MethodKind, Network
from arrears.core.policy import default_policy, load_policy
from arrears.core.states import Reason, State
from arrears.core.unit import Unit
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.run import run
from arrears.engine.system import adopt_policy, set_breaker, set_feed
from arrears.ports import Mail, MailMove, MailState
from arrears.store.memory.edges import EDGES
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import LostRace

TERMS: Final = Terms("default", "UTC")
EVIDENCE: Final = Evidence(policy="default")


def record(store: AnyStore, account: int, *facts: f.Fact, day: int = 2) -> None:
    """Record these facts about one account in one transaction, as an engine gone wrong might."""
    with store.accounts([account], at(day)) as batch:
        for fact in facts:
            batch.units[0].record(fact)


# -- what may exist once, and what may not be -------------------------------------------------------------------------


def reminder(step: int = 3, case: int = 1) -> Noticed:
    return Noticed(on=DAY_1, parts=(Reminder(case, step),))


def warning(promised_on: date, step: int = 21) -> Noticed:
    return Noticed(on=DAY_1, parts=(Warning(1, 1, Action.DISABLE, step, promised_on),))


def restricted(order_no: int, on: date = DAY_1) -> f.Restricted:
    return f.Restricted(1, 1, on, on, order_no, at(3), EVIDENCE)


def disabled(order_no: int, on: date = DAY_1) -> f.Disabled:
    return f.Disabled(1, 1, on, order_no, TERMS, at(3), EVIDENCE)


def past_due(case: int) -> f.BecamePastDue:
    return f.BecamePastDue((PastDue(1, DAY_1),), (1,), DAY_1, TERMS, case, opened=True)


def booked(ref: str, minor: int, on_debt: int = 0, credit: int = 0) -> f.PaymentBooked:
    return f.PaymentBooked(ref, "EUR", minor, (f.Allocation(1, on_debt),) if on_debt else (), credit)


def issued(**changes: object) -> f.InvoiceIssued:
    debt = {
        "no": 2,
        "number": "I900",
        "currency": "EUR",
        "total_minor": 100,
        "open_minor": 100,
        "due_on": DAY_1,
        "subscriptions": (1,),
    }
    return f.InvoiceIssued(Debt(**{**debt, **changes}), DAY_1)  # type: ignore[arg-type]


PROMISED: Final = DAY_1 + timedelta(days=40)

# what is tried -> (facts that are welcome, the fact that must be refused)
FORBIDDEN: Final[dict[str, tuple[tuple[f.Fact, ...], f.Fact]]] = {
    "a reminder rung of a case": ((reminder(),), reminder()),
    "a rung that was overtaken": ((Noticed(on=DAY_1, parts=(Reminder(1, 7, (3,)),)),), reminder()),
    "a warning of a rung with the same promised date": ((warning(PROMISED),), warning(PROMISED)),
    "a restriction on the same date": ((past_due(1), restricted(1)), restricted(2)),
    "a disablement on the same date": ((disabled(1),), disabled(2)),
    "an order number": ((past_due(1), restricted(1)), disabled(1)),
    "a second open case": ((past_due(1),), past_due(2)),
    "the number of an ended case": ((past_due(1), f.CaseEnded(1, CaseOutcome.SETTLED)), past_due(1)),
    "the number of an invoice": ((), issued(number="I1")),
    "the place of an invoice": ((), issued(no=1)),
    "the reference of a payment": ((booked("P1", 100, credit=100),), booked("P1", 100, credit=100)),
    "a payment with more put on debts than came in": ((), booked("P1", 100, on_debt=200)),
    "a payment of which a part goes nowhere": ((), booked("P1", 100, credit=50)),
    "a payment of nothing": ((), booked("P1", 0)),
    "a payment of less than nothing": ((), booked("P1", -100, credit=-100)),
    "an invoice that asks for less than nothing": ((), issued(total_minor=-100, open_minor=-100)),
    "an invoice with more open than it asks": ((), issued(open_minor=101)),
    "an invoice with less than nothing open": ((), issued(open_minor=-1)),
    "an invoice due before it is issued": ((), issued(due_on=DAY_1 - timedelta(days=1))),
    "an invoice in a currency of small letters": ((), issued(currency="eur")),
    "an invoice in no currency": ((), issued(currency="")),
    "a debt reopened for more than it asked": (
        (),
        f.DebtReopened(Debt(1, "I1", "EUR", 12_000, 12_001, DAY_1, (1,)), 1, "chargeback"),
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_may_not_be_is_refused_and_leaves_nothing_behind(store: AnyStore, what: str) -> None:
    [number] = owing_book(store)
    welcome, refused = FORBIDDEN[what]
    for fact in welcome:
        record(store, number, fact)
    before = standing(store, [number])
    with pytest.raises(NO):
        record(store, number, refused)
    assert standing(store, [number]) == before
    commands.record_payments(store, [payment(number, "P900")], at(3), API)
    assert store.snapshots([number])[number].debts == ()


@pytest.mark.parametrize("what", [w for w, (welcome, _) in FORBIDDEN.items() if len(welcome) == 1])
def test_what_may_exist_once_is_refused_twice_in_one_transaction_too(store: AnyStore, what: str) -> None:
    [number] = owing_book(store)
    (first,), second = FORBIDDEN[what]
    before = standing(store, [number])
    with pytest.raises(NO):
        record(store, number, first, second)
    assert standing(store, [number]) == before


def test_a_rung_may_be_reached_again_in_another_case_and_a_warning_given_again_for_a_later_date(
    store: AnyStore,
) -> None:
    [number] = owing_book(store)
    facts = (reminder(), reminder(case=2), warning(PROMISED), warning(PROMISED + timedelta(days=1)))
    for fact in facts:
        record(store, number, fact)
    assert [r.fact for r in store.history(number)][-4:] == list(facts)


def test_a_case_may_end_and_the_next_one_open_in_one_transaction(
    store: AnyStore,
) -> None:
    [number] = owing_book(store)
    record(store, number, past_due(1))
    record(store, number, f.CaseEnded(1, CaseOutcome.SETTLED), past_due(2))
    with pytest.raises(NO):
        record(store, number, past_due(3))
    assert store.snapshots([number])[number].case_count == 2


# -- the edges between the states of a subscription -------------------------------------------------------------------

PATHS: Final = {
    State.ACTIVE: (),
    State.PAST_DUE: (State.PAST_DUE,),
    State.RESTRICTED: (State.PAST_DUE, State.RESTRICTED),
    State.DISABLED: (State.PAST_DUE, State.DISABLED),
    State.DELETED: (State.PAST_DUE, State.DISABLED, State.DELETED),
}


def force(store: AnyStore, account: int, state: State, step: int) -> None:
    """Put the account's subscription into a state with the fact that would, whatever state it is in."""
    on = DAY_1 + timedelta(days=step)
    facts: dict[State, f.Fact] = {
        State.ACTIVE: f.Resumed(1, on, State.PAST_DUE, State.ACTIVE),
        State.PAST_DUE: f.Resumed(1, on, State.ACTIVE, State.PAST_DUE),
        State.RESTRICTED: restricted(step, on),
        State.DISABLED: disabled(step, on),
        State.DELETED: f.OrderAcknowledged(1, step, "delete", 1, None, at(3), on),
    }
    record(store, account, facts[state])


def test_every_edge_of_the_list_can_be_walked_and_no_other(store: AnyStore) -> None:
    pairs = [(start, end) for start in State for end in State]
    numbers = dict(zip(pairs, open_book(store, len(pairs)), strict=True))
    walked = set()
    for (start, end), number in numbers.items():
        for step, state in enumerate(PATHS[start], 1):
            force(store, number, state, step)
        try:
            force(store, number, end, 9)
        except NO:
            assert store.snapshots([number])[number].subscription(1).state is start
        else:
            assert store.snapshots([number])[number].subscription(1).state is end
            walked.add((start.value, end.value))
    assert {(a, b) for a, b in walked if a != b} == EDGES
    assert {a for a, b in walked if a == b} == set(State)


# -- refusals in the middle of a set ----------------------------------------------------------------------------------


def second_invoice_names_no_subscription(store: AnyStore, numbers: list[int]) -> None:
    wrong = invoice(numbers[1], "I902", subscriptions=(7,))
    commands.issue_invoices(store, [invoice(numbers[0], "I901"), wrong], at(2), API)


def second_invoice_exists(store: AnyStore, numbers: list[int]) -> None:
    commands.issue_invoices(store, [invoice(numbers[0], "I901"), invoice(numbers[1], "I1")], at(2), API)


def set_holds_an_invoice_twice(store: AnyStore, numbers: list[int]) -> None:
    commands.issue_invoices(store, [invoice(n, "I901") for n in numbers], at(2), API)


def second_payment_is_in_another_currency(store: AnyStore, numbers: list[int]) -> None:
    wrong = Payment(numbers[1], "P2", "USD", 500, (1,))
    commands.record_payments(store, [payment(numbers[0], "P1"), wrong], at(2), API)


def set_holds_a_payment_twice(store: AnyStore, numbers: list[int]) -> None:
    commands.record_payments(store, [payment(n, "P1") for n in numbers], at(2), API)


def second_account_is_unknown(store: AnyStore, numbers: list[int]) -> None:
    commands.record_payments(store, [payment(numbers[0], "P1"), payment(999, "P2")], at(2), API)


def second_new_account_exists(store: AnyStore, numbers: list[int]) -> None:
    commands.open_accounts(store, [(new_account("B1"), ["cloud"]), (new_account("A1"), ["cloud"])], at(2), API)


def set_opens_an_account_twice(store: AnyStore, numbers: list[int]) -> None:
    commands.open_accounts(store, [(new_account("B1"), ["cloud"])] * 2, at(2), API)


SETS: Final[dict[str, Callable[[AnyStore, list[int]], None]]] = {
    "unknown_subscription": second_invoice_names_no_subscription,
    "duplicate_invoice": second_invoice_exists,
    "duplicate_invoice in the set": set_holds_an_invoice_twice,
    "wrong_currency": second_payment_is_in_another_currency,
    "duplicate_payment in the set": set_holds_a_payment_twice,
    "unknown_account": second_account_is_unknown,
    "account_exists": second_new_account_exists,
    "account_exists in the set": set_opens_an_account_twice,
}


@pytest.mark.sample(8)
@pytest.mark.parametrize("code", SETS)
def test_a_set_with_one_wrong_is_refused_whole_by_its_code(store: AnyStore, code: str) -> None:
    numbers = owing_book(store, 3)
    before = standing(store, numbers)
    with pytest.raises(Refused) as refused:
        SETS[code](store, numbers)
    assert refused.value.code == code.partition(" ")[0]
    assert "\n" not in refused.value.message
    assert standing(store, numbers) == before
    assert store.account_numbers(["B1"]) == {}
    commands.issue_invoices(store, [invoice(numbers[0], "I901")], at(2), API)
    assert store.account_numbers(["A1", "A3", "nobody"]) == {"A1": numbers[0], "A3": numbers[2]}


def test_a_mistake_of_our_own_in_the_middle_of_a_batch_leaves_every_account_due(store: AnyStore) -> None:
    numbers = owing_book(store, 3)
    before = standing(store, numbers)

    def fail() -> None:
        with store.due(at(2), 10) as batch:
            batch.units[0].record(past_due(1))
            assert batch.grant_deletions(DAY_1, 5, 5) == 5
            batch.write_early([batch.units[0]])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert standing(store, numbers) == before
    with store.due(at(2), 10) as batch:
        assert [u.no for u in batch.units] == numbers
        assert batch.grant_deletions(DAY_1, 5, 5) == 5


def test_a_unit_of_an_earlier_transaction_cannot_be_written(store: AnyStore) -> None:
    """Compare-and-set: who read the end of a stream before somebody else wrote it has lost."""
    [number] = owing_book(store)
    with store.accounts([number], at(2)) as batch:
        stale = batch.units[0]
    record(store, number, reminder())
    before = standing(store, [number])
    for changed in ("a fact", "a date"):
        again = Unit(number, stale.before, stale.seq, stale.head, at(2), stale.next_at)
        if changed == "a fact":
            again.record(reminder(step=7))
        again.next_at = at(77)
        with pytest.raises((*NO, LostRace)), store.accounts([number], at(2)) as batch:
            batch.units = [again]
        assert standing(store, [number]) == before, changed


# -- what must be performed -------------------------------------------------------------------------------------------


def test_an_action_is_claimed_once_until_its_lease_ends_and_then_by_a_higher_count(store: AnyStore) -> None:
    [number] = owing_book(store)
    record(store, number, reminder())
    [first] = store.claim(at(2), 10, 60)
    assert (first.kind, first.tries) == ("notice", 1)
    assert store.claim(at(2) + timedelta(seconds=59), 10, 60) == []
    [second] = store.claim(at(2) + timedelta(seconds=60), 10, 60)
    assert second == first._replace(tries=2)
    with store.accounts([number], at(2)) as batch:
        assert batch.end_claims([(first, True)]) == []
    with store.accounts([number], at(2)) as batch:
        assert batch.end_claims([(second, True)]) == [second]
    with store.accounts([number], at(2)) as batch:
        assert batch.end_claims([(second, False)]) == []
    assert store.claim(at(400), 10, 60) == []


def test_what_is_given_back_is_claimed_after_its_lease_as_if_for_the_first_time(store: AnyStore) -> None:
    [number] = owing_book(store)
    record(store, number, reminder())
    [first] = store.claim(at(2), 10, 60)
    store.give_back([first])
    assert store.claim(at(2) + timedelta(seconds=59), 10, 60) == []
    assert store.claim(at(2) + timedelta(seconds=60), 10, 60) == [first]
    [later] = store.claim(at(2) + timedelta(seconds=120), 10, 60)
    assert later.tries == 2
    store.give_back([first])
    assert store.claim(at(2) + timedelta(seconds=180), 10, 60) == [first._replace(tries=3)], "it is not held any more"


def test_a_finish_that_is_rolled_back_has_not_happened(store: AnyStore) -> None:
    [number] = owing_book(store)
    record(store, number, reminder())
    [claim] = store.claim(at(2), 10, 60)

    def fail() -> None:
        with store.accounts([number], at(2)) as batch:
            assert batch.end_claims([(claim, True)]) == [claim]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.claim(at(3), 10, 60) == [claim._replace(tries=2)]


@pytest.mark.parametrize("done", [True, False], ids=["done", "failed"])
def test_the_orders_of_a_subscription_are_claimed_one_after_the_other(store: AnyStore, done: bool) -> None:
    one, other = owing_book(store, 2)
    for number in (one, other):
        record(store, number, past_due(1), restricted(1), disabled(2))
    first = store.claim(at(2), 10, 60)
    assert [(c.account, c.order_no, c.order) for c in first] == [(one, 1, "restrict"), (other, 1, "restrict")]
    assert store.claim(at(2), 10, 60) == []
    with store.accounts([one], at(2)) as batch:
        batch.end_claims([(first[0], done)])
    assert [(c.account, c.order_no, c.order) for c in store.claim(at(2), 10, 60)] == [(one, 2, "disable")]


def test_no_more_is_claimed_than_asked_for_and_nothing_is_left_out(store: AnyStore) -> None:
    numbers = owing_book(store, 5)
    for number in numbers:
        record(store, number, reminder())
    taken = [store.claim(at(2), 2, 60) for _ in range(4)]
    assert [len(claims) for claims in taken] == [2, 2, 1, 0]
    assert sorted(c.account for claims in taken for c in claims) == numbers


def test_a_claimed_notice_comes_with_its_fact_and_the_address(store: AnyStore) -> None:
    one, other = owing_book(store, 2)
    record(store, one, reminder())
    record(store, other, past_due(1), disabled(1), f.Resumed(1, DAY_1, State.DISABLED, State.ACTIVE, 2))
    claims = [c for c in store.claim(at(2), 10, 60) if c.kind == "notice"]
    about = store.noticed_facts(claims)
    assert {account: type(about[(account, seq)].fact) for account, seq, *_ in claims} == {one: Noticed}
    assert {number: contacts.contact for number, contacts in store.contacts([one, 999]).items()} == {
        one: "A1@example.org"
    }


# -- when to look again -----------------------------------------------------------------------------------------------


def test_what_is_due_comes_in_order_up_to_the_limit_and_not_before_its_instant(store: AnyStore) -> None:
    numbers = open_book(store, 3)
    days = {numbers[0]: 9, numbers[1]: 4, numbers[2]: 4}
    commands.issue_invoices(store, [invoice(n, f"I{n}", due_day=d) for n, d in days.items()], at(1), API)
    assert store.next_due() == at(5)
    with store.due(at(5) - timedelta(seconds=1), 10) as batch:
        assert list(batch.units) == []
    with store.due(at(5), 1) as batch:
        assert [u.no for u in batch.units] == [numbers[1]]
        batch.units[0].next_at = at(50)
    with store.due(at(30), 10) as batch:
        assert [u.no for u in batch.units] == [numbers[2], numbers[0]]
        for unit in batch.units:
            unit.next_at = None
    assert store.next_due() == at(50)


def test_an_account_that_waits_for_a_doubt_is_woken_and_no_other(store: AnyStore) -> None:
    waiting, _ = owing_book(store, 2)
    channel, services = MemoryChannel(), InProcessServices()
    commands.hold(
        store,
        2,
        scope=HoldScope.ACCOUNT,
        reason="asked",
        stops=[Stop.DISABLE],
        until=date(2026, 12, 1),
        now=at(1),
        author=API,
    )
    play(store, channel, services, 1, 31)
    set_feed(store, stale=True, now=at(31, 10), author="staff:1")
    play(store, channel, services, 32, 34)
    assert [n for n in (1, 2) if store.snapshots([n])[n].waits] == [waiting]
    assert store.wake_waiting(at(34, 12)) == 1
    assert store.next_due() == at(34, 12)
    with store.due(at(34, 12), 10) as batch:
        assert [u.no for u in batch.units] == [waiting]
        assert batch.guards.feed_stale


# -- the installation -------------------------------------------------------------------------------------------------


def test_deletions_are_granted_up_to_the_cap_of_the_day(store: AnyStore) -> None:
    open_book(store)
    with store.accounts([1], at(2)) as batch:
        assert [batch.grant_deletions(DAY_1, wanted, 5) for wanted in (2, 2, 2, 1)] == [2, 2, 1, 0]
    with store.accounts([1], at(2)) as batch:
        assert batch.grant_deletions(DAY_1, 1, 5) == 0
        assert batch.grant_deletions(DAY_1, 9, 7) == 2
        assert batch.grant_deletions(DAY_1 + timedelta(days=1), 9, 5) == 5


def test_a_deletion_granted_in_a_transaction_that_failed_is_free_again(store: AnyStore) -> None:
    open_book(store)

    def fail() -> None:
        with store.accounts([1], at(2)) as batch:
            assert batch.grant_deletions(DAY_1, 9, 5) == 5
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.accounts([1], at(2)) as batch:
        assert batch.grant_deletions(DAY_1, 9, 5) == 5


def test_a_run_that_ends_says_what_had_been_due_for_an_hour_and_is_still_there(store: AnyStore) -> None:
    assert store.run_complete(at(1), 0, 0) == 0
    numbers = owing_book(store, 3)
    due_at = store.next_due()
    assert due_at is not None
    assert store.run_complete(due_at + timedelta(hours=1), 0, 0) == 0, "another worker may have them in hand"
    late = due_at + timedelta(hours=1, seconds=1)
    assert store.run_complete(late, 0, 0) == len(numbers)
    assert run(store, late).left_out == 0


def test_a_tick_answers_with_the_state_before_it(store: AnyStore) -> None:
    before, skew_seconds = store.tick(at(1))
    assert (before.last_tick_at, skew_seconds) == (None, 0.0)
    assert store.tick(at(2))[0].last_tick_at == at(1)
    assert store.system().last_tick_at == at(2)


def test_facts_of_the_installation_are_folded_and_chained(store: AnyStore) -> None:
    open_book(store)
    digests = [store.digest()]
    for stale, is_open in ((True, False), (True, True), (False, True)):
        set_feed(store, stale=stale, now=at(2), author="staff:1")
        set_breaker(store, is_open=is_open, now=at(2), author="staff:1")
        digests.append(store.digest())
        assert (store.system().feed_stale, store.system().breaker_open) == (stale, is_open)
        with store.accounts([1], at(2)) as batch:
            assert batch.guards == store.system().guards
    assert len(set(digests)) == 4


def test_the_newest_policy_of_a_name_is_in_force_and_the_older_can_still_be_found(store: AnyStore) -> None:
    old = default_policy()
    new = load_policy('name = "default"\n[delete]\nretention_days = 120\n', where="new")
    adopt_policy(store, old, at(1), "staff:1")
    adopt_policy(store, new, at(2), "staff:1")
    digest = store.digest()
    adopt_policy(store, new, at(3), "staff:1")
    assert store.digest() == digest
    assert store.policies() == {"default": new, new.version: new, old.version: old}
    adopt_policy(store, old, at(4), "staff:1")
    assert store.policies()["default"] == old
    assert store.digest() != digest


def test_an_account_is_seen_with_the_policies_and_the_guards_that_stand(store: AnyStore) -> None:
    [number] = owing_book(store, 1)
    assert store.seen(number + 1, at(2)) is None
    adopt_policy(
        store, load_policy('name = "default"\n[delete]\nretention_days = 120\n', where="new"), at(2), "staff:1"
    )
    set_breaker(store, is_open=True, now=at(2), author="staff:1")
    view = store.seen(number, at(3))
    assert view is not None
    assert (view.account, view.policies) == (store.snapshots([number])[number], store.policies())
    assert (view.guards, view.now) == (store.system().guards, at(3))
    with store.accounts([number], at(3)) as batch:
        assert (batch.guards, batch.policies) == (view.guards, view.policies)


def test_a_policy_that_another_process_adopts_is_in_force_at_once(
    make_postgres: Callable[[], PostgresStore], database_url: str
) -> None:
    store = make_postgres()
    [number] = owing_book(store, 1)
    other = PostgresStore(database_url, schema=store.schema, durable=False, clock_is_real=False)
    for days in (120, 150, 120):
        text = f'name = "default"\n[delete]\nretention_days = {days}\n'
        adopt_policy(other, load_policy(text, where="new"), at(2), "staff:1")
        view = store.seen(number, at(2))
        with store.accounts([number], at(2)) as batch:
            under_lock = batch.policies["default"].retention_days
        assert view is not None
        assert (view.policies["default"].retention_days, under_lock) == (days, days)
        assert store.policies() == other.policies()
    other.close()


# -- the same on both -------------------------------------------------------------------------------------------------


def story(store: AnyStore) -> None:
    """Half a year with something of everything."""
    numbers = owing_book(store, 12, ["cloud", "mail"])
    channel, services = MemoryChannel(), InProcessServices()
    play(store, channel, services, 1, 20)
    commands.record_payments(store, [payment(n, f"P{n}") for n in numbers[:2]], at(20, 10), API)
    commands.record_payments(store, [payment(numbers[2], "P-part", 5_000)], at(20, 10), API)
    commands.dispute(store, numbers[3], 1, at(20, 11), "person:4")
    commands.cancel(store, numbers[4], 1, at(20, 12), "person:5")
    commands.set_reason(store, numbers[5], 2, Reason.POLICY_VIOLATION, at(20, 13), "staff:1", "mining")
    commands.write_off(store, numbers[6], 1, at(20, 14), "staff:1", "not worth it")
    commands.raise_doubt(store, numbers[7], DoubtKind.BANK_CREDIT, "c1", at(20, 15), "staff:1")
    play(store, channel, services, 21, 40)
    commands.record_payments(store, [payment(numbers[8], "P-late"), payment(numbers[9], "P-more", 20_000)], at(41), API)
    commands.release(store, numbers[3], 1, at(41), "staff:1", "looked at")
    commands.clear_doubt(store, numbers[7], DoubtKind.BANK_CREDIT, "c1", at(41), "staff:1")
    commands.hold_deletion(store, numbers[10], at(41), "staff:1", "a court asks for it")
    play(store, channel, services, 41, 69)
    commands.reactivate(store, numbers[4], 1, at(70), "person:5")
    play(store, channel, services, 70, 160)


@pytest.mark.turn(2)
def test_the_same_commands_give_the_same_digest_on_both_stores(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    memory, postgres = MemoryStore(), make_postgres()
    story(memory)
    story(postgres)
    numbers = list(range(1, 13))
    assert postgres.digest() == memory.digest()
    assert postgres.snapshots(numbers) == memory.snapshots(numbers)
    assert [list(postgres.history(n)) for n in numbers] == [list(memory.history(n)) for n in numbers]
    states = {s.state for a in memory.snapshots(numbers).values() for s in a.subscriptions}
    assert {State.ACTIVE, State.DISABLED, State.DELETED} <= states


def test_the_stored_state_is_the_fold_of_the_stored_facts(store: AnyStore) -> None:
    story(store)
    snapshots = store.snapshots(range(1, 13))
    assert {n: fold(store.history(n)) for n in snapshots} == snapshots


TEXTS: Final = (
    "",
    " ",
    "NULL",
    "\\N",
    '"{},\\',
    "it's 100% £ – \U0001f600",
    "two\nlines\ttab",
    "a\x1fb\x1f",
    "\x00 \x1f \x7f",
)


def test_free_text_comes_back_as_it_was_given_and_is_stored_as_it_was_hashed(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    memory, postgres = MemoryStore(), make_postgres()
    histories: list[list[list[Recorded]]] = []
    for store in (memory, postgres):
        numbers = owing_book(store, len(TEXTS))
        with store.accounts(numbers, at(2)) as batch:
            for unit, text in zip(batch.units, TEXTS, strict=True):
                unit.record(f.WithinTolerance((1,)), "staff:1", text)
        histories.append([list(store.history(n)) for n in numbers])
    assert postgres.digest() == memory.digest()
    assert histories[0] == histories[1]
    assert [history[-1].why for history in histories[1]][:7] == list(TEXTS[:7])


# -- what only a database can get wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["fact", "entry"])
@pytest.mark.parametrize("change", ["UPDATE {} SET seq = seq", "DELETE FROM {}", "TRUNCATE {}"])
def test_facts_and_entries_are_only_ever_added(
    make_postgres: Callable[[], PostgresStore], table: str, change: str
) -> None:
    store = make_postgres()
    owing_book(store)
    before = standing(store, [1])
    with pytest.raises(psycopg.IntegrityError, match="append-only"), store.transaction() as db:
        db.execute(change.format(table).encode())
    assert standing(store, [1]) == before


def test_two_runs_at_once_share_what_is_due_and_never_touch_the_same_account(
    make_postgres: Callable[[], PostgresStore],
) -> None:
    store = make_postgres()
    numbers = owing_book(store, 7)
    with store.due(at(2), 4) as one, store.due(at(2), 10) as other, store.due(at(2), 10) as third:
        assert [u.no for u in one.units] == numbers[:4]
        assert [u.no for u in other.units] == numbers[4:]
        assert list(third.units) == []
    run(store, at(2))
    assert all(store.snapshots([n])[n].case is not None for n in numbers)


def attempt_on(debt: int, key: str) -> f.AttemptCreated:
    return f.AttemptCreated(
        attempt=1,
        key=key,
        ordinal=0,
        method=0,
        by=Initiator.CUSTOMER,
        currency="EUR",
        amount_minor=100,
        parts=(DebtPart(debt, 100),),
        quote="q",
    )


def test_what_is_unknown_is_looked_up_before_what_waits_for_its_payer(store: AnyStore) -> None:
    one, other = owing_book(store, 2)
    record(store, one, attempt_on(1, "k1"), day=2)
    record(store, one, f.AttemptMoved(attempt=1, to=AttemptState.NEEDS_CUSTOMER, ref="pi_1"), day=2)
    record(store, other, attempt_on(1, "k2"), day=3)
    assert store.open_attempts(at(4), 10) == [(other, 1), (one, 1)]
    assert store.open_attempts(at(4), 1) == [(other, 1)]
    assert store.open_attempts(at(2), 10) == [(one, 1)]


def test_an_attempt_is_at_its_methods_provider_and_a_page_at_the_one_that_opened_it(store: AnyStore) -> None:
    [one] = owing_book(store)
    details = MethodDetails("pm_1", "cus_1", MethodKind.CARD, Network.VISA, "fp", "Visa 1")
    record(store, one, f.MethodAdded(method=1, at_provider="beta", details=details, credential=1), day=2)
    for number, (at_provider, method, on_page) in enumerate([("alpha", 0, True), ("", 1, False), ("", 0, True)], 1):
        made = replace(attempt_on(1, f"k{number}"), attempt=number, method=method, on_page=on_page)
        record(store, one, replace(made, at_provider=at_provider), day=2)
        record(store, one, f.AttemptMoved(attempt=number, to=AttemptState.CANCELED), day=2)
    assert [attempt.at_provider for attempt in store.attempts(one)] == ["alpha", "beta", ""]


def test_an_address_of_two_channels_may_have_a_message_by_each_on_a_day_and_one_by_none_twice(store: AnyStore) -> None:
    [one] = owing_book(store)
    words = ("stop_warning", "1", DAY_1, "+31612345678", "technical", 0, "en", "stop", "It stops.")
    sms, other = (
        Mail(one, 1, no, *words, MailState.CLAIMED, "", at(1), channel=ChannelName(name))
        for no, name in enumerate(("sms", "messenger"), 1)
    )
    assert store.claim_mails([sms, other], []) == [sms, other]
    assert store.claim_mails([msgspec.structs.replace(sms, no=3)], []) == []
    assert [mail.channel for mail in store.mails_of(one)] == ["sms", "messenger"]
    moved = MailMove(one, 1, 1, MailState.REFUSED, "422 of +31612345678", "HTTP 422")
    with store.accounts([one], at(1)) as batch:
        batch.move_mails([moved], at(1))
    assert [(mail.state, mail.code) for mail in store.mails_of(one)] == [("refused", "HTTP 422"), ("claimed", "")]
    assert store.claim_mails([msgspec.structs.replace(sms, no=3)], []) != []


def test_an_extra_recipient_keeps_its_channel(make_postgres: Callable[[], PostgresStore]) -> None:
    store = make_postgres()
    [one] = owing_book(store)
    extras = (Extra("+31612345678", "On call", "nl", ChannelName("sms")), Extra("ops@example.org", "Ops", "nl"))
    for extra in (*extras, *extras):
        store.add_extra(one, extra)
    assert store.contacts([one])[one].extras == extras
