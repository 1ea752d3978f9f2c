"""allauth's forms for codes and passkeys, with what we add: tries are counted, a passkey is always a whole proof."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)

from arrears.core.people.throttles import Throttled
from arrears.web import throttle
from arrears.web.sign_in.adapters import session_of


class SecondStep(AuthenticateForm):  # type: ignore[misc]
    """The code of the app, or a recovery code, after the password."""

    def clean_code(self) -> str:
        """The code, if it is right. A known browser counts apart, as with passwords."""
        try:
            with throttle.one_try(context.request, Throttled.SECOND_STEP, name=self.user.sign_in_email):
                return str(super().clean_code())
        except throttle.TooManyTries:
            raise get_adapter().validation_error("too_many_login_attempts") from None


class ReauthenticationCode(ReauthenticateForm):  # type: ignore[misc]
    """The same from somebody who is signed in; counted against the session."""

    def clean_code(self) -> str:
        """The code, if it is right."""
        try:
            with throttle.one_try(context.request, Throttled.REAUTHENTICATION, session=session_of(context.request)):
                return str(super().clean_code())
        except throttle.TooManyTries:
            raise get_adapter().validation_error("too_many_login_attempts") from None


# What fido2 raises for octets that no browser makes: it reads JSON, base64 and CBOR without looking first.
_MADE_UP: Final = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, struct.error, RecursionError)


@contextmanager
def _as_a_browser_makes_it() -> Iterator[None]:
    """What no browser makes is a wrong passkey, like any other that is not right."""
    try:
        yield
    except _MADE_UP:
        raise get_mfa_adapter().validation_error("incorrect_code") from None


class PasskeyStep(AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step, after the password."""

    def clean_credential(self) -> Authenticator:
        """The passkey that was used."""
        with _as_a_browser_makes_it():
            return super().clean_credential()


class PasskeyAlone(LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey instead of the password."""

    def clean_credential(self) -> Authenticator:
        """The passkey that was used."""
        with _as_a_browser_makes_it():
            return super().clean_credential()


class PasskeyAgain(ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey of somebody who is signed in and proves it again."""

    def clean_credential(self) -> Authenticator:
        """The passkey that was used."""
        with _as_a_browser_makes_it():
            return super().clean_credential()


class NewPasskey(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey that has asked for finger, face or PIN is enough to sign in with; another kind is not taken."""

    def clean_passwordless(self) -> bool:
        """Always."""
        return True

    def clean_name(self) -> str:
        """A name on one line."""
        return " ".join(str(super().clean_name()).split())[:60]

    def clean(self) -> dict[str, Any]:
        """allauth's own check, of what the browser has sent."""
        with _as_a_browser_makes_it():
            return dict(super().clean())
