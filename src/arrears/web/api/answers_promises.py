"""What operations about promises to pay answer; see `answers.py`."""

from __future__ import annotations

from typing import TypedDict

from arrears.web.api.answers import LocalDay, Money


class PromisedPartSaid(TypedDict):
    """So much is paid by the end of a local day; `kept`: it is."""

    on: LocalDay
    amount: Money
    kept: bool


class PromiseSaid(TypedDict):
    """A promise to pay, or instalments, as they are now, with the invoices of it that are still open."""

    promise: str
    account: str
    invoices: list[str]
    collects: bool
    parts: list[PromisedPartSaid]


class PromisesSaid(TypedDict):
    """The open promises of an account."""

    promises: list[PromiseSaid]


class PromiseEnded(TypedDict):
    """A promise that was ended."""

    promise: str
    ended: bool
