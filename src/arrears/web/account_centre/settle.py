"""Paying everything that is owed, with a method on file or a new one; in parts after a failure (spec, section 4).

A form carries back the quote it showed and how many attempts there had been: what was shown is what is charged, and
a form that is sent twice, from two tabs or after a refresh, is answered with what came of it the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from babel.numbers import get_currency_symbol, get_decimal_symbol
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, parse_id
from arrears.core.money import format_amount, typed_amount
from arrears.engine.payments import settling, setups
from arrears.engine.payments.settling import StaleQuote
from arrears.ports import Processor
from arrears.ports.setups import SetupPage
from arrears.web.account_centre.cards import NEW, best, moves, on_file
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import (
    Owed,
    by_transfer,
    carried,
    coming,
    goes_on,
    held,
    late_and_held,
    offered,
    owed,
    payable,
    promised,
    stays_ahead,
    under_way,
)
from arrears.web.account_centre.progress import progress
from arrears.web.account_centre.story import away
from arrears.web.account_centre.subscriptions import gone, once_paid
from arrears.web.account_centre.transfers import on_its_way, say_sent, transfers
from arrears.web.languages import language_now
from arrears.web.numbers import whole
from arrears.web.refusals import SENTENCES, in_words

OFFERED_MAX: Final = 40
"""Invoices that are not due yet are offered, the next ones first; all of them are on their own page."""

PAID_BEFORE: Final = "paid_before"
NOTHING_LEFT: Final = ("stale_quote", "nothing_owed")
"""Why a new card was not charged where somebody else had paid meanwhile, or where the amount is another one now."""

SENT_TOGETHER_MAX: Final = 10
"""So many attempts one address tells of."""


@account_page(methods=("GET", "HEAD", "POST"))
def page(visit: Visit) -> HttpResponse:
    """The list and the sum first; then how to pay."""
    if visit.request.method != "POST":
        return shown(visit)
    form = visit.request.POST
    quotes = dict(text.split(":", 1) for text in form.getlist("quote") if ":" in text)
    also = [number for number in map(whole, form.getlist("also")) if number]
    if form.get("do") == "also":
        return shown(visit, also)
    if form.get("do") == "sent":
        return _said_sent(visit, also)
    try:
        if form.get("do") != "card" and (same := _sent_before(visit, form, quotes)):
            return visit.to(f"story/{'-'.join(map(str, same))}")
        if form.get("do") == "card":
            if not quotes:
                raise settling.nothing_shown(visit.live.store, visit.account, visit.now, also)
            return away(visit, go_for_a_card(visit, quotes, also).url)
        return _pay(visit, form, quotes, also)
    except StaleQuote as stale:
        visit.fresh()
        return shown(visit, also, why=in_words(stale), status=409)
    except Refused as refused:
        visit.fresh()
        return shown(visit, also, why=in_words(refused), status=422, wrong=refused.code)


def shown(visit: Visit, also: Sequence[int] = (), why: str = "", status: int = 200, wrong: str = "") -> HttpResponse:
    """The page itself; `wrong` is the code of what was refused, and what was typed is kept."""
    why = why or why_of(visit) or _paid_before(visit)
    sums = owed(visit, also)
    open_now = payable(sums)
    account, waiting, methods = visit.snapshot, offered(visit), on_file(visit, open_now)
    likeliest = best(methods)
    parts = [_part(visit, one) for one in open_now if one.least]
    bad_part = wrong in ("bad_amount", "bad_part")
    values = {
        "owed": sums,
        "payable": open_now,
        "offered": waiting[:OFFERED_MAX],
        "more_offered": len(waiting) > OFFERED_MAX,
        "also": also,
        "stays_ahead": stays_ahead(visit),
        "late_and_held": late_and_held(visit),
        "promised": promised(visit),
        "held": held(visit),
        "carried": [*goes_on(visit), *carried(visit)],
        "coming": any(one.averted for one in coming(visit)),
        "gone": gone(visit),
        "stopped": once_paid(visit),
        "progress": progress(visit, sums),
        "methods": methods,
        "likeliest": likeliest,
        "new_card_moves": moves(visit, NEW),
        "any_ready": any(one.ready and not one.other_currency for one in methods),
        "seen": account.attempt_count,
        "parts": parts,
        "bad_part": bad_part,
        "chosen": visit.request.POST.get("method", "") or (likeliest.text if likeliest else ""),
        "why": " ".join(one["says"] for one in parts) if bad_part and parts else why,
        "total": visit.listed([one.amount for one in sums]),
        "total_now": visit.listed([one.amount for one in open_now]),
        "under_way": under_way(visit),
        "cards_possible": visit.live.providers.can_open(Processor.open_setup),
        "transfer": _transfer(visit, sums),
        "transfers": transfers(visit, sums),
        "sent": on_its_way(visit),
    }
    return visit.page("settle", _("Pay what is open") if sums else _("Nothing to pay"), status, **values)


def _said_sent(visit: Visit, also: Sequence[int]) -> HttpResponse:
    """That a transfer is on its way; where it cannot be waited for, why."""
    try:
        say_sent(visit)
    except Refused as refused:
        visit.fresh()
        return shown(visit, also, why=in_words(refused), status=422, wrong=refused.code)
    return visit.to("settle#sent")


def _part(visit: Visit, one: Owed) -> dict[str, str]:
    """How a part of one currency is asked for; `says` is what to write where it was not one."""
    locale = str(visit.locale)
    example = format_amount(one.minor - one.minor // 2, one.currency, locale)
    names = {"least": one.least, "most": one.most, "example": example}
    return {
        "currency": one.currency,
        "least": one.least,
        "most": one.most,
        "typed": visit.request.POST.get(f"part_{one.currency}", "")[:40],
        "says": _("Give an amount from %(least)s to %(most)s, for example %(example)s.") % names,
    }


def _transfer(visit: Visit, sums: Sequence[Owed]) -> str:
    """How to pay by bank transfer; empty where a card is the way."""
    if visit.snapshot.mode is Mode.CARD and visit.live.providers.can_open(Processor.open_setup):
        return ""
    numbers = visit.listed([line.number for one in sums for line in one.lines])
    return by_transfer(visit, numbers)


def _sent_before(visit: Visit, form: Mapping[str, str], quotes: Mapping[str, str]) -> list[int]:
    """The attempts that came of this very form: made since it was shown, for the sums that it showed, with its method.
    What somebody else has paid since, or this person from another page, is no answer to it."""
    seen, method = whole(form.get("seen", "")), whole(form.get("method", ""))
    if form.get("seen", "") != str(seen) or seen >= visit.snapshot.attempt_count:
        return []
    parts = _parts(visit, form, quotes) if form.get("do") == "part" else {}
    facts = visit.live.store.facts_of([visit.account], [f.AttemptCreated]).get(visit.account, ())
    begun = (one.fact for one in facts if isinstance(one.fact, f.AttemptCreated))
    return [
        fact.attempt
        for fact in begun
        if fact.attempt > seen
        and fact.method == method
        and fact.quote == quotes.get(fact.currency)
        and (parts.get(fact.currency) == fact.amount_minor if parts else not fact.in_part)
    ][:SENT_TOGETHER_MAX]


def _pay(visit: Visit, form: Mapping[str, str], quotes: Mapping[str, str], also: Sequence[int]) -> HttpResponse:
    method = whole(form.get("method", ""))
    parts = _parts(visit, form, quotes) if form.get("do") == "part" else {}
    if parts:
        quotes = {currency: one for currency, one in quotes.items() if currency in parts}
    results = settling.settle(
        visit.live.store,
        visit.live.providers,
        visit.account,
        quotes,
        method,
        visit.live.clock.now,
        visit.author,
        also=also,
        part_minor=parts,
    )
    for result in results:
        if result.url:
            return away(visit, result.url)
    left = "?left=1" if results.refused else ""
    return visit.to(f"story/{'-'.join(str(r.attempt.no) for r in results)}{left}")


def _parts(visit: Visit, form: Mapping[str, str], quotes: Mapping[str, str]) -> dict[str, int]:
    found = {}
    for currency in quotes:
        text = form.get(f"part_{currency}", "").strip()
        if not text:
            continue
        mark, sign = get_decimal_symbol(visit.locale), get_currency_symbol(currency, visit.locale)
        found[currency] = typed_amount(text, currency, decimal_mark=mark, sign=sign)
    if not found:
        raise Refused("bad_amount", "no amount was given")
    return found


def go_for_a_card(visit: Visit, quotes: Mapping[str, str], also: Sequence[int] = ()) -> SetupPage:
    """The provider's page for a new method that then pays what was shown (nothing shown: it is only added)."""
    live = visit.live
    base = live.providers.base_url
    return setups.start(
        live.store,
        live.providers,
        visit.account,
        quotes,
        language_now(),
        visit.now,
        visit.author,
        back=lambda number: f"{base}/{visit.id}/settle/back/{number}",
        also=also,
    )


