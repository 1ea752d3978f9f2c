"""The messages of announcements, made of what they are about: a kind that announces something needs nothing here.

Invoices that are due on one day and paid in one way are one message, as are those that are held until one day, and all
that is planned for subscriptions; each payment method has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from arrears.core.account import Account, Action, Debt
from arrears.core.announcements import Announcement
from arrears.core.calendar import calendar_of
from arrears.core.facts import Expiring
from arrears.core.messages.content import DatedAction, DebtLine
from arrears.core.messages.kinds import KINDS, MessageKind
from arrears.core.messages.recipients import Contacts
from arrears.core.rules.announcing import held_until, planned, stands, to_pay, users
from arrears.core.rules.charge import charged_with
from arrears.engine.messages.drafting_people import Draft, zone_of
from arrears.engine.messages.subscription_names import subscription_names


class Lines(NamedTuple):
    """How debts, and what happens to a subscription, stand in every message."""

    debts: Callable[[Account, Iterable[Debt]], tuple[DebtLine, ...]]
    dated: Callable[[Account, int, Action, date], DatedAction]


def announcement_drafts(
    account: Account, parts: Iterable[Announcement], contacts: Contacts, lines: Lines, now: datetime
) -> Iterator[Draft]:
    """What is still as it was to be announced; nothing of what was paid, held or given another date since."""
    debts: dict[tuple[MessageKind, date, int], list[Debt]] = {}
    held: dict[tuple[MessageKind, date], list[Debt]] = {}
    actions: dict[MessageKind, list[Announcement]] = {}
    for said in parts:
        debt = account.debt(said.debt)
        if not stands(account, said):
            continue
        if debt is not None:
            method = charged_with(account, debt) if KINDS[said.kind].by_card else None
            debts.setdefault((said.kind, said.on, 0 if method is None else method.no), []).append(debt)
        elif said.subscription:
            actions.setdefault(said.kind, []).append(said)
        elif said.hold:
            held.setdefault((said.kind, said.on), []).extend(held_until(account, said.hold, said.on))
        else:
            yield _of_method(account, said, contacts, now)
    for (kind, on, number), owed in debts.items():
        card = _called(contacts, number) if number else ""
        left = _days_left(account, on, now)
        yield Draft(kind, f"{on}:{owed[0].no}", debts=lines.debts(account, owed), card=card, days_left=left)
    for (kind, on), owed in held.items():
        owed = sorted(set(owed), key=lambda debt: debt.no)
        left = _days_left(account, on, now)
        yield Draft(kind, f"{on}:{owed[0].no}", debts=lines.debts(account, owed), expires_on=on, days_left=left)
    for kind, ahead in actions.items():
        yield from _planned_drafts(account, kind, ahead, lines, now)


def expiry_drafts(account: Account, cards: Iterable[Expiring], contacts: Contacts, now: datetime) -> Iterator[Draft]:
    """The cards that still pay for something and have not been renewed since."""
    kind = MessageKind.CARD_EXPIRES
    for card in cards:
        said = Announcement(kind, card.expires_on, method=card.method)
        if stands(account, said):
            yield _of_method(account, said, contacts, now)._replace(cause=f"{card.method}:{card.days}")


def on_days(draft: Draft, actions: Iterable[DatedAction], today: date) -> Draft:
    """An announcement with what is planned, the earliest first: its services, and the days that are left, are those of
    the first day."""
    ordered = tuple(sorted(actions, key=lambda one: (one.on, one.service)))
    first = ordered[0].on
    return draft._replace(
        actions=ordered,
        services=tuple(one.service for one in ordered if one.on == first),
        days_left=max(0, (first - today).days),
    )


def _planned_drafts(
    account: Account, kind: MessageKind, ahead: Iterable[Announcement], lines: Lines, now: datetime
) -> Iterator[Draft]:
    """What is planned, and what is to be paid so that it does not happen; nothing from its day on."""
    today = calendar_of(zone_of(account)).local_day(now)
    owed: dict[int, Debt] = {}
    actions: list[DatedAction] = []
    for said in ahead:
        sub = account.subscription(said.subscription)
        action = planned(sub, said.on)
        assert action is not None, said
        if said.on > today:
            owed |= {debt.no: debt for debt in to_pay(account, sub, action)}
            actions.append(lines.dated(account, sub.no, action, said.on))
    if actions:
        debts = lines.debts(account, [owed[no] for no in sorted(owed)])
        draft = Draft(kind, f"{min(one.on for one in actions)}", debts=debts)
        yield on_days(draft, actions, today)


def _of_method(account: Account, said: Announcement, contacts: Contacts, now: datetime) -> Draft:
    names = subscription_names(account)
    return Draft(
        said.kind,
        f"{said.on}:{said.method}",
        services=tuple(names[sub.no] for sub in users(account, said.method)),
        card=_called(contacts, said.method),
        expires_on=said.on,
        days_left=_days_left(account, said.on, now),
    )


def _days_left(account: Account, on: date, now: datetime) -> int:
    return max(0, (on - calendar_of(zone_of(account)).local_day(now)).days)


def _called(contacts: Contacts, method: int) -> str:
    return contacts.cards.get(method) or f"card {method}"
