"""What was agreed about past-due invoices, in the customer's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from django.utils.translation import gettext as _

from arrears.core import facts as f
from arrears.core.arrangements import Arrangement
from arrears.web.account_centre.fact_groups import PromiseFact
from arrears.web.account_centre.frame import Visit

Numbers = Callable[[Iterable[int]], str]
"""The numbers of invoices, listed."""


def arrangements_of(history: Sequence[f.Recorded]) -> dict[int, Arrangement]:
    """By each fact about an arrangement: how it stood just before, or what was made."""
    found: dict[int, Arrangement] = {}
    stands: dict[int, Arrangement] = {}
    for recorded in history:
        match recorded.fact:
            case f.ArrangementMade(arrangement=made):
                found[recorded.seq] = stands[made.no] = made
            case f.ArrangementKept(arrangement=no, kept=kept):
                was = found[recorded.seq] = stands[no]
                stands[no] = Arrangement(no, was.debts, was.currency, was.parts, kept, was.collects)
            case f.ArrangementEnded(arrangement=no):
                found[recorded.seq] = stands[no]
            case _:
                pass
    return found


def tell_of_promise(visit: Visit, fact: PromiseFact, one: Arrangement, numbers: Numbers) -> str:
    """The sentence for one fact about an arrangement that stood so before it."""
    names = {"numbers": numbers(one.debts)}
    match fact:
        case f.ArrangementMade():
            said = _made(visit, one) % {**names, "parts": parts_listed(visit, one)}
            return said + (" " + _("Each sum is charged to your payment method on its day.") if one.collects else "")
        case f.ArrangementKept(kept=kept) if kept == len(one.parts):
            return _("What you promised to pay is paid.")
        case f.ArrangementKept(kept=kept):
            part = one.parts[kept]
            text = _("That part is paid. The next: %(amount)s by %(day)s.")
            return text % {"amount": visit.amount(part.minor, one.currency), "day": visit.day(part.on)}
        case f.ArrangementEnded(broken=True):
            text = _("What you promised for %(day)s has not arrived in full, so what was put off goes on.")
            return text % {"day": visit.day(one.next.on)}
        case f.ArrangementEnded():
            return _("What was agreed about %(numbers)s has been ended.") % names


def _made(visit: Visit, one: Arrangement) -> str:
    if len(one.parts) == 1:
        return _("You promised to pay %(numbers)s: %(parts)s. Until then nothing happens because of it.")
    return _(
        "You pay %(numbers)s in instalments: %(parts)s. While each is paid by its day, nothing happens because of it."
    )


def parts_listed(visit: Visit, one: Arrangement) -> str:
    """Its parts that are not done, each with its day: `40.00 by 1 December`."""
    said = _("%(amount)s by %(day)s")
    return visit.listed(
        [
            said % {"amount": visit.amount(part.minor, one.currency), "day": visit.day(part.on)}
            for part in one.parts[one.kept :]
        ]
    )
