"""The memory store's messages (see mail.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from arrears.core.address import domain_of, mailbox_of
from arrears.core.messages.content import Role
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts, dead_of
from arrears.core.tasks import SYSTEM
from arrears.ports import (
    BACK,
    NOT_STUCK,
    QUEUED,
    REPORTS_MAX,
    SEVERAL,
    DeliveryAbout,
    KeptReport,
    Mail,
    MailCounts,
    MailHealth,
    MailMove,
    MailState,
    PayLink,
    StuckMail,
)
from arrears.ports.support import LetterState, Request, SupportLetter
from arrears.store.memory.tasks import OpenTask

_NOTHING_LEFT: Final = (MailState.WAITING, MailState.REFUSED, MailState.DROPPED)
_REPORTED: Final = BACK | {MailState.COMPLAINED}
_TYPED: Final = (MessageKind.INVITATION, MessageKind.CONFIRM_ADDRESS, MessageKind.TEST)


class MemoryMail:
    """See ports.MailBook. Nobody has an identity here: mail goes to the account's own address."""

    tasks: dict[tuple[int, int], OpenTask]
    letters: dict[int, _Letter]
    request_rows: dict[int, Request]

    def __init__(self) -> None:
        self.reached: dict[int, Contacts] = {}
        self.mail_rows: dict[tuple[int, int], dict[int, Mail]] = {}
        self.mail_keys: dict[tuple[object, ...], tuple[int, int, int]] = {}
        self.back_at: dict[tuple[int, int, int], datetime] = {}
        self.dead: set[str] = set()
        self.reports: list[KeptReport] = []
        self.links: dict[bytes, PayLink] = {}

    def contacts(self, numbers: Sequence[int]) -> Mapping[int, Contacts]:
        """See ports.ContactBook."""
        found = {number: self.reached[number] for number in numbers if number in self.reached}
        if not self.dead:
            return found
        return {no: one._replace(dead=dead_of(one, self.dead)) for no, one in found.items()}

    def mails_of_notices(self, notices: Sequence[tuple[int, int]]) -> Sequence[Mail]:
        """See ports.MailBook."""
        return [mail for key in notices if key in self.mail_rows for _, mail in sorted(self.mail_rows[key].items())]

    def mails_of(self, account: int) -> Sequence[Mail]:
        """See ports.MailBook."""
        return self.mails_of_notices(sorted(key for key in self.mail_rows if key[0] == account))

    def mails_to(self, address: str, since: datetime) -> Sequence[Mail]:
        """See ports.MailBook."""
        left = [m for rows in self.mail_rows.values() for m in rows.values() if m.at >= since]
        left = [m for m in left if m.mailbox == mailbox_of(address)]
        handed = [m for m in left if m.state not in (*_NOTHING_LEFT, MailState.CLAIMED)]
        return sorted(handed, key=lambda m: (m.at, m.account, m.seq, m.no))

    def claim_mails(self, mails: Sequence[Mail], links: Sequence[PayLink]) -> Sequence[Mail]:
        """See ports.MailBook."""
        granted = []
        for mail in mails:
            rows = self.mail_rows.setdefault((mail.account, mail.seq), {})
            was, key, name = rows.get(mail.no), _key(mail), (mail.account, mail.seq, mail.no)
            if mail.state is MailState.WAITING:
                rows.setdefault(mail.no, mail)
                continue
            if was is not None and (was.state not in (MailState.WAITING, MailState.CLAIMED) or was.mark != mail.mark):
                continue
            if self.mail_keys.setdefault(key, name) != name:
                continue
            rows[mail.no] = mail if was is None else replace(mail, about=was.about)
            granted.append(mail)
        self.links.update({link.digest: link for link in links})
        return granted

    def begin_mail(self, mail: Mail, over: Sequence[MailMove]) -> bool:
        """See ports.MailBook."""
        for move in over:
            rows = self.mail_rows[(move.account, move.seq)]
            if (rows[move.no].state, rows[move.no].handing) == (MailState.CLAIMED, ""):
                rows[move.no] = replace(rows[move.no], handing=move.state, reply=move.reply, code=move.code)
        rows = self.mail_rows[(mail.account, mail.seq)]
        if (rows[mail.no].state, rows[mail.no].handing) != (MailState.CLAIMED, QUEUED):
            return False
        rows[mail.no] = replace(rows[mail.no], handing="")
        return True

    def mail_counts(self, now: datetime, mailboxes: Collection[str]) -> MailCounts:
        """See ports.MailBook."""
        left = [m for rows in self.mail_rows.values() for m in rows.values() if m.state not in _NOTHING_LEFT[::2]]
        hour, day = now - timedelta(hours=1), now - timedelta(days=1)
        lately = [m for m in left if m.at > hour]
        back = [m for m in lately if m.state is MailState.BOUNCED_HARD and self._back_since(hour, m)]
        to = Counter((m.mailbox, m.kind) for m in left if m.at > day and m.mailbox in mailboxes)
        return MailCounts(
            len(lately),
            _addresses(lately),
            _addresses(back),
            any(task.kind == "mail_paused" for task in self.tasks.values()),
            to,
        )

    def mail_health(self, now: datetime) -> MailHealth:
        """See ports.MailBook."""
        every = [m for rows in self.mail_rows.values() for m in rows.values()]
        hour = now - timedelta(hours=1)
        left = [m for m in every if m.at > hour and m.state not in (*_NOTHING_LEFT, MailState.CLAIMED)]
        letters = [_as_mail(letter, self.request_rows) for letter in self.letters.values()]
        taken: dict[str, datetime] = {}
        for m in (*every, *letters):
            if m.state is MailState.ACCEPTED and m.at > now - timedelta(days=1):
                taken[m.channel] = max(m.at, taken.get(m.channel, m.at))
        back = [m for m in left if m.state in BACK and self._back_since(hour, m)]
        stuck = [m for m in (*every, *letters) if m.about]
        several = {m.channel for m in stuck if _of_several([o for o in stuck if o.channel == m.channel])}
        down = [m for m in stuck if _says_down(m, taken.get(m.channel), several)]
        open_ = {t.kind: t.what for (account, _), t in self.tasks.items() if account == SYSTEM}
        return MailHealth(
            max(taken.values(), default=None),
            _stuck(down),
            _stuck([m for m in stuck if m.about == DeliveryAbout.SENDER]),
            _stuck([m for m in stuck if m.about == DeliveryAbout.LIMIT]),
            len(left),
            len(back),
            _addresses(left),
            _addresses(back),
            {kind: what for kind, what in open_.items() if kind.startswith("mail_")},
        )

    def _back_since(self, hour: datetime, mail: Mail) -> bool:
        return self.back_at.get((mail.account, mail.seq, mail.no), hour) > hour

    def keep_report(self, report: KeptReport, now: datetime) -> None:
        """See ports.MailBook."""
        self.reports.append(report)
        if not report.message and len(loose := self.reports_of("")) > REPORTS_MAX:
            self.reports.remove(loose[0])

    def reports_of(self, message: str) -> Sequence[KeptReport]:
        """See ports.MailBook."""
        return [report for report in self.reports if report.message == message]

    def renew_address_link(self, request: int, digest: bytes) -> None:
        """See ports.MailBook. Nobody has asked for one here."""
        raise AssertionError(request)

    def renew_sign_in_link(self, link: int, digest: bytes) -> None:
        """See ports.MailBook. Nobody has a sign-in here."""
        raise AssertionError(link)

    def pay_link(self, digest: bytes) -> PayLink | None:
        """See ports.PayLinkBook."""
        return self.links.get(digest)

    def stays(self, move: MailMove) -> MailMove | None:
        """The message as it is, where it has come back and this move says something else."""
        was = self.mail_rows[(move.account, move.seq)][move.no]
        if was.state in BACK and move.state not in _REPORTED:
            return move._replace(state=was.state, reply=was.reply, code=was.code)
        return None

    def move_mails(self, moves: Sequence[MailMove], now: datetime) -> None:
        """See ports.Batch."""
        for move in moves:
            if self.stays(move) is not None:
                continue
            rows = self.mail_rows[(move.account, move.seq)]
            was = rows[move.no]
            back = move.state in _REPORTED
            at = was.at if back else now
            rows[move.no] = replace(was, state=move.state, reply=move.reply, code=move.code, at=at, about=move.about)
            if back:
                self.back_at[move[:3]] = now
            if move.state in _NOTHING_LEFT:
                self.mail_keys.pop(_key(was), None)


