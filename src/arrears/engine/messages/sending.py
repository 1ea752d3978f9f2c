"""Handing messages over, each at most once.

A notice is one fact; it becomes one message for each kind and address. Before a message leaves, its row is claimed
and committed, for many at once, and that its turn has come, for it alone, with what the last one was answered: who
finds it claimed by a sender that died looks it up if its turn had come, and never repeats it blindly. What an account
owes is read just before (spec, section 7), and once more where the server has been slow.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.calendar import calendar_of
from arrears.core.closed import closed
from arrears.core.messages.recipients import EMAIL, ChannelName, Contacts
from arrears.engine.failpoints import reached
from arrears.engine.handing_over import SPARED, Patience, handed_over, looked_up
from arrears.engine.message_context import MessageContext
from arrears.engine.messages.delivering import Answer, NoticeDelivery
from arrears.engine.messages.drafting import drafts
from arrears.engine.messages.drafting_people import Draft, zone_of
from arrears.engine.messages.writing import Letter, Letters
from arrears.engine.system import pause_mail
from arrears.ports import (
    QUEUED,
    AccountReader,
    Channel,
    Claim,
    DeliveryAbout,
    Fate,
    Mail,
    MailMove,
    MailState,
    NoticeSending,
)

Channels = Mapping[ChannelName, Channel]
"""The ways to reach people, by name: each recipient is written to by the channel that its address belongs to."""

FRESH_SECONDS: Final = 1.0
"""What was read longer ago is read again before a message is handed over."""


SEND_SECONDS_MAX: Final = 35
"""So long messages are handed over under one claim; the longest single one (four times 20 seconds) still fits in the
lease."""


_STATES: Final = closed(
    "states of a message by its fate",
    Fate,
    {
        Fate.ACCEPTED: MailState.ACCEPTED,
        Fate.REFUSED: MailState.REFUSED,
        Fate.UNKNOWN: MailState.UNKNOWN,
        Fate.NOT_SENT: MailState.WAITING,
    },
)


class DeadAddress(NamedTuple):
    """A message that a server refused since its address does not exist, with its words and their code."""

    mail: Mail
    reply: str
    code: str


class SendResult(NamedTuple):
    """What became of some claims; `back` are those that nothing was done for, `dead` the addresses that are gone."""

    answers: list[Answer]
    back: list[Claim]
    dead: list[DeadAddress]


def send(
    store: NoticeSending, channel: Channel, context: MessageContext, claims: Sequence[Claim], now: datetime
) -> SendResult:
    """Hand over what these claims ask for. Where mail cannot leave, or leaves slowly, the others wait: a claim that
    outlives its lease would be taken for one whose sender died, and never be sent."""
    if not claims:
        return SendResult([], [], [])
    facts = store.noticed_facts(claims)
    leaving = _let_out(store, context, claims, facts, now)
    back = [claim for claim in claims if claim not in leaving]
    if not leaving:
        return SendResult([], back, [])
    channels = {EMAIL: channel, **context.channels}
    plans, letters = _prepared(store, channels, context, leaving, facts, now)
    dead = _hand_over_all(store, channels, letters)
    return SendResult([plan.answer(now) for plan in plans], back, dead)


ASKED_FOR: Final = (f.ResetAsked, f.SignInChanged, f.TestAsked, f.AddressAsked)
"""What a person who signs in asked for themself, or is told of their own sign-in: a few a day, and they wait for it."""


def _let_out(
    store: NoticeSending,
    context: MessageContext,
    claims: Sequence[Claim],
    facts: Mapping[tuple[int, int], f.Recorded],
    now: datetime,
) -> Sequence[Claim]:
    """Those that the limits of the whole installation let out for now. In a storm of bounces, of which staff are told,
    that is what people asked for themselves."""
    limits = context.limits
    if limits is None:
        return claims
    counts = store.mail_counts(now, ())
    storm = counts.dead >= limits.bounces_min and counts.dead * 100 >= limits.bounces_percent * counts.addresses
    if storm != counts.paused:
        pause_mail(store, counts, now, over=not storm)
    if counts.handed >= limits.per_hour:
        return []
    return [c for c in claims if _asked_for(facts[c.account, c.seq].fact)] if storm else claims


def _asked_for(fact: f.AnyFact) -> bool:
    return isinstance(fact, ASKED_FOR) and not (isinstance(fact, f.AddressAsked) and fact.again)


def _prepared(
    store: NoticeSending,
    channels: Channels,
    context: MessageContext,
    claims: Sequence[Claim],
    facts: Mapping[tuple[int, int], f.Recorded],
    now: datetime,
) -> tuple[list[NoticeDelivery], list[Letter]]:
    """The notices, read just now, with the letters that may be handed over: they are claimed."""
    numbers = sorted({c.account for c in claims})
    earlier: dict[tuple[int, int], list[Mail]] = {}
    for mail in store.mails_of_notices([(c.account, c.seq) for c in claims]):
        earlier.setdefault((mail.account, mail.seq), []).append(mail)
    paid = [key for key, told in facts.items() if isinstance(told.fact, f.PaymentBooked)]
    back = store.subscriptions_resumed_with(paid) if paid else {}
    accounts = store.snapshots(numbers)
    contacts = {number: _reachable(found, channels) for number, found in store.contacts(numbers).items()}
    letters = Letters(store, context, now, store.policies(), store.system().guards)
    plans = []
    for claim in claims:
        key = (claim.account, claim.seq)
        account = accounts[claim.account]
        found = drafts(account, facts[key].fact, claim.seq, contacts[claim.account], now, back.get(key, ()))
        found = [_dated(draft, account, facts[key].at) for draft in found]
        plan = NoticeDelivery(claim, facts[key].fact, account, contacts[claim.account], earlier.get(key, ()), found)
        plans.append(plan)
        _look_up(channels, plan)
        letters.write(plan)
        plan.drop_what_waits()
    reached("mail.before_commit")
    ready = letters.claimed()
    reached("mail.after_commit")
    return plans, ready


def _dated(draft: Draft, account: Account, at: datetime) -> Draft:
    """A draft with the day on which what it tells came to be so, whenever it leaves."""
    return draft if draft.effective_on else draft._replace(effective_on=calendar_of(zone_of(account)).local_day(at))


def _reachable(contacts: Contacts, channels: Channels) -> Contacts:
    """Without the addresses of channels that are not set up."""
    return contacts._replace(extras=tuple(extra for extra in contacts.extras if extra.channel in channels))


def _look_up(channels: Channels, plan: NoticeDelivery) -> None:
    """Messages that were being handed over when their sender died."""
    for mail in list(plan.mails.values()):
        if mail.state is not MailState.CLAIMED:
            continue
        if mail.handing:
            # Its turn had not come, or its channel had answered, when its sender died.
            was = MailState.WAITING if mail.handing == QUEUED else MailState(mail.handing)
            plan.move(mail, was, mail.reply, mail.code, mail.about if was is MailState.WAITING else "")
            continue
        fate = looked_up(channels[mail.channel], mail.id) if mail.channel in channels else Fate.UNKNOWN
        if fate in (Fate.ACCEPTED, Fate.NOT_SENT):
            plan.move(mail, _STATES[fate])
        else:
            plan.move(mail, MailState.UNKNOWN, "its sender died while handing it over")


def _hand_over_all(store: NoticeSending, channels: Channels, letters: Sequence[Letter]) -> list[DeadAddress]:
    """One letter after the other; of a channel whose server takes nothing more the others wait."""
    dead = []
    answered: list[MailMove] = []
    began = time.monotonic()
    shut: dict[ChannelName, str] = {}
    patience: defaultdict[ChannelName, Patience] = defaultdict(Patience)
    for letter in letters:
        seconds = time.monotonic() - began
        name = letter.mail.channel
        if name in shut:
            letter.plan.move(letter.mail, MailState.WAITING, shut[name], about=DeliveryAbout.SERVER)
            continue
        if patience[name].spares(letter.mail.address):
            letter.plan.handed_over(letter.mail, MailState.WAITING, SPARED)
            continue
        if seconds > SEND_SECONDS_MAX or (seconds > FRESH_SECONDS and not _as_read(store, letter)):
            letter.plan.move(letter.mail, MailState.WAITING)
            continue
        if not store.begin_mail(letter.mail, answered):
            letter.plan.elsewhere = True
            continue
        delivery = handed_over(channels[name], letter.message)
        answered = [letter.plan.answered(letter.mail, _STATES[delivery.fate], delivery)]
        over = patience[name].is_over(delivery, letter.mail.address)
        if delivery.broke and not over:
            delivery = delivery._replace(about=DeliveryAbout.EITHER)
        letter.plan.handed_over(letter.mail, _STATES[delivery.fate], delivery)
        if delivery.dead:
            dead.append(DeadAddress(letter.mail, delivery.reply, delivery.code))
        if over:
            shut[name] = delivery.reply
    return dead


def _as_read(store: AccountReader, letter: Letter) -> bool:
    """Whether the account is as it was when this was written."""
    account = letter.plan.account
    return store.snapshots([account.no])[account.no] == account
