"""An order as it arrives, read strictly, and what a service says when it has obeyed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

COMMANDS: Final = ("restrict", "disable", "resume", "delete")
STATE_AFTER: Final = {"restrict": "restricted", "disable": "disabled", "resume": "active", "delete": "deleted"}
BODY_BYTES_MAX: Final = 65_536
TEXT_CHARACTERS_MAX: Final = 1_000
NUMBER_MAX: Final = 2**31 - 1
_ACCOUNT: Final = re.compile(r"acc_[1-9][0-9]{0,17}", re.ASCII)
_SUBSCRIPTION: Final = re.compile(r"sub_([1-9][0-9]{0,17})_[1-9][0-9]{0,5}", re.ASCII)


class BadOrder(ValueError):
    """The body is no order; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One command about one subscription. `sequence` counts the orders of a subscription; `generation` is its time of
    life, which a resume begins anew. `account_name` is the customer's name as arrears has it."""

    id: str
    command: str
    service: str
    account: str
    account_name: str
    subscription: str
    generation: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Done:
    """An order is carried out. Of a deletion: what was `deleted` and, where it is not finished, what is `left`, each
    counted by the service's own names (`{"files": 12}`)."""

    deleted: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)


def read_order(body: bytes) -> Order:
    """The order in a body that is signed; BadOrder for anything else, never another exception."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise BadOrder("the body is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("data"), dict):
        raise BadOrder("the body has no data")
    kind, data = message.get("type"), message["data"]
    command = kind.removeprefix("order.") if isinstance(kind, str) else ""
    if command not in COMMANDS or kind != f"order.{command}":
        raise BadOrder(f"type is none of {', '.join(f'order.{name}' for name in COMMANDS)}")
    order = Order(
        id=_text(data, "order"),
        command=command,
        service=_text(data, "service"),
        account=_text(data, "account"),
        account_name=_text(data, "account_name", empty=command != "delete"),
        subscription=_text(data, "subscription"),
        generation=_number(data, "generation"),
        sequence=_number(data, "sequence"),
    )
    owner = _SUBSCRIPTION.fullmatch(order.subscription)
    if not _ACCOUNT.fullmatch(order.account) or owner is None or order.account != f"acc_{owner[1]}":
        raise BadOrder("account and subscription are not ids like acc_12 and sub_12_3, of one account")
    return order


def _text(data: Mapping[str, Any], name: str, *, empty: bool = False) -> str:
    value = data.get(name, "" if empty else None)
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX or not (value or empty):
        raise BadOrder(f"{name} is no text of 1 to {TEXT_CHARACTERS_MAX} characters")
    return value


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or not 1 <= value <= NUMBER_MAX:
        raise BadOrder(f"{name} is no number from 1")
    return value
