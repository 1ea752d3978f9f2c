"""What allauth asks of the house it is in: where people are kept, who is told, how tries are counted, what is said."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arrears.core.people.throttles import Throttled
from arrears.engine.people import access
from arrears.store.models import Person
from arrears.web import throttle
from arrears.web.brand import brand
from arrears.web.client_address import address_of
from arrears.web.sign_in import sessions
from arrears.web.signed_in import is_ours
from arrears.wiring import RealClock, installed

WAIT: Final = _("That was too often. Wait a quarter of an hour, then try again.")
WRONG_CODE: Final = _("That code is not right. Look again: a new one comes every half minute.")

CHANGE_WORDS: Final = {
    "totp_activated": "app_added",
    "totp_deactivated": "app_removed",
    "webauthn_added": "passkey_added",
    "webauthn_removed": "passkey_removed",
    "recovery_codes_generated": "codes",
}
"""Of what allauth would write a mail -> the word of ours for it."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People are ours, messages are ours, and nobody signs up: they are invited."""

    error_messages = {  # noqa: RUF012 - allauth's own form
        **DefaultAccountAdapter.error_messages,
        "incorrect_password": _("That password is not right."),
        "too_many_login_attempts": WAIT,
        "rate_limited": WAIT,
        "incorrect_code": WRONG_CODE,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_login_stages(self) -> list[str]:
        """After the password only the second factor: addresses have been proved by the invitation."""
        return ["allauth.mfa.stages.AuthenticateStage"]

    def is_safe_url(self, url: str) -> bool:
        """Whether one may be sent on to it."""
        return is_ours(url, "person")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Where a request comes from, in words; empty where that is not known."""
        return str(address_of(request) or "")

    def login(self, request: HttpRequest, user: Person) -> None:
        """Everything has been proved: a session begins. A browser is never staff and customer at once."""
        request.session.pop("staff", None)
        super().login(request, user)
        sessions.began(request, user.pk, self.get_client_ip(request), RealClock().now())

    def post_login(self, request: HttpRequest, user: Person, **more: Any) -> HttpResponse:
        """Where to go on; the browser is known from now on."""
        response: HttpResponse = super().post_login(request, user, **more)
        throttle.remember(request, response, Throttled.SIGN_IN, user.sign_in_email)
        return response

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """Whether one must prove again who one is; signing in is as good a proof."""
        return not just_proved(context.request)

    def reauthenticate(self, user: Person, password: str) -> bool:
        """Whether this is the password. Counted against the session: somebody who took one over locks out nobody."""
        try:
            with throttle.one_try(context.request, Throttled.REAUTHENTICATION, session=session_of(context.request)):
                if not user.check_password(password):
                    raise self.validation_error("incorrect_password")
        except throttle.TooManyTries:
            raise self.validation_error("too_many_login_attempts") from None
        return True

    def send_notification_mail(self, template_prefix: str, user: Person, *_args: Any, **_more: Any) -> None:
        """Tell the person, in a message of ours."""
        what = CHANGE_WORDS.get(template_prefix.rpartition("/")[2])
        if what is not None:
            live = installed()
            access.sign_in_changed(live.store, user.pk, what, live.clock.now())


def session_of(request: HttpRequest) -> str:
    """The name of the session of who is signed in."""
    return str(request.session.session_key)


def just_proved(request: HttpRequest) -> bool:
    """Whether who asks has proved who they are in the last minutes, by signing in or again since."""
    records = get_authentication_records(request, request.user)
    return (
        bool(records) and RealClock().now().timestamp() - records[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    )


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are kept encrypted; names are ours."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": WRONG_CODE}  # noqa: RUF012 - theirs

    def encrypt(self, text: str) -> str:
        """A copy of the database alone does not give the codes of anybody's app."""
        return _ciphers().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What was encrypted, with this key or one before it."""
        return _ciphers().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        """Whose code it is, as the app shows it."""
        return brand().name

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Whose passkey it is."""
        return {**super().get_public_key_credential_rp_entity(), "name": brand().name}

    def generate_authenticator_name(self, user: Person, type: Authenticator.Type) -> str:
        """What a passkey is called that was given no name."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey %(number)s") % {"number": count + 1}


def _ciphers() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(b"arrears.second-factor:" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def display(user: Person) -> str:
    """What allauth calls a person."""
    return user.display_name
