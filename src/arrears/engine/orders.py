"""Orders as they travel: put into the queue of deliveries of their service, and read back out of its answers.

The queue gives them until they are carried out. Here is only what an order looks like (docs/services.md), and what an
answer to it means for the account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from arrears.core.errors import Refused
from arrears.core.facts import EndpointTrouble
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
from arrears.core.policy import Policy
from arrears.core.unit import Unit
from arrears.engine.acknowledging import acknowledge, answered_in_part, open_order, record_overtaken
from arrears.engine.acting import acting_on, decide_until_rest
from arrears.engine.failpoints import reached
from arrears.ports import (
    AccountReader,
    Accounts,
    DeliveryAnswer,
    DeliveryBook,
    DeliveryClaim,
    DeliveryFate,
    InstallationControl,
    Obeyed,
    OnItsWay,
    Order,
    Parcel,
    ParcelIntake,
    Services,
)

KIND: Final = "order."
"""What the type of an order's parcel begins with; its command follows."""
GIVEN_UP_AT_ONCE: Final = frozenset({400, 409, 413, 422})
"""What a service answers to what it will never take (docs/services.md); every other refusal may pass."""
COUNTED_MAX: Final = 50
"""So many kinds of things a service may count."""
_ID: Final = re.compile(r"o([1-9][0-9]{0,17})-([1-9][0-9]{0,8})-([1-9][0-9]{0,8})", re.ASCII)


class OrderIntake(ParcelIntake, InstallationControl, Protocol):
    """Where orders are put, and where it is told that there is no such place."""


class OrderName(NamedTuple):
    """Which order an id names: `o12-3-7` is order 7 of subscription 3 of account 12."""

    account: int
    subscription: int
    number: int


def order_id(account: int, subscription: int, number: int) -> str:
    """The id of an order, the same however often it is given; its `webhook-id`."""
    return f"o{account}-{subscription}-{number}"


def order_named(text: str) -> OrderName:
    """What an order's id says; refuses `bad_order_id`."""
    match = _ID.fullmatch(text)
    if match is None:
        raise Refused("bad_order_id", f"{text[:60]!r} is not the id of an order; one looks like o12-3-7")
    return OrderName(*map(int, match.groups()))


def parcel_of(order: Order, now: datetime) -> Parcel:
    """An order as it is delivered: in the order of its subscription."""
    told: dict[str, Any] = {
        "order": order.id,
        "service": order.service,
        "account": format_id(ACCOUNT, order.account),
        "subscription": format_id(SUBSCRIPTION, order.account, order.subscription),
        "generation": order.generation,
        "sequence": order.number,
    }
    if order.name:
        told["account_name"] = order.name
    kind = KIND + order.command
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": told}, ensure_ascii=False)
    return Parcel(
        order.id, str(told["subscription"]), order.number, kind, body, fenced=True, urgent=order.command == "resume"
    )


class DeliveredServices:
    """See ports.Services: orders are put into the queue of their service's endpoint. A service without one obeys in
    `stand_in`, where that is given; else its orders wait, and staff are told."""

    def __init__(self, intake: OrderIntake, stand_in: Services | None = None) -> None:
        self._intake, self._stand_in = intake, stand_in
        self._told: set[str] = set()

    def order(self, order: Order, now: datetime) -> Obeyed | OnItsWay | None:
        """See ports.Services."""
        try:
            self._intake.put_parcels(order.service, [parcel_of(order, now)], now)
        except Refused as refused:
            if refused.code != "unknown_endpoint":
                raise
            if self._stand_in is not None:
                return self._stand_in.order(order, now)
            self._tell(order.service, now)
            return None
        return OnItsWay.QUEUED

    def _tell(self, service: str, now: datetime) -> None:
        if service not in self._told:
            self._told.add(service)
            why = f"orders for {service} wait: `arrears services add {service} URL` says where it obeys"
            self._intake.record_system(EndpointTrouble(name=service), now, "arrears", why)


class KnownAccounts(Accounts, AccountReader, Protocol):
    """Accounts under their locks, and whether there is one."""


_Fates = dict[str, tuple[DeliveryFate, str]]
"""See DeliveryFates in engine/courier.py."""

_Said = tuple[OrderName, str, Mapping[str, Any]]
"""Which order, its id, and what its service says of it."""


