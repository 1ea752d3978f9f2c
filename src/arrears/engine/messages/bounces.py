"""Mail that came back: the address is no longer used, the message no longer counts, and it goes to the next one.

Reports of bounces can be made up by anybody who knows a message's id. So one is believed only about a message that was
handed over, and about the address it was handed over for; and all it can do is to make deadlines move and to ask
another contact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import ALL_ACTIONS, Account
from arrears.core.messages.content import MessageKind
from arrears.core.messages.recipients import Contacts, recipients
from arrears.engine.acting import decide_until_rest
from arrears.engine.failpoints import reached
from arrears.engine.messages.delivering import CARRYING
from arrears.ports import TAKEN, Mail, MailMove, MailState, Store

HARD: Final = "hard"
SOFT: Final = "soft"
COMPLAINT: Final = "complaint"

_STATE: Final = {
    HARD: MailState.BOUNCED_HARD,
    SOFT: MailState.BOUNCED_SOFT,
    COMPLAINT: MailState.COMPLAINED,
}
_ID: Final = re.compile(r"a(\d{1,18})-(\d{1,18})-(\d{1,4})", re.ASCII)

LOOK_BACK: Final = timedelta(days=7)
"""A report that names no message is about what went to its address in the last week: servers give up after five days
(RFC 5321, 4.5.4.1)."""


class Returned(NamedTuple):
    """One report. `message` is the id of ours that it names, `address` the one it is about; not both are empty.
    `how` is `hard`, `soft` or `complaint`, `status` of RFC 3463 or empty, `why` the server's words."""

    message: str
    address: str
    how: str
    status: str
    why: str


def came_back(store: Store, returned: Returned, now: datetime) -> int:
    """Record one report; to how many messages it was news. Of a message that is not ours, or was for another address,
    nothing: such reports are made up, or somebody else's."""
    return sum(_record(store, mail, returned, now) for mail in _meant(store, returned, now))


def _meant(store: Store, returned: Returned, now: datetime) -> Sequence[Mail]:
    named = _ID.fullmatch(returned.message)
    if named is not None:
        account, seq, number = map(int, named.groups())
        found = [m for m in store.mails([(account, seq)]) if m.no == number]
        return [m for m in found if returned.address.lower() in (m.address.lower(), "")]
    if returned.message or not returned.address:
        return []
    newest: dict[int, Mail] = {}
    for mail in store.mails_to(returned.address, now - LOOK_BACK):
        newest[mail.account] = mail
    return list(newest.values())


def _record(store: Store, mail: Mail, returned: Returned, now: datetime) -> bool:
    # Without an address it may be anybody's that the mail was passed on to.
    how = returned.how if returned.address else SOFT
    policies, guards = store.policies(), store.system().guards
    with store.accounts([mail.account], now) as batch:
        [unit] = batch.units
        mails = store.mails([(mail.account, mail.seq)])
        [was] = [m for m in mails if m.no == mail.no]
        after = _STATE[how]
        if was.state not in (*TAKEN, MailState.UNKNOWN) or was.state in (after, MailState.COMPLAINED):
            return False
        batch.move_mails([MailMove(mail.account, mail.seq, mail.no, after, returned.why)], now)
        contacts = store.contacts([mail.account])[mail.account]
        if how == HARD:
            batch.bury(was.address, returned.status, now)
            contacts = contacts._replace(dead=contacts.dead | {was.address})
        again = how == HARD and was.state in TAKEN and not _taken_by_others(was, mails) and _left(contacts, was, mails)
        unit.record(
            f.NoticeBounced(
                notice=mail.seq,
                message=mail.no,
                how=how,
                why=returned.status,
                lost=_lost(store, unit.account, contacts) if how == HARD else (),
                again=again,
                reachable=bool(recipients(contacts, MessageKind.STOP_WARNING)),
            )
        )
        if again:
            batch.again(mail.account, mail.seq)
        decide_until_rest(unit, policies, guards, only_consequences=True)
        reached("command.before_commit")
    reached("command.after_commit")
    return True


def _left(contacts: Contacts, was: Mail, mails: Sequence[Mail]) -> bool:
    """Whether there is an address that this message has not been to."""
    been = {m.address.lower() for m in mails if (m.kind, m.cause) == (was.kind, was.cause)}
    return any(to.address.lower() not in been for to in recipients(contacts, MessageKind(was.kind)))


def _taken_by_others(was: Mail, mails: Sequence[Mail]) -> bool:
    """Whether another address has it."""
    same = [m for m in mails if (m.kind, m.cause) == (was.kind, was.cause) and m.no != was.no]
    return any(m.state in TAKEN for m in same)


def _lost(store: Store, account: Account, contacts: Contacts) -> tuple[int, ...]:
    """The notices whose warnings count now, and which nobody has got by an address that works (I9)."""
    counting = {}
    for sub in account.subscriptions:
        for action in ALL_ACTIONS:
            for warning in sub.promise(action).counting:
                assert warning.accepted_at is not None, "what counts was accepted"
                counting[warning.seq] = warning.accepted_at
    had = {
        m.seq
        for m in store.mails([(account.no, seq) for seq in counting])
        if m.kind in CARRYING and m.state in TAKEN and m.address not in contacts.dead and m.at <= counting[m.seq]
    }
    return tuple(sorted(set(counting) - had))
