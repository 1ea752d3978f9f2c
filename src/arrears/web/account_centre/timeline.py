"""Everything that happened to an account and everything that is ahead of it, by day, in a customer's words.

What is ahead is what happens if nobody does anything: the dates are those of the messages, and each message is there
too. What happened is told newest first, a page at a time, each message with what became of it at every address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.closed import closed
from arrears.core.facts import ARREARS, NoticeFailed, PaymentBooked, Recorded
from arrears.core.messages.kinds import FORESEEN, MessageKind
from arrears.core.rules.expire import DAYS_AHEAD
from arrears.core.states import State
from arrears.engine.messages.upcoming import Telling, plan_of
from arrears.notices import values
from arrears.ports import Mail, MailState
from arrears.web.account_centre.fact_words import Teller
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import coming, coming_charges, goes_on, offered_debts, owed, says, stays_ahead
from arrears.web.account_centre.paged import page_of
from arrears.web.names import called

EVENTS_A_PAGE: Final = 30
AHEAD_MAX: Final = 60
"""A page is under 50 kB however much is ahead; what is far away is told when it is nearer."""

FATES: Final[dict[MailState, Promise | str]] = closed(
    "words of what became of a mail",
    MailState,
    {
        MailState.WAITING: gettext_lazy("E-mail to %(to)s waits to be sent."),
        MailState.CLAIMED: gettext_lazy("E-mail to %(to)s is being sent."),
        MailState.ACCEPTED: gettext_lazy("E-mail sent to %(to)s."),
        MailState.UNKNOWN: gettext_lazy("Nobody can tell whether the e-mail to %(to)s arrived. It is not sent again."),
        MailState.REFUSED: gettext_lazy("The e-mail to %(to)s was refused by its mail server."),
        MailState.DROPPED: gettext_lazy("The e-mail to %(to)s was not sent, since it was no longer true."),
        MailState.BOUNCED_HARD: gettext_lazy("The e-mail to %(to)s came back: there is no such address."),
        MailState.CAME_BACK: gettext_lazy("The e-mail to %(to)s came back: it was not delivered."),
        MailState.COMPLAINED: gettext_lazy("The e-mail to %(to)s was called unwanted by its reader."),
    },
)
MESSAGES: Final[dict[MessageKind, Promise | str]] = closed("words of messages ahead", FORESEEN, {
    MessageKind.REMINDER: gettext_lazy("Reminder by e-mail."),
    MessageKind.STOP_WARNING: gettext_lazy("Warning by e-mail before this stops: %(services)s."),
    MessageKind.DELETION_WARNING: gettext_lazy("Warning by e-mail before the data of this is deleted: %(services)s."),
})  # fmt: skip


class TimelineEvent(NamedTuple):
    """Something that happened, or will (`grave`: something stops or is deleted). `time` is local, `by` who did it;
    `receipt` is the number of a payment's receipt, 0 for anything else."""

    on: date
    text: str
    grave: bool = False
    time: str = ""
    by: str = ""
    mails: tuple[str, ...] = ()
    receipt: int = 0


@account_page()
def page(visit: Visit) -> HttpResponse:
    """What is ahead, then what happened."""
    history = visit.live.store.history(visit.account)
    teller = Teller(visit, history)
    told = [(one, text) for one in reversed(history) if (text := teller.tells(one))]
    paged = page_of(told, EVENTS_A_PAGE, visit.request.GET)
    future = sorted(ahead(visit, teller), key=lambda event: event.on) if paged.page == 1 else []
    shown: dict[str, Any] = {
        "owed": bool(owed(visit)),
        "ahead": by_day(visit, future[:AHEAD_MAX]),
        "stays_ahead": stays_ahead(visit),
        "goes_on": goes_on(visit) if paged.page == 1 else [],
        "more": visit.day(future[AHEAD_MAX].on) if len(future) > AHEAD_MAX else "",
        "past": by_day(visit, list(_events(visit, paged.items, history))),
        "paged": paged,
        "zone": visit.place,
    }
    return visit.page("timeline", _("What happened and what is ahead"), **shown)


def by_day(visit: Visit, events: Sequence[TimelineEvent]) -> list[dict[str, Any]]:
    """Events that follow each other, under their days."""
    return [
        {"day": visit.day(on), "today": on == visit.view.today, "events": list(group)}
        for on, group in groupby(events, key=lambda event: event.on)
    ]


