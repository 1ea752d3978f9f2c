"""Staff sign in at the operator's OpenID Connect provider instead of with a password of ours.

The provider proves an address, and no more: whoever is not staff already stays outside, and where the provider did not
ask for a second factor, as the operator says it would tell us, ours is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from arrears.core.errors import Refused
from arrears.core.people.throttles import Throttled
from arrears.web import throttle
from arrears.web.console.members import Member, is_user, member_at
from arrears.web.console.openid_connect import OpenIdProvider, ProvedAddress, begin, finish
from arrears.web.console.sign_in import SECOND_STEP, come_in, first_step, go_halfway, staff_provider
from arrears.web.errors import too_often
from arrears.web.logs import LOG
from arrears.web.signed_in import safe_next
from arrears.wiring import RealClock, settings

BEGUN: Final = "staff_provider"
BEGUN_SECONDS: Final = 10 * 60
BACK: Final = "/console/sign-in/back"

_SENTENCES: Final[Mapping[str, Promise | str]] = {
    "stale_sign_in": _("That sign-in was not begun in this browser, or is over already. Begin again."),
    "provider_declined": _("Your sign-in provider did not let you in."),
    "provider_silent": _("Your sign-in provider cannot be reached right now. Try again soon, or use a password."),
    "untrusted_token": _("What your sign-in provider said cannot be trusted, so nobody was let in."),
    "unverified_address": _("Your sign-in provider does not say that your address is verified."),
    "another_user": _(
        "Your sign-in provider gave this address to somebody else. Ask a colleague who may, to let you in."
    ),
    "unknown_staff": _("Nobody on staff has the address that your sign-in provider proved."),
}


@throttle.throttled_as(Throttled.STAFF)
@require_POST
def leave_for(request: HttpRequest) -> HttpResponse:
    """On to the provider. Each beginning is counted: it makes us ask there."""
    provider = _provider()
    try:
        throttle.take(request, Throttled.STAFF)
        begun = begin(provider, settings().base_url + BACK)
    except throttle.TooManyTries:
        return too_often(request)
    except Refused as refused:
        return _not_let_in(request, refused)
    began = RealClock().now().timestamp()
    request.session[BEGUN] = {**begun.kept, "began": began, "next": safe_next(request, "staff")}
    values = {"title": gettext("You are going to your sign-in provider"), "url": begun.url, "provider": provider.name}
    return render(request, "console/away.html", values)


@throttle.throttled_as(Throttled.STAFF)
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Back from the provider. What a browser has begun is good once, for some minutes."""
    provider, kept = _provider(), _begun(request)
    try:
        with throttle.one_try(request, Throttled.STAFF):
            proved = finish(provider, settings().base_url + BACK, kept, request.GET.dict())
            somebody = _staff(proved)
    except throttle.TooManyTries:
        return too_often(request)
    except Refused as refused:
        return _not_let_in(request, refused)
    if proved.second_factor:
        return come_in(request, somebody, kept["next"])
    request.session.flush()
    go_halfway(request, somebody, kept["next"], by_provider=True)
    return HttpResponseRedirect(SECOND_STEP)


def _provider() -> OpenIdProvider:
    provider = staff_provider()
    if provider is None:
        raise Http404
    return provider


def _begun(request: HttpRequest) -> dict[str, Any]:
    kept = request.session.pop(BEGUN, None)
    # What is kept is gone before anything is asked: whoever comes back again with the same has begun nothing.
    request.session.save()
    fresh = kept and RealClock().now().timestamp() - kept["began"] <= BEGUN_SECONDS
    return dict(kept) if fresh else {}


def _staff(proved: ProvedAddress) -> Member:
    """Who this is. The first sign-in says which user of the provider they are: nobody else is, to whom their address is
    given there later."""
    found = member_at(proved.email)
    if found is None:
        raise Refused("unknown_staff", "nobody on staff has this address")
    if not is_user(found, proved.user):
        raise Refused("another_user", "another user of the provider has had this address")
    return found


def _not_let_in(request: HttpRequest, refused: Refused) -> HttpResponse:
    """One line on the page, and one in the log with what exactly was wrong."""
    why = refused.message if refused.code == "untrusted_token" else refused.code
    LOG.warning("staff_not_let_in", code=why)
    return first_step(request, why=_SENTENCES[refused.code])
