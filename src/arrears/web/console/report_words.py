"""What reports, their sums and their groups are called, and what each is by definition (`core/reports.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from babel.core import Locale
from babel.dates import format_skeleton
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.closed import closed
from arrears.core.reports import BILLED_DAYS, FORECAST_DAYS, ReceivablesReport

PageText = Promise | str


class ReportTexts(NamedTuple):
    """A report's title, what it says by definition, what its groups are, and what it counts."""

    title: PageText
    definition: PageText
    groups: PageText
    counts: PageText


WORDS: Final[Mapping[ReceivablesReport, ReportTexts]] = closed(
    "what reports are called",
    ReceivablesReport,
    {
        ReceivablesReport.AGEING: ReportTexts(
            gettext_lazy("Ageing"),
            gettext_lazy(
                "What is open of all invoices now, by the days since their due date. Held is what of it is disputed or"
                " on hold. An invoice whose service was deleted is still owed, and is here."
            ),
            gettext_lazy("Days past the due date"),
            gettext_lazy("Invoices"),
        ),
        ReceivablesReport.RECOVERY: ReportTexts(
            gettext_lazy("Recovery by month"),
            gettext_lazy(
                "Each invoice that went past due counts in the month of its first day 0, with what was open of it then."
                " Recovered is what has come for it since, by payment or account credit, less what has left again."
                " Credited was asked less, written off was given up; the rest is open."
            ),
            gettext_lazy("Past due since"),
            gettext_lazy("Invoices"),
        ),
        ReceivablesReport.TIME_TO_RECOVER: ReportTexts(
            gettext_lazy("Time to recover"),
            gettext_lazy(
                "Of the invoices that went past due and were paid whole: the days from their first day 0 to the day of"
                " the payment that left nothing open, as local days of the account."
            ),
            gettext_lazy("Days until paid"),
            gettext_lazy("Invoices"),
        ),
        ReceivablesReport.BY_STEP: ReportTexts(
            gettext_lazy("Recovery by step"),
            gettext_lazy(
                "What came for invoices that went past due, by the newest step that their account had reached before:"
                " the reminder or warning that was last sent, or what was last done. What left again counts against it."
            ),
            gettext_lazy("After"),
            gettext_lazy("Payments"),
        ),
        ReceivablesReport.BY_METHOD: ReportTexts(
            gettext_lazy("Recovery by method"),
            gettext_lazy(
                "What came for invoices that went past due, by how it came: a stored card or mandate, the payment page,"
                " a transfer that the bank told of, account credit, or a payment that was reported to us."
            ),
            gettext_lazy("Paid by"),
            gettext_lazy("Payments"),
        ),
        ReceivablesReport.BY_DECLINE: ReportTexts(
            gettext_lazy("Recovery by decline"),
            gettext_lazy(
                "Invoices that went past due, by the code of the first charge for them that was declined, and what has"
                " become of them."
            ),
            gettext_lazy("First decline"),
            gettext_lazy("Invoices"),
        ),
        ReceivablesReport.BY_POLICY: ReportTexts(
            gettext_lazy("Recovery by policy"),
            gettext_lazy("Invoices that went past due, by the policy of their case, and what has become of them."),
            gettext_lazy("Policy"),
            gettext_lazy("Invoices"),
        ),
        ReceivablesReport.FALSE_STOPS: ReportTexts(
            gettext_lazy("Services stopped in error"),
            gettext_lazy(
                "Of the services that were stopped for debt: those for which money had reached the bank on the day of"
                " the stop or before, or was being taken, and was booked only afterwards. It should be none."
            ),
            gettext_lazy("Stopped in"),
            gettext_lazy("Services stopped"),
        ),
        ReceivablesReport.DELIVERY: ReportTexts(
            gettext_lazy("Messages that arrived"),
            gettext_lazy(
                "Messages that were handed over, by kind and what became of them: accepted by the recipient's mail"
                " system, come back, refused, or unknown. What waits or was dropped as out of date is left out."
            ),
            gettext_lazy("Kind"),
            gettext_lazy("Messages"),
        ),
        ReceivablesReport.DAYS_SALES_OUTSTANDING: ReportTexts(
            gettext_lazy("Days sales outstanding"),
            gettext_lazy(
                "What was owed at the end of a month, divided by what was billed in the 90 days before, times 90. The"
                " month that has not ended is taken up to today. Days are those of UTC."
            ),
            gettext_lazy("At the end of"),
            gettext_lazy("Accounts"),
        ),
        ReceivablesReport.FORECAST: ReportTexts(
            gettext_lazy("Forecast of 30 days"),
            gettext_lazy(
                "What is past due now, by the days since day 0, and what of it is expected within 30 days: the share"
                " that came within 30 days of what was open at the beginning of the same age, over the chosen months."
            ),
            gettext_lazy("Days past due"),
            gettext_lazy("Invoices"),
        ),
    },
)
assert (BILLED_DAYS, FORECAST_DAYS) == (90, 30), "the definitions say these numbers"

