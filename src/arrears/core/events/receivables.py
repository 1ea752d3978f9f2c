"""Bodies of events about accounts, invoices and money."""

from __future__ import annotations

from collections.abc import Iterable

from arrears.core import facts as f
from arrears.core.account import DebtPart
from arrears.core.events.saying import EventBody, EventNames, day, instant, money


def account_opened(fact: f.AccountOpened, _of: EventNames) -> EventBody:
    return {"mode": fact.mode, "policy": fact.terms.policy, "zone": fact.terms.zone}


def terms_changed(fact: f.TermsChanged, _of: EventNames) -> EventBody:
    said = {"mode": fact.mode, "policy": fact.terms.policy, "zone": fact.terms.zone}
    return {**said, "was_called": fact.was_called or None}


def invoice_issued(fact: f.InvoiceIssued, of: EventNames) -> EventBody:
    debt = fact.debt
    return {
        "invoice": debt.number,
        "total": money(debt.total_minor, debt.currency),
        "open": money(debt.open_minor, debt.currency),
        "issued_on": day(fact.issued_on),
        "due_on": day(debt.due_on),
        "subscriptions": of.subscriptions(debt.subscriptions),
    }


def _parts(parts: Iterable[f.Allocation | DebtPart], currency: str, of: EventNames) -> list[EventBody]:
    return [{"invoice": of.invoice(one.debt), "amount": money(one.minor, currency)} for one in parts]


def payment_settled(fact: f.PaymentBooked, of: EventNames) -> EventBody:
    return {
        "payment": fact.ref,
        "amount": money(fact.amount_minor, fact.currency),
        "invoices": _parts(fact.allocations, fact.currency, of),
        "credit": money(fact.credit_minor, fact.currency),
        "of": fact.of or None,
    }


def credit_allocated(fact: f.CreditAllocated, of: EventNames) -> EventBody:
    total = sum(one.minor for one in fact.allocations)
    return {"amount": money(total, fact.currency), "invoices": _parts(fact.allocations, fact.currency, of)}


def charge_declined(fact: f.ChargeDeclined, of: EventNames) -> EventBody:
    return {"invoices": of.several(fact.debts), "on": day(fact.on)}


def authorisation_declined(fact: f.AuthorisationDeclined, _of: EventNames) -> EventBody:
    return {"amount": money(fact.amount_minor, fact.currency), "decline": fact.decline or None}


def invoice_reopened(fact: f.DebtReopened, _of: EventNames) -> EventBody:
    said = {"invoice": fact.debt.number, "amount": money(fact.minor, fact.debt.currency)}
    return {**said, "written_off_before": fact.given_up}


def written_off(fact: f.WrittenOff, of: EventNames) -> EventBody:
    return {"invoice": of.invoice(fact.debt), "amount": money(fact.minor, fact.currency)}


def invoice_credited(fact: f.InvoiceCredited, of: EventNames) -> EventBody:
    return {
        "invoice": of.invoice(fact.debt),
        "amount": money(fact.minor, fact.currency),
        "credit": money(fact.credit_minor, fact.currency),
        "void": fact.void,
        "credit_note": fact.ref or None,
    }


def due_moved(fact: f.DueMoved, of: EventNames) -> EventBody:
    return {"invoice": of.invoice(fact.debt), "due_on": day(fact.due_on)}


def past_due(fact: f.BecamePastDue, of: EventNames) -> EventBody:
    return {
        "case": fact.case,
        "case_opened": fact.opened,
        "invoices": [{"invoice": of.invoice(one.debt), "day_0": day(one.day_0)} for one in fact.debts],
        "subscriptions": of.subscriptions(fact.subscriptions),
        "entered_on": day(fact.entered_on),
        "policy": fact.terms.policy,
        "zone": fact.terms.zone,
    }


def case_ended(fact: f.CaseEnded, _of: EventNames) -> EventBody:
    return {"case": fact.case, "outcome": fact.outcome}


def attempt_created(fact: f.AttemptCreated, of: EventNames) -> EventBody:
    return {
        "attempt": fact.attempt,
        "amount": money(fact.amount_minor, fact.currency),
        "invoices": _parts(fact.parts, fact.currency, of),
        "method": fact.method or None,
        "by": fact.by,
    }


def attempt_moved(fact: f.AttemptMoved, _of: EventNames) -> EventBody:
    decline = fact.codes.decline or None
    return {"attempt": fact.attempt, "state": fact.to, "decline": decline, "payment": fact.ref or None}


def challenge_lapsed(fact: f.ChallengeLapsed, _of: EventNames) -> EventBody:
    return {"attempt": fact.attempt}


def method_added(fact: f.MethodAdded, _of: EventNames) -> EventBody:
    details = fact.details
    said = {"method": fact.method, "provider": fact.at_provider, "kind": details.kind, "network": details.network}
    return {**said, "expires_on": day(details.expires_on)}


def method_activated(fact: f.MethodActivated, of: EventNames) -> EventBody:
    said = {"method": fact.method, "subscriptions": of.subscriptions(fact.subscriptions)}
    return {**said, "charged_from": instant(fact.charged_from)}


def method_renewed(fact: f.MethodRenewed, _of: EventNames) -> EventBody:
    return {"method": fact.method, "expires_on": day(fact.expires_on)}


def method_named(fact: f.MethodSpent | f.MethodRemoved, _of: EventNames) -> EventBody:
    return {"method": fact.method}


def refunded(fact: f.Refunded, _of: EventNames) -> EventBody:
    return {
        "refund": fact.ref,
        "payment": fact.payment_ref,
        "amount": money(fact.amount_minor, fact.currency),
        "credit": money(fact.credit_minor, fact.currency),
        "owed_again": money(fact.reopened_minor, fact.currency),
        "reversal": fact.reversal,
        "open": fact.open,
    }


def refund_asked(fact: f.RefundAsked, _of: EventNames) -> EventBody:
    said = {"number": fact.refund, "payment": fact.payment_ref, "amount": money(fact.amount_minor, fact.currency)}
    return {**said, "credit": money(fact.credit_minor, fact.currency), "reopens": fact.reopens}


def refund_undone(fact: f.RefundUndone, _of: EventNames) -> EventBody:
    said = {"number": fact.refund or None, "refund": fact.ref or None, "payment": fact.payment_ref}
    amounts = {"amount": money(fact.amount_minor, fact.currency), "credit": money(fact.credit_minor, fact.currency)}
    return {**said, **amounts}


def refund_covered(fact: f.RefundCovered, _of: EventNames) -> EventBody:
    said = {"number": fact.refund or None, "refund": fact.ref or None, "payment": fact.payment_ref}
    return {**said, "amount": money(fact.minor, fact.currency)}


def chargeback_closed(fact: f.ChargebackClosed, _of: EventNames) -> EventBody:
    return {"chargeback": fact.ref, "payment": fact.payment_ref, "won": fact.won}