def _mailboxes(mails: Sequence[Mail]) -> set[str]:
    return {mail.mailbox for mail in mails}


def _addresses(mails: Sequence[Mail]) -> int:
    """How many prove something about our mail: not those that customers typed, one of an account, and each once."""
    own = [m for m in mails if m.kind not in _TYPED and m.role != Role.TECHNICAL]
    return min(len(_mailboxes(own)), len({m.account for m in own}))


_Letter = tuple[SupportLetter, LetterState, datetime, str, str]


def _as_mail(row: _Letter, requests: Mapping[int, Request]) -> Mail:
    """A letter to somebody who does not sign in, as far as the health of mail goes."""
    letter, state, at, about, reply = row
    to = requests[letter.request].address
    return Mail(
        *(0, 0, letter.no, letter.kind, "", at.date(), to, "", 0, "", "", ""),
        *(MailState(state), reply, at),
        about=about,
    )


def _of_several(mails: Sequence[Mail]) -> bool:
    """Whether those for which a server took nothing are more than one or two addresses of one domain."""
    either = [m for m in mails if m.about == DeliveryAbout.EITHER]
    return len({domain_of(m.address) for m in either}) > 1 or len(_mailboxes(either)) >= SEVERAL


def _says_down(mail: Mail, taken_at: datetime | None, several: Collection[str]) -> bool:
    """Whether this waits for a server that has taken nothing since."""
    if mail.about == DeliveryAbout.SERVER:
        return taken_at is None or mail.at >= taken_at
    return mail.about == DeliveryAbout.EITHER and taken_at is None and mail.channel in several


def _stuck(mails: Sequence[Mail]) -> StuckMail:
    if not mails:
        return NOT_STUCK
    domains = sorted({domain_of(m.address) for m in mails})
    last = min(mails, key=lambda m: (m.reply == "", -m.at.timestamp(), m.account))
    return StuckMail(len(mails), len(domains), tuple(domains[:3]), last.reply)


def _key(mail: Mail) -> tuple[object, ...]:
    return mail.account, mail.on_day, mail.kind, mail.cause, mail.channel, mail.mailbox
