"""What became of a payment, told while it happens: captured, booked, services ordered back, services running.

The address of a story can be kept: it tells the same after the tab was closed, and looking at it changes nothing.
What still waits is asked about with POST, by the page itself where scripts run, else by its button.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation

from arrears.core import facts as f
from arrears.core.payments.declines import guidance
from arrears.core.payments.settlement import quotes
from arrears.core.payments.values import AttemptState
from arrears.core.states import State
from arrears.engine.payments.attempts import ask_page, payment_ref, pursue
from arrears.engine.payments.settling import confirm
from arrears.engine.payments.wanted import may_confirm
from arrears.notices.render import Texts
from arrears.ports import AttemptRecord
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import charges_with_days, owed
from arrears.web.account_centre.support_shown import Effect, pending
from arrears.web.languages import language_now
from arrears.web.names import called
from arrears.web.numbers import whole

UNDER_WAY: Final = ("created", "submitted", "unknown")


PASSED_ON_LOOKS: Final = 5
"""So often a page asks, for ten seconds, before it doubts what its payer has just done at the bank."""
LOOKED_AGAIN: Final = "?back=2"
"""How the address of a page goes on that is looked at again after somebody came back."""
SOON_LOOKS: Final = 15
"""So often a page asks every two seconds how it stands; then whoever has left it open is not in a hurry."""


class Service(NamedTuple):
    """A service that the payment brings back; `pending` says that it takes longer than was promised, `page` where it is
    used, where that is known."""

    name: str
    running: bool
    pending: Effect | None = None
    page: str = ""


class Otherwise(NamedTuple):
    """A payment that has paid what another one was for; `receipt` is the number of its receipt."""

    amount: str
    day: str
    receipt: int


class StoryPart(NamedTuple):
    """One attempt. `state` is `paid`, `declined`, `confirm`, `canceled`, `waiting`, `passed_on`: the payer is
    just back from where they confirmed or paid, or `page`: nobody knows whether they are still on the provider's page,
    have left it, or have paid there. `refused`: a card was declined on
    that page, on which the payer may try another. `meanwhile`: what else has paid what was not carried on."""

    amount: str
    state: str
    card: str
    invoices: str
    guidance: str
    checks: tuple[str, ...]
    services: tuple[Service, ...]
    refused: bool = False
    meanwhile: tuple[Otherwise, ...] = ()


@account_page(methods=("GET", "HEAD", "POST"))
def page(visit: Visit, attempts: str) -> HttpResponse:
    """The story of attempts "5" or "5-6"."""
    if not re.fullmatch(r"\d{1,6}(-\d{1,6}){0,9}", attempts):
        raise Http404
    numbers = [whole(text) for text in attempts.split("-")]
    every = {record.no: record for record in visit.attempts}
    if any(no not in every for no in numbers):
        raise Http404
    if visit.request.method == "POST":
        if visit.request.POST.get("do") == "confirm":
            return go_and_confirm(visit, [every[no] for no in numbers])
        ask_providers(visit, numbers)
        if moved_on(visit, numbers):
            return visit.to(f"story/{attempts}{still_there(visit, numbers)}")
        if "HX-Request" not in visit.request.headers:
            return visit.to(f"story/{attempts}{LOOKED_AGAIN}")
    told = tell(visit, numbers)
    paid = any(part.state == "paid" for part in told["parts"])
    # A currency that could not even be tried has no attempt to tell of: it is said to be open still.
    said = paid or any(part.state == "canceled" for part in told["parts"]) or "left" in visit.request.GET
    left = visit.listed([one.amount for one in owed(visit)]) if said else ""
    stays = visit.listed(not_by_paying(visit)) if paid and not left else ""
    values = {**told, "action": f"/{visit.id}/story/{attempts}", "left": left, "paid": paid, "stays": stays}
    values["charges"] = charges_with_days(visit) if left else []
    template = "story_part" if "HX-Request" in visit.request.headers else "story"
    return visit.page(template, title_of(told["parts"]), **values)


def not_by_paying(visit: Visit) -> list[str]:
    """The services that a payment does not bring back: canceled, or stopped for another reason than debt."""
    return [called(visit.snapshot, sub.no) for sub in visit.snapshot.subscriptions if sub.stays_off]


def ask_providers(visit: Visit, numbers: Sequence[int]) -> None:
    """Ask the provider about what is not over."""
    for no in numbers:
        left = pursue(visit.live.store, visit.live.providers, visit.account, no, visit.now)
        if left is not None and left.on_page:
            ask_page(visit.live.store, visit.live.providers, visit.account, no, visit.now)
    visit.fresh()


def moved_on(visit: Visit, numbers: Sequence[int]) -> bool:
    """Whether the payments stand otherwise than on the page that asks: then all of it is told anew, its heading too."""
    return bool(visit.request.POST.get("was", "") != tell(visit, numbers)["was"])


def go_and_confirm(visit: Visit, records: Sequence[AttemptRecord]) -> HttpResponse:
    """On to the bank, where the payer confirms; or to what became of it, where the bank does not ask any more."""
    live = visit.live
    for record in records:
        result = confirm(live.store, live.providers, visit.account, record, live.clock.now, visit.author)
        if result is not None:
            return away(visit, result.url) if result.url else visit.to(f"story/{result.attempt.no}")
    return visit.to(f"story/{'-'.join(str(r.no) for r in records)}")


def away(visit: Visit, url: str) -> HttpResponse:
    """A page that leads on to the provider. A redirect would be refused by our own `form-action`, which keeps every
    other form from sending anything elsewhere."""
    return visit.page("away", translation.gettext("You are going to the payment page"), url=url)


def tell(visit: Visit, numbers: Sequence[int]) -> dict[str, Any]:
    """What a page shows of these attempts."""
    records = {record.no: record for record in visit.attempts}
    tried = refused_on_pages(visit) if any(records[no].on_page for no in numbers) else {}
    parts = [_part(visit, records[no], tried.get(no, "")) for no in numbers]
    looked = _looked(visit.request) + 1
    open_states = {"waiting", "page", "passed_on"}
    if looked <= SOON_LOOKS and is_back(visit.request):
        # Whoever is just back from the bank may have confirmed there before we have heard of it.
        open_states.add("confirm")
    ended = all(part.state not in open_states and all(s.running for s in part.services) for part in parts)
    return {
        "parts": parts,
        "over": ended,
        "was": "-".join(f"{part.state}{'!' if part.refused else ''}" for part in parts),
        "looked": looked,
        "back": _back(visit.request),
        "passed_on": any(part.state == "passed_on" for part in parts),
        "look_after": 2 if looked <= SOON_LOOKS else 15,
        "declined": any(part.state == "declined" or part.refused for part in parts),
        "confirm": any(part.state == "confirm" for part in parts),
        "page": any(part.state == "page" for part in parts),
    }


def _looked(request: HttpRequest) -> int:
    return whole(request.POST.get("looked", ""), 6)


def is_back(request: HttpRequest) -> bool:
    """Whether somebody has just come back from the bank or the provider's page, and this page goes on asking."""
    return "back" in request.GET or _looked(request) > 0


