"""The certificate of a deletion: what was deleted, when, by which decision, made from the facts alone, and signed.

It is one line of JSON, written in exactly one way, so that each of its bytes counts. Whoever has the public key checks
it without a database and without anything else of ours (Ed25519, RFC 8032).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.facts import Recorded, encode_fact
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id

KIND: Final = "arrears deletion certificate 1"
KEY_BYTES: Final = 32
_OF_DELETION: Final = (
    f.DeletionScheduled,
    f.DeletionUnscheduled,
    f.DeletionCapped,
    f.DeletionReleased,
    f.DeletionOrdered,
    f.DeletedInPart,
    f.OrderAcknowledged,
)


class Named(NamedTuple):
    """Whose data it was, as the books have it when the certificate is made."""

    installation: str
    operator: str
    account_ref: str
    account_name: str
    service: str


def deletion_certificate(history: Sequence[Recorded], subscription: int, named: Named) -> dict[str, Any]:
    """What the facts of an account say about the deletion of one subscription; refuses `not_deleted` where its service
    has not confirmed that everything is gone."""
    ordered = [r for r in history if isinstance(r.fact, f.DeletionOrdered) and r.fact.subscription == subscription]
    if not ordered:
        raise Refused("not_deleted", "its deletion was never ordered")
    order = ordered[-1].fact
    assert isinstance(order, f.DeletionOrdered)
    of_this = [
        r
        for r in history
        if isinstance(r.fact, _OF_DELETION) and r.fact.subscription == subscription and _is_of(r.fact, order)
    ]
    done = next((r for r in of_this if isinstance(r.fact, f.OrderAcknowledged)), None)
    if done is None:
        raise Refused("not_deleted", "its service has not confirmed that everything is deleted")
    assert isinstance(done.fact, f.OrderAcknowledged)
    facts = [_as_evidence(recorded) for recorded in of_this]
    account = done.account
    return {
        "kind": KIND,
        "installation": named.installation,
        "operator": named.operator,
        "account": format_id(ACCOUNT, account),
        "account_ref": named.account_ref,
        "account_name": named.account_name,
        "subscription": format_id(SUBSCRIPTION, account, subscription),
        "service": named.service,
        "generation": order.generation,
        "ordered_at": ordered[-1].at.isoformat(),
        "confirmed_at": done.at.isoformat(),
        "deleted": dict(done.fact.deleted),
        "decided_on": msgspec.to_builtins(order.evidence),
        "released_by": _releases(of_this),
        "facts": facts,
        "decision": hashlib.sha256(canonical(facts)).hexdigest(),
    }


def _is_of(fact: Any, order: f.DeletionOrdered) -> bool:
    if isinstance(fact, f.OrderAcknowledged):
        return fact.order == "delete"
    return isinstance(fact, f.DeletionUnscheduled) or fact.generation == order.generation


def _releases(facts: Sequence[Recorded]) -> list[str]:
    """Whose releases the order rests on: those since it was last scheduled."""
    since: list[str] = []
    for recorded in facts:
        if isinstance(recorded.fact, f.DeletionScheduled):
            since = []
        elif isinstance(recorded.fact, f.DeletionReleased):
            since.append(recorded.author)
    return since


def _as_evidence(recorded: Recorded) -> dict[str, Any]:
    body = encode_fact(recorded.fact)
    return {
        "seq": recorded.seq,
        "at": recorded.at.isoformat(),
        "author": recorded.author,
        "fact": json.loads(body),
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
    }


def canonical(value: object) -> bytes:
    """The one way in which a value is written: JSON in UTF-8, keys in order, no space."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def public_key_of(private: bytes) -> str:
    """The public half of a private key of 32 bytes: 64 hexadecimal digits, for everybody to have."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def signed(certificate: Mapping[str, Any], private: bytes) -> str:
    """A certificate with its signature: the file, one line."""
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(canonical(certificate)).hex()
    return (
        canonical({"certificate": certificate, "key": public_key_of(private), "signature": signature}).decode() + "\n"
    )


def verified(file: bytes, public: str) -> dict[str, Any]:
    """What a signed certificate says. Refuses `bad_certificate` unless every byte of it is as whoever has the private
    half of this key wrote it."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    except ValueError:
        raise Refused("bad_key", f"the key is not {2 * KEY_BYTES} hexadecimal digits") from None
    try:
        read = json.loads(file)
        certificate, named, signature = read["certificate"], read["key"], bytes.fromhex(read["signature"])
        written = canonical({"certificate": certificate, "key": named, "signature": signature.hex()}) + b"\n"
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("bad_certificate", "this is no certificate of arrears") from None
    if named != public.lower():
        raise Refused("bad_certificate", "it is signed with another key")
    if written != file:
        raise Refused("bad_certificate", "it is not written as arrears writes it: something was changed")
    try:
        key.verify(signature, canonical(certificate))
    except InvalidSignature:
        raise Refused("bad_certificate", "its signature is not by this key: something was changed") from None
    if not isinstance(certificate, dict) or certificate.get("kind") != KIND:
        raise Refused("bad_certificate", "it certifies no deletion")
    return certificate
