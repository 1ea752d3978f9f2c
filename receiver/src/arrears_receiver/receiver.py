"""The receiver: a signed request in, an answer out, and each order carried out once and in its place.

Orders of one subscription have a sequence. Exactly the newest one counts: what is older than it has been overtaken and
is never carried out, however late it comes; the same one again gets the same answer. Deleted is final.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from arrears_receiver.book import Book, Record
from arrears_receiver.orders import BODY_BYTES_MAX, STATE_AFTER, BadOrder, Done, Order, read_order

PAGE_MAX: Final = 500
Obey = Callable[[Order], Done | None]
"""Carries an order out: Done when it is, None when it is only begun (`Receiver.done` then says when it is). What it
raises is answered with 500, and the order comes again. It may be called twice for one order, if it died meanwhile; it
opens no record of the book itself."""

NameOf = Callable[[str], str | None]
"""The name that the service itself has of the customer of a subscription; None where it keeps none."""


class Reply(NamedTuple):
    """An HTTP answer: its status and its JSON."""

    status: int
    body: dict[str, Any]


class Receiver:
    """Takes orders for one service. `secrets` are those that verify, several while one is being changed; `service` is
    the name that arrears has of it; `name_of` says whose a subscription is, so that a deletion of somebody else's data
    is refused."""

    def __init__(
        self, secrets: Sequence[str], service: str, obey: Obey, book: Book, name_of: NameOf | None = None
    ) -> None:
        if not secrets:
            raise ValueError("a receiver needs a secret")
        self._webhooks = [Webhook(secret) for secret in secrets]
        self._service, self._obey, self._name_of = service, obey, name_of
        self.book = book

    def receive(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one POST. 401: not signed by a secret of ours, or not now. 400, 409, 413: signed, and not obeyed."""
        if len(body) > BODY_BYTES_MAX:
            return Reply(413, {"code": "too_long"})
        if not self._is_signed(headers, body):
            return Reply(401, {"code": "bad_signature"})
        try:
            order = read_order(body)
        except BadOrder as error:
            return Reply(400, {"code": "bad_order", "detail": str(error)})
        if order.service != self._service:
            return _refused("wrong_service", f"this is {self._service}")
        with self.book.open(order.subscription) as record:
            return self._take(order, record)

    def states(self, headers: Mapping[str, str], after: str = "", limit: int = PAGE_MAX) -> Reply:
        """Answer one GET: what this service knows of each subscription, a page at a time, signed like an order with an
        empty body. arrears compares it with what it wants (drift)."""
        if not self._is_signed(headers, b""):
            return Reply(401, {"code": "bad_signature"})
        records = self.book.page(after, max(1, min(limit, PAGE_MAX)))
        return Reply(200, {"states": [as_state(record) for record in records]})

    def done(self, order: str, said: Done) -> Reply:
        """The service has carried out, or in part, an order that it had only accepted; what arrears is to be told."""
        subscription = self.book.by_order(order)
        if subscription is None:
            return _refused("overtaken", "a newer order has come meanwhile")
        with self.book.open(subscription) as record:
            if record.order != order:
                return _refused("overtaken", "a newer order has come meanwhile")
            return self._finish(record, said)

    def answer(self, order: str) -> Reply:
        """How far an order has come, for whoever asks again."""
        subscription = self.book.by_order(order)
        record = None if subscription is None else self.book.known(subscription)
        if record is None or record.order != order:
            return _refused("overtaken", "a newer order has come, or none with this id")
        return _said(record)

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        for webhook in self._webhooks:
            try:
                webhook.verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError):
                # A signature list that is no list at all is a ValueError of the library's.
                continue
            return True
        return False

    def _take(self, order: Order, record: Record) -> Reply:
        if order.sequence < record.sequence or order.generation < record.generation:
            return Reply(200, {"state": "overtaken", "sequence": record.sequence})
        if order.sequence == record.sequence:
            if order.id != record.order or order.command != record.command:
                return _refused("same_sequence", f"order {record.order} has this sequence")
            if record.progress == "accepted" or (record.progress == "done" and not record.left):
                return _said(record)
        elif record.command == "delete":
            return _refused("deleted", "its deletion was ordered; nothing comes after that")
        if order.command == "delete" and self._known_name(order, record) not in ("", order.account_name):
            return _refused("name_mismatch", f"here {order.subscription} is another customer's; nothing is deleted")
        record.generation, record.sequence = order.generation, order.sequence
        record.order, record.command, record.progress = order.id, order.command, "begun"
        record.account_name = order.account_name or record.account_name
        said = self._obey(order)
        if said is None:
            record.progress = "accepted"
            return _said(record)
        return self._finish(record, said)

    def _known_name(self, order: Order, record: Record) -> str:
        found = self._name_of(order.subscription) if self._name_of is not None else None
        return found if found is not None else record.account_name

    def _finish(self, record: Record, said: Done) -> Reply:
        record.progress = "done"
        record.deleted, record.left = dict(said.deleted), {what: count for what, count in said.left.items() if count}
        if not record.left:
            record.state = STATE_AFTER[record.command]
        return _said(record)


def _said(record: Record) -> Reply:
    if record.progress != "done":
        return Reply(202, {"state": "accepted", "order": record.order})
    body: dict[str, Any] = {"state": "done", "order": record.order}
    if record.command == "delete":
        body |= {"deleted": record.deleted, "left": record.left}
    return Reply(200, body)


def as_state(record: Record) -> dict[str, Any]:
    """One subscription as arrears is told of it."""
    return {
        "subscription": record.subscription,
        "generation": record.generation,
        "sequence": record.sequence,
        "command": record.command,
        "progress": record.progress,
        "state": record.state,
    }


def _refused(code: str, detail: str) -> Reply:
    return Reply(409, {"code": code, "detail": detail})


def as_json(reply: Reply) -> bytes:
    """The body of an answer as it is sent."""
    return json.dumps(reply.body, ensure_ascii=False).encode()
