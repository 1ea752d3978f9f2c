"""What people and the operator's systems ask. Pages, console, API, command line and simulator call these same ones.

Each command locks its accounts, refuses or records, and lets the consequences follow in the same transaction:
credit is allocated, causes are lifted, resumes are ordered, dates are moved. What waits for an hour is left to
the collections run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import ALL_STOPS, Debt, DoubtKind, Hold, Mode, Scope, Stop, Subscription, Terms
from arrears.core.address import check_address
from arrears.core.calendar import calendar_of
from arrears.core.decide import decide
from arrears.core.errors import Refused
from arrears.core.ids import HOLD, INVOICE, SUBSCRIPTION, format_id
from arrears.core.money import exponent
from arrears.core.rules import CUT_RULES
from arrears.core.rules.hold import end_hold
from arrears.core.states import Reason
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.booking import Payment, book
from arrears.engine.failpoints import reached
from arrears.engine.run import settle
from arrears.ports import NewAccount, Store

HOLD_DAYS_MAX: Final = 366
"""A hold is a stop with an end (spec, section 1); longer ones are renewed by a person who looked again."""


@contextmanager
def acting(store: Store, numbers: Sequence[int], now: datetime) -> Iterator[dict[int, Unit]]:
    """The units of these accounts, locked; on leaving, the consequences of what was recorded are recorded too."""
    policies = store.policies()
    with store.accounts(sorted(set(numbers)), now) as batch:
        units = {unit.no: unit for unit in batch.units}
        yield units
        for unit in units.values():
            if unit.stored:
                settle(unit, policies, batch.guards, only_consequences=True)
        reached("command.before_commit")
    reached("command.after_commit")


@contextmanager
def acting_on(store: Store, number: int, now: datetime) -> Iterator[Unit]:
    """The same for one account."""
    with acting(store, [number], now) as units:
        yield units[number]


def open_accounts(
    store: Store, accounts: Sequence[tuple[NewAccount, Sequence[str]]], now: datetime, author: str
) -> list[int]:
    """Open accounts, each with one subscription per named service; their numbers in the same order. Refuses
    `unknown_policy`, `unknown_zone` and `bad_address`: an address that nobody can write to warns nobody."""
    accounts = [
        (new if new.contact is None else new._replace(contact=check_address(new.contact)), services)
        for new, services in accounts
    ]
    known = store.policies()
    for new, _ in accounts:
        if new.policy not in known:
            raise Refused("unknown_policy", f"account {new.ref!r} names policy {new.policy!r}, which is not adopted")
        calendar_of(new.zone)
    with store.open_accounts([new for new, _ in accounts], now) as batch:
        for unit, (new, services) in zip(batch.units, accounts, strict=True):
            unit.record(f.AccountOpened(terms=Terms(new.policy, new.zone), mode=new.mode), author)
            for number, service in enumerate(services, 1):
                unit.record(f.SubscriptionAdded(subscription=number, service=service), author)
        numbers = [unit.no for unit in batch.units]
        reached("command.before_commit")
    reached("command.after_commit")
    return numbers


def add_subscription(store: Store, account: int, service: str, now: datetime, author: str) -> int:
    """Add a subscription to a service; its number within the account."""
    with acting_on(store, account, now) as unit:
        number = len(unit.account.subscriptions) + 1
        unit.record(f.SubscriptionAdded(subscription=number, service=service), author)
        return number


@dataclass(frozen=True, slots=True)
class Invoice:
    """Money asked: minor units of one currency, for the numbered subscriptions of one account."""

    account: int
    number: str
    currency: str
    total_minor: int
    issued_on: date
    due_on: date
    subscriptions: tuple[int, ...]
    settled_separately: bool = False


def issue_invoices(store: Store, invoices: Sequence[Invoice], now: datetime, author: str) -> list[int]:
    """Issue invoices set-wise; their numbers within their accounts. Refuses the whole set if one is wrong."""
    with acting(store, [i.account for i in invoices], now) as units:
        return [issue(units[invoice.account], invoice, author) for invoice in invoices]


def issue(unit: Unit, invoice: Invoice, author: str) -> int:
    """Issue one invoice; its number within the account. Refuses `unknown_currency`, `bad_amount`,
    `due_before_issue`, `unknown_subscription`."""
    exponent(invoice.currency)
    if invoice.total_minor <= 0:
        raise Refused("bad_amount", f"invoice {invoice.number!r}: the total must be more than zero")
    if invoice.due_on < invoice.issued_on:
        raise Refused("due_before_issue", f"invoice {invoice.number!r} is due before it is issued")
    known = {s.no for s in unit.account.subscriptions}
    if not invoice.subscriptions or not known.issuperset(invoice.subscriptions):
        raise Refused("unknown_subscription", f"invoice {invoice.number!r} must name subscriptions of its account")
    number = unit.account.debt_count + 1
    debt = Debt(
        no=number,
        number=invoice.number,
        currency=invoice.currency,
        total_minor=invoice.total_minor,
        open_minor=invoice.total_minor,
        due_on=invoice.due_on,
        subscriptions=invoice.subscriptions,
        settled_separately=invoice.settled_separately,
    )
    unit.record(f.InvoiceIssued(debt=debt, issued_on=invoice.issued_on), author)
    return number


def record_payments(store: Store, payments: Sequence[Payment], now: datetime, author: str) -> None:
    """Book money received. A payment that names an invoice is booked on it first, the rest is account credit."""
    with acting(store, [p.account for p in payments], now) as units:
        for payment in payments:
            book(units[payment.account], payment, author)


def report_decline(store: Store, account: int, debts: Sequence[int], now: datetime, author: str) -> None:
    """The charge of these debts was definitively declined: they are past due from this local day."""
    with acting_on(store, account, now) as unit:
        fresh = [d for d in _open_debts(unit, debts) if d.day_0 is None and d.past_due_from is None]
        # The first reminder of a new case tells it; in an open one that has been given.
        tell = bool(fresh) and unit.account.case is not None
        unit.record(f.ChargeDeclined(debts=tuple(debts), on=local_today(unit), tell=tell), author)


def report_authorisation_declined(
    store: Store, account: int, currency: str, amount_minor: int, decline: str, now: datetime, author: str
) -> None:
    """A card was refused for an amount that is not invoiced yet: the customer is told at once, and nothing is owed.
    `decline` is one of our words (core/data/declines.toml), or empty. Refuses `bad_amount`, `unknown_currency`."""
    exponent(currency)
    if amount_minor <= 0:
        raise Refused("bad_amount", "the amount that was refused must be more than zero")
    with acting_on(store, account, now) as unit:
        refused = f.AuthorisationDeclined(currency=currency, amount_minor=amount_minor, decline=decline)
        unit.record(refused, author)


def reopen(store: Store, account: int, debt: Debt, minor: int, reason: str, now: datetime, author: str) -> None:
    """Money has left again: the debt is owed anew and this local day is its day 0 (spec, section 4, point 10).

    `debt` describes the invoice as issued; what is open already stays open.
    """
    with acting_on(store, account, now) as unit:
        was = unit.account.debt(debt.no)
        open_minor = (was.open_minor if was is not None else 0) + minor
        if not minor > 0 or open_minor > debt.total_minor:
            raise Refused("bad_amount", f"more would be open of invoice {debt.number!r} than it asked")
        today = local_today(unit)
        again = replace(debt, open_minor=open_minor, past_due_from=today, day_0=None, ended=False)
        unit.record(f.DebtReopened(debt=again, minor=minor, reason=reason), author, reason)


def write_off(store: Store, account: int, debt: int, now: datetime, author: str, why: str) -> None:
    """Give up what is open of a debt; it lifts the cause as a payment does."""
    with acting_on(store, account, now) as unit:
        found = _open_debts(unit, [debt])[0]
        unit.record(f.WrittenOff(debt=debt, minor=found.open_minor, currency=found.currency), author, why)


def hold(
    store: Store,
    account: int,
    *,
    scope: Scope,
    target: int = 0,
    stops: Sequence[Stop] = ALL_STOPS,
    reason: str,
    until: date,
    now: datetime,
    author: str,
) -> int:
    """Stop the named escalations up to and including the local day `until`; the hold's number."""
    with acting_on(store, account, now) as unit:
        today = local_today(unit)
        if not today <= until <= today + timedelta(days=HOLD_DAYS_MAX):
            raise Refused("bad_date", f"a hold ends between {today} and {today + timedelta(days=HOLD_DAYS_MAX)}")
        return place_hold(unit, scope, target, tuple(stops), reason, until, author)


