"""One honest example of every kind, for the preview, for the tests, and for the check when texts are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final

from msgspec.structs import replace

from arrears.core.account import Action
from arrears.core.messages.content import (
    ADMINISTRATOR_ACTS,
    PAYABLE,
    SIGN_IN_CHANGES,
    Content,
    DatedAction,
    DebtLine,
    MessageKind,
    Operator,
    Reader,
    Role,
    Sum,
)

_OPERATOR: Final = Operator("Voorbeeld Hosting", "https://help.example.org/billing", "billing@example.org")
_CLOUD: Final = DebtLine("2026-00412", date(2026, 1, 1), 9_680, "EUR", ("cloud",))
_MAIL: Final = DebtLine("2026-00437", date(2026, 1, 8), 2_320, "EUR", ("mail",))
_DOLLARS: Final = DebtLine("2026-00451", date(2026, 1, 15), 123_450, "USD", ("cloud", "backup"))
_EUROS: Final = {"debts": (_CLOUD, _MAIL), "sums": (Sum("EUR", 12_000),)}
_BOTH: Final = {"debts": (_CLOUD, _MAIL, _DOLLARS), "sums": (Sum("EUR", 12_000), Sum("USD", 123_450))}
_STOPS: Final = (
    DatedAction("cloud", Action.DISABLE, date(2026, 1, 31), others=("cloud-test",)),
    DatedAction("mail", Action.DISABLE, date(2026, 2, 7)),
)
_STOPPED: Final = (
    DatedAction("cloud", Action.DISABLE, date(2026, 1, 31), others=("cloud-test",), kept_until=date(2026, 5, 1)),
)
_DELETIONS: Final = (
    DatedAction("cloud", Action.DELETE, date(2026, 5, 1), others=("cloud-test",)),
    DatedAction("mail", Action.DELETE, date(2026, 5, 8)),
)
_SITE: Final = "https://pay.example.org"
_TOKEN: Final = "7Xk2mQ9vT4bLr8sWc1Zd"
_LINK: Final = f"{_SITE}/settle/acc_12"
_PAY_LINK: Final = f"{_SITE}/pay/{_TOKEN}"
_CARD: Final = "Visa •••• 4242"

# Kind -> when it is sent, and what it says beyond what all have in common.
_SAMPLES: Final[dict[MessageKind, tuple[datetime, dict[str, object]]]] = {
    MessageKind.REMINDER: (datetime(2026, 1, 16, 8, tzinfo=UTC), {**_BOTH, "actions": _STOPS}),
    MessageKind.DECLINED: (
        datetime(2026, 1, 16, 8, tzinfo=UTC),
        {**_EUROS, "actions": _STOPS, "decline": "generic", "card": _CARD},
    ),
    MessageKind.CONFIRM: (datetime(2026, 1, 16, 8, tzinfo=UTC), {**_EUROS, "actions": _STOPS, "card": _CARD}),
    MessageKind.AUTHORISATION_DECLINED: (
        datetime(2026, 1, 16, 8, tzinfo=UTC),
        {"paid": (Sum("EUR", 25_000),), "decline": "insufficient_funds", "card": _CARD, "services": ("cloud",)},
    ),
    MessageKind.STOP_WARNING: (datetime(2026, 1, 23, 8, tzinfo=UTC), {**_EUROS, "actions": _STOPS}),
    MessageKind.DELETION_WARNING: (
        datetime(2026, 4, 24, 7, tzinfo=UTC),
        {**_EUROS, "actions": _DELETIONS},
    ),
    MessageKind.RETENTION_ENDS: (
        datetime(2026, 4, 24, 7, tzinfo=UTC),
        {"actions": (DatedAction("cloud", Action.DELETE, date(2026, 5, 1)),)},
    ),
    MessageKind.STOPPED: (datetime(2026, 2, 1, 8, tzinfo=UTC), {**_EUROS, "actions": _STOPPED}),
    MessageKind.DELETED: (
        datetime(2026, 5, 4, 7, tzinfo=UTC),
        {**_EUROS, "actions": (DatedAction("cloud", Action.DELETE, date(2026, 5, 3)),)},
    ),
    MessageKind.SETTLED: (
        datetime(2026, 2, 3, 13, 20, tzinfo=UTC),
        {"paid": (Sum("EUR", 12_000),), "services": ("cloud",), "debts": (_DOLLARS,), "sums": (Sum("USD", 123_450),)},
    ),
    MessageKind.RESUMED: (datetime(2026, 2, 3, 13, 21, tzinfo=UTC), {"services": ("cloud", "mail")}),
    MessageKind.CARD_EXPIRES: (
        datetime(2026, 1, 24, 8, tzinfo=UTC),
        {"card": _CARD, "expires_on": date(2026, 1, 31), "days_left": 7, "services": ("cloud", "mail")},
    ),
    MessageKind.CONFIRM_ADDRESS: (datetime(2026, 1, 5, 10, tzinfo=UTC), {"new_address": "a.devries@example.org"}),
    MessageKind.ADDRESS_CHANGED: (
        datetime(2026, 1, 5, 10, 30, tzinfo=UTC),
        {"old_address": "anna@example.org", "new_address": "a•••••@example.org"},
    ),
    MessageKind.ADMINISTRATOR_CHANGED: (
        datetime(2026, 1, 5, 10, tzinfo=UTC),
        {"administrator": "Joris Bakker", "effective_on": date(2026, 1, 12)},
    ),
    MessageKind.INVITATION: (
        datetime(2026, 1, 5, 10, tzinfo=UTC),
        {"link": f"{_SITE}/invitation/{_TOKEN}", "expires_on": date(2026, 1, 12)},
    ),
    MessageKind.PASSWORD_RESET: (datetime(2026, 1, 5, 10, tzinfo=UTC), {"link": f"{_SITE}/new-password/{_TOKEN}"}),
    MessageKind.SIGN_IN_CHANGED: (
        datetime(2026, 1, 5, 10, tzinfo=UTC),
        {"link": f"{_SITE}/security", "change": "app_added"},
    ),
    MessageKind.PAID_AFTER_DELETION: (
        datetime(2026, 5, 6, 9, tzinfo=UTC),
        {"paid": (Sum("EUR", 12_000),), "services": ("cloud",)},
    ),
    MessageKind.CREDIT_OFFERED: (datetime(2026, 2, 5, 9, tzinfo=UTC), {"paid": (Sum("EUR", 5_000),)}),
    MessageKind.TEST: (datetime(2026, 1, 5, 10, tzinfo=UTC), {}),
    MessageKind.SUPPORT_CONFIRM: (datetime(2026, 4, 28, 10, tzinfo=UTC), {"account_name": "", "administrator": ""}),
    MessageKind.SUPPORT_RECEIVED: (
        datetime(2026, 4, 28, 10, tzinfo=UTC),
        {"request": "1204", "no_deletion_until": date(2026, 5, 12), "no_stop_until": date(2026, 5, 3)},
    ),
    MessageKind.SUPPORT_ANSWERED: (datetime(2026, 4, 29, 14, 5, tzinfo=UTC), {"request": "1204"}),
    MessageKind.RESUME_LATE: (datetime(2026, 2, 4, 13, 20, tzinfo=UTC), {"services": ("cloud",)}),
}


def sample(kind: MessageKind, locale: str) -> Content:
    """The example of a kind for the administrator, who may pay."""
    sent_at, more = _SAMPLES[kind]
    shared = {
        "account_name": "De Vries Fotografie",
        "reader": Reader("Anna de Vries", Role.ADMINISTRATOR, "Europe/Amsterdam"),
        "zone": "Europe/Amsterdam",
        "operator": _OPERATOR,
        "link": _LINK,
        "administrator": "Anna de Vries",
    }
    content = Content(kind=kind, locale=locale, sent_at=sent_at, **{**shared, **more})  # type: ignore[arg-type]
    return replace(content, link=_PAY_LINK, link_is_pay=True) if kind in PAYABLE else content


def for_reader(content: Content) -> Content:
    """The same message to somebody abroad who may see the bills but not pay."""
    return replace(
        content,
        reader=Reader("Sam Okafor", Role.READER, "America/New_York"),
        link=_LINK,
        link_is_pay=False,
    )


def variants(kind: MessageKind, locale: str) -> Iterator[Content]:
    """The other ways in which a kind is told: to a reader, to a technical contact, restricted, and with little."""
    content = sample(kind, locale)
    yield for_reader(content)
    if kind in ADMINISTRATOR_ACTS:
        technical = Reader("", Role.TECHNICAL, "UTC")
        yield replace(for_reader(content), reader=technical, administrator="")
    if kind in (MessageKind.STOP_WARNING, MessageKind.STOPPED):
        yield replace(content, actions=(DatedAction("cloud", Action.RESTRICT, date(2026, 1, 31)),))
    if kind in (MessageKind.REMINDER, MessageKind.DECLINED, MessageKind.CONFIRM):
        yield replace(content, actions=(), card="", debts=(replace(_CLOUD, services=()),), sums=(Sum("EUR", 9_680),))
        yield replace(content, actions=_DELETIONS)
    if kind in PAYABLE:
        yield replace(content, by_transfer=True, operator=replace(_OPERATOR, iban="NL91ABNA0417164300"))
        yield replace(content, by_transfer=True)
    if kind in (MessageKind.SETTLED, MessageKind.DELETED, MessageKind.PAID_AFTER_DELETION):
        yield replace(content, debts=(), sums=(), services=())
    if kind in (MessageKind.SUPPORT_RECEIVED, MessageKind.SUPPORT_ANSWERED):
        yield replace(content, request="", no_deletion_until=None, no_stop_until=None)
        yield replace(content, account_name="", administrator="", no_stop_until=None)
    if kind is MessageKind.CARD_EXPIRES:
        yield from (replace(content, days_left=days) for days in (0, 1))
    if kind in (MessageKind.CONFIRM_ADDRESS, MessageKind.ADDRESS_CHANGED, MessageKind.ADMINISTRATOR_CHANGED):
        yield replace(content, old_address="", new_address="", administrator="", effective_on=None)
    if kind is MessageKind.INVITATION:
        yield replace(content, reader=replace(content.reader, name=""), administrator="")
    if kind is MessageKind.SIGN_IN_CHANGED:
        yield from (replace(content, change=change) for change in SIGN_IN_CHANGES)


def samples(locale: str) -> Iterator[Content]:
    """Every kind and every variant in one locale."""
    for kind in MessageKind:
        yield sample(kind, locale)
        yield from variants(kind, locale)
