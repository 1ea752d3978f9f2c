"""Money that goes back to a customer, or was to, in their words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from arrears.core import facts as f
from arrears.web.account_centre.frame import Visit

MoneyBackFact = f.Refunded | f.RefundAsked | f.RefundCovered | f.RefundUndone | f.ChargebackClosed


def tell_of_money_back(visit: Visit, fact: MoneyBackFact) -> str:
    """The sentence for one fact; empty where a customer is told nothing: what a bank takes back, or has to leave, is
    told with the invoices that it was paid on."""
    match fact:
        case f.Refunded(reversal=True, refund=0, credit_minor=credit):
            if not credit:
                return ""
            return _("%(amount)s of your credit has gone back to the bank.") % {
                "amount": visit.amount(credit, fact.currency)
            }
        case f.Refunded():
            minor = fact.amount_minor + (fact.reopened_minor if fact.refund else 0)
            return "" if not minor else _("%(amount)s was paid back.") % {"amount": visit.amount(minor, fact.currency)}
        case f.RefundAsked(amount_minor=minor):
            return _("%(amount)s is being paid back.") % {"amount": visit.amount(minor, fact.currency)}
        case f.RefundUndone(refund=number, credit_minor=credit):
            if not number:
                return ""
            if credit:
                return _("A repayment did not arrive. %(amount)s is your credit again.") % {
                    "amount": visit.amount(credit, fact.currency)
                }
            return _("A repayment did not arrive.")
        case f.RefundCovered() | f.ChargebackClosed():
            return ""