@account_page(methods=("GET", "HEAD", "POST"))
def back(visit: Visit, number: int) -> HttpResponse:
    """Coming back from the provider's page: with GET what is about to happen, with POST it happens."""
    store = visit.live.store
    setup = store.setup(number)
    if setup is None or setup.account != visit.account:
        raise Http404
    if visit.request.method == "POST" and setup.state not in ("done", "failed"):
        setup = setups.finish(store, visit.live.providers, number, visit.live.clock.now)
        visit.fresh()
    # Whoever comes back while the page is still open there has left it without a card.
    left = visit.request.method == "POST" and setup.state == "open" and setup.why == "setup_open"
    if setup.state == "open" and "left" in visit.request.GET and visit.request.method != "POST":
        return visit.refused("settle" if setup.shown else "methods", "setup_open")
    if setup.state in ("open", "settling") and not left:
        template = "back_part" if "HX-Request" in visit.request.headers else "back"
        return visit.page(template, _("One moment, please"), setup=setup)
    return _after(visit, setup)


def _after(visit: Visit, setup: SetupPage) -> HttpResponse:
    if setup.attempts:
        return visit.to(f"story/{'-'.join(map(str, setup.attempts))}")
    page = "settle" if setup.shown else "methods"
    paid = any(at >= setup.started_at for at in _paid_at(visit))
    if paid and setup.method and setup.why in NOTHING_LEFT and not owed(visit, setup.also):
        return visit.did("settle", PAID_BEFORE, setup.method)
    if setup.why:
        return visit.refused(page, setup.why)
    if setup.shown:
        return visit.to(page)
    facts = visit.live.store.facts_of([visit.account], [f.MethodAdded]).get(visit.account, ())
    added = [one.fact.method for one in facts if isinstance(one.fact, f.MethodAdded) and one.at >= setup.started_at]
    return visit.did(page, "added" if setup.method in added else "known", setup.method)


