"""Settings of an installation: one frozen value, read from the environment once, each wrong one refused in one line.

`Settings` is the table: a field is a setting, its variable is `ARREARS_` and the field's name in capitals, and what
stands behind it is what README says of it (`arrears settings --markdown`), its parser and its default. What would only
show later, as a dead link in a thousand mails or behind a proxy, is looked at before anything begins. Nothing else in
the program reads the environment; `wiring.settings` holds the value that this process works with.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from arrears.adapters.channels.live_mail import PROVIDERS, refuse_catcher, refuse_pretending_provider
from arrears.core.bank.invoicing import Invoicing
from arrears.core.delivery.targets import AllowedTargets
from arrears.core.errors import Refused, quoted
from arrears.core.escalation import DELETIONS_PER_DAY
from arrears.core.money import CURRENCIES
from arrears.core.people.keeping import PEOPLE_DAYS, TEXTS_DAYS
from arrears.engine.message_context import PER_HOUR, PER_RECIPIENT_A_DAY
from arrears.notices.invoice_making import made_with
from arrears.notices.invoice_paper import TypstInvoices
from arrears.ports.privacy import KeptFor
from arrears.setting_values import (
    ROW,
    Secret,
    SettingRow,
    as_address,
    as_base_url,
    as_certificate_key,
    as_database_name,
    as_database_url,
    as_folder,
    as_home,
    as_hosts,
    as_iban,
    as_invoice_url,
    as_log_form,
    as_mail_backend,
    as_mail_url,
    as_mailbox,
    as_mode,
    as_number,
    as_origins,
    as_secret,
    as_secret_key,
    as_secret_keys,
    as_secrets,
    as_switch,
    as_targets,
    as_text,
    as_url,
    as_user_and_password,
    as_words,
    is_loopback,
    own_home,
    setting,
)

PREFIX: Final = "ARREARS_"
PROVIDER_PREFIX: Final = "ANYMAIL_"
"""A mail provider's own settings have the names that anymail gives them, and are handed to it as they are."""

NAME_CHARACTERS_MAX: Final = 100
"""As the display name of a mail's sender, which stands in its head."""
IDENTITY_CHARACTERS_MAX: Final = 500
"""It stands at the foot of every message and page."""


