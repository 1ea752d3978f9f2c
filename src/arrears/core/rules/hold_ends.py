"""The last day of a hold is announced some days ahead, where the policy says so (`remind.before_hold_ends_days`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arrears.core.announcements import Announcement
from arrears.core.messages.kinds import MessageKind
from arrears.core.rules.announcing import announce
from arrears.core.view import Due, View


def rule(view: View) -> Iterable[Due]:
    """Each hold that has a last day and keeps something back from a past-due invoice."""
    days = view.policy.before_hold_ends_days
    return _announcements(view, days) if days and view.account.holds else ()


def _announcements(view: View, days: int) -> Iterator[Due]:
    for hold in view.account.holds:
        if hold.ended_at is None and hold.until is not None and not hold.arrangement:
            yield from announce(view, Announcement(MessageKind.HOLD_ENDS, hold.until, hold=hold.no), days)
