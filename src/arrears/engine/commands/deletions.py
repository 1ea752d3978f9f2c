"""Releasing a deletion that is above the day's cap: two different members of staff, each for what they looked at (spec,
section 8)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import HoldScope, Stop
from arrears.core.errors import Refused
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.engine.acting import acting_on, subscription_of
from arrears.engine.holding import place_hold
from arrears.ports import Accounts, AccountsAndContacts

STAFF: Final = "staff:"
"""Before the name of a member of staff, where they are the author of a fact."""


def digest_of_name(name: str) -> str:
    """SHA-256, in hexadecimal, of an account's name: what a fact, which names nobody, keeps of it."""
    return hashlib.sha256(name.encode()).hexdigest()


def release_deletion(
    store: AccountsAndContacts,
    account: int,
    subscription: int,
    name: str,
    now: datetime,
    author: str,
    why: str,
    known_as: Sequence[str] = (),
) -> int:
    """Let a deletion go on that waits for it; how many members of staff have released it now. Refuses the whole name of
    another account, a deletion that does not wait, and the same member of staff twice, by whatever name: `known_as` are
    their others, such as the one they were called by before anybody had a number. With the second release it may be
    ordered, by the next run, if nothing has changed until then."""
    which = format_id(SUBSCRIPTION, account, subscription)
    by = author.removeprefix(STAFF)
    author, *others = (f"{STAFF}{' '.join(one.casefold().split())}" for one in (by, *known_as))
    if author == STAFF:
        raise Refused("no_author", "say who releases this")
    with acting_on(store, account, now) as unit:
        known = store.contacts([account])[account].name
        if name != known:
            raise Refused("wrong_account", f"{which} is not {name[:60]!r}'s; nothing is released")
        sub = subscription_of(unit, subscription)
        end = sub.end
        if end is None or end.scheduled_at is None or not end.awaiting_release:
            raise Refused("not_waiting", f"the deletion of {which} does not wait for a release")
        if {author, *others} & set(end.released_by):
            raise Refused("same_person", f"{by} has released {which} already; the second release is another person's")
        released = f.DeletionReleased(subscription, sub.generation, end.scheduled_at, digest_of_name(known))
        unit.record(released, author, why)
        return len(end.released_by) + 1


def hold_deletion(store: Accounts, account: int, now: datetime, author: str, why: str, *, subscription: int = 0) -> int:
    """Keep the data of an account, or of one of its subscriptions, until this is released: a legal hold. Its number;
    refuses a subscription whose deletion has been ordered."""
    with acting_on(store, account, now) as unit:
        scope = HoldScope.SUBSCRIPTION if subscription else HoldScope.ACCOUNT
        if not subscription:
            gone = [s for s in unit.account.subscriptions if s.end is not None and s.end.ordered_at is not None]
            if gone and len(gone) == len(unit.account.subscriptions):
                raise Refused("deleted", "the deletion of everything this account had has been ordered")
        return place_hold(unit, scope, subscription, (Stop.DELETE,), why, None, author)
