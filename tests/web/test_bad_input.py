"""What a program can get wrong, by the numbers of the list of bad input: each has its answer, and nothing is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from tests.web.conftest import NOW
from tests.web.test_upserts import Billing, billing, history, money

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["billing", "history"]  # fixtures of the same names

KEY: Final = {"Idempotency-Key": "bad-input"}
PAYMENT: Final[dict[str, Any]] = {"account": "REF", "ref": "p-1", "amount": money(100)}


class Wrong(NamedTuple):
    """A row of the list: its number, what is sent, and how it is answered."""

    row: int
    status: int
    verb: str = "POST"
    path: str = "payments"
    body: Any = PAYMENT
    headers: dict[str, str] = KEY
    kind: str = "application/json"


def of(**more: Any) -> dict[str, Any]:
    return {**PAYMENT, **more}


def amount(value: str) -> bytes:
    return b'{"account": "REF", "ref": "p-1", "amount": {"amount_minor": %s, "currency": "EUR"}}' % value.encode()


ROWS: Final = (
    Wrong(1, 401, headers={**KEY, "Authorization": ""}),
    Wrong(2, 401, headers={**KEY, "Authorization": "Bearer arr_wrong"}),
    Wrong(4, 403, path="voids", body={"invoice": "x", "why": "y"}, headers={**KEY, "Authorization": "reads"}),
    Wrong(5, 422, body=of(is_admin=True)),
    Wrong(6, 422, body={"account": "REF"}),
    *(Wrong(7, 422, body=amount(value)) for value in ('"10.00"', "10.0", "1e3", "true", "null")),
    *(Wrong(7, 400, body=amount(value)) for value in ("NaN", "Infinity")),
    *(Wrong(8, 422, body=amount(value)) for value in ("0", "-1")),
    *(Wrong(9, 400, body=amount(value)) for value in (str(2**63), "1" + "0" * 30)),
    *(Wrong(10, 422, body=of(amount=money(1, currency))) for currency in ("eur", "XXX", "€", "")),
    Wrong(12, 400, headers={}),
    *(Wrong(16, 400, headers={"Idempotency-Key": key}) for key in ("k" * 256, "clé")),
    Wrong(17, 413, body=b" " * (1024 * 1024 + 1)),
    Wrong(18, 400, body=b"[" * 1000 + b"]" * 1000),
    Wrong(19, 400, body=b'{"ref": "a", "ref": "b"}'),
    *(Wrong(20, 400, body=body) for body in (b'{"ref": "\xff"}', b'{"ref": "\\ud800"}', b'{"ref": "\\u0000"}')),
    Wrong(21, 415, kind="text/plain"),
    *(Wrong(22, 405, verb=verb) for verb in ("GET", "DELETE", "TRACE")),
    *(Wrong(23, 422, "GET", f"invoices?limit={limit}", None) for limit in (0, -1, 10**9)),
    Wrong(23, 400, "GET", "invoices?after=forged", None),
    *(
        Wrong(24, 422, path="due-dates", body={"invoice": "x", "why": "y", "due_on": day})
        for day in ("2026-02-30", "0000-01-01", "9999-12-31T23:59:60")
    ),
    Wrong(27, 422, "GET", "accounts/sub_1_2/explanation", None),
    Wrong(27, 422, "GET", "cases/acc_1", None),
    Wrong(27, 422, path="holds/inv_1_2/release", body={"why": "y"}),
)


@pytest.mark.parametrize("wrong", ROWS, ids=lambda one: f"row {one.row}")
def test_what_is_wrong_is_answered_and_nothing_is_done(
    client: Client, billing: Billing, history: Any, wrong: Wrong
) -> None:
    from arrears.web.api_tokens import create_token

    billing.account()
    before = history(billing.ref)
    tokens = {"reads": "read", None: "write"}
    said = wrong.headers.get("Authorization")
    if said in tokens:
        said = f"Bearer {create_token('bad input', tokens[said], NOW)}"
    body = (
        wrong.body if isinstance(wrong.body, bytes) else b"" if wrong.body is None else json.dumps(wrong.body).encode()
    )
    sent = body.replace(b'"REF"', json.dumps(billing.ref).encode())
    headers = {**wrong.headers, "Authorization": str(said)}
    answer = client.generic(wrong.verb, f"/v1/{wrong.path}", sent, wrong.kind, headers=headers)
    assert answer.status_code == wrong.status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["code"]
    assert history(billing.ref) == before
