"""The link in the mail that asks whether an address is the right one. Opening it changes nothing; its button does."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from arrears.core.address import mailbox_of
from arrears.core.errors import Refused
from arrears.core.people.throttles import Throttled
from arrears.engine.people.profile import confirm_address, request_of
from arrears.notices import values
from arrears.ports.people import AskedAddress
from arrears.web import throttle
from arrears.web.languages import speak_to
from arrears.wiring import installed


@throttle.counts_wrong(Throttled.LINK, 410)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """What the link confirms, for whom; with POST it is confirmed. A second time says that it is already."""
    live = installed()
    try:
        if request.method == "POST":
            return shown(request, confirm_address(live.store, token, live.clock.now()), done=True)
        asked = request_of(live.store, token, live.clock.now())
    except Refused:
        title = _("This link does not work any more")
        return render(request, "address_over.html", {"title": title}, status=410)
    return shown(request, asked, done=asked.used_at is not None)


def shown(request: HttpRequest, asked: AskedAddress, *, done: bool) -> HttpResponse:
    """The page."""
    contacts = installed().store.contacts([asked.account])[asked.account]
    person = next((one for one in contacts.people if one.no == asked.person), None)
    speak_to(request, person.locale if person else "", contacts.locale)
    title = _("Thank you: this address is confirmed") if done else _("Is this the right address?")
    return render(
        request,
        "address.html",
        {
            "title": title,
            "address": asked.new,
            "name": values.clean(contacts.name),
            "done": done,
            "changed": mailbox_of(asked.old) != mailbox_of(asked.new),
        },
    )