def _paid_at(visit: Visit) -> list[datetime]:
    """When each payment of the account was booked."""
    return [one.at for one in visit.live.store.facts_of([visit.account], [f.PaymentBooked]).get(visit.account, ())]


def _paid_before(visit: Visit) -> str:
    """Where what somebody wanted to pay with a new card had been paid when that was there: on which day, and what
    became of the card; empty elsewhere."""
    what, number = visit.done
    moments = _paid_at(visit) if what == PAID_BEFORE else []
    if not moments or owed(visit):
        return ""
    names = {
        "day": visit.day(visit.local_day(max(moments))),
        "card": visit.contacts.cards.get(number, ""),
    }
    if any(sub.method == number for sub in visit.snapshot.subscriptions):
        text = _("It was paid already, on %(day)s; nothing was charged. %(card)s is stored, and pays from now on.")
    else:
        text = _("It was paid already, on %(day)s; nothing was charged. %(card)s is stored, and pays for nothing yet.")
    return text % names


def why_of(visit: Visit) -> str:
    """The sentence for what the address says was refused, if it is one of ours."""
    return str(SENTENCES.get(visit.why, ""))


def account_of(text: str) -> int:
    """The account in a stable link; Http404 for what is no account's id."""
    try:
        [number] = parse_id(ACCOUNT, text)
    except Refused:
        raise Http404 from None
    return number
