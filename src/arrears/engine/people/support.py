"""Support requests as people make them and staff work on them (spec, section 10).

A request stops time on the account that it is about, once in each case; its words and names are in rows that can be
erased. Nothing here asks whether a subscription is usable.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import HoldScope, Stop
from arrears.core.errors import Refused
from arrears.core.messages.kinds import MessageKind
from arrears.core.people.support import HOLDS, About, Via, bracket, slot
from arrears.core.unit import Unit
from arrears.engine.acting import acting_on, local_today
from arrears.engine.holding import HOLD_DAYS_MAX, place_hold
from arrears.ports import AccountsAndSupport, SupportBook
from arrears.ports.support import ConversationEntry, Request, RequestState

TEXT_CHARS_MAX: Final = 4000
"""Two pages; who has more to say sends it in parts."""

A_DAY: Final = timedelta(days=1)
ASKED_A_DAY: Final = 10
"""Requests of one account by its administrator; its readers, and visitors, have as many of their own."""

TWICE_WITHIN: Final = timedelta(minutes=10)
"""The same words again within so long are the same click again, not another request."""

SAID_A_DAY: Final = 20
"""Texts of one person in one request."""


def open_request(
    store: AccountsAndSupport,
    account: int,
    via: Via,
    about: About,
    text: str,
    now: datetime,
    author: str,
    *,
    person: int = 0,
    address: str = "",
    locale: str = "",
    may_hold: bool = True,
) -> Request:
    """Open a request about an account for somebody who is known there. Who gives an `address` is answered by letter; a
    pay link whose case is over may not hold. Refuses `empty_text`, `long_text`, `too_many_requests`."""
    body = checked_text(text)
    if store.requests_since(now - A_DAY, account, via) >= ASKED_A_DAY:
        raise Refused("too_many_requests", f"an account can ask {ASKED_A_DAY} times a day")
    asked = Request(
        0, account, 0, about, via, "open", 0, "", (), person, "", address, "", "", locale, now
    )  # fmt: skip
    with acting_on(store, account, now) as unit:
        for before in store.requests_of(account)[:1]:
            if _is_repeated(store, asked, before, body):
                return before
        opened = _held(store, unit, asked, author, may_hold=may_hold)
        opened = opened._replace(number=store.add_request(opened, body))
        _record_opened(unit, opened, author)
    if opened.by_letter:
        store.add_letter(opened.number, MessageKind.SUPPORT_RECEIVED, now)
    return opened


def _is_repeated(store: SupportBook, asked: Request, before: Request, body: str) -> bool:
    if asked.asked_at - before.asked_at > TWICE_WITHIN:
        return False
    who, same = ((r.via, r.about, r.person, r.address) for r in (asked, before))
    if who != same:
        return False
    said = store.support_entries(before.number)
    return len(said) == 1 and said[0].body == body


def place(store: AccountsAndSupport, number: int, account: int, now: datetime, author: str, why: str = "") -> Request:
    """Give a visitor's request to this account: from now on it belongs there, and holds what it may. Refuses
    `unknown_request`, `has_account`, `unknown_account`."""
    with acting_on(store, account, now) as unit:
        asked = known(store, number)
        if asked.account:
            raise Refused("has_account", f"request {number} belongs to an account already")
        state: RequestState = "open" if asked.state == "confirmed" else asked.state
        placed = _held(store, unit, asked._replace(account=account, state=state), author)
        if not store.place_request(placed):
            raise Refused("has_account", f"request {number} belongs to an account already")
        _record_opened(unit, placed, author, why)
    return placed


def _held(store: SupportBook, unit: Unit, asked: Request, author: str, *, may_hold: bool = True) -> Request:
    """With the holds that it may place, and the fact that is to be recorded next."""
    case, once = bracket(unit.account), slot(asked.via, asked.about)
    holds: tuple[int, ...] = ()
    if may_hold and case and once not in store.slots_held(unit.no, case):
        reason = f"support request: {asked.about.replace('_', ' ')}"
        today = local_today(unit)
        holds = tuple(
            place_hold(unit, HoldScope.ACCOUNT, 0, held.stops, reason, today + timedelta(days=held.days), author)
            for held in HOLDS[asked.via]
        )
    at = asked._replace(seq=unit.seq + 1)
    return at._replace(case=case, slot=once, holds=holds) if holds else at


def _record_opened(unit: Unit, opened: Request, author: str, why: str = "") -> None:
    fact = f.SupportOpened(
        request=opened.number,
        about=opened.about,
        via=opened.via,
        case=opened.case,
        person=opened.person,
        holds=opened.holds,
        tell=not opened.by_letter,
    )
    recorded = unit.record(fact, author, why)
    assert recorded.seq == opened.seq, "nothing comes between the holds and the request"


def say(store: AccountsAndSupport, number: int, text: str, now: datetime, author: str) -> None:
    """Add what whoever asked writes later; a closed request is open again. Refuses `unknown_request`, `empty_text`,
    `long_text`, `too_many_requests`."""
    body, asked = checked_text(text), known(store, number)
    every = store.support_entries(number)
    if every and (every[-1].author, every[-1].body) == ("", body) and now - every[-1].at < TWICE_WITHIN:
        return
    said = [entry for entry in every if not entry.author and entry.at > now - A_DAY]
    if len(said) >= SAID_A_DAY:
        raise Refused("too_many_requests", f"{SAID_A_DAY} texts a day are read; wait a day")
    if not asked.account or asked.via is Via.ANONYMOUS:
        # The same for every stranger: how long it takes must not tell whether there is an account.
        store.add_entry(ConversationEntry(number, 0, "", body, 0, now))
        if asked.state != "confirmed":
            store.move_request(number, "open")
        return
    with acting_on(store, asked.account, now) as unit:
        recorded = unit.record(f.SupportSaid(request=number), author)
        store.add_entry(ConversationEntry(number, 0, "", body, recorded.seq, now))
        store.move_request(number, "open")


def answer(store: AccountsAndSupport, number: int, text: str, now: datetime, author: str) -> None:
    """Add the answer of staff; whoever asked gets a message with a link, and the tasks of the request are closed.
    Refuses `unknown_request`, `empty_text`, `long_text`."""
    body, asked = checked_text(text), known(store, number)
    if asked.account:
        with acting_on(store, asked.account, now) as unit:
            fact = f.SupportAnswered(request=number, person=asked.person, tell=not asked.by_letter)
            recorded = unit.record(fact, author)
            # What should run and does not is not done by an answer.
            _close_tasks(store, unit, asked, author, "answered", also_opening=asked.via is not Via.ARREARS)
            store.add_entry(ConversationEntry(number, 0, author, body, recorded.seq, now))
            store.move_request(number, "answered")
    else:
        store.add_entry(ConversationEntry(number, 0, author, body, 0, now))
        store.move_request(number, "answered")
    if asked.by_letter:
        store.add_letter(number, MessageKind.SUPPORT_ANSWERED, now)


def grant_hold(
    store: AccountsAndSupport, number: int, stops: Sequence[Stop], days: int, why: str, now: datetime, author: str
) -> date:
    """Place another hold for a request; the last local day that is held. Refuses `unknown_request`, `no_account`,
    `bad_date`, `bad_hold`, `no_reason`."""
    asked = known(store, number)
    if not asked.account:
        raise Refused("no_account", f"request {number} belongs to no account yet; give it one first")
    if not 1 <= days <= HOLD_DAYS_MAX:
        raise Refused("bad_date", f"a hold lasts 1 to {HOLD_DAYS_MAX} days")
    _refuse_blank(why)
    with acting_on(store, asked.account, now) as unit:
        until = local_today(unit) + timedelta(days=days)
        hold = place_hold(unit, HoldScope.ACCOUNT, 0, tuple(stops), why, until, author)
        store.add_hold(number, hold)
    return until


def close(store: AccountsAndSupport, number: int, why: str, now: datetime, author: str) -> None:
    """Close a request. Its holds go on to their last day: what was promised is not taken back. Refuses
    `unknown_request`, `no_reason`, `already_closed`."""
    asked = known(store, number)
    _refuse_blank(why)
    if asked.state == "closed":
        raise Refused("already_closed", f"request {number} is closed already")
    if not asked.account:
        store.move_request(number, "closed")
        return
    with acting_on(store, asked.account, now) as unit:
        close_within(store, unit, asked, author, why)


def close_within(store: SupportBook, unit: Unit, asked: Request, author: str, why: str) -> None:
    """Close a request of an account whose lock is held."""
    unit.record(f.SupportClosed(request=asked.number), author, why)
    _close_tasks(store, unit, asked, author, "closed", also_opening=True)
    store.move_request(asked.number, "closed")


def _close_tasks(
    store: SupportBook, unit: Unit, asked: Request, author: str, outcome: str, *, also_opening: bool
) -> None:
    """The tasks that this request has raised are done."""
    seqs = {entry.seq for entry in store.support_entries(asked.number) if entry.seq}
    seqs = seqs | {asked.seq} if also_opening else seqs - {asked.seq}
    for seq in store.tasks_open(asked.account, sorted(seqs)):
        unit.record(f.TaskClosed(task=seq, outcome=f"request {asked.number}: {outcome}"), author)


def known(store: SupportBook, number: int) -> Request:
    """The request with this number, if its address was ever confirmed; refuses `unknown_request`."""
    found = store.support_request(number) if 0 < number < 2**63 else None
    if found is None or found.state == "unconfirmed":
        raise Refused("unknown_request", f"there is no support request {number}; `arrears support list` has them")
    return found


def checked_text(text: str) -> str:
    """What somebody wrote, with line ends as one sign and nothing that cannot be seen or stored. Refuses `empty_text`,
    `long_text`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    clean = "".join(c for c in lines if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")).strip()
    if not any(c.isprintable() and not c.isspace() for c in clean):
        raise Refused("empty_text", "nothing was written; say in a few words what is wrong")
    if len(clean) > TEXT_CHARS_MAX:
        raise Refused("long_text", f"the text has {len(clean)} characters; {TEXT_CHARS_MAX} are read at once")
    return clean


def _refuse_blank(why: str) -> None:
    if not why.strip():
        raise Refused("no_reason", "say why; it is kept with the fact")
