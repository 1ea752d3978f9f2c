"""Mail that came back: the message no longer counts; an address that does not exist is no longer used.

A report counts whenever it comes, also while its message is still being handed over, and no answer that is stored later
undoes it. All it can do is to make deadlines move, to ask another contact, and to tell staff.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.address import mailbox_of
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts, addresses, recipients
from arrears.engine.acting import decide_until_rest
from arrears.engine.failpoints import reached
from arrears.engine.heard import lost_warnings
from arrears.engine.system import tell_mail_trouble
from arrears.ports import BACK, TAKEN, AccountsAndMail, KeptReport, Mail, MailBook, MailMove, MailReturning, MailState

HARD: Final = "hard"
SOFT: Final = "soft"
COMPLAINT: Final = "complaint"
ANSWER: Final = "answer"

_STATE: Final = {
    HARD: MailState.BOUNCED_HARD,
    SOFT: MailState.CAME_BACK,
    COMPLAINT: MailState.COMPLAINED,
}
_ID: Final = re.compile(r"a(\d{1,18})-(\d{1,18})-(\d{1,4})(?:-[a-z2-7]{1,16})?", re.ASCII)

LOOK_BACK: Final = timedelta(days=7)
"""A report that names no message is about what went to its address in the last week: servers give up after five days
(RFC 5321, 4.5.4.1)."""


SHARED_SINCE: Final = timedelta(days=400)
"""Older messages are no notice of anything that still lies ahead: the longest ladder is shorter."""

_OTHER_KEY: Final = (
    "a report about a message of ours carries the signature of another key: give the host that runs `arrears bounce`"
    " the ARREARS_SECRET_KEY of those that send (earlier ones in ARREARS_SECRET_KEY_FALLBACKS), and hand"
    " in what was kept, unless it is made up (`arrears bounce kept`)"
)


class Returned(NamedTuple):
    """One report. `message` is the id of ours that it proves to be about, `address` the one that it names; both may be
    empty. `how` is `hard`, `soft`, `complaint` or `answer` (of this address), `status` of RFC 3463 or empty, `why` the
    server's words.
    `by_provider`: a mail provider that signed in tells it, so that the address alone says what it is about. `text` is
    the report itself, as much of it as is kept. `claimed` is an id that it names with a signature of another key."""

    message: str
    address: str
    how: str
    status: str
    why: str
    by_provider: bool = False
    text: str = ""
    claimed: str = ""


def came_back(store: MailReturning, returned: Returned, now: datetime) -> int:
    """Record one report; to how many messages it was news. Of a message that is not proven to be ours, nothing: such
    reports are made up, or somebody else's. Every report is kept."""
    news = 0
    meant = _meant(store, returned, now)
    if returned.how == ANSWER:
        meant = [mail for mail in meant if not _answered_by_its_reader(store, mail, returned.address)]
        if not meant:
            return 0
        returned = returned._replace(how=SOFT, address="", why=f"an answer of somebody else: {returned.why}")
    for mail in meant:
        told = returned
        if _how(mail, returned) == HARD and _lives_since(store, mail, now):
            told = returned._replace(how=SOFT)
        news += _record(store, mail, told, now)
        if _how(mail, told) == HARD:
            _mark_dead_elsewhere(store, mail, told, now)
    _watch_key(store, returned, now)
    store.keep_report(
        KeptReport(returned.message, returned.address, returned.how, returned.status, returned.why, returned.text), now
    )
    return news


def _answered_by_its_reader(store: MailBook, mail: Mail, sender: str) -> bool:
    """Whether an answer comes from the mailbox that the message went to, or from another one of its account: then it
    was there. From anywhere else it proves nothing, and what did not arrive is answered too."""
    known = {mailbox_of(address) for address in addresses(store.contacts([mail.account])[mail.account])}
    return bool(sender) and mailbox_of(sender) in {*_names_of(mail), *known}


def _watch_key(store: MailReturning, returned: Returned, now: datetime) -> None:
    """A message of ours with the signature of another key: the host that sends has another secret key than this one,
    and every report would be kept unread; or somebody made the report up. One task says so, until a person closes it:
    one that is proven says nothing about those that were not read."""
    if returned.by_provider or not returned.claimed or not _sent(store, returned.claimed):
        return
    if "mail_key" not in store.mail_health(now).open:
        tell_mail_trouble(store, f.MailTroubleKind.KEY, now, _OTHER_KEY)


def _sent(store: MailBook, message: str) -> bool:
    named = _ID.fullmatch(message)
    if named is None:
        return False
    account, seq, number = map(int, named.groups())
    return any(mail.no == number for mail in store.mails_of_notices([(account, seq)]))


def refused_at_delivery(store: AccountsAndMail, mail: Mail, status: str, why: str, now: datetime) -> None:
    """Record that a mail server said, when this message was handed over, that its address does not exist."""
    returned = Returned(mail.id, mail.address, HARD, status, why)
    _record(store, mail, returned, now)
    _mark_dead_elsewhere(store, mail, returned, now)