COLUMN_WORDS: Final[Mapping[str, PageText]] = {
    "open": gettext_lazy("Open"),
    "held": gettext_lazy("Held"),
    "past_due": gettext_lazy("Was past due"),
    "recovered": gettext_lazy("Recovered"),
    "credited": gettext_lazy("Credited"),
    "written_off": gettext_lazy("Written off"),
    "false_stops": gettext_lazy("In error"),
    "accepted": gettext_lazy("Accepted"),
    "came_back": gettext_lazy("Came back"),
    "refused": gettext_lazy("Refused"),
    "unknown": gettext_lazy("Unknown"),
    "receivable": gettext_lazy("Owed"),
    "billed": gettext_lazy("Billed"),
    "expected": gettext_lazy("Expected"),
}

_METHODS: Final[Mapping[str, PageText]] = {
    "card": gettext_lazy("card"),
    "ach": gettext_lazy("bank debit (ACH)"),
    "sepa": gettext_lazy("bank debit (SEPA)"),
    "bacs": gettext_lazy("bank debit (Bacs)"),
    "page": gettext_lazy("payment page"),
    "transfer": gettext_lazy("bank transfer"),
    "reported": gettext_lazy("reported to us"),
    "account_credit": gettext_lazy("account credit"),
    "left_again": gettext_lazy("left again"),
}

_STEPS: Final[Mapping[str, PageText]] = {
    "remind": gettext_lazy("reminder of day %(day)s"),
    "warn_restrict": gettext_lazy("warning of day %(day)s that the service is restricted"),
    "warn_disable": gettext_lazy("warning of day %(day)s that the service stops"),
    "warn_delete": gettext_lazy("warning of day %(day)s that data is deleted"),
    "restrict": gettext_lazy("service restricted"),
    "disable": gettext_lazy("service stopped"),
    "delete": gettext_lazy("deletion ordered"),
}

_MONTHLY: Final = (ReceivablesReport.RECOVERY, ReceivablesReport.FALSE_STOPS, ReceivablesReport.DAYS_SALES_OUTSTANDING)


def group_words(report: ReceivablesReport, group: str, locale: Locale) -> str:
    """What people read of a group."""
    if report in _MONTHLY:
        return format_skeleton("yMMMM", date.fromisoformat(f"{group}-01"), locale=locale)
    if report is ReceivablesReport.BY_STEP:
        kind, _space, day = group.partition(" ")
        return str(_STEPS[kind]) % {"day": day} if group else _("before any step")
    if report is ReceivablesReport.BY_METHOD:
        return str(_METHODS[group])
    if report is ReceivablesReport.BY_DECLINE:
        return group or _("never declined")
    if group == "not_due":
        return _("not due yet")
    return group.replace("-", "–").replace("91+", _("more than 90"))


def says_a_code(report: ReceivablesReport, group: str) -> bool:
    """Whether the group is a word of programs, and so English whatever the page's language is."""
    return report in (ReceivablesReport.DELIVERY, ReceivablesReport.BY_POLICY) or (
        report is ReceivablesReport.BY_DECLINE and bool(group)
    )
