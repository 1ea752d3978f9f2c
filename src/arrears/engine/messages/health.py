"""How mail as a whole is doing: what staff are told within minutes, once, and until it is over.

What is wrong with one message or one address is that account's own matter. What would be said to every message of ours
is a task of the installation, and uses up nobody's reminder: those messages wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from arrears.core.facts import MailTroubleKind
from arrears.engine.message_context import MailLimits, MessageContext
from arrears.engine.system import tell_mail_trouble
from arrears.ports import MailHealth, MailWatching, StuckMail

RETURNED_PERCENT: Final = 50
"""Of the addresses that mail left for in an hour; above `bounces_percent` of dead addresses mail is stopped besides."""

_WATCHED: Final = (MailTroubleKind.SERVER, MailTroubleKind.BLOCKED, MailTroubleKind.LIMIT, MailTroubleKind.RETURNED)


def watch_mail(store: MailWatching, context: MessageContext, now: datetime) -> Mapping[str, str]:
    """Open or close the tasks of the installation about mail. Those that are open now: what each says, by its kind.
    Nothing where messages go nowhere, as in a simulation."""
    if context.limits is None:
        return {}
    health = store.mail_health(now)
    found = troubles(health, context.limits)
    open_ = dict(health.open)
    for what in _WATCHED:
        kind, why = f"mail_{what}", found.get(what, "")
        if bool(why) == (kind in open_):
            continue
        tell_mail_trouble(store, what, now, why)
        if why:
            open_[kind] = why
        else:
            del open_[kind]
    return open_


def troubles(health: MailHealth, limits: MailLimits) -> Mapping[MailTroubleKind, str]:
    """What is wrong with mail as a whole, in words for staff."""
    found = {}
    if health.server.messages:
        said = f"{health.server.reply} ({waiting(health.server)}: {to_whom(health.server)})"
        found[MailTroubleKind.SERVER] = f"no mail leaves: {said}"
    if health.sender.messages:
        said = f"{health.sender.reply} ({waiting(health.sender)}: {to_whom(health.sender)})"
        found[MailTroubleKind.BLOCKED] = f"mail of ours is refused for who we are: {said}"
    if health.limit.messages:
        held = f"{waiting(health.limit)}: {to_whom(health.limit)}"
        found[MailTroubleKind.LIMIT] = (
            f"an address has had {limits.per_recipient_a_day} messages of one kind in 24 hours, the most that it gets"
            f" ({held})"
        )
    enough = health.addresses_back >= limits.bounces_min
    if enough and health.addresses_back * 100 >= RETURNED_PERCENT * health.addresses:
        found[MailTroubleKind.RETURNED] = f"{health.back} of {health.handed} messages of the last hour came back"
    return found


def to_whom(stuck: StuckMail) -> str:
    """The domains that they are for, in words."""
    more = f" and {stuck.domains - len(stuck.named)} more" if stuck.domains > len(stuck.named) else ""
    return f"{', '.join(stuck.named)}{more}"


def waiting(stuck: StuckMail) -> str:
    """How many wait, in words."""
    return f"{stuck.messages} message{'s' if stuck.messages > 1 else ''} waiting"