def _bank_accounts(variable: str, given: str) -> tuple[tuple[str, str], ...]:
    """Accounts as a statement names them, each with its currency: `NL91ABNA0417164300:EUR`, commas between."""
    found = []
    for part in filter(None, (one.strip() for one in as_text(variable, given).split(","))):
        account, _, currency = part.replace(" ", "").rpartition(":")
        if not account or currency not in CURRENCIES:
            way = "write each like NL91ABNA0417164300:EUR"
            raise Refused("bad_setting", f"{variable} has {quoted(part)} in it; {way}")
        found.append((account.upper(), currency))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of an installation. Made by `read`, and by `dataclasses.replace` where a part of the program works
    with another one, as the demo and tests do."""

    database_url: Secret = setting(
        "a PostgreSQL server of your own: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; of a cluster every "
        "`HOST:PORT`, with commas between",
        as_database_url,
        Secret(),
        "the embedded one is started, where `arrears[embedded]` is installed",
    )
    database: str = setting("another database of the same server", as_database_name, "", "the one that the URL names")
    home: Path = setting(
        "the folder for what belongs to this machine",
        as_home,
        own_home,
        "`/var/lib/arrears` for root, else `~/.local/share/arrears`",
    )
    mode: Literal["test", "live"] = setting(
        "`test` or `live`; keys and events of the other kind are refused", as_mode, "test", empty_is_default=False
    )
    stripe_key: Secret = setting("Stripe's secret key", as_secret, Secret(), "nothing is charged")
    stripe_webhook_secrets: tuple[Secret, ...] = setting(
        "the secrets of the webhook at `/webhooks/stripe`, with commas between (two while you rotate)",
        as_secrets,
        (),
        "no event is taken",
    )
    stripe_api: str = setting(
        "another address than Stripe's: the sandbox's; never with `live`", as_base_url, "", "Stripe's"
    )
    base_url: str = setting(
        "where payers come back to: the address of the account centre", as_base_url, "http://localhost:8000"
    )
    deletions_per_day: int = setting("how many deletions are ordered by themselves", as_number(0), DELETIONS_PER_DAY)
    mail_url: Secret = setting(
        "the mail server: `smtp://user:password@host:port`, `smtps://` or `smtp+starttls://`",
        as_mail_url,
        Secret(),
        "mail is laid in a folder",
    )
    mail_from: str = setting("the sender; where mail is sent it must be given", as_mailbox, "", "none")
    mail_reply_to: str = setting("who gets answers", as_address, "", "the sender")
    mail_bounce_to: str = setting("where bounces go (docs/notices.md)", as_address, "", "the sender")
    mail_returns_unseen: bool = setting(
        "`1` where nobody hands in what comes back to a mail server: a notice that came back then counts",
        as_switch,
        False,
        "live mode needs `ARREARS_MAIL_BOUNCE_TO`",
    )
    mail_folder: Path | None = setting(
        "where messages are laid when no mail server is set; `/outbox/` shows them, in test mode only",
        as_folder,
        None,
        "`mail` in the home",
    )
    mail_backend: str = setting(
        "a mail provider instead of a server: one of anymail's backends; its keys are `ANYMAIL_...`",
        as_mail_backend,
        "",
        "none",
    )
    mail_webhook_secret: Secret = setting(
        "user:password of the provider's webhook for bounces, at `/webhooks/mail/PROVIDER`",
        as_user_and_password,
        Secret(),
        "there is none",
    )
    mail_per_hour: int = setting("the most messages that leave in an hour", as_number(1), PER_HOUR)
    mail_per_recipient: int = setting(
        "the most of one kind that leave to one address in a day", as_number(1), PER_RECIPIENT_A_DAY
    )
    texts: Path | None = setting("a folder with your own texts of messages (docs/notices.md)", as_folder, None, "ours")
    operator: str = setting("your name, as messages and pages say it", as_words(NAME_CHARACTERS_MAX), "arrears")
    legal_identity: str = setting(
        "who you are by law, at the foot of every message and page: name, address, register number",
        as_words(IDENTITY_CHARACTERS_MAX),
        "",
        "none",
    )
    iban: str = setting("where bank transfers go, as messages say it", as_iban, "", "they go where the invoice says")
    invoicing: Path | None = setting(
        "a TOML file with who you are on invoices, and your bank accounts (docs/invoices.md)",
        as_folder,
        None,
        "nobody transfers by our documents",
    )
    invoice_url: str = setting(
        "where your own document of an invoice is, with `{number}` in it",
        as_invoice_url,
        "",
        "the documents are ours",
    )
    attach_invoices: bool = setting(
        "`1`: the document of each invoice goes along with the mail that asks to transfer it",
        as_switch,
        False,
        "linked",
    )
    support_url: str = setting(
        "where a customer finds help",
        as_url,
        "",
        "the page `/help`, whose requests `arrears support` lists",
    )
    support_email: str = setting("the address where a customer finds help", as_address, "", "none")
    brand: Path | None = setting("a TOML file with your name, logo and colours for the pages", as_folder, None, "ours")
    staff_sign_in: Path | None = setting("a TOML file with your OpenID provider for staff", as_folder, None, "none")
    portal_origins: frozenset[str] = setting(
        "the origins of your portals that may show the banner, with commas between (docs/portal-banner.md)",
        as_origins,
        frozenset(),
        "none",
    )
    delivery_targets: AllowedTargets = setting(
        "where events and orders may go, with commas between: hosts (`hooks.example.org`, `*.example.org`, `*` for any"
        " with a public address), and networks of your own (`10.1.0.0/16`)",
        as_targets,
        AllowedTargets(),
        "nowhere",
    )
    hosts: tuple[str, ...] = setting(
        "the names that pages answer to, with commas between",
        as_hosts,
        ("localhost", "127.0.0.1", "[::1]"),
        "this machine's own",
        empty_is_default=False,
    )
    https: bool = setting(
        "`1` behind a proxy that speaks HTTPS and sets `X-Forwarded-Proto`", as_switch, False, "plain HTTP"
    )
    secret_key: Secret = setting(
        "the key that signs and encrypts, the same on every host: 32 random characters or more",
        as_secret_key,
        Secret(),
        "this machine's own, made once and kept in the home",
    )
    secret_key_fallbacks: tuple[Secret, ...] = setting(
        "earlier keys, with commas between: they prove what they signed, and sign nothing", as_secret_keys, (), "none"
    )
    certificate_key: Secret = setting(
        "the private key that signs certificates, the same on every host: 64 hexadecimal digits",
        as_certificate_key,
        Secret(),
        "this machine's own, made once and kept in the home",
    )
    proxies: int = setting(
        "how many servers of your own stand in front and add to `X-Forwarded-For`; with `ARREARS_HTTPS` one at least",
        as_number(0),
        0,
    )
    log: Literal["text", "json"] = setting(
        "how `serve`, `worker` and `run` say what they do, a line an event on standard error: `text` or `json`",
        as_log_form,
        "text",
        "`text`; of `run` only what is wrong",
    )
    metrics_token: Secret = setting(
        "who sends this as a bearer token gets `/metrics`, for Prometheus (docs/operate.md)",
        as_secret_key,
        Secret(),
        "there is no such page",
    )
    bank_accounts: tuple[tuple[str, str], ...] = setting(
        "your bank accounts whose statements `arrears statement` takes, each with its currency",
        _bank_accounts,
        (),
        "`ARREARS_IBAN` alone, in EUR",
    )
    statements_folder: Path | None = setting(
        "a folder into which your bank's files are laid; the worker takes each (docs/statements.md)",
        as_folder,
        None,
        "files are given to `arrears statement`",
    )
    bank_feed_days: int = setting(
        "how many days old the newest statement may be before invoice mode stops nobody; 0: there is no bank feed",
        as_number(0),
        0,
    )
    keep_texts_days: int = setting(
        "how many days the texts of messages and conversations are kept; then their digest", as_number(365), TEXTS_DAYS
    )
    keep_people_days: int = setting(
        "how many days people are kept who have no account that is served or owes", as_number(30), PEOPLE_DAYS
    )
    failpoint: str = setting("the failpoint at which this process dies", as_text, "", "none", for_tests=True)
    test_all: str = setting("the long tests too, as `make test-all`", as_text, "", "a sample", for_tests=True)
    pictures: str = setting("the folder where tests lay pictures of pages", as_text, "", "none", for_tests=True)

    anymail: tuple[tuple[str, Secret], ...] = ()
    """A mail provider's own settings, without `ANYMAIL_`."""

    given: frozenset[str] = frozenset()
    """The fields that the environment gave; the others have their defaults."""

    @property
    def statement_accounts(self) -> frozenset[tuple[str, str]]:
        """The bank accounts whose statements are taken, each with its currency."""
        alone = self.iban.replace(" ", "")
        return frozenset((*self.bank_accounts, *([(alone, "EUR")] if alone else [])))

    @property
    def kept_for(self) -> KeptFor:
        """How long is kept what may be removed."""
        return KeptFor(timedelta(days=self.keep_texts_days), timedelta(days=self.keep_people_days))


