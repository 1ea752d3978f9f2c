"""Transfers that nobody could tell whose they are: one at a time, the oldest first, with whose it may be and why.

By keyboard alone: the arrows choose, Enter books, and the next one is there.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.bank.matching import Suggestion
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.returns import UNKNOWN, leaves_open, what_stays
from arrears.engine.finding import find_account
from arrears.notices import values
from arrears.ports.bank import CreditState, StoredCredit
from arrears.web.account_centre.frame import READS
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.numbers import whole
from arrears.wiring import settings

WAITING: Final = (CreditState.NEW, CreditState.WAITING)
STATES: Final[dict[CreditState, Promise | str]] = closed(
    "words of where a transfer is",
    CreditState,
    {
        CreditState.NEW: gettext_lazy("waits for a person"),
        CreditState.WAITING: gettext_lazy("waits for a person"),
        CreditState.MATCHED: gettext_lazy("booked"),
        CreditState.IGNORED: gettext_lazy("none of ours"),
        CreditState.NOTED: gettext_lazy("our own payment"),
        CreditState.RETURNED: gettext_lazy("went back"),
    },
)
DONE: Final[dict[str, Promise | str]] = {
    "match": gettext_lazy("It is booked, and what it stopped comes back."),
    "return": gettext_lazy("The two are closed together."),
    "ignore": gettext_lazy("It is none of ours; nobody waits because of it."),
    "undo": gettext_lazy("What was booked is taken back, and the transfer waits again."),
    "reopen": gettext_lazy("Both are open again: the return waits, and the transfer is as if it came now."),
}


@console_page()
def page(console: ConsoleRequest) -> HttpResponse:
    """On to the oldest transfer that waits, after the one that was skipped."""
    waiting = [one.number for one in console.live.store.credits_in(WAITING)]
    after = whole(console.request.GET.get("after", ""), 18)
    done = console.request.GET.get("done", "")
    following = next((number for number in waiting if number > after), waiting[0] if waiting else 0)
    if not following:
        return console.page("bank_empty", _("Transfers to match"), done=DONE.get(done, ""))
    return console.to(f"bank/{following}" + (f"?done={done}" if done in DONE else ""))


@console_page(methods=(*READS, "POST"))
def one(console: ConsoleRequest, number: int) -> HttpResponse:
    """One transfer. Its form books it for the account that is chosen, says that it is none of ours, or takes back what
    was decided."""
    try:
        credit = deciding.credit(console.live.store, number)
    except Refused:
        raise Http404 from None
    if console.request.method in READS:
        return _shown(console, credit)
    what = console.request.POST.get("do", "match")
    try:
        _decide(console, credit, what)
    except Refused as refused:
        return _shown(console, deciding.credit(console.live.store, number), str(refused))
    if what == "undo":
        return console.to(f"bank/{number}?done={'reopen' if credit.state is CreditState.RETURNED else what}")
    return console.to(f"bank?after={number}&done={what}")


def _decide(console: ConsoleRequest, credit: StoredCredit, what: str) -> None:
    store, now, author = console.live.store, console.now, console.author
    why = " ".join(console.request.POST.get("why", "").split())[:300]
    if what == "match":
        account, debts = _chosen(console, credit)
        ours = {iban for iban, _currency in settings().statement_accounts}
        share = deciding.Share(account, credit.amount_minor, debts)
        deciding.share_out(store, credit.number, [share], ours, now, author, why or _("chosen in the console"))
        return
    if what == "return":
        taken = whole(console.request.POST.get("other", "").strip() or console.request.POST.get("credit", ""), 18)
        if not taken:
            raise Refused("no_choice", _("Choose what it takes back, or type its number."))
        deciding.book_return(store, credit.number, taken, now, author, why or _("chosen in the console"))
        return
    if what not in ("ignore", "undo"):
        raise Refused("no_choice", _("Choose what is done."))
    if not why:
        raise Refused("no_reason", _("Say why, in a line of words; it is kept with the fact."))
    (deciding.ignore if what == "ignore" else deciding.undo)(store, credit.number, now, author, why)


def _chosen(console: ConsoleRequest, credit: StoredCredit) -> tuple[int, tuple[int, ...]]:
    """The account, and the invoices that are paid first: of a suggestion as it is now, or of what was typed."""
    typed = console.request.POST.get("account", "").strip()[:200]
    if typed:
        return find_account(console.live.store, typed), ()
    wanted = console.request.POST.get("suggestion", "")
    for suggestion in deciding.queued(console.live.store, credit).suggestions:
        if _value(suggestion) == wanted:
            return suggestion.account, suggestion.debts
    raise Refused("no_choice", _("Choose whose it is, or type the account."))


def _value(suggestion: Suggestion) -> str:
    return ":".join(map(str, (suggestion.account, *suggestion.debts)))


def _choice(console: ConsoleRequest, one: StoredCredit, other: StoredCredit) -> dict[str, Any]:
    """Another that a transfer may take back: its number, day and sum, who it is from, where it is, and what becomes of
    a difference."""

    def money(minor: int) -> str:
        return format_amount(minor, other.currency, str(console.locale))

    stays, more = what_stays(one, other), -one.amount_minor - other.amount_minor
    note = ""
    if leaves_open(one, other):
        note = _("Say first whose it is: %(amount)s of it stays with us.") % {"amount": money(stays)}
    elif stays:
        note = _("%(amount)s of it stays with us and stays paid.") % {"amount": money(stays)}
    elif more > 0:
        note = _("%(amount)s more than it: the bank's charges, which the customer does not owe.")
        note %= {"amount": money(more)}
    return {
        "number": other.number,
        "day": values.day(other.booked_on, console.locale),
        "amount": money(other.amount_minor),
        "name": values.clean(other.transaction.name),
        "state": STATES[other.state],
        "note": note,
        "closes": not leaves_open(one, other),
    }


def _shown(console: ConsoleRequest, credit: StoredCredit, why: str = "") -> HttpResponse:
    store, said, waits = console.live.store, credit.transaction, credit.state in WAITING
    queued = deciding.queued(store, credit) if waits else deciding.Queued(credit, ())
    suggestions = queued.suggestions
    names = store.contacts([one.account for one in suggestions])
    shown: dict[str, Any] = {
        "number": credit.number,
        "amount": format_amount(credit.amount_minor, credit.currency, str(console.locale)),
        "state": STATES[credit.state],
        "facts": [
            (words, values.clean(text))
            for words, text in (
                (_("Day"), values.day(credit.booked_on, console.locale)),
                (_("From") if credit.amount_minor >= 0 else _("To"), said.name),
                ("IBAN", said.iban),
                (_("Reference"), ", ".join([*said.references, *([said.end_to_end] if said.end_to_end else [])])),
                (_("Text"), said.text),
            )
            if text
        ],
        "decided": values.clean(credit.why) if credit.why != UNKNOWN else "",
        "closed_with": credit.state is CreditState.RETURNED and (credit.takes_back or store.return_of(credit.number)),
        "suggestions": [
            {
                "value": _value(one),
                "id": format_id(ACCOUNT, one.account),
                "name": values.clean(names[one.account].name),
                "invoices": values.listed(list(one.numbers), console.locale, values.Form.PLAIN),
                "reasons": "; ".join(one.reasons),
                "path": f"/console/{account_path(one.account)}",
            }
            for one in suggestions
        ],
        "returns": credit.amount_minor < 0,
        "comes_back": credit.amount_minor > 0 and credit.comes_back,
        "may_take_back": [_choice(console, credit, like) for like in queued.may_take_back],
        "booked": [
            (format_amount(p.amount_minor, credit.currency, str(console.locale)), f"/console/{account_path(p.account)}")
            for p in store.parts_of(credit.number)
        ],
        "waits": waits,
        "undoes": credit.state in (CreditState.MATCHED, CreditState.IGNORED, CreditState.RETURNED),
        "left": len(store.credits_in(WAITING)),
        "why": why,
        "done": DONE.get(console.request.GET.get("done", ""), ""),
    }
    title = _("Transfer %(number)s") % {"number": credit.number}
    return console.page("bank", title, 422 if why else 200, **shown)
