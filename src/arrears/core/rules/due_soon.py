"""An open invoice is announced some days before its due date, where the policy says so (`remind.before_due_days`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arrears.core.announcements import Announcement
from arrears.core.messages.kinds import MessageKind
from arrears.core.rules.announcing import announce
from arrears.core.view import Due, View


def rule(view: View) -> Iterable[Due]:
    """Each invoice with its due date; a rest within the tolerance never becomes past due, and is not announced."""
    return _announcements(view, view.policy.before_due_days) if view.policy.before_due_days else ()


def _announcements(view: View, days: int) -> Iterator[Due]:
    tolerance = view.policy.tolerance_minor
    for debt in view.account.debts:
        if debt.open_minor > tolerance.get(debt.currency, 0) and not view.not_by_card(debt):
            yield from announce(view, Announcement(MessageKind.DUE_SOON, debt.due_on, debt=debt.no), days)
