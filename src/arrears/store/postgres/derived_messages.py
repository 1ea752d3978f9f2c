"""Messages compared with what the journal says became of them.

A fact names a message by its notice and its digest, and nobody's address: who was written to can be erased, and the
text is kept for so long only. Neither is tampering, and both leave the row, its state and its digest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, LiteralString, NamedTuple, assert_never

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.actions import asks_for_message
from arrears.core.address import mailbox_of
from arrears.core.calendar import calendar_of
from arrears.core.effects import TELLING
from arrears.core.invariants import Breach
from arrears.core.messages.kinds import MessageKind
from arrears.core.replayed import Replayed
from arrears.ports import BACK, TAKEN, MailState
from arrears.store.postgres.write import Db, utc

UNDER_WAY_MAX: Final = timedelta(hours=6)
"""A message that was written for one local day is answered for within so long."""

_ROWS: Final[LiteralString] = """
SELECT account_id, seq, no, kind, on_day, state, mailbox, address, at,
    CASE WHEN starts_with(body, 'sha256:') THEN substr(body, 8) ELSE encode(sha256(convert_to(body, 'UTF8')), 'hex') END
FROM message WHERE account_id = ANY(%b)"""

_REPORTED: Final = {
    "hard": frozenset({MailState.BOUNCED_HARD}),
    "soft": frozenset({MailState.CAME_BACK}),
    "complaint": TAKEN,
}
"""What a message is after such a report."""


class _Row(NamedTuple):
    account: int
    seq: int
    no: int
    kind: str
    on_day: date
    state: str
    mailbox: str
    address: str
    at: datetime
    digest: str


class _Said(NamedTuple):
    """What the facts of one account say: which kinds of messages each asks for, the digest of each that was accepted,
    how the last report of each message that came back says that it did."""

    asked: dict[int, frozenset[str]]
    accepted: dict[int, set[str]]
    answered: set[int]
    reported: dict[tuple[int, int], str]
    zones: set[str]


def changed_messages(db: Db, numbers: Sequence[int], replayed: Sequence[Replayed]) -> Iterator[Breach]:
    """What the journal says of messages and is not so, and every message that no fact asks for."""
    rows: Mapping[int, list[_Row]] = defaultdict(list)
    for row in db.execute(_ROWS, [numbers]):
        rows[row[0]].append(_Row(*row))
    for one in replayed:
        number = one.accounts[0].no
        said = _said(one)
        for what in sorted({*_gone(rows[number], said), *_changed(rows[number], said)}):
            yield Breach("I18", number, what)


def _said(one: Replayed) -> _Said:
    said = _Said({}, defaultdict(set), set(), {}, set())
    for r in one.history:
        fact = r.fact
        if asks_for_message(fact):
            said.asked[r.seq] = frozenset(kinds_of(fact))
        match fact:
            case f.NoticeAccepted(notice=notice, digest=digest):
                said.answered.add(notice)
                if digest:
                    said.accepted[notice].add(digest)
            case f.NoticeFailed(notice=notice):
                said.answered.add(notice)
            case f.NoticeBounced():
                said.reported[fact.notice, fact.message] = fact.how
            case f.AccountOpened(terms=terms) | f.TermsChanged(terms=terms) | f.BecamePastDue(terms=terms):
                said.zones.add(terms.zone)
            case _:
                pass
    return said


def kinds_of(fact: f.AnyFact) -> Iterator[MessageKind]:
    """The kinds of messages that may go out because of this fact."""
    match fact:
        case f.Noticed():
            for part in fact.parts:
                yield from _kinds_of_part(part)
        case f.PaymentBooked():
            yield from (MessageKind.CREDIT_OFFERED, MessageKind.PAID_AFTER_DELETION, MessageKind.SETTLED)
        case f.ChargeDeclined() | f.AttemptMoved():
            yield from (MessageKind.CONFIRM, MessageKind.DECLINED)
        case f.AuthorisationDeclined():
            yield MessageKind.AUTHORISATION_DECLINED
        case f.AddressAsked():
            yield MessageKind.CONFIRM_ADDRESS
        case f.AddressConfirmed():
            yield MessageKind.ADDRESS_CHANGED
        case f.TestAsked():
            yield MessageKind.TEST
        case f.Invited():
            yield MessageKind.INVITATION
        case f.ResetAsked():
            yield MessageKind.PASSWORD_RESET
        case f.SignInChanged():
            yield MessageKind.SIGN_IN_CHANGED
        case f.SupportOpened():
            yield MessageKind.SUPPORT_RECEIVED
        case f.SupportAnswered():
            yield MessageKind.SUPPORT_ANSWERED
        case f.ResumeLate():
            yield MessageKind.RESUME_LATE
        case f.Canceled():
            yield MessageKind.CANCELED
        case f.Reactivated():
            yield MessageKind.REACTIVATED
        case _:
            assert type(fact) not in TELLING, fact


def _kinds_of_part(part: f.NoticePart) -> tuple[MessageKind, ...]:
    match part:
        case f.Warning(action=Action.DELETE):
            return MessageKind.DELETION_WARNING, MessageKind.RETENTION_ENDS
        case f.Warning():
            return (MessageKind.STOP_WARNING,)
        case f.Told():
            return MessageKind.STOPPED, MessageKind.DELETED, MessageKind.RESUMED
        case f.Reminder():
            return MessageKind.REMINDER, MessageKind.DECLINED, MessageKind.CONFIRM
        case f.Expiring():
            return (MessageKind.CARD_EXPIRES,)
        case f.Announcement(kind=kind):
            return (kind,)
        case _:
            assert_never(part)


def _gone(rows: Sequence[_Row], said: _Said) -> Iterator[str]:
    """What was taken by a mail system is there, with the text that was taken."""
    there = {(row.seq, row.no): row for row in rows}
    for notice, digests in said.accepted.items():
        taken = {row.digest for row in rows if row.seq == notice and (row.state in TAKEN or row.state in BACK)}
        if not digests <= taken:
            yield f"the message of fact {notice} was accepted, and there is none like it that was"
    for (notice, no), how in said.reported.items():
        row = there.get((notice, no))
        if row is None:
            yield f"message {no} of fact {notice} came back, and is not there"
        elif row.state not in _REPORTED[how]:
            yield f"message {no} of fact {notice} is {row.state}, and the journal says that it came back"


def _changed(rows: Sequence[_Row], said: _Said) -> Iterator[str]:
    for row in rows:
        name = f"message {row.no} of fact {row.seq}"
        asked = said.asked.get(row.seq)
        if asked is None:
            yield f"{name} is there, and no fact asks for it"
            continue
        if row.kind not in asked:
            yield f"{name} is of another kind than the fact asks for"
        if row.mailbox != mailbox_of(row.address):
            yield f"{name} has another address than it was sent to"
        if row.state in (MailState.CAME_BACK, MailState.COMPLAINED) and (row.seq, row.no) not in said.reported:
            yield f"{name} came back, and the journal does not say so"
        if row.state in TAKEN and not _in_days(row, said.zones):
            yield f"{name} has another day than it was sent on"


def _in_days(row: _Row, zones: set[str]) -> bool:
    at = utc(row.at)
    days = {calendar_of(zone).local_day(instant) for zone in zones for instant in (at - UNDER_WAY_MAX, at)}
    return min(days) <= row.on_day <= max(days)