class OrderAnswers:
    """Records what services answer to their orders."""

    def __init__(self, store: KnownAccounts) -> None:
        self._store = store

    def heard(self, answered: Sequence[tuple[DeliveryClaim, DeliveryAnswer]], now: datetime) -> _Fates:
        """See engine/courier.py: what becomes of these parcels, recorded in one transaction for all that are orders."""
        fates: _Fates = {}
        said: list[_Said] = []
        for claim, answer in answered:
            if not claim.kind.startswith(KIND):
                continue
            if not answer.taken:
                if answer.status in GIVEN_UP_AT_ONCE:
                    fates[claim.message] = DeliveryFate.REFUSED, f"refused: {answer.said}"[:200]
                continue
            try:
                said.append((order_named(claim.message), claim.message, _read(answer, claim.message)))
            except Refused as refused:
                fates[claim.message] = DeliveryFate.UNFINISHED, refused.message
        return fates | self._recorded(said, now) if said else fates

    def reported(self, queue: DeliveryBook, service: tuple[int, str], words: object, now: datetime) -> str:
        """Record what a service (its endpoint and name) says of an order without being asked: what became of it. Said
        twice it changes nothing. Refuses `bad_answer`, `bad_order_id`, `unknown_order` and `not_overtaken`."""
        order = str(words.get("order")) if isinstance(words, dict) else ""
        name, said = order_named(order), read_answer(words, order)
        if name.account not in self._store.snapshots([name.account]):
            raise _unknown(order)
        with acting_on(self._store, name.account, now) as unit:
            sub = next((each for each in unit.account.subscriptions if each.no == name.subscription), None)
            if sub is None or sub.service != service[1] or name.number > sub.order_count:
                raise _unknown(order)
            fate, why = record_answer(unit, self._store.policies(), name, said)
        if fate is DeliveryFate.TAKEN:
            queue.end_delivery(service[0], order, now)
        return why

    def _recorded(self, said: Sequence[_Said], now: datetime) -> _Fates:
        """All in one transaction; each in one of its own where one of them is about an account that is not there."""
        try:
            return self._record(said, now)
        except Refused as refused:
            if len(said) == 1:
                return {said[0][1]: (DeliveryFate.UNFINISHED, f"its answer cannot be used: {refused.message}")}
        return {message: fate for one in said for message, fate in self._recorded([one], now).items()}

    def _record(self, said: Sequence[_Said], now: datetime) -> _Fates:
        fates: _Fates = {}
        policies = self._store.policies()
        with self._store.accounts(sorted({name.account for name, _, _ in said}), now) as batch:
            units = {unit.no: unit for unit in batch.units}
            for name, message, words in said:
                try:
                    fates[message] = record_answer(units[name.account], policies, name, words)
                except Refused as refused:
                    fates[message] = DeliveryFate.UNFINISHED, f"its answer cannot be used: {refused.message}"
            for unit in units.values():
                try:
                    if unit.stored:
                        decide_until_rest(unit, policies, batch.guards, only_consequences=True)
                except Exception as error:
                    # The next run parks it, with a task; the others' answers are recorded.
                    unit.undo()
                    why = f"it cannot be decided upon: {type(error).__name__}"
                    fates |= {m: (DeliveryFate.UNFINISHED, why) for name, m, _ in said if name.account == unit.no}
            reached("results.before_commit")
        reached("results.after_commit")
        return fates


def _unknown(order: str) -> Refused:
    return Refused("unknown_order", f"{order} is no order that was given to this service")


def record_answer(
    unit: Unit, policies: Mapping[str, Policy], name: OrderName, words: Mapping[str, Any]
) -> tuple[DeliveryFate, str]:
    """Record what a service says of an order, and what becomes of the order's parcel, with why in a few words. What is
    said once more of an order that is over changes nothing; refuses what cannot be so."""
    order = open_order(unit, name.subscription, name.number)
    if order is None:
        return DeliveryFate.TAKEN, "done before"
    match words["state"]:
        case "accepted":
            return DeliveryFate.UNFINISHED, "accepted, not carried out yet"
        case "overtaken":
            record_overtaken(unit, name.subscription, order)
            return DeliveryFate.TAKEN, "overtaken"
        case _ if order.kind == "delete" and not all(isinstance(words.get(one), dict) for one in ("deleted", "left")):
            raise Refused("bad_answer", "a deletion is done once it says in numbers what was deleted and what is left")
        case _:
            obeyed = Obeyed(unit.now, _counts(words, "deleted"), _counts(words, "left"))
    if obeyed.left and order.kind == "delete":
        answered_in_part(unit, name.subscription, name.number, obeyed)
        return DeliveryFate.UNFINISHED, "deleted in part"
    acknowledge(unit, policies, name.subscription, name.number, obeyed)
    return DeliveryFate.TAKEN, "done"


def _read(answer: DeliveryAnswer, order: str) -> Mapping[str, Any]:
    """What an answer says; refuses one that does not say what became of this order: it is asked again."""
    try:
        words = json.loads(answer.body)
    except (ValueError, RecursionError):
        words = None
    return read_answer(words, order)


def read_answer(words: object, order: str) -> Mapping[str, Any]:
    """What a service says of an order, as docs/services.md has it; refuses `bad_answer`."""
    if not isinstance(words, dict) or words.get("state") not in ("done", "accepted", "overtaken"):
        raise Refused("bad_answer", "it does not say that the order is done, accepted or overtaken")
    if words.get("order", order) != order or (words["state"] == "done" and "order" not in words):
        raise Refused("bad_answer", f"it speaks of order {str(words.get('order'))[:40]!r}")
    _counts(words, "deleted")
    _counts(words, "left")
    return words


def _counts(words: Mapping[str, Any], name: str) -> Mapping[str, int]:
    found = words.get(name) or {}
    if not isinstance(found, dict) or len(found) > COUNTED_MAX:
        raise Refused("bad_answer", f"{name} are no counts like {{'files': 12}}")
    for what, count in found.items():
        short = len(what) <= 60 and what.isprintable()
        if type(count) is not int or not 0 <= count < 2**53 or not short:
            raise Refused("bad_answer", f"{name} are no counts like {{'files': 12}}")
    return {what: count for what, count in found.items() if count or name == "deleted"}