def dispute(store: Store, account: int, debt: int, now: datetime, author: str, reason: str = "dispute") -> int:
    """The customer objects to an invoice (or their bank reversed it): everything about it stops until released."""
    with acting_on(store, account, now) as unit:
        return place_hold(unit, Scope.DEBT, debt, ALL_STOPS, reason, None, author)


def place_hold(
    unit: Unit, scope: Scope, target: int, stops: tuple[Stop, ...], reason: str, until: date | None, author: str
) -> int:
    """A hold in an open unit; its number."""
    if scope is Scope.DEBT:
        _open_debts(unit, [target])
        stops = ALL_STOPS
    elif scope is Scope.SUBSCRIPTION:
        _subscription(unit, target)
    if not stops or not reason.strip():
        raise Refused("bad_hold", "a hold says what it stops and why")
    number = unit.account.hold_count + 1
    placed = Hold(
        no=number,
        scope=scope,
        target=target if scope is not Scope.ACCOUNT else 0,
        stops=stops,
        reason=reason,
        from_at=unit.now,
        until=until,
    )
    unit.record(f.HoldPlaced(hold=placed), author, reason)
    return number


def release(store: Store, account: int, number: int, now: datetime, author: str, why: str = "") -> None:
    """End a hold now. Warnings whose date it moved no longer count; a new one with its full lead follows."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        found = next((h for h in unit.account.holds if h.no == number and h.ended_at is None), None)
        if found is None:
            raise Refused("unknown_hold", f"{format_id(HOLD, account, number)} is not an open hold")
        view = View(policies, unit.account, guards, now)
        unit.record(end_hold(view, found, now), author, why)


def cancel(store: Store, account: int, subscription: int, now: datetime, author: str) -> None:
    """The customer ends a subscription: its service ends today, its data is kept for the retention."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        sub = _subscription(unit, subscription)
        if Reason.CANCELED in sub.reasons:
            raise Refused("already_canceled", f"{format_id(SUBSCRIPTION, account, subscription)} is canceled already")
        view = View(policies, unit.account, guards, now)
        stopped = sub.end is not None
        unit.record(
            f.Canceled(
                subscription=subscription,
                on=view.today,
                terms=view.pinned,
                order_no=0 if stopped else sub.order_count + 1,
                before=sub.state,
            ),
            author,
        )


