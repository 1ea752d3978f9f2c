"""The short words in which a story tells a fact; None for those that a story leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import assert_never

from arrears.core import facts as f
from arrears.core.states import RUNNING

Day = Callable[[date], int]
Services = Mapping[int, str]


def words(fact: f.AnyFact, services: Services, day: Day) -> str | None:
    """One fact in a few words; days are those of the story."""
    told = _money(fact) or _asked(fact, services) or _paying(fact, services) or _helped(fact, services)
    return told if told is not None else _decided(fact, services, day)


def _debts(numbers: Sequence[int]) -> str:
    return ", ".join(f"I{n}" for n in numbers)


def _money(fact: f.AnyFact) -> str | None:
    match fact:
        case f.PaymentBooked():
            credit = f" ({fact.credit_minor} credit)" if fact.credit_minor else ""
            return f"paid {fact.amount_minor} {fact.currency}{credit}"
        case f.CreditAllocated():
            return f"credit on {_debts([a.debt for a in fact.allocations])}"
        case f.ChargeDeclined():
            return f"declined {_debts(fact.debts)}"
        case f.InvoiceCredited():
            return f"credited {fact.minor}" + (f" of I{fact.debt}" if fact.debt else "")
        case f.DueMoved():
            return f"due date of I{fact.debt} moved"
        case f.DebtReopened():
            return f"reopened I{fact.debt.no}"
        case f.WrittenOff():
            return f"written off I{fact.debt}"
        case f.WithinTolerance():
            return f"within tolerance {_debts(fact.debts)}"
        case _:
            return None


def _asked(fact: f.AnyFact, services: Services) -> str | None:
    match fact:
        case f.Canceled():
            return f"canceled {services[fact.subscription]}"
        case f.Reactivated():
            return f"reactivated {services[fact.subscription]}"
        case f.ReasonSet():
            return f"{fact.reason} set on {services[fact.subscription]}"
        case f.ReasonLifted():
            return f"{fact.reason} lifted from {services[fact.subscription]}"
        case f.HoldPlaced():
            return f"hold {fact.hold.no} placed"
        case f.HoldEnded():
            return f"hold {fact.hold} ended{_void(fact.voided, services)}"
        case f.ArrangementMade(arrangement=one):
            return f"promise {one.no}: {', '.join(str(part.minor) for part in one.parts)}"
        case f.ArrangementKept():
            return f"promise {fact.arrangement} kept: {fact.kept}"
        case f.ArrangementEnded():
            return f"promise {fact.arrangement} {'broken' if fact.broken else 'ended'}{_void(fact.voided, services)}"
        case f.DoubtRaised():
            return f"doubt {fact.doubt}"
        case f.DoubtCleared():
            return f"no doubt {fact.doubt}"
        case f.NoticeFailed():
            return "message failed"
        case f.WarnedOtherwise(subscription=number, action=action, how=how):
            return f"warned otherwise, by {how}: {action} {services[number]}"
        case f.Parked():
            return "parked"
        case f.Unparked():
            return "unparked"
        case _:
            return None


def _void(voided: Sequence[f.Voided], services: Services) -> str:
    said = [f"{v.action} {services[v.subscription]}" for v in voided]
    return f", void: {', '.join(said)}" if said else ""


def _paying(fact: f.AnyFact, services: Services) -> str | None:
    match fact:
        case f.MethodAdded():
            return f"method {fact.method} added: {fact.details.label.split()[0].lower()}"
        case f.MethodActivated():
            return f"method {fact.method} pays for {', '.join(services[n] for n in fact.subscriptions)}"
        case f.MethodRenewed():
            return f"method {fact.method} renewed"
        case f.MethodSpent():
            return f"method {fact.method} works only once"
        case f.MethodRemoved():
            return f"method {fact.method} removed"
        case f.AttemptCreated():
            how = "page" if fact.on_page else f"method {fact.method}"
            debts = _debts([p.debt for p in fact.parts])
            return f"attempt {fact.attempt} by {fact.by}: {fact.currency} {fact.amount_minor} with {how} for {debts}"
        case f.AttemptMoved():
            return f"attempt {fact.attempt} {fact.to}{f': {fact.codes.decline}' if fact.codes.decline else ''}"
        case f.ChallengeLapsed():
            return f"challenge of attempt {fact.attempt} lapsed"
        case f.Refunded():
            return f"money left: {fact.currency} {fact.amount_minor}"
        case f.RefundAsked():
            return f"refund {fact.refund} asked: {fact.currency} {fact.amount_minor}"
        case f.RefundCovered():
            return f"refund covered: {fact.currency} {fact.minor}"
        case f.RefundUndone():
            return f"refund undone: {fact.currency} {fact.amount_minor}"
        case f.CardTried():
            return f"card tried for attempt {fact.attempt}: {fact.tried.codes.decline}"
        case f.ChargebackClosed():
            return f"chargeback {'won' if fact.won else 'lost'}"
        case _:
            return None


def _helped(fact: f.AnyFact, services: Services) -> str | None:
    match fact:
        case f.SupportOpened():
            holds = f", holds {', '.join(map(str, fact.holds))}" if fact.holds else ""
            return f"request {fact.request} ({fact.via}): {fact.about}{holds}"
        case f.SupportSaid():
            return f"request {fact.request}: more"
        case f.SupportAnswered():
            return f"request {fact.request} answered"
        case f.SupportClosed():
            return f"request {fact.request} closed"
        case f.ResumeLate():
            return f"{', '.join(services[o.subscription] for o in fact.orders)} late: a request opens by itself"
        case _:
            return None


def _decided(fact: f.AnyFact, services: Services, day: Day) -> str | None:
    match fact:
        case f.BecamePastDue():
            days = "" if all(day(d.day_0) == 0 for d in fact.debts) else f" from day {day(fact.debts[0].day_0)}"
            return f"past due {_debts([d.debt for d in fact.debts])}{days}"
        case f.Noticed():
            return "; ".join(_parts(fact, services, day)) or None
        case f.DateMoved():
            return f"promised: {fact.action} {services[fact.subscription]} on day {day(fact.on)}"
        case f.Restricted():
            return f"restricted {services[fact.subscription]} on day {day(fact.on)}"
        case f.Disabled():
            return f"disabled {services[fact.subscription]} on day {day(fact.on)}"
        case f.Deferred():
            return f"{fact.action} {services[fact.subscription]} waits: {', '.join(fact.doubts)}"
        case f.RecipientsChanged():
            return "others are told"
        case f.WarningsLapsed():
            return f"warnings of {fact.action} {services[fact.subscription]} lapse"
        case f.DoubtEnded():
            return f"{fact.action} {services[fact.subscription]} waits no longer"
        case f.Resumed():
            return f"resumed {services[fact.subscription]}: {fact.before} -> {fact.after}"
        case f.CaseEnded():
            return f"case {fact.outcome}"
        case f.DeletionScheduled():
            return f"deletion of {services[fact.subscription]} scheduled"
        case f.DeletionUnscheduled():
            return f"deletion of {services[fact.subscription]} unscheduled"
        case f.DeletionCapped():
            return f"deletion of {services[fact.subscription]} awaits release"
        case f.DeletionOrdered():
            return f"deletion of {services[fact.subscription]} ordered"
        case f.DeletionReleased():
            return f"deletion of {services[fact.subscription]} released"
        case f.DeletedInPart():
            return f"{services[fact.subscription]} deleted in part"
        case f.OrderAcknowledged():
            if fact.ended_on is not None:
                return f"{services[fact.subscription]} stopped; retention from day {day(fact.ended_on)}"
            return f"{services[fact.subscription]} deleted" if fact.order == "delete" else None
        case _:
            return None


def _parts(fact: f.Noticed, services: Services, day: Day) -> list[str]:
    parts = []
    for part in fact.parts:
        match part:
            case f.Reminder(step=step, skipped=skipped):
                parts.append(f"reminder {step}{f' (skipped {_listed(skipped)})' if skipped else ''}")
            case f.Warning(step=step, action=action, subscription=no, promised_on=on, late=late):
                parts.append(f"warning {step}: {action} {services[no]} on day {day(on)}{' (late)' if late else ''}")
            case f.Told(what=what) if what == RUNNING:
                pass  # told at once, and the line before says that it does
            case f.Told(subscription=no, what=what, on=on):
                parts.append(f"told: {services[no]} {what} on day {day(on)}")
            case f.Expiring(method=no, days=days):
                parts.append(f"card {no} expires in {days} days")
            case f.Announcement(debt=debt, subscription=no, method=method, hold=hold, on=on):
                about = f"I{debt}" if debt else services[no] if no else f"hold {hold}" if hold else f"card {method}"
                parts.append(f"{part.name}: {about} on day {day(on)}")
            case _:
                assert_never(part)
    return parts


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
