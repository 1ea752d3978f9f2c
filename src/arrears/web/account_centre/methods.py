"""Payment methods: what each pays for, add, make active, renew, remove with the reasons against it."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.errors import Refused
from arrears.engine.payments import methods
from arrears.engine.people import by_transfer
from arrears.engine.people.support import TEXT_CHARS_MAX
from arrears.ports import Processor
from arrears.web.account_centre.cards import best, on_file
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import owed, payable
from arrears.web.account_centre.settle import go_for_a_card, why_of
from arrears.web.account_centre.story import away
from arrears.web.account_centre.transfers import switching
from arrears.web.languages import language_now
from arrears.web.numbers import whole
from arrears.web.refusals import in_words


@account_page(methods=("GET", "HEAD", "POST"))
def page(visit: Visit) -> HttpResponse:
    """The list; with POST what its buttons ask for."""
    if visit.request.method != "POST":
        return shown(visit)
    form, live = visit.request.POST, visit.live
    number = whole(form.get("method", ""))
    done = ""
    try:
        match form.get("do"):
            case "by_invoice" if switching(visit):
                return visit.to(f"help/{_ask_to_switch(visit)}")
            case "add":
                return away(visit, go_for_a_card(visit, {}).url)
            case "activate":
                methods.activate(live.store, visit.account, number, visit.now, visit.author)
                done = "active"
            case "renew":
                month, year = whole(form.get("month", ""), 2), whole(form.get("year", ""), 4)
                methods.renew(live.store, live.providers, visit.account, number, month, year, visit.now, visit.author)
                done = "renewed"
            case "remove":
                methods.remove(live.store, live.providers, visit.account, number, visit.now, visit.author)
                done = "removed"
            case _:
                return visit.to("methods")
    except Refused as refused:
        visit.fresh()
        return shown(visit, in_words(refused), 409 if refused.code == "method_held" else 422)
    return visit.did("methods", done, number)


def _ask_to_switch(visit: Visit) -> int:
    assert visit.somebody is not None, "an account page has somebody"
    text, person = visit.request.POST.get("text", ""), visit.somebody.number
    asked = by_transfer.ask_to_switch(
        visit.live.store, visit.account, text, visit.now, visit.author, person=person, locale=language_now()
    )
    return asked.number


def shown(visit: Visit, why: str = "", status: int = 200) -> HttpResponse:
    """The page itself."""
    sums = payable(owed(visit))
    methods_now = on_file(visit, sums)
    done, number = visit.done
    just = next((one for one in methods_now if one.no == number), None)
    values = {
        "methods": methods_now,
        "why": why or why_of(visit),
        "done": done,
        "label": visit.contacts.cards.get(number, ""),
        "just": just,
        # One button is the next step: that of the answer to what was just done, else that of the likeliest method.
        "primary": None if just is not None else best(methods_now),
        "owed": sums,
        "total": visit.listed([one.amount for one in sums]),
        "seen": visit.snapshot.attempt_count,
        "cards_possible": visit.live.providers.can_open(Processor.open_setup),
        "years": range(visit.view.today.year, visit.view.today.year + 15),
        "months": range(1, 13),
        "this_month": visit.view.today.month,
        "switching": switching(visit),
        "text": visit.request.POST.get("text", ""),
        "most": TEXT_CHARS_MAX,
    }
    return visit.page("methods", _("Payment methods"), status, **values)