def reactivate(store: Store, account: int, subscription: int, now: datetime, author: str) -> None:
    """Take a cancellation back, as long as no deletion has been ordered."""
    with acting_on(store, account, now) as unit:
        sub = _subscription(unit, subscription)
        if Reason.CANCELED not in sub.reasons:
            raise Refused("not_canceled", f"{format_id(SUBSCRIPTION, account, subscription)} is not canceled")
        unit.record(f.Reactivated(subscription=subscription), author)


_OTHER: Final = (Reason.SPENDING_LIMIT, Reason.POLICY_VIOLATION, Reason.OTHER)


def set_reason(
    store: Store, account: int, subscription: int, reason: Reason, now: datetime, author: str, why: str
) -> None:
    """Stop a subscription for a reason that has nothing to do with debt."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        sub = _subscription(unit, subscription)
        if reason not in _OTHER or reason in sub.reasons:
            raise Refused("bad_reason", f"{reason} cannot be set on {format_id(SUBSCRIPTION, account, subscription)}")
        view = View(policies, unit.account, guards, now)
        order_no = 0 if sub.end is not None else sub.order_count + 1
        unit.record(
            f.ReasonSet(
                subscription=subscription,
                reason=reason,
                on=view.today,
                terms=view.pinned,
                order_no=order_no,
                before=sub.state,
            ),
            author,
            why,
        )


def lift_reason(
    store: Store, account: int, subscription: int, reason: Reason, now: datetime, author: str, why: str
) -> None:
    """Lift a reason that has nothing to do with debt; what then has no reason to be stopped runs again."""
    with acting_on(store, account, now) as unit:
        sub = _subscription(unit, subscription)
        if reason not in _OTHER or reason not in sub.reasons:
            raise Refused("bad_reason", f"{reason} is not set on {format_id(SUBSCRIPTION, account, subscription)}")
        unit.record(f.ReasonLifted(subscription=subscription, reason=reason), author, why)


def raise_doubt(store: Store, account: int, kind: DoubtKind, ref: str, now: datetime, author: str) -> None:
    """Something about this account is unknown; what escalates waits until it is cleared."""
    with acting_on(store, account, now) as unit:
        if not any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
            unit.record(f.DoubtRaised(doubt=kind, ref=ref), author)


def clear_doubt(store: Store, account: int, kind: DoubtKind, ref: str, now: datetime, author: str) -> None:
    """It is known now. A deadline that passed while it stood has waited, even if no run has looked at it since."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        if any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
            while waits := decide(policies, unit.account, guards, now, rules=CUT_RULES).facts:
                for fact in waits:
                    unit.record(fact)
            unit.record(f.DoubtCleared(doubt=kind, ref=ref), author)


