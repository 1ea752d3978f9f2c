"""Live, mail leaves for good and what comes back is learnt of: everything else refuses to start, in one line."""

from __future__ import annotations

import pytest

from arrears.adapters.channels.live_mail import PROVIDERS
from arrears.core.errors import Refused
from arrears.settings import read, refuse_stand_ins

LIVE = {
    "ARREARS_MODE": "live",
    "ARREARS_MAIL_FROM": "b@example.org",
    "ARREARS_BASE_URL": "https://pay.example.org",
}
SERVER = {**LIVE, "ARREARS_MAIL_URL": "smtp://mail.example.org"}
SECRET = {"ARREARS_MAIL_WEBHOOK_SECRET": "user:password"}


def through(backend: str, **more: str) -> dict[str, str]:
    return {**LIVE, **SECRET, "ARREARS_MAIL_BACKEND": backend, **more}


def anymail(name: str, **more: str) -> dict[str, str]:
    return through(f"anymail.backends.{name}.EmailBackend", **more)


REFUSED = {
    "anymail's test backend": (anymail("test"), "no_mail_provider"),
    "anymail's console": (anymail("console"), "no_mail_provider"),
    **{
        f"django's {name}": (through(f"django.core.mail.backends.{name}.EmailBackend"), "no_mail_provider")
        for name in ("console", "locmem", "dummy", "filebased", "smtp")
    },
    **{
        f"{name}, whose reports nobody reads": (anymail(name), "no_mail_provider")
        for name in ("amazon_ses", "mailtrap", "mandrill", "scaleway", "unisender_go", "sendinblue")
    },
    "a class of one's own": (through("ours.mail.EmailBackend"), "no_mail_provider"),
    "postmark's token for tests": (
        anymail("postmark", ANYMAIL_POSTMARK_SERVER_TOKEN="POSTMARK_API_TEST"),
        "no_mail_provider",
    ),
    "sendgrid's sandbox": (
        anymail(
            "sendgrid", ANYMAIL_SEND_DEFAULTS='{"esp_extra": {"mail_settings": {"sandbox_mode": {"enable": true}}}}'
        ),
        "no_mail_provider",
    ),
    "mailgun's API at another host": (
        anymail("mailgun", ANYMAIL_MAILGUN_API_URL="https://api.mailgun.net.example.org/v3"),
        "no_mail_provider",
    ),
    "sendgrid's API in the clear": (
        anymail("sendgrid", ANYMAIL_SENDGRID_API_URL="http://api.sendgrid.com/v3/"),
        "no_mail_provider",
    ),
    "an address that is none": (anymail("sendgrid", ANYMAIL_SENDGRID_API_URL="https://["), "no_mail_provider"),
    "postal on this machine": (
        anymail("postal", ANYMAIL_POSTAL_API_URL="https://127.0.0.1/"),
        "no_mail_provider",
    ),
    "a provider without its webhook": (
        {**LIVE, "ARREARS_MAIL_BACKEND": "anymail.backends.postmark.EmailBackend"},
        "no_mail_returns",
    ),
    "a server whose returns nobody reads": (SERVER, "no_mail_returns"),
    "a server that catches mail": (
        {**LIVE, "ARREARS_MAIL_URL": "smtp://u:p@sandbox.smtp.mailtrap.io:2525", "ARREARS_MAIL_RETURNS_UNSEEN": "1"},
        "no_mail_server",
    ),
}
TAKEN = {
    **{name: anymail(name) for name in (one.name for one in PROVIDERS.values())},
    "mailgun in Europe": anymail("mailgun", ANYMAIL_MAILGUN_API_URL="https://api.eu.mailgun.net/v3"),
    "postal of one's own": anymail("postal", ANYMAIL_POSTAL_API_URL="https://postal.example.org"),
    "postmark": anymail("postmark", ANYMAIL_POSTMARK_SERVER_TOKEN="0a1b"),
    "a server and a mailbox for returns": {**SERVER, "ARREARS_MAIL_BOUNCE_TO": "bounces@example.org"},
    "a server, and the operator knows": {**SERVER, "ARREARS_MAIL_RETURNS_UNSEEN": "1"},
}


@pytest.mark.parametrize("which", REFUSED)
def test_live_mail_that_does_not_leave_or_whose_returns_nobody_learns_of_does_not_start(which: str) -> None:
    given, code = REFUSED[which]
    with pytest.raises(Refused) as refused:
        refuse_stand_ins(read(given))
    assert refused.value.code == code
    assert "\n" not in refused.value.message
    refuse_stand_ins(read({**given, "ARREARS_MODE": "test"}))


@pytest.mark.parametrize("which", TAKEN)
def test_live_mail_that_leaves_and_whose_returns_are_learnt_of_starts(which: str) -> None:
    refuse_stand_ins(read(TAKEN[which]))


def test_each_provider_of_live_mode_has_its_webhook_and_its_class(site: str) -> None:
    from django.utils.module_loading import import_string

    from arrears.web.webhooks.messages import VIEWS

    assert {one.name for one in PROVIDERS.values()} == set(VIEWS)
    for path in PROVIDERS:
        assert import_string(path).esp_name.upper() == path.split(".")[2].upper()
