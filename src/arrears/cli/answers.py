"""What each command answers a script with `--json`: a closed table, from which docs/json.md is made.

A shape is a name below, a list of one shape, or the names of an answer's fields with the shape of each; `*` stands for
any key. A `?` after a name, or after a field, says that there can be null. Every command has a row: its answer, or why
it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arrears.cli.answer_values import NAMES, JsonAnswer, NoAnswer, Shape, each
from arrears.cli.answers_bank import BANK
from arrears.cli.answers_billing import BILLING
from arrears.cli.answers_deletion import DELETION
from arrears.cli.answers_policy import DRY_RUN
from arrears.cli.answers_promise import PROMISE
from arrears.cli.answers_services import DRIFT, SERVICE
from arrears.cli.answers_staff import STAFF

__all__ = ["ANSWERS", "NAMES", "JsonAnswer", "NoAnswer", "Shape"]

_ACTS: Final = NoAnswer("it does one thing; the exit code says whether it was done, the code in brackets why not")
_PEOPLE: Final = NoAnswer("it is for people to look at")
_RUNS: Final = NoAnswer("it runs until it is told to end, and says what it does in its log (`ARREARS_LOG=json`)")

_MAIL: Final = {**each("text", "id to subject reply"), **each("code", "kind state"), "at": "at"}
_LINE: Final = {"seq": "count", "on": "day", "day": "count?", "kind": "code"}
_STANDING: Final = {
    "account": "id",
    "case?": {"no": "count", "opened_on": "day"},
    "owed": [
        {
            "invoice": "text",
            "open_minor": "minor",
            "currency": "currency",
            "due_on": "day",
            "past_due_since": "day?",
            "held": "flag",
            "nothing_pays": "flag",
        }
    ],
    "subscriptions": [
        {
            "subscription": "id",
            "service": "text",
            "state": "code",
            "reasons": ["code"],
            "restricted_on": "day?",
            "stops_on": "day?",
            "deleted_on": "day?",
            "nothing_follows?": {"code": "code"},
        }
    ],
    "unreachable?": {"code": "code", "since": "day?", "waiting": [{"action": "code", "subscription": "id"}]},
    "waits_for": [{"code": "code"}],
    "holds": [{"hold": "count", "scope": "code", "until": "day?", "reason": "text"}],
    "next": [{"at": "at?", "kind": "code", "subscription": "id?", "action": "code?", "on": "day?"}],
}
_SUMS: Final = {"*": each("minor", "issued given_up open overdue credit paid")}
_TOKEN: Final = {
    "number": "count",
    "name": "text",
    "scopes": ["text"],
    "account": "id?",
    "state": "code",
    "created_at": "at",
    "made_by": "text?",
    **each("at?", "expires_at revoked_at last_used_at rotated_at before_until"),
}
_ENDPOINT: Final = {
    **(each("count", "number") | each("text", "name url cursor") | each("text?", "why") | each("code", "state")),
    **({"types": ["text"], "deliveries": {"*": "count"}} | each("id?", "account") | each("at?", "failing_since")),
}
_DELIVERY: Final = {
    **(each("text", "id type key") | each("code", "state") | each("count", "tries") | each("count?", "status")),
    **(each("at", "made_at next_at moved_at") | each("text?", "said")),
}
_SUPPORT: Final = {
    "number": "count",
    "account": "id?",
    **each("code", "about via state"),
    "asked_at": "at",
    **each("text", "name address company known_by"),
}
_BY_CURRENCY: Final = {"*": "minor"}
_POLICY: Final = {"name": "text", "*": "value?"}
_CHANGES: Final = {
    "shortened": "count",
    "changes": [{"key": "text", "before": "value?", "after": "value?", "currency": "currency?", "shortens": "flag"}],
}
_ENDED: Final = {
    "subscription": "id",
    "service": "text",
    "done": "code",
    "runs": "flag",
    "reasons": ["code"],
    "data_kept_until": "day?",
    "open": [{"currency": "currency", "amount_minor": "minor"}],
}
_STUCK: Final = {"messages": "count", "domains": "count", "named": ["text"], "reply": "text"}
_DATABASE: Final = {"running": "flag", "url": "text", "data_folder": "text", "version": "text", "pid": "count?"}
_IMPORTED: Final = each(
    "count",
    "accounts invoices payments credits known_accounts known_invoices known_payments known_credits nothing_asked"
    " paid_here_only booked_again paid_in_doubt asked_less_here lines_late given_up_here credits_of_none invoices_gone"
    " payments_gone",
)

ANSWERS: Final[Mapping[str, JsonAnswer | NoAnswer]] = {
    "demo": _RUNS,
    "serve": _RUNS,
    "import": JsonAnswer(
        {
            "dry_run": "flag",
            **_IMPORTED,
            "left_out": {"*": "count"},
            "changed": {"*": "count"},
            "taken_back": _BY_CURRENCY,
            "changes": [
                {
                    "row": "count",
                    **each("text", "account invoice"),
                    "what": "code",
                    **each("value", "before after"),
                    "currency": "currency?",
                }
            ],
            "refused": [{"account": "text", "row": "count", "code": "code", "text": "text"}],
            "before": _SUMS,
            "after": _SUMS,
        }
    ),
    "import --show": JsonAnswer(
        [
            {
                "row": "count",
                "customer": "text",
                "number": "text",
                "services": ["text"],
                "issued_on": "day",
                "due_on": "day?",
                "currency": "currency",
                "asked_minor": "minor",
                "paid_minor": "minor?",
                "standing": "code",
                "disputed": "flag",
            }
        ]
    ),
    **BANK,
    **BILLING,
    "replay": JsonAnswer(
        {
            "book": {"digest": "text", "rows_left_out": {"*": "count"}},
            "policies": [
                {
                    "label": "text",
                    "version": "text",
                    "figures": {"*": "count"},
                    "money": {"*": _BY_CURRENCY},
                    "*": "value",
                }
            ],
        }
    ),
    "run": JsonAnswer(each("count", "accounts facts parked left_out performed")),
    "worker": _RUNS,
    "tasks": JsonAnswer(
        [
            {
                "no": "count",
                "account": "id?",
                "ref": "text",
                "seq": "count",
                "kind": "code",
                "what": "text",
                "since": "at",
                "times": "count",
                "reply": "text",
            }
        ]
    ),
    "tasks close": _ACTS,
    "status": JsonAnswer(
        {
            **each("at?", "last_tick_at copied_at"),
            **each("flag", "clock_suspect feed_stale breaker_open clock_differs"),
            "books_refused": ["text"],
            "limits": {"*": each("minor", "minimum_minor maximum_minor step_minor")},
            "identity": "text",
            **each("count", "accounts due_now waiting open_actions open_tasks open_cases"),
            "complete_run?": {"at": "at", **each("count", "accounts facts left_out")},
            "subscriptions": {"*": "count"},
            "mail": {
                "accepted_at": "at?",
                **dict.fromkeys(("server", "sender", "limit"), _STUCK),
                **each("count", "handed back addresses addresses_back"),
                "open": {"*": "text"},
            },
            "foreign": {"*": "count"},
            "awaiting_release": [
                {"account": "id", "ref": "text", "subscription": "id", "delete_on": "day", "scheduled_at": "at"}
            ],
        }
    ),
    "status ACCOUNT": JsonAnswer(_STANDING),
    "deletions": JsonAnswer([DELETION]),
    "certificate show": NoAnswer("it prints the certificate: JSON always, to be kept as it is"),
    "certificate verify": NoAnswer("it prints JSON always: what the certificate says"),
    "certificate key": NoAnswer("it prints one line: the key"),
    **dict.fromkeys(("deletion release", "deletion hold", "deletion unhold"), _ACTS),
    "explain": JsonAnswer(
        {
            **_STANDING,
            "zone": "text",
            "policy": "text",
            "carried": [
                {
                    "invoice": "text",
                    "open_minor": "minor",
                    "currency": "currency",
                    "code": "code",
                    "least_minor": "minor?",
                }
            ],
            "held_back": [_MAIL],
            "last_change?": _LINE,
            "because": [_LINE],
            "method_not_added": "text",
        }
    ),
    "timeline": JsonAnswer(
        [{"seq": "count", "at": "at", "author": "text", "why": "text", "kind": "code", "mails": [_MAIL], "*": "fact"}]
    ),
    "told": JsonAnswer({"subscription": "id", "action": "code", "named_on": "day", "happens_on": "day"}),
    "invite": JsonAnswer({"account": "id", "invitation": "count", "role": "code"}),
    "person export": NoAnswer("it prints JSON always; docs/operate.md says which"),
    "person erase": _ACTS,
    "person erasures": JsonAnswer(
        [
            {
                **each("count", "number person"),
                "sign_in": "text",
                "mailboxes": ["text"],
                "at": "at",
                "author": "text",
                "why": "text",
            }
        ]
    ),
    "person erase-again": _ACTS,
    "person kept": _PEOPLE,
    **STAFF,
    "staff role": _ACTS,
    "staff end": _ACTS,
    "token create": JsonAnswer({**_TOKEN, "token": "text"}),
    "token list": JsonAnswer([_TOKEN]),
    "token rotate": JsonAnswer({**_TOKEN, "token": "text"}),
    "token revoke": JsonAnswer(_TOKEN),
    "services list": JsonAnswer([SERVICE]),
    **dict.fromkeys(("services add", "services secret"), JsonAnswer({**SERVICE, "secret": "text"})),
    **dict.fromkeys([f"services {one}" for one in ("move", "on", "off", "redrive", "repair")], _ACTS),
    "services orders": JsonAnswer([_DELIVERY]),
    **dict.fromkeys(("services check", "services drift"), JsonAnswer([DRIFT])),
    **dict.fromkeys(("events list", "events types"), NoAnswer("a line for each, for scripts too")),
    **dict.fromkeys(("events endpoints add", "events endpoints rotate"), JsonAnswer({**_ENDPOINT, "secret": "text"})),
    "events endpoints list": JsonAnswer([_ENDPOINT]),
    **dict.fromkeys([f"events endpoints {one}" for one in ("change", "on", "off", "remove", "replay")], _ACTS),
    "events deliveries": JsonAnswer([_DELIVERY]),
    "events redrive": _ACTS,
    "notice check": JsonAnswer({"ok": "flag", "languages": ["text"], "texts": "count"}),
    "notice preview": JsonAnswer({"index": "text", "messages": [{"*": "text"}]}),
    "notice new-language": _ACTS,
    "notice translations": JsonAnswer({"ok": "flag", "missing": {"*": ["text"]}, "wrong": ["text"]}),
    "bounce": JsonAnswer(each("count", "recorded not_news not_proven no_bounce unreadable")),
    "bounce read": JsonAnswer(
        [
            {
                "file": "text",
                "verdict": "code",
                "address": "text",
                "status": "text",
                "reason": "code",
                "final": "flag",
            }
        ]
    ),
    "bounce kept": JsonAnswer([{"message": "text", "how": "code", "*": "text"}]),
    "support list": JsonAnswer([_SUPPORT]),
    "support show": JsonAnswer(
        {
            **_SUPPORT,
            "holds": [{"hold": "count", "stops": ["code"], "until": "day", "open": "flag"}],
            "payment": "text",
            "said": [{"by": "text", "at": "at", "text": "text"}],
        }
    ),
    **dict.fromkeys(("support answer", "support hold", "support assign", "support close"), _ACTS),
    "settle": JsonAnswer([{"currency": "currency", "amount_minor": "minor", "invoices": ["text"]}]),
    "settle --yes": JsonAnswer(
        [
            {
                "no": "count",
                "currency": "currency",
                "amount_minor": "minor",
                "state": "code",
                "decline": "text",
                **each("at", "created_at moved_at"),
                "joined": "flag",
                "*": "value",
            }
        ]
    ),
    **dict.fromkeys(
        ("invoice move-due", "invoice credit", "invoice correct", "invoice void", "invoice write-off"), _ACTS
    ),
    **PROMISE,
    "subscription cancel": JsonAnswer(_ENDED),
    "subscription reactivate": JsonAnswer(_ENDED),
    "account rename-ref": _ACTS,
    "account by-invoice": _ACTS,
    "invoice document": NoAnswer("it writes a PDF"),
    "payment take-back": _ACTS,
    "money check": JsonAnswer(
        [
            {
                "provider": "text",
                "compared": "count",
                "ours": _BY_CURRENCY,
                "theirs": _BY_CURRENCY,
                "differences": [
                    {
                        "code": "code",
                        "payment": "text",
                        "currency": "currency",
                        "ours_minor": "minor?",
                        "theirs_minor": "minor?",
                    }
                ],
                "holds": "flag?",
            }
        ]
    ),
    "money breaker": JsonAnswer({"was_open": "flag", "open": "flag", "waited": "count"}),
    "policy default": NoAnswer("it prints a TOML file"),
    "policy check": JsonAnswer({"ok": "flag", "policy": _POLICY}),
    "policy diff": JsonAnswer({"old": "text", "new": "text", **_CHANGES}),
    "policy dry-run": JsonAnswer(DRY_RUN),
    "policy adopt": JsonAnswer({"name": "text", "version": "text", "before": "text?", "accounts": "count", **_CHANGES}),
    "policy list": JsonAnswer([{"name": "text", "version": "text", "accounts": "count"}]),
    "policy show": JsonAnswer(_POLICY),
    "policy assign": _ACTS,
    "clock": JsonAnswer({"last_tick_at": "at?", "suspect": "flag", "differs_from_provider": "flag"}),
    "clock confirm": _ACTS,
    "identity": JsonAnswer({"identity": "text", "copied_at": "at?"}),
    "identity new": _ACTS,
    "check": JsonAnswer(
        {
            "checked": "count",
            "breaches": [{"invariant": "text", "account": "id?", "what": "text"}],
            "doubts": ["code"],
            "values_in_log": {"*": "text"},
        }
    ),
    "simulate": JsonAnswer(
        {
            **dict.fromkeys(("accounts", "days", "seed", "facts", "transactions", "invoices", "payments"), "count"),
            **dict.fromkeys(
                ("notices", "disabled", "resumed", "deleted", "invariants_checked", "breach_count"), "count"
            ),
            "breaches": [{"invariant": "text", "account": "count", "what": "text"}],
            "wrongful_disablements": ["text"],
            "wrongful_deletions": ["text"],
            "digest": "text",
            "characters": {"*": "count"},
            "faults": {"*": "count"},
            "store": "code",
            "seconds": "seconds",
        }
    ),
    "settings": JsonAnswer([{"variable": "text", "value": "value?", "source": "code", "default": "text"}]),
    "db upgrade": _ACTS,
    "db start": JsonAnswer(_DATABASE),
    "db stop": JsonAnswer(_DATABASE),
    "db status": JsonAnswer(_DATABASE),
}
"""By the words of the command, and what makes the answer another one behind them."""
