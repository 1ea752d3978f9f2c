"""The addresses of the customers' sign-in: ours, and those of allauth's pages that we use. There are no others of it:
no sign-up, no addresses, no sign-out by GET. The names are the ones that allauth looks its pages up by."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.views._reauthenticate import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from arrears.core.people.throttles import Throttled
from arrears.web.sign_in import pages as front
from arrears.web.sign_in import security
from arrears.web.sign_in.security import spoken
from arrears.web.throttle import throttled_as

_FORM: Final = require_http_methods(["GET", "HEAD", "POST"])


def _theirs(view: Any, title: Promise | str) -> Any:
    """A page of allauth's, with a title of ours and in the reader's language."""
    return _FORM(spoken(view.as_view(extra_context={"title": title})))


_IS_IT_YOU: Final = _("Is it you?")

paths: Final[list[URLPattern]] = [
    path("sign-in", front.sign_in, name="account_login"),
    path(
        "sign-in/second-step",
        throttled_as(Throttled.SECOND_STEP)(_theirs(AuthenticateView, _("The second step"))),
        name="mfa_authenticate",
    ),
    path(
        "sign-in/passkey",
        throttled_as(Throttled.PASSKEY)(_FORM(front.PasskeySignIn.as_view())),
        name="mfa_login_webauthn",
    ),
    path("sign-in/forgotten", front.forgotten, name="account_reset_password"),
    path(
        "sign-in/again",
        throttled_as(Throttled.REAUTHENTICATION)(_theirs(ReauthenticateView, _IS_IT_YOU)),
        name="account_reauthenticate",
    ),
    path(
        "sign-in/again/code",
        throttled_as(Throttled.REAUTHENTICATION)(_theirs(ReauthenticateByCodeView, _IS_IT_YOU)),
        name="mfa_reauthenticate",
    ),
    path("sign-in/again/passkey", _theirs(ReauthenticateWebAuthnView, _IS_IT_YOU), name="mfa_reauthenticate_webauthn"),
    path("sign-out", front.leave, name="account_logout"),
    path("new-password/<str:token>", front.new_password),
    path("invitation/<str:token>", front.invitation),
    path("security", spoken(security.page), name="mfa_index"),
    path("security", spoken(security.page), name="mfa_list_webauthn"),
    path("security/password", throttled_as(Throttled.REAUTHENTICATION)(spoken(security.password))),
    path("security/app", _theirs(ActivateTOTPView, _("Set up an authenticator app")), name="mfa_activate_totp"),
    path("security/app/picture.svg", security.picture),
    path("security/app/remove", _theirs(DeactivateTOTPView, _("Remove the app")), name="mfa_deactivate_totp"),
    path("security/codes", spoken(security.codes), name="mfa_view_recovery_codes"),
    path(
        "security/codes/new",
        _theirs(GenerateRecoveryCodesView, _("New recovery codes")),
        name="mfa_generate_recovery_codes",
    ),
    path("security/passkeys/new", _theirs(AddWebAuthnView, _("Add a passkey")), name="mfa_add_webauthn"),
    path("security/passkeys/<int:pk>", _theirs(EditWebAuthnView, _("Rename the passkey")), name="mfa_edit_webauthn"),
    path(
        "security/passkeys/<int:pk>/remove",
        _theirs(RemoveWebAuthnView, _("Remove the passkey")),
        name="mfa_remove_webauthn",
    ),
]
