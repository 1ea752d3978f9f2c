"""The rows that payment methods, attempts and refunds leave (see rows.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.payments.values import AttemptState


class MethodRow(NamedTuple):
    account_id: int
    no: int
    at_provider: str
    ref: str
    customer_ref: str
    kind: str
    network: str
    fingerprint: str
    label: str
    funding: str
    country: str
    credential: int
    expires_on: date | None
    durable: bool
    failed: bool
    removed: bool


class MethodChange(NamedTuple):
    account_id: int
    no: int
    expires_on: date | None
    durable: bool
    failed: bool
    removed: bool


class AttemptRow(NamedTuple):
    account_id: int
    no: int
    key: str
    ordinal: int
    method: int
    initiator: str
    on_page: bool
    currency: str
    amount_minor: int
    quote: str
    state: str
    ref: str
    decline: str
    network_code: str
    advice: str
    reached_network: bool
    created_at: datetime
    moved_at: datetime
    at_provider: str


class AttemptRowChange(NamedTuple):
    account_id: int
    no: int
    state: str
    ref: str
    decline: str
    network_code: str
    advice: str
    reached_network: bool
    moved_at: datetime


class PartRow(NamedTuple):
    account_id: int
    attempt: int
    debt: int
    minor: int
    is_open: bool


class PartEnd(NamedTuple):
    account_id: int
    attempt: int


class CardTryRow(NamedTuple):
    account_id: int
    ref: str
    at_provider: str
    fingerprint: str
    tried_at: datetime
    amount_minor: int
    currency: str
    decline: str
    network_code: str
    advice: str


class RefundRow(NamedTuple):
    account_id: int
    seq: int
    ref: str
    payment_ref: str
    currency: str
    amount_minor: int


OVER: Final = (AttemptState.PAID, AttemptState.DECLINED, AttemptState.CANCELED)


def method_row(account: int, fact: f.MethodAdded) -> MethodRow:
    """The row of a new method."""
    d = fact.details
    return MethodRow(
        account,
        fact.method,
        fact.at_provider,
        d.ref,
        d.customer_ref,
        d.kind.value,
        d.network.value,
        d.fingerprint,
        d.label,
        d.funding.value,
        d.country,
        fact.credential,
        d.expires_on,
        durable=True,
        failed=False,
        removed=False,
    )


def changed_methods(before: Account | None, after: Account) -> Iterator[MethodChange]:
    """What may change about a method, for each that has."""
    was = {m.no: m for m in before.methods} if before is not None else {}
    for m in after.methods:
        if was.get(m.no) is not m:
            yield MethodChange(after.no, m.no, m.expires_on, m.durable, m.failed, m.removed)


def attempt_row(recorded: f.Recorded, fact: f.AttemptCreated) -> AttemptRow:
    """The row of a new attempt."""
    return AttemptRow(
        recorded.account,
        fact.attempt,
        fact.key,
        fact.ordinal,
        fact.method,
        fact.by.value,
        fact.on_page,
        fact.currency,
        fact.amount_minor,
        fact.quote,
        state=AttemptState.CREATED.value,
        ref="",
        decline="",
        network_code="",
        advice="",
        reached_network=False,
        created_at=recorded.at,
        moved_at=recorded.at,
        at_provider=fact.at_provider,
    )


def card_try_row(account: int, fact: f.CardTried) -> CardTryRow:
    """The row of what was tried in vain on a provider's page."""
    one, codes = fact.tried, fact.tried.codes
    return CardTryRow(
        account,
        one.ref,
        fact.at_provider,
        one.fingerprint,
        one.at,
        one.amount_minor,
        one.currency,
        codes.decline,
        codes.network,
        codes.advice,
    )


def returned_change(recorded: f.Recorded, fact: f.Refunded, debit: f.ReturnedDebit) -> AttemptRowChange:
    """Why a bank debit that was paid has come back. It stays what brought the payment, which is taken back."""
    codes, paid = debit.tried.codes, AttemptState.PAID.value
    ref = fact.payment_ref.partition(":")[2]
    return AttemptRowChange(
        recorded.account,
        debit.tried.no,
        paid,
        ref,
        codes.decline,
        codes.network,
        codes.advice,
        reached_network=True,
        moved_at=recorded.at,
    )


def part_rows(account: int, fact: f.AttemptCreated) -> list[PartRow]:
    """One row for each debt that the attempt is for."""
    return [PartRow(account, fact.attempt, part.debt, part.minor, is_open=True) for part in fact.parts]


def attempt_change(recorded: f.Recorded, fact: f.AttemptMoved) -> AttemptRowChange:
    """Where the attempt now is."""
    codes = fact.codes
    return AttemptRowChange(
        recorded.account,
        fact.attempt,
        fact.to.value,
        fact.ref,
        codes.decline,
        codes.network,
        codes.advice,
        fact.reached_network,
        recorded.at,
    )
