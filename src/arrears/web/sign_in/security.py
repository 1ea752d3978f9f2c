"""Sign-in and security: password, authenticator app, passkeys, recovery codes, and where one is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.stagekit import get_pending_stage
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from babel.core import Locale
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from arrears.core.errors import Refused
from arrears.engine.people import access
from arrears.notices import values
from arrears.store.models import Person
from arrears.web.identities import zone_of
from arrears.web.languages import language_now, speak_to
from arrears.web.numbers import whole
from arrears.web.refusals import in_words
from arrears.web.sign_in import sessions
from arrears.web.sign_in.adapters import AccountAdapter, just_proved
from arrears.web.sign_in.pages import PASSWORD_READ_MAX, chosen
from arrears.wiring import RealClock, installed

HttpView = Callable[..., HttpResponseBase]


def spoken(view: HttpView) -> HttpView:
    """In the language of whoever is signed in, or about to be."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        stage = None if request.user.is_authenticated else get_pending_stage(request)
        person = stage.login.user if stage is not None else request.user
        if isinstance(person, Person):
            speak_to(request, person.locale)
        return view(request, *args, **more)

    return answered


def step_up(request: HttpRequest) -> None:
    """Go on only for somebody who has proved in the last minutes who they are. Others prove it first, and come back
    with their form sent."""
    if not just_proved(request):
        raise ReauthenticationRequired


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Everything about signing in on one page; with POST it ends sessions."""
    person = _person(request)
    if request.method == "POST":
        step_up(request)
        if request.POST.get("do") == "others":
            sessions.end_others(request, person.pk)
        elif session := whole(request.POST.get("session", "")):
            sessions.end(person.pk, session)
        response = HttpResponseRedirect("/security#sessions")
        response.status_code = 303
        return response
    own = list(Authenticator.objects.filter(user_id=person.pk).order_by("pk"))
    codes = next((one for one in own if one.type == Authenticator.Type.RECOVERY_CODES), None)
    shown = {
        "title": _("Sign-in and security"),
        "address": person.sign_in_email,
        "app": any(one.type == Authenticator.Type.TOTP for one in own),
        "passkeys": [_passkey(person, one) for one in own if one.type == Authenticator.Type.WEBAUTHN],
        "codes": None if codes is None else len(codes.wrap().get_unused_codes()),
        "sessions": [
            {"no": one.no, "label": one.label, "address": one.address, "here": one.here}
            | {"since": _moment(person, one.began_at)}
            # A browser's session lasts by the real clock, in a world with a time of its own too.
            for one in sessions.listed(request, person.pk, RealClock().now())
        ],
        "zone": values.place(zone_of(person.pk), values.formats_of(language_now(), person.locale)),
        "done": request.GET.get("done", ""),
    }
    return render(request, "sign_in/security.html", shown)


def _passkey(person: Person, one: Authenticator) -> dict[str, Any]:
    used = one.last_used_at and _moment(person, one.last_used_at)
    return {"pk": one.pk, "name": one.wrap().name, "added": _moment(person, one.created_at), "used": used}


def _moment(person: Person, at: Any) -> str:
    locale: Locale = values.formats_of(language_now(), person.locale)
    return values.moment(at, zone_of(person.pk), locale)


@sensitive_post_parameters("before", "password")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def password(request: HttpRequest) -> HttpResponse:
    """Another password. The one before is asked for in the same form, so nobody comes here by an open session alone;
    every other session ends."""
    shown = {"title": _("Change password")}
    if request.method != "POST":
        return render(request, "sign_in/password.html", shown)
    person, live = _person(request), installed()
    try:
        if not _right(person, request.POST.get("before", "")[:PASSWORD_READ_MAX]):
            raise Refused("wrong_password", "the password now is another one")
        hashed = chosen(request, person.sign_in_email, person.display_name)
        access.change_password(live.store, person.pk, hashed, live.clock.now())
    except Refused as refused:
        return render(request, "sign_in/password.html", {**shown, "why": in_words(refused)}, status=422)
    sessions.goes_on(request, person.pk)
    return HttpResponseRedirect("/security?done=password")


def _right(person: Person, before: str) -> bool:
    from django.core.exceptions import ValidationError

    try:
        return AccountAdapter().reauthenticate(person, before)
    except ValidationError:
        return False


@require_safe
@login_required
@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def codes(request: HttpRequest) -> HttpResponse:
    """The recovery codes that have not been used."""
    found = Authenticator.objects.filter(user_id=request.user.pk, type=Authenticator.Type.RECOVERY_CODES).first()
    if found is None:
        raise Http404
    shown = {"title": _("Recovery codes"), "codes": found.wrap().get_unused_codes()}
    return render(request, "sign_in/codes.html", shown)


@require_safe
@login_required
@reauthentication_required(app="allauth.mfa")  # type: ignore[untyped-decorator]
def picture(request: HttpRequest) -> HttpResponse:
    """The code to photograph, of the secret that the page has just shown."""
    secret = request.session.get(SECRET_SESSION_KEY)
    if not secret:
        raise Http404
    adapter = get_adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return HttpResponse(svg, content_type="image/svg+xml")


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person), "only who is signed in comes here"
    return request.user
