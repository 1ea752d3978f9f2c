"""What a payer by card owes in a currency that no payment provider takes is told once, from its due date on: it is
paid by bank transfer (spec, section 3, Amounts). It is never charged, never past due, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from arrears.core.announcements import Announcement
from arrears.core.messages.kinds import MessageKind
from arrears.core.rules.announcing import announce
from arrears.core.view import Due, View

SAID_FOR_DAYS: Final = 90
"""How long after the due date it is still told, where it could not be before: as of a book that is taken over."""


def rule(view: View) -> Iterable[Due]:
    """Each such invoice, at 09:00 of its due date."""
    return _announcements(view) if view.guards.limits and view.account.debts else ()


def _announcements(view: View) -> Iterator[Due]:
    for debt in view.account.debts:
        if view.not_by_card(debt) and debt.day_0 is None:
            until = debt.due_on + timedelta(SAID_FOR_DAYS)
            yield from announce(view, Announcement(MessageKind.BY_TRANSFER, until, debt=debt.no), SAID_FOR_DAYS)
