"""Facts as sentences: what happened to an account, told by day, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from arrears.core import facts as f
from arrears.core.account import Account, Action
from arrears.core.calendar import calendar_of
from arrears.core.evolve import evolve, open_account
from arrears.core.money import format_amount

_WILL = {Action.RESTRICT: "is restricted", Action.DISABLE: "stops", Action.DELETE: "is deleted with its data"}


class Line(NamedTuple):
    """One fact as a sentence. `day` counts from the day 0 of the running case; None outside one."""

    on: date
    day: int | None
    what: str
    text: str


def tell(history: Sequence[f.Recorded]) -> Iterator[Line]:
    """The whole story of one account. Facts that only say that something went as planned are left out."""
    account: Account | None = None
    for recorded in history:
        before = account
        account = open_account(recorded) if account is None else evolve(account, recorded)
        said = _say(before or account, account, recorded)
        if said is None:
            continue
        case = account.case or (before.case if before is not None else None)
        on = calendar_of(account.terms.zone).local_day(recorded.at)
        yield Line(on, None if case is None else (on - case.opened_on).days, *said)


def as_text(line: Line) -> str:
    """`2026-02-01  day  30  disabled   cloud ...`"""
    day = "" if line.day is None else f"day {line.day:3d}"
    return f"{line.on}  {day:7}  {line.what:11} {line.text}"


def _service(account: Account, number: int) -> str:
    return account.subscription(number).service


def _say(before: Account, after: Account, recorded: f.Recorded) -> tuple[str, str] | None:
    fact = recorded.fact
    match fact:
        case f.Noticed():
            return "message", "; ".join(_message(after, fact))
        case f.DateMoved(subscription=sub, action=action, on=on):
            return "date", f"{_service(after, sub)} {_WILL[action]} on {on} unless everything is paid"
        case f.NoticeFailed(why=why):
            return "not sent", why
        case f.NoticeAccepted():
            return None
        case f.InvoiceIssued() | f.PaymentBooked() | f.CreditAllocated() | f.WrittenOff() | f.DebtReopened():
            return _money(before, fact)
    return _step(before, after, fact) or _told(after, fact)


def _message(account: Account, fact: f.Noticed) -> Iterator[str]:
    if fact.reminder is not None:
        skipped = f" (overtaken: {', '.join(map(str, fact.reminder.skipped))})" if fact.reminder.skipped else ""
        yield f"reminder of day {fact.reminder.step}{skipped}"
    for w in fact.warnings:
        yield f"warning: {_service(account, w.subscription)} {_WILL[w.action]} on {w.promised_on}"
    for told in fact.told:
        yield f"told that {_service(account, told.subscription)} was {told.what} on {told.on}"


def _money(
    before: Account, fact: f.InvoiceIssued | f.PaymentBooked | f.CreditAllocated | f.WrittenOff | f.DebtReopened
) -> tuple[str, str]:
    match fact:
        case f.InvoiceIssued(debt=d):
            return "invoice", f"{d.number}: {format_amount(d.total_minor, d.currency)}, due {d.due_on}"
        case f.PaymentBooked():
            return "paid", f"{format_amount(fact.amount_minor, fact.currency)} ({fact.ref})"
        case f.CreditAllocated():
            used = sum(a.minor for a in fact.allocations)
            return "credit", f"{format_amount(used, fact.currency)} of account credit put on open invoices"
        case f.WrittenOff():
            return "written off", format_amount(fact.minor, fact.currency)
        case f.DebtReopened(debt=d):
            return "reopened", f"{d.number}: {format_amount(fact.minor, d.currency)} has left again ({fact.reason})"


def _step(before: Account, after: Account, fact: f.AnyFact) -> tuple[str, str] | None:
    match fact:
        case f.BecamePastDue():
            numbers = ", ".join(d.number for d in after.debts if any(d.no == p.debt for p in fact.debts))
            return "past due", f"{numbers}{'; a case opens' if fact.opened else ''}"
        case f.Restricted(subscription=sub):
            return "restricted", f"{_service(after, sub)}: no changes, resources offline"
        case f.Disabled(subscription=sub):
            return "disabled", f"{_service(after, sub)} stops; its data is kept"
        case f.Resumed(subscription=sub, order_no=no, after=state):
            text = "is ordered to run again" if no else f"is {state} again"
            return "resumed", f"{_service(after, sub)} {text}"
        case f.CaseEnded(outcome=outcome):
            return "case ends", outcome.value.replace("_", " ")
        case f.Deferred(subscription=sub, action=action, doubts=doubts):
            return "waits", f"{action} of {_service(after, sub)}, because of {', '.join(doubts)}"
        case f.DeletionScheduled(subscription=sub):
            return "scheduled", f"deletion of {_service(after, sub)}; a second look in 24 hours"
        case f.DeletionUnscheduled(subscription=sub, why=why):
            return "unscheduled", f"deletion of {_service(after, sub)}: {why}"
        case f.DeletionOrdered(subscription=sub):
            return "deletion", f"{_service(after, sub)} is ordered to delete its data"
        case f.DeletionCapped(subscription=sub):
            return "waits", f"deletion of {_service(after, sub)} for the release of two members of staff"
        case f.OrderAcknowledged(subscription=sub, order=order):
            return "done", f"{_service(after, sub)} has carried out {order}"
        case f.Parked(why=why):
            return "parked", why
        case _:
            return None


def _told(after: Account, fact: f.AnyFact) -> tuple[str, str] | None:
    match fact:
        case f.AccountOpened():
            return "opened", f"{fact.mode.value} account"
        case f.SubscriptionAdded(service=service):
            return "added", service
        case f.ChargeDeclined():
            return "declined", "the charge was definitively declined"
        case f.Canceled(subscription=sub):
            return "canceled", _service(after, sub)
        case f.Reactivated(subscription=sub):
            return "reactivated", _service(after, sub)
        case f.ReasonSet(subscription=sub, reason=reason) | f.ReasonLifted(subscription=sub, reason=reason):
            return ("stopped" if isinstance(fact, f.ReasonSet) else "lifted"), f"{_service(after, sub)}: {reason}"
        case f.HoldPlaced(hold=hold):
            end = "until it is released" if hold.until is None else f"to {hold.until}"
            return "hold", f"on the {hold.scope}, {end}: {hold.reason}"
        case f.HoldEnded():
            return "hold ends", "its warnings are given again" if fact.voided else ""
        case f.DoubtRaised(doubt=doubt) | f.DoubtCleared(doubt=doubt):
            return "doubt", f"{doubt} {'raised' if isinstance(fact, f.DoubtRaised) else 'cleared'}"
        case f.TermsChanged(terms=terms):
            return "terms", f"policy {terms.policy}, zone {terms.zone}"
        case _:
            return None
