"""What is owed, as pages show it: the set that a settlement pays, what is offered, what is held, what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.utils.translation import gettext as _

from arrears.core.account import Action, Debt, Subscription
from arrears.core.deadlines import ahead
from arrears.core.payments.arranged import due_parts
from arrears.core.payments.settlement import part_range, quotes, waits_for_an_outcome
from arrears.core.payments.values import AttemptState
from arrears.core.states import Reason, State
from arrears.engine.messages.collecting import collections
from arrears.engine.payments.wanted import waits_for_nothing
from arrears.notices import values
from arrears.web.account_centre.frame import Visit
from arrears.web.names import called


class OwedLine(NamedTuple):
    """One debt of a list."""

    no: int
    number: str
    due: str
    amount: str
    services: str
    past_due: bool


class Owed(NamedTuple):
    """One currency of the settlement: what is shown is exactly what is charged. `waits`: a payment of it is under way,
    and nothing else can be asked for until it is over. `least` and `most`: what a part of it can be, empty where it is
    paid at once."""

    currency: str
    minor: int
    amount: str
    quote: str
    lines: tuple[OwedLine, ...]
    waits: bool
    least: str
    most: str


class Next(NamedTuple):
    """What happens to a subscription, and on which day; `service` is what it is called. `averted`: paying everything
    keeps it from happening; what has another reason too goes on."""

    subscription: int
    action: Action
    service: str
    on: date
    day: str
    averted: bool


def owed(visit: Visit, also: Sequence[int] = ()) -> list[Owed]:
    """The settlement, one part a currency."""
    account = visit.snapshot
    found = []
    for quote in quotes(visit.view, also):
        parts = [(debt, part.minor) for part in quote.parts if (debt := account.debt(part.debt)) is not None]
        lines = tuple(line(visit, debt, minor) for debt, minor in parts)
        amount = visit.amount(quote.amount_minor, quote.currency)
        part = part_range(visit.view, quote)
        least, most = (visit.amount(minor, quote.currency) for minor in part) if part else ("", "")
        waits = waits_for_an_outcome(account, quote)
        shown = f"{quote.currency}:{quote.hash}"
        found.append(Owed(quote.currency, quote.amount_minor, amount, shown, lines, waits, least, most))
    return found


def payable(sums: Sequence[Owed]) -> list[Owed]:
    """Those of which nothing is under way: what can be paid now."""
    return [one for one in sums if not one.waits]


def line(visit: Visit, debt: Debt, minor: int | None = None) -> OwedLine:
    """One debt as the reader writes it; `minor` of it, or all that is open."""
    services = visit.listed([called(visit.snapshot, no) for no in debt.subscriptions])
    amount = visit.amount(debt.open_minor if minor is None else minor, debt.currency)
    return OwedLine(debt.no, debt.number, visit.day(debt.due_on), amount, services, debt.day_0 is not None)


def carried(visit: Visit) -> list[str]:
    """What cannot be charged, in a sentence each: in a currency that no card pays in, or so little that it waits for
    the next invoice."""
    account, view = visit.snapshot, visit.view
    asked = {part.debt for quote in quotes(view) for part in quote.parts}
    found = []
    for debt in account.debts:
        names = {"number": debt.number, "amount": visit.amount(debt.open_minor, debt.currency)}
        if debt.no in asked or debt.settled_separately or account.debt_is_held(debt.no):
            continue
        if view.not_by_card(debt):
            said = _("%(number)s, %(amount)s: cards cannot pay in this currency. Nothing stops because of it.") % names
            found.append(f"{said} {by_transfer(visit, debt.number)}")
        elif debt.open_minor < view.carried_below(debt.currency) and debt.due_on < view.today:
            found.append(_("%(number)s, %(amount)s: too little to charge. It joins your next invoice.") % names)
    return found


def goes_on(visit: Visit) -> list[str]:
    """What runs on although something is past due for it, because that is less than the policy's minimum."""
    view = visit.view
    little = [
        called(visit.snapshot, sub.no)
        for sub in visit.snapshot.subscriptions
        if sub.state is State.PAST_DUE and Reason.PAST_DUE in sub.reasons and not view.enough(sub)
    ]
    text = _("%(services)s: so little is past due that nothing is stopped for it.")
    return [text % {"services": visit.listed(little)}] if little else []


def by_transfer(visit: Visit, numbers: str) -> str:
    """How these invoices are paid by bank transfer."""
    names = {"operator": visit.operator, "iban": visit.live.context().operator.iban, "numbers": numbers}
    if not names["iban"]:
        return _("Transfer the amount as the invoice says, and mention %(numbers)s.") % names
    return _("Transfer the amount to %(operator)s, %(iban)s, and mention %(numbers)s.") % names


def offered(visit: Visit) -> list[OwedLine]:
    """Invoices that are not due yet, or are promised for later days: they may be paid too, and are never added by
    themselves."""
    account = visit.snapshot
    later = [d for d in account.debts if account.arrangement_on(d.no) and not account.debt_is_withheld(d.no)]
    return [line(visit, debt) for debt in (*later, *offered_debts(visit)) if not debt.settled_separately]


