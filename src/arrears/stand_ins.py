"""Stand-ins, such as mail that is laid into a folder, work where nobody else can come in, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from arrears.adapters.channels.live_mail import PROVIDERS, refuse_catcher, refuse_pretending_provider
from arrears.core.errors import Refused
from arrears.setting_values import is_loopback
from arrears.settings import Settings


def refuse_stand_ins(ours: Settings) -> None:
    """Where others can come in, nothing that was meant for a demo works: mail must leave, and its links must lead to
    pages that others can open safely. Mail that is laid into a folder warns nobody, counts as accepted there, and its
    links are secrets. Others can come in with live mode, behind HTTPS, or under a name that is not this machine's own.
    Live, what comes back must be learnt of. Refuses `no_mail_server`, `bad_base_url`, `no_mail_provider`,
    `no_mail_returns`."""
    why = _open_to_others(ours)
    if not why:
        return
    if not ours.mail_url and not ours.mail_backend:
        raise Refused(
            "no_mail_server",
            f"{why} and no mail can leave: set ARREARS_MAIL_URL to your mail server, or"
            " ARREARS_MAIL_BACKEND to a provider",
        )
    base = urlsplit(ours.base_url)
    if base.scheme != "https" or not base.hostname or is_loopback(base.hostname):
        raise Refused(
            "bad_base_url",
            f"{why} and ARREARS_BASE_URL is {ours.base_url}, which nobody else can open safely; give the"
            " https address of your account centre",
        )
    if ours.mode == "live":
        _refuse_unreturned_mail(ours)


def _refuse_unreturned_mail(ours: Settings) -> None:
    """Live, mail goes out for good, and what comes back is learnt of. Refuses `no_mail_provider`, `no_mail_server`,
    `no_mail_returns`."""
    if ours.mail_backend:
        refuse_pretending_provider(ours.mail_backend, dict(ours.anymail))
        if not ours.mail_webhook_secret:
            name = PROVIDERS[ours.mail_backend].name
            raise Refused(
                "no_mail_returns",
                "ARREARS_MODE is live and nobody can report what came back: set ARREARS_MAIL_WEBHOOK_SECRET, and"
                f" point the provider's webhook at /webhooks/mail/{name}",
            )
        return
    refuse_catcher(ours.mail_url)
    if not ours.mail_bounce_to and not ours.mail_returns_unseen:
        raise Refused(
            "no_mail_returns",
            "ARREARS_MODE is live and what comes back reaches nobody: set ARREARS_MAIL_BOUNCE_TO to an address whose"
            " mail goes to `arrears bounce` (docs/notices.md)",
        )


def _open_to_others(ours: Settings) -> str:
    """Why others can come in, or nothing."""
    if ours.mode == "live":
        return "ARREARS_MODE is live"
    if ours.https:
        return "ARREARS_HTTPS is set"
    public = [host for host in ours.hosts if not is_loopback(host)]
    return f"ARREARS_HOSTS names {public[0]}" if public else ""