def _events(visit: Visit, told: Sequence[tuple[Recorded, str]], history: Sequence[Recorded]) -> Iterator[TimelineEvent]:
    mails: dict[int, list[Mail]] = defaultdict(list)
    for mail in visit.live.store.mails_of_notices([(visit.account, one.seq) for one, _text in told]):
        mails[mail.seq].append(mail)
    failed = {one.fact.notice for one in history if isinstance(one.fact, NoticeFailed)}
    for one, text in told:
        sent = fates(visit, mails[one.seq])
        if not sent and one.seq in failed:
            sent = (_("This message was not sent."),)
        yield TimelineEvent(
            on=visit.local_day(one.at),
            text=text,
            time=visit.clock(one.at),
            by=_author(visit, one.author),
            mails=sent,
            receipt=one.seq if isinstance(one.fact, PaymentBooked) else 0,
        )


def fates(visit: Visit, mails: Iterable[Mail]) -> tuple[str, ...]:
    """What became of the messages about one fact: a sentence for each fate, with the addresses that shared it."""
    found: dict[MailState, dict[str, None]] = defaultdict(dict)
    for mail in mails:
        found[mail.state][visit.name(visit.address(mail.address))] = None
    return tuple(str(FATES[state]) % {"to": visit.listed(list(to))} for state, to in found.items())


def _author(visit: Visit, author: str) -> str:
    """Who did something, where it was a person."""
    kind, _colon, number = author.partition(":")
    if author == ARREARS:
        return ""
    if kind == "person":
        name = next((p.name for p in visit.contacts.people if str(p.no) == number), "")
        return visit.name(name) or _("somebody who is not here any more")
    if kind == "link":
        return _("with the link of an e-mail")
    return _("our staff") if kind == "staff" else ""


# -- ahead -------------------------------------------------------------------------------------------------------


def ahead(visit: Visit, teller: Teller) -> Iterator[TimelineEvent]:
    """What happens if nobody does anything. What is late already happens today."""
    today = visit.view.today
    for debt in offered_debts(visit):
        text = _("Last day to pay invoice %(number)s: %(amount)s.")
        names = {"number": debt.number, "amount": visit.amount(debt.open_minor, debt.currency)}
        yield TimelineEvent(max(debt.due_on, today), text % names)
    yield from (TimelineEvent(one.on, one.text) for one in coming_charges(visit))
    yield from _messages(visit, plan_of(visit.view, visit.contacts, visit.live.store).tellings)
    for one in coming(visit):
        yield TimelineEvent(max(one.on, today), says(one), grave=True)
    for hold in visit.snapshot.holds:
        if hold.ended_at is None and hold.until is not None and not hold.arrangement:
            yield TimelineEvent(
                max(hold.until, today), _("The hold on %(what)s ends.") % {"what": teller.on_what(hold)}
            )
    for promise in visit.snapshot.arrangements:
        for part in promise.parts[promise.kept :]:
            text = _("Last day of what you promised: %(amount)s.")
            yield TimelineEvent(max(part.on, today), text % {"amount": visit.amount(part.minor, promise.currency)})
    yield from _cards(visit)


def _messages(visit: Visit, tellings: Sequence[Telling]) -> Iterator[TimelineEvent]:
    """One line a day and kind, however many services it is about."""
    grouped: dict[tuple[date, MessageKind], list[str]] = defaultdict(list)
    for one in tellings:
        if one.on is not None:
            names = [called(visit.snapshot, one.subscription)] if one.subscription else []
            grouped[one.on, one.kind].extend(names)
    for (on, kind), services in grouped.items():
        yield TimelineEvent(on, str(MESSAGES[kind]) % {"services": visit.listed(list(dict.fromkeys(services)))})


def _cards(visit: Visit) -> Iterator[TimelineEvent]:
    today = visit.view.today
    paying = {sub.method for sub in visit.snapshot.subscriptions if sub.state is not State.DELETED}
    for method in visit.snapshot.methods:
        on = method.expires_on
        if method.no in paying and not method.removed and on and on <= today + timedelta(max(DAYS_AHEAD)):
            text = _("%(card)s expires: add another card or its new date before.")
            if on < today:
                text = _("%(card)s has expired: add another card or its new date.")
            yield TimelineEvent(max(on, today), text % {"card": values.clean(visit.contacts.cards.get(method.no, ""))})