def offered_debts(visit: Visit) -> list[Debt]:
    """The same, with those that are settled separately."""
    account = visit.snapshot
    in_set = {part.debt for quote in quotes(visit.view) for part in quote.parts}
    return [
        debt
        for debt in account.debts
        if debt.no not in in_set
        and debt.day_0 is None
        and not account.debt_is_held(debt.no)
        and not visit.view.not_by_card(debt)
    ]


def held(visit: Visit) -> list[OwedLine]:
    """Invoices that are disputed or held: nobody asks for them now."""
    account = visit.snapshot
    return [line(visit, debt) for debt in account.debts if account.debt_is_withheld(debt.no)]


def late_and_held(visit: Visit) -> bool:
    """Whether something is past due of which nobody asks for anything now."""
    return any(visit.snapshot.debt_is_withheld(debt.no) for debt in visit.view.past_due)


class Promised(NamedTuple):
    """What was agreed about past-due invoices, and is not over: their numbers, and each day that is left with its sum.
    `collected`: each is charged on its day."""

    numbers: str
    parts: tuple[str, ...]
    collected: bool


def promised(visit: Visit) -> list[Promised]:
    """The promises to pay and the instalments that are open."""
    account, text = visit.snapshot, _("%(amount)s by %(day)s")
    found = []
    for one in account.arrangements:
        due = sum(part.minor for part in due_parts(account, one, max(visit.view.today, one.next.on)))
        sums = [(one.next.on, due), *((part.on, part.minor) for part in one.parts[one.kept + 1 :])]
        parts = tuple(text % {"amount": visit.amount(m, one.currency), "day": visit.day(on)} for on, m in sums if m)
        numbers = visit.listed([debt.number for debt in account.debts if debt.no in one.debts])
        found.append(Promised(numbers, parts, one.collects))
    return found


class UnderWay(NamedTuple):
    """A payment that is not over, in words, and the path of its story."""

    text: str
    path: str


def under_way(visit: Visit) -> UnderWay | None:
    """The newest payment that is not over: whether the payer has left its page, has to confirm it, or waits for us."""
    if not visit.snapshot.attempts:
        return None
    attempt = visit.snapshot.attempts[-1]
    if attempt.on_page:
        text = _("You were on the payment page. If you did not pay there, nothing was taken.")
    elif attempt.state is AttemptState.NEEDS_CUSTOMER:
        if waits_for_nothing(visit.snapshot, attempt):
            return None
        text = _("A payment waits for you to confirm it.")
    else:
        text = _("A payment is under way.")
    return UnderWay(text, f"/{visit.id}/story/{attempt.no}")


def to_confirm(visit: Visit, method: int) -> int:
    """The attempt with a method that waits for its payer at the bank; 0 for none. While it does, nothing has failed."""
    account = visit.snapshot
    waits = (one for one in account.attempts if one.method == method and one.state is AttemptState.NEEDS_CUSTOMER)
    return next((one.no for one in waits if not one.on_page and not waits_for_nothing(account, one)), 0)


def coming(visit: Visit) -> list[Next]:
    """What will happen, in order, with the dates that the messages name."""
    found = [
        _next(visit, one.action, one.sub, one.announced_day)
        for one in ahead(visit.view)
        if one.announced_day is not None
    ]
    return sorted(found, key=lambda one: (one.on, one.service, one.subscription))


def _next(visit: Visit, action: Action, sub: Subscription, on: date) -> Next:
    averted = set(sub.reasons) <= {Reason.PAST_DUE}
    return Next(sub.no, action, called(visit.snapshot, sub.no), on, visit.day(on), averted)


class ComingCharge(NamedTuple):
    """What we ask the bank for by ourselves: the local day, and the sentence about it without the day."""

    on: date
    text: str


def coming_charges(visit: Visit) -> list[ComingCharge]:
    """Our own charges that lie ahead, as the card networks allow."""
    found = []
    for one in collections(visit.view, visit.contacts):
        names = {"amount": visit.amount(one.minor, one.currency), "card": values.clean(one.card)}
        found.append(ComingCharge(one.on, _("We collect %(amount)s from %(card)s.") % names))
    return found


def charges_with_days(visit: Visit) -> list[str]:
    """The same, each with its day in front: for whoever has just paid a part, or looks at what is open."""
    return [f"{visit.day(one.on)}: {one.text}" for one in coming_charges(visit)]


def stays_ahead(visit: Visit) -> list[str]:
    """What comes and is not kept from happening by paying, in a sentence each: it has another cause."""
    return [says(one) for one in coming(visit) if not one.averted]


def says(one: Next) -> str:
    """The sentence for what comes, as in the mail."""
    return will(one.action, one.service, one.day)


def will(action: Action, service: str, day: str) -> str:
    """What an action does to a service, and on which day."""
    if action is Action.DELETE:
        text = _("%(service)s and its data are deleted on or after %(day)s.")
    elif action is Action.RESTRICT:
        text = _("%(service)s can only be read after %(day)s.")
    else:
        text = _("%(service)s stops at the end of %(day)s.")
    return text % {"service": service, "day": day}