def just_back(request: HttpRequest) -> bool:
    """Whether what somebody did at the bank or on the provider's page, a moment ago, is only to reach us yet."""
    return _back(request) == "1" and _looked(request) < PASSED_ON_LOOKS


def _back(request: HttpRequest) -> str:
    """`1` for who comes back from there, `2` for who has looked again since; empty for anybody else."""
    found = request.POST.get("back", "") or request.GET.get("back", "")
    return found if found in ("1", "2") else ""


def still_there(visit: Visit, numbers: Sequence[int]) -> str:
    """How an address goes on where what was done at the bank has not reached us in time: it is asked for longer."""
    states = {part.state for part in tell(visit, numbers)["parts"]} if _back(visit.request) else set()
    return LOOKED_AGAIN if states & {"confirm", "page"} else ""


def title_of(parts: Sequence[StoryPart]) -> str:
    """The story in one line."""
    states = {part.state for part in parts}
    if states == {"paid"}:
        return translation.gettext("Thank you: your payment has arrived")
    if states == {"canceled"}:
        if all(part.meanwhile for part in parts):
            return translation.gettext("This has been paid already")
        return translation.gettext("This payment was not carried on")
    if states & {"waiting", "passed_on"}:
        return translation.gettext("Your payment is on its way")
    if "confirm" in states:
        return translation.gettext("Your bank asks you to confirm")
    if "page" in states and not any(part.refused for part in parts):
        return translation.gettext("Pay what is open")
    if "paid" in states:
        return translation.gettext("One payment arrived, another did not")
    return translation.gettext("The payment did not go through")


