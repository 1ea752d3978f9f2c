"""Whether those who are told now have got the warnings that count (spec, section 3, Notice before action).

A warning is for people, and people come and go: an administrator, an address, the last reader. What was warned of to
somebody else is no notice to who is told now, so it is sent again with its full lead (decision 29).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import ALL_ACTIONS, Account, Action
from arrears.core.address import mailbox_of
from arrears.core.closed import closed
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts, recipients
from arrears.core.promises import SentWarning
from arrears.core.unit import Unit
from arrears.ports import TAKEN, Mail, WarningBook

READDRESSED_MOST: Final = 2
"""So often another address of the same person wins time; then what they got at an earlier one counts on."""

_STOP: Final = frozenset({MessageKind.STOP_WARNING})
WARNING_OF: Final[Mapping[Action, frozenset[MessageKind]]] = closed(
    "messages that warn",
    Action,
    {
        Action.RESTRICT: _STOP,
        Action.DISABLE: _STOP,
        Action.DELETE: frozenset({MessageKind.DELETION_WARNING, MessageKind.RETENTION_ENDS}),
    },
)
"""In which messages an action is warned of."""


def lost_warnings(store: WarningBook, account: Account, contacts: Contacts, besides: str = "") -> tuple[int, ...]:
    """The notices whose warnings count, and that nobody has got who is told now, other than by message `besides`."""
    return _lost(store, account, contacts, besides, READDRESSED_MOST)


def check_heard(store: WarningBook, unit: Unit, *, replaced: bool = False) -> None:
    """Record what follows for the warnings of an account where whom it reaches has changed. `replaced`: somebody took
    the place of who may pay, so that what staff told otherwise was told to somebody else."""
    if not any(True for _ in _counting(unit.account)):
        return
    contacts = store.contacts([unit.no])[unit.no]
    reached_others = _lost(store, unit.account, contacts, "", None)
    lost = _lost(store, unit.account, contacts, "", READDRESSED_MOST)
    if replaced:
        told = {warning.seq for _, _, warning in _counting(unit.account) if warning.otherwise}
        lost = tuple(sorted({*lost, *told}))
    if reached_others or lost:
        unit.record(_changed(unit.account, {*reached_others, *lost}, lost, replaced=replaced))


def warned_another(unit: Unit, author: str) -> None:
    """Record that an account is told at an address that nobody has been warned at; what staff told otherwise stays."""
    lost = tuple(sorted({warning.seq for _, _, warning in _counting(unit.account) if not warning.otherwise}))
    if lost:
        unit.record(_changed(unit.account, lost, lost), author)


def _changed(
    account: Account, warned: Collection[int], lost: tuple[int, ...], *, replaced: bool = False
) -> f.RecipientsChanged:
    """What is recorded where the warnings of `warned` reached others; staff are asked from the second time on."""
    often = max((often for often, _, one in _counting(account) if one.seq in warned), default=0)
    return f.RecipientsChanged(lost=lost, replaced=replaced, tell=often > 0)


def whom(contacts: Contacts) -> tuple[int, frozenset[str]]:
    """Who is told of what lies ahead: the administrator's number, and every mailbox that is warned."""
    who = contacts.administrator
    to = recipients(contacts, MessageKind.STOP_WARNING)
    return 0 if who is None else who.no, frozenset(mailbox_of(one.address) for one in to)


def unheard(contacts: Contacts, mails: Iterable[Mail], warnings: Iterable[f.Warning]) -> set[int]:
    """The subscriptions of whose warnings nobody has one who is told now; `mails` are those of their notice."""
    known = tuple(mails)
    return {one.subscription for one in warnings if not _heard(contacts, known, one.action)}


def _counting(account: Account) -> Iterable[tuple[int, Action, SentWarning]]:
    """The warnings that count, with their action and how often others were told of it."""
    for sub in account.subscriptions:
        for action in ALL_ACTIONS:
            promise = sub.promise(action)
            for warning in promise.counting:
                yield promise.readdressed, action, warning


def _lost(store: WarningBook, account: Account, contacts: Contacts, besides: str, most: int | None) -> tuple[int, ...]:
    found = [(often, action, one) for often, action, one in _counting(account) if not one.otherwise]
    mails: defaultdict[int, list[Mail]] = defaultdict(list)
    for mail in store.mails_of_notices([(account.no, seq) for seq in sorted({one.seq for _, _, one in found})]):
        if mail.id != besides:
            mails[mail.seq].append(mail)
    return tuple(
        sorted(
            {
                one.seq
                for often, action, one in found
                if not _heard(
                    contacts, mails[one.seq], action, one.accepted_at, spent=most is not None and often >= most
                )
            }
        )
    )


def _heard(
    contacts: Contacts, mails: Iterable[Mail], action: Action, until: datetime | None = None, *, spent: bool = False
) -> bool:
    """Whether these messages warned who may pay now of an action, and somebody who is told now took one by `until`.
    `spent`: an address that the administrator had before will do."""
    about = [mail for mail in mails if mail.kind in WARNING_OF[action]]
    if not any(meant_for(contacts, mail) for mail in about) and _who_pays(contacts):
        return False
    told = {(to.channel, mailbox_of(to.address)) for to in recipients(contacts, MessageKind.STOP_WARNING)}
    who = contacts.administrator
    for mail in about:
        late = until is not None and mail.at > until
        if mail.state not in TAKEN or late or contacts.is_dead(mail.address):
            continue
        if (mail.channel, mail.mailbox) in told or (spent and who is not None and mail.person == who.no):
            return True
    return False


def meant_for(contacts: Contacts, mail: Mail) -> bool:
    """Whether a message went to who may pay now, at whatever address, arrived or not."""
    who = contacts.administrator
    if who is not None and mail.person == who.no:
        return True
    return mail.mailbox in _who_pays(contacts)


def _who_pays(contacts: Contacts) -> frozenset[str]:
    who = contacts.administrator
    addresses = (contacts.contact,) if who is None else who.addresses
    return frozenset(mailbox_of(address) for address in addresses if address)
