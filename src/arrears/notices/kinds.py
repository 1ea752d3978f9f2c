"""What the texts of each kind of message may use, and an example of it: for the preview, for the tests, and for the
check when texts are loaded.

Names of variables are pieces of text except: can_pay, has_actions, has_restrict, has_disable and again are true or
false, sums_count, services_sums_count, paid_count, debts_count and those of services and stays are numbers, action is
"restrict", "disable" or "delete", the gravest of the first day that the message is about, debts_are is "unpaid",
"part_paid", "returned" or "mixed", and change is one of SIGN_IN_CHANGES. deadline is the same day as on, with the
account's zone for a reader elsewhere; paid_in_time says by when paying saves all that is listed; services_sums is what
is owed for `services` alone. What a message does not have is an empty text, 0 or false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.messages.content import (
    SIGN_IN_CHANGES,
    Collection,
    DatedAction,
    DebtLine,
    Operator,
    Reader,
    Role,
    Sum,
)
from arrears.core.messages.kinds import KINDS, Announces, KindSpec, MessageKind

Fields = Mapping[str, object]
"""Fields of a Content by name."""


class NoticeKind(NamedTuple):
    """The variables that the texts of one kind may use; when the example is sent, and what it says beyond what all
    examples have in common; and the other ways in which this kind can be told, as changes to the example."""

    variables: frozenset[str]
    sent_at: datetime
    example: Fields
    variants: Sequence[Fields] = ()


_COMMON: Final = frozenset({"account", "reader", "operator", "can_pay", "administrator", "sent_on", "services"}) | {
    "services_count", "support_email", "support_url",
}  # fmt: skip
_DEBTS: Final = frozenset({"sums", "sums_count", "debts_count", "debts_are", "invoices", "due_on"})
_ACTIONS: Final = frozenset(
    {"has_actions", "on", "deadline", "action", "paid_in_time", "has_restrict", "has_disable", "means_restrict"}
    | {"means_disable"}
)
_OWN: Final = frozenset({"services_sums", "services_sums_count"})
_LATER: Final = (DatedAction("backup", Action.DISABLE, date(2026, 2, 14)),)
_OFF: Final = frozenset({"stays", "stays_count", "ends", "collects"})
_ENDED: Final = frozenset({"effective_on"}) | (_OFF - {"collects"})

OPERATOR: Final = Operator(
    "Voorbeeld Hosting",
    "https://help.example.org/billing",
    "billing@example.org",
    identity="Voorbeeld Hosting B.V., Keizersgracht 1, 1015 CC Amsterdam, KvK 12345678",
)
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
LINK: Final = f"{_SITE}/settle/acc_12"
PAY_LINK: Final = f"{_SITE}/pay/{_TOKEN}"
_CARD: Final = "Visa •••• 4242"

_INVITED: Final = Reader("Sam Okafor", Role.READER, "America/New_York")
_NAMELESS: Final = Reader("", Role.ADMINISTRATOR, "Europe/Amsterdam")

_RESTRICTION: Final = (DatedAction("cloud", Action.RESTRICT, date(2026, 1, 31)),)
_LITTLE: Final[Fields] = {
    "actions": (), "card": "", "debts": (replace(_CLOUD, services=()),), "sums": (Sum("EUR", 9_680),),
}  # fmt: skip
_NOTHING_OWED: Final[Fields] = {"debts": (), "sums": (), "services": ()}
_ALL_PAID: Final[Fields] = {**_NOTHING_OWED, "actions": (), "collects": (), "link": LINK, "link_is_pay": False}
_NO_NAMES: Final[Fields] = {"old_address": "", "new_address": "", "administrator": "", "effective_on": None}
_REQUESTS: Final[Sequence[Fields]] = (
    {"request": "", "no_deletion_until": None, "no_stop_until": None},
    {"account_name": "", "administrator": "", "no_stop_until": None},
)

_TOGETHER: Final[Fields] = {**_EUROS, "debts": (_CLOUD, replace(_MAIL, due_on=_CLOUD.due_on))}

_ANNOUNCED: Final[Mapping[Announces, NoticeKind]] = closed(
    "what can be announced",
    Announces,
    {
        Announces.DEBT: NoticeKind(
            _COMMON | _DEBTS | {"card", "days_left"},
            datetime(2025, 12, 29, 8, tzinfo=UTC),
            {"debts": (_CLOUD,), "sums": (Sum("EUR", 9_680),), "card": _CARD, "days_left": 3},
            [{"card": "", **_TOGETHER}, {"card": "", "no_method": True}, {"card": "", "by_transfer": True}],
        ),
        Announces.SUBSCRIPTION: NoticeKind(
            _COMMON | _DEBTS | _OWN | _ACTIONS | {"days_left"},
            datetime(2026, 4, 28, 7, tzinfo=UTC),
            {**_EUROS, "actions": _DELETIONS, "services": ("cloud",), "days_left": 3},
            [{"actions": _DELETIONS[:1], "days_left": 1}, {"debts": (), "sums": ()}],
        ),
        Announces.METHOD: NoticeKind(
            _COMMON | {"card", "expires_on", "days_left"},
            datetime(2026, 1, 28, 8, tzinfo=UTC),
            {"card": _CARD, "expires_on": date(2026, 1, 31), "days_left": 3, "services": ("cloud", "mail")},
        ),
        Announces.HOLD: NoticeKind(
            _COMMON | _DEBTS | {"expires_on", "days_left"},
            datetime(2026, 1, 28, 8, tzinfo=UTC),
            {"debts": (_CLOUD,), "sums": (Sum("EUR", 9_680),), "expires_on": date(2026, 1, 30), "days_left": 2},
            [{**_TOGETHER, "days_left": 1}],
        ),
    },
)
"""What the texts of every kind that announces one of these may use; `card` is empty where an invoice is not collected
by itself, and the debts are where nothing that is paid keeps what is planned from happening."""


def _announced(spec: KindSpec) -> NoticeKind:
    assert spec.announces is not None
    known = _ANNOUNCED[spec.announces]
    if not spec.asks_for_money:
        return known
    return known._replace(variants=[one for one in known.variants if one.get("debts", True)])


NOTICE_KINDS: Final[Mapping[MessageKind, NoticeKind]] = closed(
    "kinds of notice",
    MessageKind,
    {
        MessageKind.REMINDER: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS,
            datetime(2026, 1, 16, 8, tzinfo=UTC),
            {**_BOTH, "actions": _STOPS},
            [_LITTLE, {"actions": _DELETIONS}],
        ),
        MessageKind.DECLINED: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS | {"card", "guidance"},
            datetime(2026, 1, 16, 8, tzinfo=UTC),
            {**_EUROS, "actions": _STOPS, "decline": "generic", "card": _CARD},
            [_LITTLE, {"actions": _DELETIONS}],
        ),
        MessageKind.CONFIRM: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS | {"card"},
            datetime(2026, 1, 16, 8, tzinfo=UTC),
            {**_EUROS, "actions": _STOPS, "card": _CARD},
            [_LITTLE, {"actions": _DELETIONS}],
        ),
        MessageKind.AUTHORISATION_DECLINED: NoticeKind(
            _COMMON | {"paid", "paid_count", "card", "guidance"},
            datetime(2026, 1, 16, 8, tzinfo=UTC),
            {"paid": (Sum("EUR", 25_000),), "decline": "insufficient_funds", "card": _CARD, "services": ("cloud",)},
        ),
        MessageKind.STOP_WARNING: NoticeKind(
            _COMMON | _DEBTS | _OWN | _ACTIONS,
            datetime(2026, 1, 23, 8, tzinfo=UTC),
            {**_EUROS, "actions": _STOPS},
            [{"actions": _RESTRICTION}],
        ),
        MessageKind.DELETION_WARNING: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS, datetime(2026, 4, 24, 7, tzinfo=UTC), {**_EUROS, "actions": _DELETIONS}
        ),
        MessageKind.RETENTION_ENDS: NoticeKind(
            _COMMON | _ACTIONS,
            datetime(2026, 4, 24, 7, tzinfo=UTC),
            {"actions": (DatedAction("cloud", Action.DELETE, date(2026, 5, 1)),)},
        ),
        MessageKind.STOPPED: NoticeKind(
            _COMMON | _DEBTS | _OWN | _ACTIONS,
            datetime(2026, 2, 1, 8, tzinfo=UTC),
            {**_EUROS, "actions": _STOPPED, "later": _STOPS[1:]},
            [{"actions": _RESTRICTION, "later": ()}],
        ),
        MessageKind.DELETED: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS,
            datetime(2026, 5, 4, 7, tzinfo=UTC),
            {**_EUROS, "actions": (DatedAction("cloud", Action.DELETE, date(2026, 5, 3)),)},
            [_NOTHING_OWED],
        ),
        MessageKind.SETTLED: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS | _OFF | {"paid", "paid_count"},
            datetime(2026, 2, 3, 13, 20, tzinfo=UTC),
            {
                "paid": (Sum("EUR", 12_000),),
                "services": ("cloud",),
                "debts": (_DOLLARS,),
                "sums": (Sum("USD", 123_450),),
                "actions": _LATER,
                "collects": (Collection(date(2026, 2, 4), 123_450, "USD", _CARD),),
            },
            [
                _ALL_PAID,
                {**_ALL_PAID, "stays": ("cloud", "mail"), "ends": _DELETIONS},
                {**_ALL_PAID, "stays": ("cloud",)},
                {"actions": (), "stays": ("mail",), "ends": _DELETIONS[1:]},
            ],
        ),
        MessageKind.RESUMED: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS | {"collects", "effective_on"},
            datetime(2026, 2, 3, 13, 21, tzinfo=UTC),
            {"services": ("cloud", "mail"), "effective_on": date(2026, 2, 3)},
            [
                {**_EUROS, "services": ("cloud",), "actions": _LATER, "link": PAY_LINK, "link_is_pay": True},
                {**_EUROS, "services": ("cloud",)},
            ],
        ),
        MessageKind.CANCELED: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS | _ENDED,
            datetime(2026, 2, 1, 13, 20, tzinfo=UTC),
            {
                **_EUROS,
                "services": ("cloud",),
                "actions": _LATER,
                "ends": _DELETIONS[:1],
                "effective_on": date(2026, 2, 1),
            },
            [{**_ALL_PAID, "services": ("cloud",)}, {"ends": (), "actions": ()}],
        ),
        MessageKind.REACTIVATED: NoticeKind(
            _COMMON | _DEBTS | _ACTIONS | _ENDED,
            datetime(2026, 2, 3, 13, 20, tzinfo=UTC),
            {**_EUROS, "services": ("cloud",), "ends": _DELETIONS[:1], "effective_on": date(2026, 2, 3)},
            [{**_ALL_PAID, "services": ("cloud",), "stays": ("cloud",)}, {"stays": ("cloud",)}, {"ends": ()}],
        ),
        MessageKind.CARD_EXPIRES: NoticeKind(
            _COMMON | {"card", "expires_on", "days_left"},
            datetime(2026, 1, 24, 8, tzinfo=UTC),
            {"card": _CARD, "expires_on": date(2026, 1, 31), "days_left": 7, "services": ("cloud", "mail")},
            [{"days_left": days} for days in (0, 1)],
        ),
        MessageKind.CONFIRM_ADDRESS: NoticeKind(
            _COMMON | {"new_address", "again"},
            datetime(2026, 1, 5, 10, tzinfo=UTC),
            {"new_address": "a.devries@example.org"},
            [_NO_NAMES, {"again": True}, {"again": True, **_NO_NAMES}],
        ),
        MessageKind.ADDRESS_CHANGED: NoticeKind(
            _COMMON | {"old_address", "new_address", "effective_on"},
            datetime(2026, 1, 5, 10, 30, tzinfo=UTC),
            {"effective_on": date(2026, 1, 5), "old_address": "anna@example.org", "new_address": "a•••••@example.org"},
            [_NO_NAMES],
        ),
        MessageKind.ADMINISTRATOR_CHANGED: NoticeKind(
            _COMMON | {"effective_on"},
            datetime(2026, 1, 5, 10, tzinfo=UTC),
            {"administrator": "Joris Bakker", "effective_on": date(2026, 1, 12)},
            [_NO_NAMES],
        ),
        MessageKind.INVITATION: NoticeKind(
            _COMMON | {"expires_on", "inviter"},
            datetime(2026, 1, 5, 10, tzinfo=UTC),
            {"link": f"{_SITE}/invitation/{_TOKEN}", "expires_on": date(2026, 1, 12)},
            [{"reader": _NAMELESS, "administrator": ""}, {"reader": _INVITED, "inviter": "Anna de Vries"}],
        ),
        MessageKind.PASSWORD_RESET: NoticeKind(
            _COMMON, datetime(2026, 1, 5, 10, tzinfo=UTC), {"link": f"{_SITE}/new-password/{_TOKEN}"}
        ),
        MessageKind.SIGN_IN_CHANGED: NoticeKind(
            _COMMON | {"change", "effective_on"},
            datetime(2026, 1, 5, 10, tzinfo=UTC),
            {"effective_on": date(2026, 1, 5), "link": f"{_SITE}/security", "change": "app_added"},
            [{"change": change} for change in SIGN_IN_CHANGES],
        ),
        MessageKind.PAID_AFTER_DELETION: NoticeKind(
            _COMMON | _DEBTS | {"paid", "paid_count"},
            datetime(2026, 5, 6, 9, tzinfo=UTC),
            {"paid": (Sum("EUR", 12_000),), "services": ("cloud",)},
            [_NOTHING_OWED],
        ),
        MessageKind.CREDIT_OFFERED: NoticeKind(
            _COMMON | {"paid", "paid_count"}, datetime(2026, 2, 5, 9, tzinfo=UTC), {"paid": (Sum("EUR", 5_000),)}
        ),
        MessageKind.TEST: NoticeKind(_COMMON, datetime(2026, 1, 5, 10, tzinfo=UTC), {}),
        MessageKind.SUPPORT_CONFIRM: NoticeKind(
            _COMMON, datetime(2026, 4, 28, 10, tzinfo=UTC), {"account_name": "", "administrator": ""}
        ),
        MessageKind.SUPPORT_RECEIVED: NoticeKind(
            _COMMON | {"request", "no_deletion_until", "no_stop_until"},
            datetime(2026, 4, 28, 10, tzinfo=UTC),
            {"request": "1204", "no_deletion_until": date(2026, 5, 12), "no_stop_until": date(2026, 5, 3)},
            _REQUESTS,
        ),
        MessageKind.SUPPORT_ANSWERED: NoticeKind(
            _COMMON | {"request"}, datetime(2026, 4, 29, 14, 5, tzinfo=UTC), {"request": "1204"}, _REQUESTS
        ),
        MessageKind.RESUME_LATE: NoticeKind(
            _COMMON, datetime(2026, 2, 4, 13, 20, tzinfo=UTC), {"services": ("cloud",)}
        ),
    },
    {kind: _announced(spec) for kind, spec in KINDS.items() if spec.announces is not None},
)
"""What the texts of every kind may use, and its example."""