def _mark_dead_elsewhere(store: AccountsAndMail, mail: Mail, returned: Returned, now: datetime) -> None:
    """An address that is gone is so for every account that it belongs to: what it took counts for none of them."""
    newest: dict[int, Mail] = {}
    for other in store.mails_to(mail.address, now - SHARED_SINCE):
        if other.account != mail.account and other.state in TAKEN:
            newest[other.account] = other
    for other in newest.values():
        _record(store, other, returned, now)


def _meant(store: MailBook, returned: Returned, now: datetime) -> Sequence[Mail]:
    named = _ID.fullmatch(returned.message)
    if named is not None:
        account, seq, _ = map(int, named.groups())
        # Also by its mark: after a backup was restored another letter can have had these numbers.
        return [m for m in store.mails_of_notices([(account, seq)]) if m.id == returned.message.lower()]
    if not returned.by_provider or returned.message or not returned.address:
        return []
    newest: dict[int, Mail] = {}
    for mail in store.mails_to(returned.address, now - LOOK_BACK):
        newest[mail.account] = mail
    return list(newest.values())


def _lives_since(store: MailBook, mail: Mail, now: datetime) -> bool:
    """Whether its address has proved after this message that it exists: its owner used a link that was sent there, or
    it took a later message, of which a report would have come by now. Then the report is old, late or told again: it
    says what became of this message, and nothing of the address."""
    later = [m for m in store.mails_to(mail.address, mail.at) if m.id != mail.id and m.at > mail.at]
    if any(m.state in TAKEN and m.at <= now - LOOK_BACK for m in later):
        return True
    sharing = store.contacts(sorted({mail.account, *(m.account for m in later)}))
    confirmed = (
        who.addresses[0]
        for one in sharing.values()
        for who in one.people
        if who.addresses and who.confirmed_at is not None and who.confirmed_at > mail.at
    )
    return mail.mailbox in map(mailbox_of, confirmed)


def _how(mail: Mail, returned: Returned) -> str:
    """That another address does not exist, or one that is not named, is about whoever the mail was passed on to."""
    if returned.how == HARD and mailbox_of(returned.address) not in _names_of(mail):
        return SOFT
    return returned.how


def _names_of(mail: Mail) -> tuple[str, str]:
    """The names of the mailbox that a message went to: its address, and that without what stands behind a plus sign,
    which servers cut off before they look the mailbox up and report on it (RFC 5233)."""
    local, at, domain = mail.mailbox.rpartition("@")
    return mail.mailbox, f"{local.partition('+')[0] or local}{at}{domain}"


def _is_news(was: MailState, after: MailState) -> bool:
    """What came back stays so; that its address does not exist may follow."""
    if was in BACK:
        return after is MailState.BOUNCED_HARD and was is not after
    return was is not after


def _record(store: AccountsAndMail, mail: Mail, returned: Returned, now: datetime) -> bool:
    how = _how(mail, returned)
    policies, guards = store.policies(), store.system().guards
    with store.accounts([mail.account], now) as batch:
        [unit] = batch.units
        mails = store.mails_of_notices([(mail.account, mail.seq)])
        [was] = [m for m in mails if m.no == mail.no]
        after = _STATE[how]
        if not _is_news(was.state, after):
            return False
        batch.move_mails([MailMove(mail.account, mail.seq, mail.no, after, returned.why, returned.status)], now)
        contacts = store.contacts([mail.account])[mail.account]
        if how == HARD:
            batch.mark_dead(was.address, returned.status, now)
            contacts = contacts._replace(dead=contacts.dead | {was.address})
        again = how == HARD and was.state in TAKEN and not _taken_by_others(was, mails) and _left(contacts, was, mails)
        unit.record(
            f.NoticeBounced(
                notice=mail.seq,
                message=mail.no,
                how=how,
                why=returned.status,
                lost=lost_warnings(store, unit.account, contacts, was.id) if after in BACK else (),
                again=again,
                reachable=bool(recipients(contacts, MessageKind.STOP_WARNING)),
                # Each return asks: an open task counts it, and one that was closed is asked for again.
                tell=how == SOFT,
            )
        )
        if again:
            batch.send_notice_again(mail.account, mail.seq)
        decide_until_rest(unit, policies, guards, only_consequences=True)
        reached("command.before_commit")
    reached("command.after_commit")
    return True


def _left(contacts: Contacts, was: Mail, mails: Sequence[Mail]) -> bool:
    """Whether there is an address that this message has not been to."""
    been = {(m.channel, mailbox_of(m.address)) for m in mails if (m.kind, m.cause) == (was.kind, was.cause)}
    return any((to.channel, mailbox_of(to.address)) not in been for to in recipients(contacts, MessageKind(was.kind)))


def _taken_by_others(was: Mail, mails: Sequence[Mail]) -> bool:
    """Whether another address has it."""
    same = [m for m in mails if (m.kind, m.cause) == (was.kind, was.cause) and m.no != was.no]
    return any(m.state in TAKEN for m in same)
