"""What our messages said, in a customer's words: one sentence for each part of a notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.facts import WarnedHow
from arrears.notices import values
from arrears.web.account_centre.frame import Visit
from arrears.web.account_centre.owed import will
from arrears.web.names import called

WARNED_BY: Final[dict[WarnedHow, Promise | str]] = closed(
    "words of how somebody was warned",
    WarnedHow,
    {
        WarnedHow.LETTER: gettext_lazy("by letter"),
        WarnedHow.TELEPHONE: gettext_lazy("by telephone"),
        WarnedHow.IN_PERSON: gettext_lazy("in person"),
    },
)
SPOKEN: Final[dict[Action, Promise | str]] = closed(
    "words of an action",
    Action,
    {
        Action.RESTRICT: gettext_lazy("Told %(how)s on %(day)s: %(service)s will be restricted."),
        Action.DISABLE: gettext_lazy("Told %(how)s on %(day)s: %(service)s will stop."),
        Action.DELETE: gettext_lazy("Told %(how)s on %(day)s: the data of %(service)s will be deleted."),
    },
)
"""What somebody was told otherwise than by a message of ours, by the action that was spoken of."""


def card_name(visit: Visit, method: int) -> str:
    """What a customer calls a payment method."""
    return values.clean(visit.contacts.cards.get(method, "")) or _("a payment method")


def tell_of_part(visit: Visit, part: f.NoticePart, invoices: Mapping[int, str]) -> str:
    """The sentence for one part; `invoices` are the invoice numbers by debt."""
    day = visit.day
    match part:
        case f.Reminder():
            return _("Reminder of what is open.")
        case f.Warning(subscription=number, action=action, promised_on=on):
            return _("Warning: %(what)s") % {"what": will(action, called(visit.snapshot, number), day(on))}
        case f.Told(subscription=number, what=what, on=on):
            text = {
                "restricted": _("Message: %(service)s was restricted on %(day)s."),
                "disabled": _("Message: %(service)s was stopped on %(day)s."),
                "deleted": _("Message: the data of %(service)s was deleted on %(day)s."),
            }.get(what, _("Message: %(service)s has been running again since %(day)s."))
            return text % {"service": called(visit.snapshot, number), "day": day(on)}
        case f.Expiring(method=number, expires_on=on):
            return _("Message: %(card)s expires on %(day)s.") % {"card": card_name(visit, number), "day": day(on)}
        case f.Announcement(debt=0, subscription=0, method=0, on=on):
            return _("Message about a hold that ends with %(day)s.") % {"day": day(on)}
        case f.Announcement(debt=0, subscription=0, method=number, on=on):
            return _("Message about %(card)s, valid until %(day)s.") % {
                "card": card_name(visit, number), "day": day(on),
            }  # fmt: skip
        case f.Announcement(debt=0, subscription=number, on=on):
            return _("Message about %(service)s and what is planned on %(day)s.") % {
                "service": called(visit.snapshot, number), "day": day(on),
            }  # fmt: skip
        case f.Announcement(debt=number, on=on):
            return _("Message about invoice %(number)s, due on %(day)s.") % {
                "number": invoices.get(number, ""), "day": day(on),
            }  # fmt: skip
