"""Which ways of sending mail are real: those where a message leaves, and where one that came back is learnt of.

A notice that came back must never count (spec, section 3). So in live mode mail goes through a mail server whose
returns are handed in, or through a provider of this table, whose webhook we read and which is not told to pretend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from arrears.core.errors import Refused


class MailProvider(NamedTuple):
    """A provider by the name of its webhook (`/webhooks/mail/NAME`). Its API is at `host` or below it, of whatever
    region; empty where each operator has a server of it. `pretends` are values of its settings with which it takes
    messages and sends none."""

    name: str
    host: str
    pretends: Mapping[str, str] = {}


PROVIDERS: Final[Mapping[str, MailProvider]] = {
    f"anymail.backends.{one.name}.EmailBackend": one
    for one in (
        MailProvider("brevo", "brevo.com"),
        MailProvider("mailersend", "mailersend.com"),
        MailProvider("mailgun", "mailgun.net"),
        MailProvider("mailjet", "mailjet.com"),
        MailProvider("postal", ""),
        MailProvider("postmark", "postmarkapp.com", {"SERVER_TOKEN": "POSTMARK_API_TEST"}),
        MailProvider("resend", "resend.com"),
        MailProvider("sendgrid", "sendgrid.com"),
        MailProvider("sparkpost", "sparkpost.com"),
    )
}
"""The providers by the class of anymail that sends through them. Each has a webhook in `web/webhooks/messages.py`."""

_CATCHERS: Final = ("sandbox.smtp.mailtrap.io", "smtp.mailtrap.io", "smtp.ethereal.email")
"""Mail servers that keep for a developer what they take."""


def refuse_pretending_provider(backend: str, settings: Mapping[str, str]) -> None:
    """Refuse `no_mail_provider` unless this is a provider of the table that really sends. `settings` are anymail's, by
    their names without `ANYMAIL_`."""
    provider = PROVIDERS.get(backend)
    if provider is None:
        known = ", ".join(one.name for one in PROVIDERS.values())
        raise Refused(
            "no_mail_provider",
            f"ARREARS_MODE is live and ARREARS_MAIL_BACKEND is {backend!r}, of which no mail leaves or none that comes"
            f" back is learnt of; give anymail.backends.NAME.EmailBackend with a NAME of {known}",
        )
    prefix = f"{provider.name.upper()}_"
    for name, value in settings.items():
        # anymail takes its settings with and without the provider's name.
        which = name.removeprefix(prefix)
        if which == "API_URL" and not _is_theirs(provider, value):
            whose = f"none of {provider.host} over https" if provider.host else "no https address of another machine"
            raise Refused("no_mail_provider", f"ARREARS_MODE is live and ANYMAIL_{name} is {whose}")
        if which == "SEND_DEFAULTS" and "sandbox" in value.lower():
            raise Refused("no_mail_provider", f"ARREARS_MODE is live and with this ANYMAIL_{name} no message leaves")
        if provider.pretends.get(which) == value.strip():
            raise Refused("no_mail_provider", f"ARREARS_MODE is live and with this ANYMAIL_{name} no message leaves")


def refuse_catcher(url: str) -> None:
    """Refuse `no_mail_server` where the mail server of this URL is known to deliver nothing."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host in _CATCHERS:
        raise Refused("no_mail_server", f"ARREARS_MODE is live and {host} delivers nothing; set ARREARS_MAIL_URL")


def _is_theirs(provider: MailProvider, url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme != "https" or not host:
        return False
    if not provider.host:
        return host not in ("localhost", "127.0.0.1", "::1")
    return host == provider.host or host.endswith(f".{provider.host}")
