"""Whether anybody of an account can be told what lies ahead of it, since when not, and what waits for that."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.deadlines import ahead
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts, addresses, recipients
from arrears.core.view import View
from arrears.ports import Journal

WHAT_TO_DO: Final = "tell them by letter or telephone and record it with `arrears told`, or get an address that works"


class Waiting(NamedTuple):
    """An action that does not happen, and whose date moves, until a warning of it counts."""

    action: Action
    service: str
    subscription: int


class Unreached(NamedTuple):
    """Nobody of an account can be reached. `dead`: it has addresses, and none of them works; otherwise it has none.
    `since` is the local day of the first message that reached nobody, None where nothing has been tried since."""

    dead: bool
    since: date | None
    waiting: tuple[Waiting, ...]


def unreached(view: View, contacts: Contacts, journal: Journal) -> Unreached | None:
    """None where somebody can be reached, or nothing lies ahead that anybody would be warned of."""
    coming = ahead(view)
    if not coming or recipients(contacts, MessageKind.STOP_WARNING):
        return None
    since = _since(journal, view.account.no)
    waiting = [Waiting(one.action, one.sub.service, one.sub.no) for one in coming if one.promise.accepted_at is None]
    day = None if since is None else view.calendar.local_day(since)
    return Unreached(bool(addresses(contacts)), day, tuple(waiting))


def _since(journal: Journal, account: int) -> datetime | None:
    since: datetime | None = None
    for one in journal.history(account):
        match one.fact:
            case f.NoticeAccepted() | f.AddressConfirmed():
                since = None
            case f.NoticeBounced(reachable=False):
                since = since or one.at
            case f.NoticeFailed(why=why) if why.startswith(("nobody", "no such address")):
                since = since or one.at
    return since
