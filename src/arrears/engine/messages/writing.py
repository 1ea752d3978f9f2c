"""Letters: drafts in words, each for one reader, with a link and a row of its own, claimed before they leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.core.account import Mode
from arrears.core.calendar import calendar_of
from arrears.core.guards import Guards
from arrears.core.messages.content import Role
from arrears.core.messages.kinds import ACCOUNT_PAGES, KINDS, Dated, LeadsTo
from arrears.core.messages.recipients import EMAIL, Recipient
from arrears.core.policy import Policies
from arrears.core.view import View
from arrears.engine.message_context import (
    CONFIRM_PATH,
    INVITATION_PATH,
    PAY_PATH,
    RESET_PATH,
    SECURITY_PATH,
    MessageContext,
)
from arrears.engine.messages.addressing import content, help_link, page_link, stable_link
from arrears.engine.messages.collecting import collections
from arrears.engine.messages.delivering import NoticeDelivery
from arrears.engine.messages.drafting_people import Draft, zone_of
from arrears.engine.messages.leaving import days_announced, restated
from arrears.engine.tokens import digest_of, new_mark, new_token
from arrears.ports import QUEUED, Attachment, DeliveryAbout, Mail, MailBook, MailState, Message, PayLink

HELD_BACK: Final = (
    "not tried: its address has had {most} messages of this kind in 24 hours, the most; it goes on in the morning"
)


ATTACHED_MAX: Final = 5
"""Some sixty kilobytes each; mailboxes take a few megabytes."""


class Letter(NamedTuple):
    """One message, written, with its row."""

    plan: NoticeDelivery
    mail: Mail
    message: Message


class Letters:
    """The letters of a few notices."""

    def __init__(
        self, store: MailBook, context: MessageContext, now: datetime, policies: Policies, guards: Guards
    ) -> None:
        self._store, self._context, self._now, self._policies, self._guards = store, context, now, policies, guards
        self._days: dict[str, date] = {}
        self._letters: list[Letter] = []
        self._links: list[PayLink] = []
        self._attachments: dict[tuple[str, ...], tuple[Attachment, ...]] = {}

    def write(self, plan: NoticeDelivery) -> None:
        """Everything of this notice that still has to go somewhere."""
        number = max(plan.mails, default=0)
        told = days_announced(plan.account, self._policies, self._now) if any(map(_plans, plan.drafts)) else {}
        for draft in plan.drafts:
            if _plans(draft):
                draft = restated(draft, told, self._day(zone_of(plan.account)))
            if draft.debts and KINDS[draft.kind].owing is not None:
                view = View(self._policies, plan.account, self._guards, self._now)
                draft = draft._replace(collects=tuple(collections(view, plan.contacts)))
            for to in plan.left(draft):
                wanted = (draft.kind, draft.cause, to.channel, to.address)
                waiting = next((m.no for m in plan.mails.values() if _key(m) == wanted), 0)
                number += not waiting
                self._letters.append(self._written(plan, draft, to, waiting or number))

    def claimed(self) -> list[Letter]:
        """Those that may be handed over now. The others are postponed: their address has had one of that kind today,
        or too many."""
        if not self._letters:
            return []
        wanted = [letter.mail for letter in self._letters]
        limits = self._context.limits
        if limits is not None:
            wanted = self._within(wanted, limits.per_recipient_a_day)
        granted = {mail.id for mail in self._store.claim_mails(wanted, self._links)}
        held = {mail.id: mail for mail in wanted if mail.state is MailState.WAITING}
        for letter in self._letters:
            if letter.mail.id in granted:
                letter.plan.mails[letter.mail.no] = letter.mail
            elif self._begun_elsewhere(letter):
                letter.plan.put_off()
            else:
                letter.plan.postponed = True
                if mail := held.get(letter.mail.id):
                    letter.plan.move(mail, MailState.WAITING, mail.reply, about=mail.about)
        return [letter for letter in self._letters if letter.mail.id in granted]

    def _begun_elsewhere(self, letter: Letter) -> bool:
        """Whether another sender, who was slow, has stored this very message since its rows were read. It is no other
        message of the day, so this one need not wait for the next."""
        mail = letter.mail
        if mail.no in letter.plan.mails:
            return False
        return any(m.no == mail.no for m in self._store.mails_of_notices([(mail.account, mail.seq)]))

    def _within(self, mails: Sequence[Mail], most: int) -> list[Mail]:
        """These, of which those above the most of a day are not handed over: their rows wait and say why. Each kind is
        counted by itself: whatever somebody brings about, it keeps back nothing else."""
        had = dict(self._store.mail_counts(self._now, {mail.mailbox for mail in mails}).to)
        within = []
        for mail in mails:
            what = mail.mailbox, mail.kind
            had[what] = had.get(what, 0) + 1
            if had[what] > most:
                said = HELD_BACK.format(most=most)
                mail = replace(mail, state=MailState.WAITING, reply=said, about=DeliveryAbout.LIMIT)
            within.append(mail)
        return within

    def _written(self, plan: NoticeDelivery, draft: Draft, to: Recipient, number: int) -> Letter:
        account, context, now = plan.account, self._context, self._now
        secret, link = self._link(plan, draft, to)
        says = content(draft, account, plan.contacts, to, context.operator, link, now, self._policies)
        words = context.writer.render(says)
        mail = Mail(
            account=account.no,
            seq=plan.claim.seq,
            no=number,
            kind=draft.kind,
            cause=draft.cause,
            on_day=self._day(zone_of(account)),
            address=to.address,
            role=to.role,
            person=to.person,
            language=words.language,
            subject=words.subject,
            text=words.text.replace(secret, "…") if secret else words.text,
            state=MailState.CLAIMED,
            reply="",
            at=now,
            channel=to.channel,
            mark=plan.mails[number].mark if number in plan.mails else new_mark(),
            handing=QUEUED,
        )
        thread = "" if account.case is None else f"case-{account.no}-{account.case.no}"
        message = Message(
            mail.id, to.address, words.subject, words.text, words.html, (), thread, now, self._attached(plan, draft, to)
        )
        return Letter(plan, mail, message)

    def _attached(self, plan: NoticeDelivery, draft: Draft, to: Recipient) -> tuple[Attachment, ...]:
        """The documents of the invoices that a mail asks a customer to transfer, the oldest first; more than fit in a
        mail are found where its link leads."""
        attach = self._context.attach
        if attach is None or plan.account.mode is not Mode.INVOICE or to.channel != EMAIL:
            return ()
        numbers = tuple(debt.number for debt in draft.debts)[:ATTACHED_MAX]
        if numbers not in self._attachments:
            self._attachments[numbers] = tuple(attach(self._store, numbers, self._now))
        return self._attachments[numbers]

    def _day(self, zone: str) -> date:
        """The local day: an address gets at most one message of a kind on it."""
        if zone not in self._days:
            self._days[zone] = calendar_of(zone).local_day(self._now)
        return self._days[zone]

    def _link(self, plan: NoticeDelivery, draft: Draft, to: Recipient) -> tuple[str, str]:
        """A secret of this message alone (or none), and the address that it is in."""
        case, context = plan.account.case, self._context
        match KINDS[draft.kind].button_leads(owing=bool(draft.debts), off=bool(draft.stays)):
            case LeadsTo.CONFIRMING:
                secret = new_token()
                self._store.renew_address_link(draft.request, digest_of(secret))
                return secret, f"{context.base_url}{CONFIRM_PATH}{secret}"
            case LeadsTo.INVITATION | LeadsTo.NEW_PASSWORD as leads_to:
                secret = new_token()
                self._store.renew_sign_in_link(draft.link, digest_of(secret))
                path = INVITATION_PATH if leads_to is LeadsTo.INVITATION else RESET_PATH
                return secret, f"{context.base_url}{path}{secret}"
            case LeadsTo.SECURITY:
                return "", f"{context.base_url}{SECURITY_PATH}"
            case LeadsTo.HELP:
                return "", help_link(context.base_url, plan.account.no, draft.help)
            case LeadsTo.PAYING if context.pay_links and to.role is Role.ADMINISTRATOR and case is not None:
                secret = new_token()
                link = PayLink(digest_of(secret), plan.account.no, to.person, to.address, case.no, self._now)
                self._links.append(link)
                return secret, f"{context.base_url}{PAY_PATH}{secret}"
            case LeadsTo.PAYING:
                return "", stable_link(context.base_url, plan.account.no)
            case page:
                return "", page_link(context.base_url, plan.account.no, ACCOUNT_PAGES[page])


def _key(mail: Mail) -> tuple[str, str, str, str]:
    return mail.kind, mail.cause, mail.channel, mail.address


def _plans(draft: Draft) -> bool:
    """Whether it names days that are still to come."""
    return bool(draft.actions or draft.ends) and KINDS[draft.kind].dated in (Dated.PLANNED, Dated.AHEAD)
