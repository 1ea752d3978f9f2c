"""How customers sign in: with a password or a passkey, sign out, ask for a new password, use a link from mail."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Final

from allauth.account.internal.flows.login import perform_login, perform_password_login, record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.people.throttles import Throttled
from arrears.engine.people import access
from arrears.notices import values
from arrears.ports.people import AccessLink
from arrears.store.models import Person
from arrears.web import passwords, throttle
from arrears.web.brand import brand
from arrears.web.errors import too_often
from arrears.web.languages import speak_to
from arrears.web.refusals import in_words
from arrears.web.sign_in import sessions
from arrears.web.signed_in import left, safe_next
from arrears.wiring import installed

ANSWER_SECONDS: Final = 0.4
"""So long the answer to a forgotten password takes at least, whether there is anybody to write to or not."""

PASSWORD_READ_MAX: Final = 1000


@throttle.throttled_as(Throttled.SIGN_IN)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a password. Another name, another password and too many tries are answered alike."""
    if request.method != "POST":
        return _sign_in_page(request, wrong=False)
    email = request.POST.get("email", "").strip()[:254]
    password = request.POST.get("password", "")[:PASSWORD_READ_MAX]
    if "\x00" in email + password:
        return _sign_in_page(request, wrong=True)
    person = None
    try:
        with throttle.one_try(request, Throttled.SIGN_IN, name=email):
            person = authenticate(request, username=email, password=password)
            if person is None:
                raise _Wrong
    except (throttle.TooManyTries, _Wrong):
        return _sign_in_page(request, wrong=True)
    clear_login(request)
    login = Login(user=person, redirect_url=safe_next(request, "person"))
    answer: HttpResponse = perform_password_login(request, {"email": email}, login)
    return answer


class _Wrong(Exception):
    """Not this name, or not this password."""


def _sign_in_page(request: HttpRequest, *, wrong: bool) -> HttpResponse:
    shown = {
        "title": _("Sign in"),
        "wrong": wrong,
        "email": request.POST.get("email", ""),
        "next": safe_next(request, "person"),
        "here": "/sign-in",
        "customers": True,
    }
    return render(request, "sign_in.html", shown, status=403 if wrong else 200)


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    """Sign in with a passkey alone: what the browser needs for it (GET, JSON), and what it answers (POST)."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """The same words as for a password. Nobody can guess a passkey: what is wrong is counted."""
        if not throttle.may_be_wrong(self.request, Throttled.PASSKEY):
            return too_often(self.request)
        return _sign_in_page(self.request, wrong=True)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out; nothing of the session is left, here or in the browser."""
    sessions.ended(request)
    return left("person")


@throttle.throttled_as(Throttled.FORGOTTEN)
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link to choose a new password. The page says the same whoever asks for whom."""
    title = _("A new password")
    if request.method != "POST":
        return render(request, "sign_in/forgotten.html", {"title": title, "email": request.GET.get("email", "")})
    began, live = time.monotonic(), installed()
    # Every request counts, and none is taken back: this is about filling mailboxes, not about guessing.
    with suppress(throttle.TooManyTries):
        throttle.take(request, Throttled.FORGOTTEN)
        access.ask_reset(live.store, request.POST.get("email", "")[:254], live.clock.now())
    time.sleep(max(0.0, ANSWER_SECONDS - (time.monotonic() - began)))
    return render(request, "sign_in/forgotten.html", {"title": title, "sent": True})


@throttle.counts_wrong(Throttled.LINK, 410)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest, token: str) -> HttpResponse:
    """The link for a new password. Opening it changes nothing; the form does, once, and signs in."""
    live = installed()
    try:
        link = access.link_of(live.store, "reset", token, live.clock.now())
    except Refused:
        return render(request, "sign_in/link_over.html", {"title": _("This link does not work any more")}, status=410)
    speak_to(request, link.locale)
    shown = {"title": _("Choose a new password"), "address": link.address}
    if request.method != "POST":
        return render(request, "sign_in/new_password.html", shown)
    try:
        hashed = chosen(request, link.address, link.name)
        person = access.reset(live.store, token, hashed, live.clock.now())
    except Refused as refused:
        return render(request, "sign_in/new_password.html", {**shown, "why": in_words(refused)}, status=422)
    return _in(request, person, "/")


@throttle.counts_wrong(Throttled.LINK, 410)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation. Whoever has no sign-in yet chooses a password; whoever has one signs in with it."""
    live = installed()
    try:
        link = access.link_of(live.store, "invitation", token, live.clock.now())
        speak_to(request, link.locale)
        known = live.store.person_at(link.address) is not None
        if request.method != "POST":
            return _invited(request, link, known=known)
        hashed = None if known else chosen(request, link.address, request.POST.get("name", ""))
        person = access.accept(live.store, token, request.POST.get("name", ""), hashed, live.clock.now())
    except Refused as refused:
        if refused.code == "bad_link":
            return render(
                request, "sign_in/link_over.html", {"title": _("This link does not work any more")}, status=410
            )
        return _invited(request, link, known=known, why=in_words(refused), status=422)
    target = f"/{format_id(ACCOUNT, link.account)}/"
    if known:
        return HttpResponseRedirect(target if request.user.pk == person else f"/sign-in?next={target}")
    return _in(request, person, target)


def _invited(request: HttpRequest, link: AccessLink, *, known: bool, why: str = "", status: int = 200) -> HttpResponse:
    contacts = installed().store.contacts([link.account])[link.account]
    shown = {
        "title": _("You are invited"),
        "why": why,
        "account": values.clean(contacts.name),
        "address": link.address,
        "pays": link.role == "administrator",
        "name": request.POST.get("name", link.name),
        "known": known,
    }
    return render(request, "sign_in/invitation.html", shown, status=status)


def chosen(request: HttpRequest, *own: str) -> str:
    """The hash of the new password in a form. Refuses what `passwords.check` refuses."""
    password = request.POST.get("password", "")[:PASSWORD_READ_MAX]
    passwords.check(password, *own, brand().name)
    return str(make_password(password))


def _in(request: HttpRequest, number: int, target: str) -> HttpResponse:
    """Sign in somebody whom a link from mail has proved; a second factor is asked for all the same."""
    request.session.flush()
    person = Person.objects.get(pk=number)
    record_authentication(request, person, "link")
    answer: HttpResponse = perform_login(request, Login(user=person, redirect_url=target))
    return answer