TABLE: Final[Mapping[str, SettingRow]] = {
    one.name: one.metadata[ROW] for one in fields(Settings) if ROW in one.metadata
}
"""Every setting by the name of its field, in the order in which README has them."""


def variable(name: str) -> str:
    """The variable of the environment that gives a field of `Settings`."""
    return PREFIX + name.upper()


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that this environment gives. Refuses the first that is wrong, and a variable that begins like ours
    and is none: behind a name with a typo in it, a limit would silently stay what it is by default."""
    _refuse_unknown(environ)
    found: dict[str, Any] = {}
    given: set[str] = set()
    for name, row in TABLE.items():
        text = environ.get(variable(name))
        if text is None or (row.empty_is_default and not text.strip()):
            found[name] = row.default(environ) if callable(row.default) else row.default
        else:
            found[name] = row.parse(variable(name), text)
            given.add(name)
    anymail = tuple(
        (name.removeprefix(PROVIDER_PREFIX), Secret(text))
        for name, text in sorted(environ.items())
        if name.startswith(PROVIDER_PREFIX)
    )
    return Settings(**found, anymail=anymail, given=frozenset(given))


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = [name.upper() for name in TABLE]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in known:
            near = get_close_matches(name.removeprefix(PREFIX), known, n=1)
            meant = f"did you mean {PREFIX}{near[0]}?" if near else "`arrears settings --markdown` lists what there is"
            raise Refused("bad_setting", f"{name[:80]} is no setting; {meant}")


def invoice_documents(ours: Settings) -> tuple[Invoicing, TypstInvoices]:
    """Who asks on invoices and to which bank accounts, and what makes their documents. Refuses `bad_invoicing`."""
    return made_with(ours.invoicing, ours.iban, ours.operator, ours.legal_identity)


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
