"""How the story stands: the step it has come to, what came of the last jump, and what is owed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from arrears.adapters.channels.folder import FolderChannel
from arrears.core import facts as f
from arrears.core.account import Account, Action, Subscription
from arrears.core.deadlines import ahead
from arrears.core.facts import Recorded
from arrears.core.money import format_amount
from arrears.core.payments.settlement import quotes
from arrears.core.states import Reason, State, allows
from arrears.core.view import View
from arrears.notices import values
from arrears.ports import Mail
from arrears.web.demo_handler import DemoWorld, today
from arrears.web.languages import language_now
from arrears.web.names import called
from arrears.wiring import installed

SHOWN_MAX: Final = 8
"""So many things that happened are shown; the rest is in the outbox and among what staff see."""


class Chapter(StrEnum):
    """How far the story has come."""

    DECLINED = "declined"
    WARNED = "warned"
    STOPPED = "stopped"
    COMING_BACK = "coming_back"
    RUNNING = "running"
    ENDED = "ended"
    ELSEWHERE = "elsewhere"
    """Something was done that the story does not tell: a service was cancelled, a debt is on hold."""


class Files(StrEnum):
    """What can be done with the files of the service that the story follows, as far as arrears knows."""

    SAVED = "saved"
    READ = "read"
    GONE = "gone"
    UNKNOWN = "unknown"
    """An order is under way: only the service itself can say."""


class Consequence(NamedTuple):
    """One thing that came of a jump, with the page where it is seen. `day` counts from the one on which the debt
    became past due."""

    at: datetime
    day: int
    text: str
    link: str


class StoryNow(NamedTuple):
    """The story at one moment. `owed` is empty where nothing is, `pay_link` where no mail has one. `stopped`: whether
    the service that the story follows has stopped for what is owed; `any_stopped`: whether any of the account has;
    `stop_day`, counted like `day`, when the followed one did or will, None where none is known."""

    chapter: Chapter
    customer: str
    day_0: date
    day: int
    owed: str
    consequences: Sequence[Consequence]
    pay_link: str
    newest: str
    warned: bool
    stopped: bool
    any_stopped: bool
    stop_day: int | None
    files: Files
    service: str


FOLLOWED: Final = 1
"""The subscription that the story follows: its service is the one that is linked to."""


def standing_of(world: DemoWorld) -> StoryNow:
    """How the world's story stands now."""
    live, number = installed(), world.account
    account, history = live.store.snapshots([number])[number], live.store.history(number)
    view = View(live.store.policies(), account, live.store.system().guards, world.now())
    locale = values.formats_of(language_now())
    sums = [format_amount(one.amount_minor, one.currency, str(locale)) for one in quotes(view)]
    owed = values.listed(sums, locale, values.Form.PLAIN) if sums else ""
    facts = [recorded.fact for recorded in history]
    day_0 = next((one.debts[0].day_0 for one in facts if isinstance(one, f.BecamePastDue)), today(world))
    warned = any(bool(one.each(f.Warning)) for one in facts if isinstance(one, f.Noticed))
    mails = [mail for mail in live.store.mails_of(number) if mail.subject]
    paid = [one.at for one in history if isinstance(one.fact, f.PaymentBooked)]
    # Once everything is paid, what was announced before is news no more: it does not happen.
    since = world.moved_from if owed or not paid else max(world.moved_from, paid[-1])
    consequences = sorted(_consequences(world, account, history, mails, day_0, since), reverse=True)
    stops = [(recorded.at, recorded.fact) for recorded in history if isinstance(recorded.fact, f.Disabled)]
    stopped_on = [at.astimezone(ZoneInfo(world.zone)).date() for at, fact in stops if fact.subscription == FOLLOWED]
    stop_on = stopped_on[-1] if stopped_on else _stop_ahead(view)
    return StoryNow(
        Chapter.ELSEWHERE if goes_elsewhere(account, facts) else _chapter(account, owed=bool(owed), warned=warned),
        live.store.contacts([number])[number].name,
        day_0,
        (today(world) - day_0).days,
        owed,
        consequences[:SHOWN_MAX],
        _pay_link(mails),
        mails[-1].subject if mails else "",
        warned,
        bool(stopped_on),
        bool(stops),
        None if stop_on is None else (stop_on - day_0).days,
        _files(account.subscription(FOLLOWED)),
        live.service_page(number, FOLLOWED),
    )


