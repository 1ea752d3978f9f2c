"""The deletion of a service's data is announced once more some days ahead, where the policy says so
(`remind.before_delete_days`): beside the warnings that must come before it, and no warning itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arrears.core.account import Action
from arrears.core.announcements import Announcement
from arrears.core.deadlines import ahead
from arrears.core.messages.kinds import MessageKind
from arrears.core.rules.announcing import announce
from arrears.core.view import Due, View


def rule(view: View) -> Iterable[Due]:
    """Each deletion whose day a counted warning has settled, by the policy that its service ended under."""
    return _announcements(view) if any(sub.end is not None for sub in view.account.subscriptions) else ()


def _announcements(view: View) -> Iterator[Due]:
    for one in ahead(view):
        days, on = one.policy.before_delete_days, one.promise.promised_on
        if one.action is Action.DELETE and days and one.deadline is not None and on is not None:
            yield from announce(view, Announcement(MessageKind.LAST_CALL, on, subscription=one.sub.no), days)
