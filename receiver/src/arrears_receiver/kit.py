"""The test kit: orders repeated, out of order, late, forged and malformed, sent to a service as arrears would.

    from arrears_receiver.kit import OverHttp, prove
    assert prove(OverHttp("http://127.0.0.1:9000/orders"), "whsec_...", "notes", state_in) == []

`state_in(subscription)` says what the service really is in: `active`, `restricted`, `disabled` or `deleted`.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from standardwebhooks import Webhook

from arrears_receiver.orders import STATE_AFTER

Send = Callable[[dict[str, str], bytes], tuple[int, Any]]
StateIn = Callable[[str], str]
SECONDS_MAX: Final = 30.0
_NO_SIGNATURES: Final = ("", "v1", "v1,", ",", "v2,a", "v1,%")
_NO_VALUES: Final[tuple[Any, ...]] = (None, "", 0, -1, True, 1.5, [], "x", 10**30)


class OverHttp:
    """Sends to an address; the status of the answer and its JSON, None where it has none."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """See Send."""
        request = urllib.request.Request(self._url, body, {**headers, "content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, _parsed(refused.read())


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def message(subscription: str, sequence: int, command: str, service: str, **other: Any) -> dict[str, Any]:
    """The body of an order, as arrears writes it."""
    account = f"acc_{subscription.split('_')[1]}"
    data = {
        "order": f"o{subscription}-{sequence}",
        "service": service,
        "account": account,
        "account_name": f"Customer {account}",
        "subscription": subscription,
        "generation": 1,
        "sequence": sequence,
        **other,
    }
    return {"type": f"order.{command}", "timestamp": datetime.now(UTC).isoformat(), "data": data}


def signed(secret: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    """The headers of a body that is signed with this secret, at an instant."""
    when = datetime.now(UTC) if at is None else at
    name = f"msg_{secrets.token_hex(8)}"
    signature = Webhook(secret).sign(name, when, body.decode())
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": signature,
    }


class _Proof:
    def __init__(self, send: Send, secret: str, service: str, state_in: StateIn) -> None:
        self.send_to, self.secret, self.service, self.state_in = send, secret, service, state_in
        self.number = secrets.randbelow(10**9) + 1

    def fresh(self) -> str:
        """A subscription that no test has had."""
        self.number += 1
        return f"sub_{self.number}_1"

    def order(self, subscription: str, sequence: int, command: str, **other: Any) -> tuple[int, Any]:
        """Send one order as it should be; the status and the answer."""
        body = json.dumps(message(subscription, sequence, command, self.service, **other)).encode()
        return self.send_to(signed(self.secret, body), body)

    def is_in(self, subscription: str, state: str, after: str) -> Iterator[str]:
        """A complaint unless the service is in this state."""
        found = self.state_in(subscription)
        if found != state:
            yield f"{after}: {subscription} is {found}, not {state}"


def prove(send: Send, secret: str, service: str, state_in: StateIn) -> list[str]:
    """Everything about a service that is not as the contract has it, in sentences; none where it obeys. It makes up
    customers of its own, and touches no other."""
    proof = _Proof(send, secret, service, state_in)
    return [
        said for test in (_obeyed, _repeated, _permuted, _late, _misnamed, _forged, _malformed) for said in test(proof)
    ]


def _obeyed(proof: _Proof) -> Iterator[str]:
    sub = proof.fresh()
    for sequence, command in enumerate(("restrict", "disable", "resume", "disable", "delete"), 1):
        status, answer = proof.order(sub, sequence, command)
        if status not in (200, 202) or answer.get("state") not in ("accepted", "done"):
            yield f"{command} is answered with {status} {answer}"
        elif answer["state"] == "done":
            yield from proof.is_in(sub, STATE_AFTER[command], command)
            if command == "delete" and not all(isinstance(answer.get(one), dict) for one in ("deleted", "left")):
                yield f"a deletion that is done does not say what was deleted and what is left: {answer}"


def _repeated(proof: _Proof) -> Iterator[str]:
    sub = proof.fresh()
    answers = [proof.order(sub, 1, "disable") for _ in range(3)]
    if any(answer != answers[0] for answer in answers):
        yield f"the same order three times is answered with {answers}"
    proof.order(sub, 2, "resume")
    proof.order(sub, 1, "disable")
    yield from proof.is_in(sub, "active", "an order once more, after a newer one")


def _permuted(proof: _Proof) -> Iterator[str]:
    orders = ((1, "restrict"), (2, "disable"), (3, "resume"))
    for permutation in itertools.permutations(orders):
        sub = proof.fresh()
        for sequence, command in permutation:
            status, answer = proof.order(sub, sequence, command)
            if status not in (200, 202):
                yield f"{permutation}: {command} is answered with {status} {answer}"
        yield from proof.is_in(sub, "active", f"orders that came as {permutation}")


def _late(proof: _Proof) -> Iterator[str]:
    sub = proof.fresh()
    proof.order(sub, 3, "delete")
    for sequence, command in ((2, "resume"), (4, "resume"), (5, "disable")):
        proof.order(sub, sequence, command)
        yield from proof.is_in(sub, "deleted", f"{command} {sequence} after a deletion")


def _misnamed(proof: _Proof) -> Iterator[str]:
    sub, name = proof.fresh(), "Somebody else"
    proof.order(sub, 1, "disable")
    status, _ = proof.order(sub, 2, "delete", account_name=name)
    if status < 400:
        yield f"a deletion that names another customer is answered with {status}"
    yield from proof.is_in(sub, "disabled", "a deletion that names another customer")
    status, _ = proof.order(sub, 3, "delete", account="acc_1")
    if status < 400:
        yield f"a deletion whose ids do not belong together is answered with {status}"
    yield from proof.is_in(sub, "disabled", "a deletion whose ids do not belong together")


def _forged(proof: _Proof) -> Iterator[str]:
    sub = proof.fresh()
    proof.order(sub, 1, "resume")
    body = json.dumps(message(sub, 2, "disable", proof.service)).encode()
    right, now = signed(proof.secret, body), datetime.now(UTC)
    other = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    forged = {
        "no signature": {},
        "another secret": signed(other, body),
        "a signature of another body": signed(proof.secret, body + b" "),
        "a signature of ten minutes ago": signed(proof.secret, body, now - timedelta(minutes=10)),
        "a signature of ten minutes ahead": signed(proof.secret, body, now + timedelta(minutes=10)),
        "another id": {**right, "webhook-id": "msg_other"},
        "another time": {**right, "webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
        **{f"the signature {text!r}": {**right, "webhook-signature": text} for text in _NO_SIGNATURES},
    }
    for how, headers in forged.items():
        status, _ = proof.send_to(headers, body)
        if not 400 <= status < 500:
            yield f"an order with {how} is answered with {status}"
        yield from proof.is_in(sub, "active", f"an order with {how}")


def _malformed(proof: _Proof) -> Iterator[str]:
    sub = proof.fresh()
    whole = message(sub, 1, "disable", proof.service)
    bodies = [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 10_000, b'{"type": "order.disable", "data": []}']
    for name in ("order", "service", "account", "subscription", "generation", "sequence"):
        for value in _NO_VALUES:
            bodies.append(json.dumps({**whole, "data": {**whole["data"], name: value}}).encode())
    bodies += [json.dumps({**whole, "type": kind}).encode() for kind in ("order.explode", "disable", None, 1)]
    for body in bodies:
        try:
            headers = signed(proof.secret, body)
        except UnicodeDecodeError:
            headers = signed(proof.secret, b"")
        status, _ = proof.send_to(headers, body)
        if not (400 <= status < 500 or _is_order_id(body)):
            yield f"{body[:60]!r} is answered with {status}"


def _is_order_id(body: bytes) -> bool:
    """Whether it is an order all the same: any text is an order's id."""
    found = _parsed(body)
    return isinstance(found, dict) and isinstance(found.get("data"), dict) and found["data"].get("order") == "x"