def _stop_ahead(view: View) -> date | None:
    """The first day on which the service that the story follows does not run, as pages and messages announce it."""
    for one in ahead(view):
        if one.sub.no == FOLLOWED and one.action is Action.DISABLE and one.announced_day is not None:
            return one.announced_day + timedelta(days=1)
    return None


def _files(sub: Subscription) -> Files:
    if [order.kind for order in sub.orders] == ["resume"]:
        return Files.READ
    if sub.orders:
        return Files.UNKNOWN
    return Files.GONE if sub.state is State.DELETED else Files.SAVED if allows(sub.state).change else Files.READ


def goes_elsewhere(account: Account, facts: Sequence[f.AnyFact]) -> bool:
    """Whether the story does not tell how it stands: something else than paying decides what stops or comes back."""
    others = any(set(sub.reasons) - {Reason.PAST_DUE} for sub in account.subscriptions)
    held = any(hold.ended_at is None for hold in account.holds)
    given_up = any(isinstance(fact, f.WrittenOff | f.InvoiceCredited) for fact in facts)
    gone = [sub for sub in account.subscriptions if sub.state is State.DELETED]
    return others or held or given_up or (bool(gone) and len(gone) < len(account.subscriptions))


def _chapter(account: Account, *, owed: bool, warned: bool) -> Chapter:
    """What the story tells. While something is owed, it is that of the service that it follows: another one of the
    account can stop on another day, since one that was cancelled and brought back is given its days anew."""
    states = {sub.state for sub in account.subscriptions}
    if State.DELETED in states:
        return Chapter.ENDED
    if owed:
        if account.subscription(FOLLOWED).state is State.DISABLED:
            return Chapter.STOPPED
        return Chapter.WARNED if warned else Chapter.DECLINED
    runs = states <= {State.ACTIVE, State.PAST_DUE} and not any(sub.orders for sub in account.subscriptions)
    return Chapter.RUNNING if runs else Chapter.COMING_BACK


def _consequences(
    world: DemoWorld,
    account: Account,
    history: Sequence[Recorded],
    mails: Sequence[Mail],
    day_0: date,
    since: datetime,
) -> Iterator[Consequence]:
    """What came of the last jump, or of paying: mails, and services that stopped, came back or were deleted."""

    def seen(at: datetime, text: str, link: str) -> Consequence:
        return Consequence(at, (at.astimezone(ZoneInfo(world.zone)).date() - day_0).days, text, link)

    for mail in mails:
        if mail.at >= since:
            yield seen(mail.at, mail.subject, f"/outbox/{mail.id}")
    for recorded in history:
        if recorded.at < since:
            continue
        match recorded.fact:
            case f.Disabled(subscription=sub):
                text = _("%(service)s has stopped") % {"service": called(account, sub)}
            case f.Resumed(subscription=sub, order_no=order) if order:
                text = _("%(service)s is switched on again") % {"service": called(account, sub)}
            case f.DeletionOrdered(subscription=sub):
                text = _("%(service)s is deleted") % {"service": called(account, sub)}
            case _:
                continue
        yield seen(recorded.at, text, installed().service_page(account.no, sub))


def _pay_link(mails: Sequence[Mail]) -> str:
    """The address behind the button of the newest mail that has one: what its reader would press."""
    channel = installed().channel
    assert isinstance(channel, FolderChannel)
    for mail in reversed(mails):
        path = channel.folder / f"{mail.id}.eml"
        found = re.search(r"/pay/[A-Za-z0-9_-]{20,}", path.read_text("utf-8")) if path.exists() else None
        if found:
            return found[0]
    return ""
