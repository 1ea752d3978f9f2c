"""Public ids: typed, so that one kind can never be taken for another.

Everything an account owns is numbered within that account: `sub_12_3` is subscription 3 of account 12. An id of
the wrong kind is refused by its prefix, whatever it points to (a site id taken for an application id once
deleted 883 live sites: see the incident table the invariants were made from).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from arrears.core.errors import Refused

ACCOUNT: Final = "acc"
SUBSCRIPTION: Final = "sub"
INVOICE: Final = "inv"
HOLD: Final = "hold"
PROMISE: Final = "promise"
CASE: Final = "case"
PERSON: Final = "per"

_PARTS: Final = {ACCOUNT: 1, SUBSCRIPTION: 2, INVOICE: 2, HOLD: 2, PROMISE: 2, CASE: 2, PERSON: 1}
_ID: Final = re.compile(r"([a-z]{1,8})((?:_[1-9][0-9]{0,17}){1,2})", re.ASCII)


def format_id(kind: str, *numbers: int) -> str:
    """`format_id("sub", 12, 3)` is `sub_12_3`."""
    assert len(numbers) == _PARTS[kind], (kind, numbers)
    return "_".join((kind, *map(str, numbers)))


def parse_id(kind: str, text: str) -> tuple[int, ...]:
    """The numbers inside an id of `kind`; refuses `wrong_id_type` and `bad_id`."""
    match = _ID.fullmatch(text)
    if match is None:
        raise Refused("bad_id", f"{text[:60]!r} is not an id; one looks like {_example(kind)}")
    if match[1] != kind:
        raise Refused(
            "wrong_id_type",
            f"{text!r} is not {_NAMES[kind]} id; give one that starts with {kind}_, like {_example(kind)}",
        )
    numbers = tuple(int(part) for part in match[2][1:].split("_"))
    if len(numbers) != _PARTS[kind]:
        raise Refused("bad_id", f"{text!r} is not complete; {_NAMES[kind]} id looks like {_example(kind)}")
    return numbers


def is_id(text: str) -> bool:
    """Whether a text is written as an id of ours, whatever it points to."""
    match = _ID.fullmatch(text)
    return match is not None and match[1] in _PARTS


def check_ref(ref: str) -> None:
    """That a reference of the operator's can mean nothing else here. Refuses `bad_ref` for what is written as an id of
    ours: wherever one is named a reference goes first, so that id would mean another one from then on."""
    if is_id(ref):
        raise Refused("bad_ref", f"{ref[:60]!r} looks like an id of arrears; give the reference of your own systems")


_NAMES: Final = {
    ACCOUNT: "an account",
    SUBSCRIPTION: "a subscription",
    INVOICE: "an invoice",
    HOLD: "a hold",
    PROMISE: "a promise to pay",
    CASE: "a case",
    PERSON: "a person",
}


def ref_digest(account: int, ref: str) -> str:
    """What the journal knows of the operator's own reference of an account: half of the SHA-256 of number and
    reference, in hex. Who reads the journal learns no reference from it, and who exchanges one in its row is found."""
    return sha256(f"{account}|{ref}".encode()).hexdigest()[:32]


def _example(kind: str) -> str:
    return format_id(kind, *(12, 3)[: _PARTS[kind]])
