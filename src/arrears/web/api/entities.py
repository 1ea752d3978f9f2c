"""An account and an invoice as they are here: what every route says of them, and the version of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from arrears.core.account import Account
from arrears.core.ids import ACCOUNT, INVOICE, SUBSCRIPTION, format_id
from arrears.core.known import IMPORTER, KINDS, Known, known_of
from arrears.ports import NewAccount, Receivables


def etag(said: Mapping[str, Any]) -> str:
    """The version of what is said, quoted as a header has it."""
    return f'"{hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]}"'


def account_said(known: NewAccount, account: Account) -> dict[str, Any]:
    """An account: who it is, how it pays, and how its subscriptions stand."""
    return {
        "ref": known.ref,
        "account": format_id(ACCOUNT, account.no),
        "name": known.name,
        "country": known.country,
        "zone": account.terms.zone,
        "locale": known.locale,
        "payment_mode": account.mode.value,
        "policy": account.terms.policy,
        "email": known.contact,
        "billing_address": known.billing_address.split("\n") if known.billing_address else [],
        "tax_number": known.tax_number or None,
        "warn_too": sorted(known.copies),
        "subscriptions": [
            {
                "subscription": format_id(SUBSCRIPTION, account.no, one.no),
                "service": one.service,
                "state": one.state.value,
                "reasons": sorted(reason.value for reason in one.reasons),
            }
            for one in account.subscriptions
        ],
    }


def invoice_said(ref: str, number: str, known: Known, account: Account) -> dict[str, Any]:
    """An invoice: what it asks now, what of it is open, since when it is past due, and whether it is held."""
    one = known.invoices[known.by_number[number]]
    debt = account.debt(one.no)
    standing = "void" if one.void else "uncollectible" if one.given_up_minor > 0 and debt is None else "open"
    return {
        "number": number,
        "invoice": format_id(INVOICE, account.no, one.no),
        "account": ref,
        "services": list(one.services),
        "issued_on": one.issued_on.isoformat(),
        "due_on": one.due_on.isoformat(),
        "total": {"amount_minor": one.total_minor, "currency": one.currency},
        "open": {"amount_minor": 0 if debt is None else debt.open_minor, "currency": one.currency},
        "past_due_since": None if debt is None or debt.day_0 is None else debt.day_0.isoformat(),
        "held": debt is not None and account.debt_is_held(one.no),
        "disputed": bool(one.book_holds),
        "standing": "paid" if debt is None and standing == "open" else standing,
    }


def known_invoices(store: Receivables, account: int) -> Known:
    """What is known of the invoices of an account."""
    return known_of(store.facts_of([account], KINDS).get(account, ()), IMPORTER)
