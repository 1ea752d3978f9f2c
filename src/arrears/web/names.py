"""What a subscription is called: by its service, and by its number too where the account has several of that one."""

from __future__ import annotations

from django.utils.translation import gettext as _

from arrears.core.account import Account
from arrears.notices import values


def called(account: Account, number: int) -> str:
    """The name of a subscription: "cloud", or "cloud (subscription 3)" where there is more than one; KeyError if there
    is none. A deleted one counts too: it is in the history, where it must not be taken for one that runs."""
    service = account.subscription(number).service
    name = values.clean(service)
    if sum(sub.service == service for sub in account.subscriptions) < 2:
        return name
    return _("%(service)s (subscription %(number)s)") % {"service": name, "number": number}
