"""One notice on its way: its messages to so many addresses, how far each is, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.address import mailbox_of
from arrears.core.calendar import calendar_of
from arrears.core.messages.kinds import KINDS, Audience, Dated, MessageKind
from arrears.core.messages.recipients import Contacts, Recipient, recipients
from arrears.core.view import ONE_DAY
from arrears.engine.messages.drafting import left_out
from arrears.engine.messages.drafting_people import Draft, zone_of
from arrears.ports import TAKEN, Claim, Delivery, DeliveryAbout, Mail, MailMove, MailState

CARRYING: Final = frozenset(kind for kind, spec in KINDS.items() if spec.dated is Dated.AHEAD)
"""The warnings of a notice count only when these have been accepted, whatever else it says."""

MORNING: Final = time(9)
"""When what is too much for one day goes on."""

TRY_AGAIN_AFTER: Final = timedelta(minutes=15)
"""What its own server put off is tried again after this: greylisting lets pass what comes back after some minutes."""

_FAILED: Final = (MailState.REFUSED, MailState.BOUNCED_HARD)


class Answer(NamedTuple):
    """What became of one notice. `outcome` is True (accepted), False (not) or None: not over, and tried again at
    `until`, or when the lease is over. `accepted`: it counts as accepted from now on. `why` says why it never will.
    `moves` are the new states of its messages."""

    claim: Claim
    outcome: bool | None
    until: datetime | None
    accepted: bool
    digest: str
    left_out: tuple[int, ...]
    why: str
    moves: tuple[MailMove, ...]
    delivery: NoticeDelivery

    def without(self, came_back: Sequence[MailMove], now: datetime) -> Answer:
        """The answer where these of its messages have come back meanwhile."""
        return self.delivery.without(came_back, now) if came_back else self


class NoticeDelivery:
    """One notice: the account as it was read, its messages so far by number, and what is still to be said."""

    __slots__ = (
        "_changed",
        "_gone",
        "_put_off",
        "_to",
        "_was_taken",
        "account",
        "claim",
        "contacts",
        "drafts",
        "elsewhere",
        "fact",
        "mails",
        "postponed",
    )

    def __init__(
        self,
        claim: Claim,
        fact: f.AnyFact,
        account: Account,
        contacts: Contacts,
        mails: Iterable[Mail],
        drafts: Sequence[Draft],
    ) -> None:
        self.claim, self.fact, self.account, self.contacts, self.drafts = claim, fact, account, contacts, drafts
        self.mails = {mail.no: mail for mail in mails}
        self.postponed = False
        self.elsewhere = False
        self._gone, self._put_off = "", False
        self._changed: set[int] = set()
        self._to: dict[MessageKind, Sequence[Recipient]] = {}
        self._was_taken = any(mail.state in TAKEN for mail in self.mails.values())

    def move(self, mail: Mail, state: MailState, reply: str = "", code: str = "", about: str = "") -> None:
        """This message has come to another state."""
        about = "" if about == DeliveryAbout.ADDRESS else about
        self.mails[mail.no] = replace(mail, state=state, reply=reply, code=code, about=about)
        self._changed.add(mail.no)

    def handed_over(self, mail: Mail, state: MailState, delivery: Delivery) -> None:
        """A channel has answered."""
        waits = state is MailState.WAITING
        self.move(mail, state, delivery.reply, delivery.code, delivery.about if waits else "")
        # Also for whom the server took nothing: as the first of the next round, one recipient would stop all mail.
        self._put_off |= waits and (delivery.broke or delivery.about is not DeliveryAbout.SERVER)
        self._gone = delivery.code if delivery.dead else self._gone

    def answered(self, mail: Mail, state: MailState, delivery: Delivery) -> MailMove:
        """What a channel has answered, to be kept before the next one has its turn."""
        return MailMove(mail.account, mail.seq, mail.no, state, delivery.reply, delivery.code)

    def put_off(self) -> None:
        """Another sender has begun: look again a little later what became of it."""
        self._put_off = True

    def left(self, draft: Draft) -> list[Recipient]:
        """Where this still has to go: everywhere at once, or to the first address that has not failed."""
        to_all = KINDS[draft.kind].to is Audience.EVERYBODY
        if not self.mails:
            return list(self._addressed(draft)) if to_all else list(self._addressed(draft)[:1])
        states = {(m.channel, mailbox_of(m.address)): m.state for m in self._of(draft)}
        todo = []
        for to in self._addressed(draft):
            state = states.get((to.channel, mailbox_of(to.address)), MailState.WAITING)
            if to_all:
                todo += [to] if state is MailState.WAITING else []
            elif state not in _FAILED:
                return [to] if state is MailState.WAITING else []
        return todo if to_all else todo[:1]

    def drop_what_waits(self) -> None:
        """What waited and is no longer wanted: paid meanwhile, or no longer an address of the account (F53)."""
        if not self.mails:
            return
        wanted = {(d.kind, d.cause, to.channel, mailbox_of(to.address)) for d in self.drafts for to in self.left(d)}
        for mail in list(self.mails.values()):
            where = (mail.kind, mail.cause, mail.channel, mailbox_of(mail.address))
            if mail.state is MailState.WAITING and where not in wanted:
                self.move(mail, MailState.DROPPED, "no longer true, or no longer the address")

    def answer(self, now: datetime) -> Answer:
        """What all this comes to."""
        # What another sender has begun is that one's to answer for.
        open_ = self.elsewhere or any(self.left(draft) for draft in self.drafts)
        digest = self._digest()
        taken = self._was_taken or bool(digest)
        until = None
        if open_ and self.postponed:
            zone = calendar_of(zone_of(self.account))
            until = zone.at(zone.local_day(now) + ONE_DAY, MORNING)
        elif open_ and self._put_off:
            until = now + TRY_AGAIN_AFTER
        without = left_out(self.account, self.fact, self.claim.seq) if digest else ()
        return Answer(
            claim=self.claim,
            outcome=None if open_ else taken,
            until=until,
            accepted=bool(digest) and not self._was_taken,
            digest=digest,
            left_out=without,
            why="" if open_ or taken else self._why(),
            moves=tuple(MailMove(m.account, m.seq, m.no, m.state, m.reply, m.code, m.about) for m in self._moved()),
            delivery=self,
        )

    def without(self, came_back: Sequence[MailMove], now: datetime) -> Answer:
        """What it comes to where these of its messages have come back meanwhile."""
        for move in came_back:
            self.move(self.mails[move.no], move.state, move.reply, move.code)
        return self.answer(now)

    def _of(self, draft: Draft) -> list[Mail]:
        return [m for m in self.mails.values() if (m.kind, m.cause) == (draft.kind, draft.cause)]

    def _moved(self) -> list[Mail]:
        return [self.mails[no] for no in sorted(self._changed)]

    def _addressed(self, draft: Draft) -> Sequence[Recipient]:
        """Who gets it: by the rules, the one person that it is about, or whoever is invited."""
        if draft.link and not draft.person:
            invited = (link for link in self.contacts.links if link.no == draft.link)
            zone = self.contacts.zone
            return [Recipient(one.address, one.role, one.name, one.locale, zone) for one in invited]
        if not draft.person:
            found = self._to.get(draft.kind)
            if found is None:
                found = self._to[draft.kind] = recipients(self.contacts, draft.kind)
            return found
        person = next((p for p in self.contacts.people if p.no == draft.person), None)
        if person is None:
            return ()
        to = (draft.to,) if draft.to else person.addresses[:1]
        zone = person.zone or self.contacts.zone
        return [Recipient(a, person.role, person.name, person.locale, zone, person.no) for a in to]

    def _digest(self) -> str:
        """The digest of what was taken, or nothing where it does not count: of a notice with warnings, every mail
        that carries some must be with somebody."""
        carrying = [d for d in self.drafts if d.kind in CARRYING]
        if isinstance(self.fact, f.Noticed) and not carrying and self.fact.each(f.Warning):
            return ""
        for draft in carrying:
            if not any(m.state in TAKEN for m in self._of(draft)):
                return ""
        taken = [m for m in self.mails.values() if m.state in TAKEN]
        return taken[0].digest if taken else ""

    def _why(self) -> str:
        states = {m.state for m in self.mails.values()}
        if MailState.CAME_BACK in states:
            return "came back"
        if MailState.UNKNOWN in states:
            return "unknown: its sender died while handing it over, or the server never answered"
        if self._gone:
            return f"no such address: {self._gone}"
        refused = [m for m in self.mails.values() if m.state in _FAILED]
        if refused:
            # The server's words stay in the message's row: they name the address.
            return f"refused: {refused[-1].code or 'by the channel'}"
        if self.drafts and not any(self._addressed(d) for d in self.drafts):
            return "nobody can be reached: the account has no address that works"
        return "dropped: what it says is no longer true"