def change_terms(store: Store, account: int, now: datetime, author: str, *, policy: str, zone: str, mode: Mode) -> None:
    """Another policy, zone or way of paying for what starts from now on; a running case keeps its own."""
    if policy not in store.policies():
        raise Refused("unknown_policy", f"policy {policy!r} is not adopted")
    calendar_of(zone)
    with acting_on(store, account, now) as unit:
        unit.record(f.TermsChanged(terms=Terms(policy, zone), mode=mode), author)


def unpark(store: Store, account: int, now: datetime, author: str, why: str) -> None:
    """A person has looked at a parked account: decide upon it again."""
    with acting_on(store, account, now) as unit:
        if not unit.account.parked:
            raise Refused("not_parked", f"account {account} is not parked")
        unit.record(f.Unparked(), author, why)


def close_task(store: Store, account: int, task: int, now: datetime, author: str, outcome: str) -> None:
    """A person has dealt with a task; `task` is the fact that raised it."""
    with acting_on(store, account, now) as unit:
        unit.record(f.TaskClosed(task=task, outcome=outcome), author)


def local_today(unit: Unit) -> date:
    """The account's local day; a running case keeps the zone it started with."""
    case = unit.account.case
    return calendar_of((unit.account if case is None else case).terms.zone).local_day(unit.now)


def _open_debts(unit: Unit, numbers: Sequence[int]) -> list[Debt]:
    found = [unit.account.debt(number) for number in numbers]
    missing = [format_id(INVOICE, unit.no, n) for n, d in zip(numbers, found, strict=True) if d is None]
    if missing:
        raise Refused("unknown_invoice", f"{', '.join(missing)}: nothing is open")
    return [d for d in found if d is not None]


def _subscription(unit: Unit, number: int) -> Subscription:
    try:
        sub = unit.account.subscription(number)
    except KeyError:
        raise Refused("unknown_subscription", f"account {unit.no} has no subscription {number}") from None
    if sub.end is not None and sub.end.ordered_at is not None:
        raise Refused("deleted", f"{format_id(SUBSCRIPTION, unit.no, number)}: its deletion has been ordered")
    return sub
