"""Facts about money as sentences: what is asked and paid, the methods that pay, attempts, and money that goes back."""

from __future__ import annotations

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.facts.payments import TAKEN_BACK
from arrears.core.money import format_amount
from arrears.sim.story_words import in_words, service_of

StoryMoney = (
    f.InvoiceIssued
    | f.PaymentBooked
    | f.CreditAllocated
    | f.WrittenOff
    | f.DebtReopened
    | f.InvoiceCredited
    | f.DueMoved
    | f.WithinTolerance
)
StoryMethod = f.MethodAdded | f.MethodActivated | f.MethodRenewed | f.MethodSpent | f.MethodRemoved
StoryAttempt = f.AttemptCreated | f.AttemptMoved | f.ChallengeLapsed
StoryBack = f.Refunded | f.RefundAsked | f.RefundCovered | f.RefundUndone | f.ChargebackClosed | f.CardTried


def of_money(before: Account, fact: StoryMoney) -> tuple[str, str]:
    """What was asked, paid and no longer owed; `before` is the account as it was until then."""
    match fact:
        case f.InvoiceIssued(debt=d):
            return "invoice", f"{d.number}: {format_amount(d.total_minor, d.currency)}, due {in_words(d.due_on)}"
        case f.PaymentBooked():
            return "paid", f"{format_amount(fact.amount_minor, fact.currency)} ({fact.ref})"
        case f.CreditAllocated():
            used = sum(a.minor for a in fact.allocations)
            return "credit", f"{format_amount(used, fact.currency)} of account credit put on open invoices"
        case f.WrittenOff():
            return "written off", format_amount(fact.minor, fact.currency)
        case f.InvoiceCredited():
            whose = ", ".join(d.number for d in before.debts if d.no == fact.debt)
            credited = f"{whose}: {format_amount(fact.minor, fact.currency)} less is asked"
            return "withdrawn" if fact.void else "credited", credited.removeprefix(": ")
        case f.DueMoved():
            numbers = ", ".join(d.number for d in before.debts if d.no == fact.debt)
            return "due date", f"{numbers}: due {in_words(fact.due_on)} now".removeprefix(": ")
        case f.DebtReopened(debt=d, given_up=True):
            return "reopened", f"{d.number}: {format_amount(fact.minor, d.currency)} is asked for after all"
        case f.DebtReopened(debt=d):
            return "reopened", f"{d.number}: {format_amount(fact.minor, d.currency)} has left again ({fact.reason})"
        case f.WithinTolerance():
            numbers = ", ".join(d.number for d in before.debts if d.no in fact.debts)
            return "tolerated", f"what is left of {numbers} is too little to be past due"


def of_method(after: Account, fact: StoryMethod) -> tuple[str, str]:
    """What became of a payment method."""
    name = f"payment method {fact.method}"
    match fact:
        case f.MethodAdded():
            return "method", f"{name}, {fact.details.label}, was added; adding alone collects nothing"
        case f.MethodActivated():
            services = ", ".join(service_of(after, no) for no in fact.subscriptions)
            return "method", f"{name} now pays for {services or 'what is added later'}"
        case f.MethodRenewed():
            return "method", f"{name} is good until {in_words(fact.expires_on)}"
        case f.MethodSpent():
            return "method", f"{name} works only once: another is needed"
        case f.MethodRemoved():
            return "method", f"{name} was removed"


def of_attempt(fact: StoryAttempt) -> tuple[str, str]:
    """What became of an attempt to take money."""
    match fact:
        case f.AttemptCreated():
            how = "on the provider's page" if fact.on_page else f"with payment method {fact.method}"
            amount = format_amount(fact.amount_minor, fact.currency)
            return "attempt", f"{fact.attempt}: {amount} for {len(fact.parts)} invoice(s), {how}, by the {fact.by}"
        case f.AttemptMoved():
            why = fact.codes.decline or fact.why
            return "attempt", f"{fact.attempt}: {fact.to.replace('_', ' ')}{f' ({why})' if why else ''}"
        case f.ChallengeLapsed():
            return "attempt", f"{fact.attempt}: nobody finished the bank's check within a day"


def of_back(fact: StoryBack) -> tuple[str, str]:
    """What money left again, or was tried and did not come."""
    match fact:
        case f.CardTried(tried=one):
            return "card tried", f"in vain, on the provider's page: {one.codes.decline}"
        case f.ChargebackClosed(ref=ref, payment_ref=payment, won=won):
            return "chargeback", f"{ref} of {payment} is {'won: the money is back' if won else 'lost'}"
        case f.RefundUndone(payment_ref=ref, currency=unit):
            amount = format_amount(fact.amount_minor or fact.credit_minor, unit)
            return "refund", f"{amount} of {ref} did not leave, or has come back"
        case f.RefundCovered(payment_ref=ref, currency=unit, minor=minor):
            return "refund", f"{format_amount(minor, unit)} given back of {ref} before is what its invoice asks less"
        case f.RefundAsked(payment_ref=ref, currency=unit, amount_minor=minor):
            return "refund", f"{fact.refund}: {format_amount(minor, unit)} of {ref} is to be given back"
        case f.Refunded(reversal=True, refund=0, payment_ref=ref, currency=unit):
            return "taken back", f"{format_amount(fact.amount_minor + fact.reopened_minor, unit)} of {ref} by the bank"
        case f.Refunded(ref=ref, refund=0, payment_ref=payment, currency=unit) if ref.startswith(TAKEN_BACK):
            amount = format_amount(fact.amount_minor + fact.reopened_minor, unit)
            return "taken back", f"{amount} of {payment}: it is not paid any more"
        case f.Refunded():
            amount = format_amount(fact.amount_minor + fact.reopened_minor, fact.currency)
            return "refund", f"{amount} of {fact.payment_ref} given back"