def refused_on_pages(visit: Visit) -> dict[int, str]:
    """Why the last card was declined on each payment page on which one was, by attempt: the word of the decline."""
    facts = visit.live.store.facts_of([visit.account], [f.CardTried]).get(visit.account, ())
    tried = sorted((one.fact for one in facts if isinstance(one.fact, f.CardTried)), key=lambda one: one.tried.at)
    return {one.attempt: one.tried.codes.decline for one in tried if one.attempt}


def _part(visit: Visit, record: AttemptRecord, refused: str = "") -> StoryPart:
    left = visit.snapshot.attempt(record.no)
    on_page = left is not None and left.on_page
    under_way = "page" if on_page else "waiting"
    state = under_way if record.state in UNDER_WAY else record.state
    if record.state == AttemptState.NEEDS_CUSTOMER:
        # What is not owed any more is nothing to confirm, even while the provider asks; whoever is just back from the
        # bank may have done so.
        may, back = may_confirm(visit.snapshot, record, quotes(visit.view)), is_back(visit.request)
        state = "page" if on_page else "confirm" if may else "waiting" if back else "canceled"
    over = record.state == "declined" or (state == "canceled" and bool(refused))
    said = refused if state in ("page", "canceled") else record.decline
    text, checks = advice(visit, said) if over or (state == "page" and refused) else ("", ())
    state = "declined" if over else state
    if just_back(visit.request) and (state == "confirm" or (state == "page" and not refused)):
        state = "passed_on"
    card = visit.contacts.cards.get(record.method, "")
    services: tuple[Service, ...] = ()
    numbers = ""
    if record.state == "paid":
        numbers, services = _brought(visit, record)
    amount, again = visit.amount(record.amount_minor, record.currency), state == "page" and bool(refused)
    meanwhile = paid_otherwise(visit, record) if state == "canceled" else ()
    return StoryPart(amount, state, card, numbers, text, checks, services, refused=again, meanwhile=meanwhile)


def paid_otherwise(visit: Visit, record: AttemptRecord) -> tuple[Otherwise, ...]:
    """The payments, since an attempt was begun, that have paid what it was for; none where some of it is still open."""
    kinds: list[type[f.Fact]] = [f.AttemptCreated, f.PaymentBooked]
    facts = visit.live.store.facts_of([visit.account], kinds).get(visit.account, ())
    begun = (one.fact for one in facts if isinstance(one.fact, f.AttemptCreated))
    wanted = {part.debt for fact in begun if fact.attempt == record.no for part in fact.parts}
    if any(visit.snapshot.debt(no) for no in wanted):
        return ()
    return tuple(
        Otherwise(visit.amount(one.fact.amount_minor, one.fact.currency), visit.day(visit.local_day(one.at)), one.seq)
        for one in facts
        if isinstance(one.fact, f.PaymentBooked)
        and one.at >= record.created_at
        and wanted & {part.debt for part in one.fact.allocations}
    )


def _brought(visit: Visit, record: AttemptRecord) -> tuple[str, tuple[Service, ...]]:
    """The invoices that a payment paid, and the services it brings back."""
    store = visit.live.store
    payment = store.payment(payment_ref(record.at_provider or visit.live.providers.default, record.ref))
    if payment is None or payment.account != visit.account:
        return "", ()
    known = store.invoices(visit.account)
    numbers = [known[part.debt].number for part in payment.fact.allocations]
    back = store.subscriptions_resumed_with([(visit.account, payment.seq)]).get((visit.account, payment.seq), ())
    subs = [visit.snapshot.subscription(no) for no in back]
    services = tuple(
        Service(
            called(visit.snapshot, s.no),
            not s.orders and s.state in (State.ACTIVE, State.PAST_DUE),
            pending(visit, s),
            visit.live.service_page(visit.account, s.no),
        )
        for s in subs
    )
    return visit.listed(numbers), services


def advice(visit: Visit, decline: str) -> tuple[str, tuple[str, ...]]:
    """What to do about a decline, in the words of the mails."""
    found = guidance(decline)
    writer = visit.live.context().writer
    assert isinstance(writer, Texts), "an installation that is served has its texts"
    words = writer.languages[language_now()]
    return words.about_decline(found.text), tuple(words.about_decline(check) for check in found.checks)
