"""An account and an invoice as they are here: what every route says of them, and the version of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from arrears.core.account import Account, Mode
from arrears.core.ids import ACCOUNT, INVOICE, SUBSCRIPTION, format_id
from arrears.core.known import IMPORTER, KINDS, Known, KnownInvoice, known_of
from arrears.engine.commands.documents import is_offered
from arrears.ports import NewAccount, Receivables
from arrears.settings import invoice_documents
from arrears.web.api.line_fields import lines_said, taxes_said
from arrears.wiring import settings

_METHOD: Final = ("provider", "customer", "method")


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
        "payment_method": known.method and dict(zip(_METHOD, known.method, strict=True)),
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


def invoice_said(
    of: NewAccount, number: str, known: Known, account: Account, links: Mapping[int, str]
) -> dict[str, Any]:
    """An invoice of this customer: what it asks now, what of it is open, since when it is past due, whether it is held,
    and where its document is, None where there is none. `links`: where the operator's own documents are."""
    one = known.invoices[known.by_number[number]]
    debt = account.debt(one.no)
    standing = "void" if one.void else "uncollectible" if one.given_up_minor > 0 and debt is None else "open"
    return {
        "number": number,
        "invoice": format_id(INVOICE, account.no, one.no),
        "account": of.ref,
        "services": list(one.services),
        "issued_on": one.issued_on.isoformat(),
        "due_on": one.due_on.isoformat(),
        "total": {"amount_minor": one.total_minor, "currency": one.currency},
        "open": {"amount_minor": 0 if debt is None else debt.open_minor, "currency": one.currency},
        "past_due_since": None if debt is None or debt.day_0 is None else debt.day_0.isoformat(),
        "held": debt is not None and account.debt_is_held(one.no),
        "disputed": bool(one.book_holds),
        "standing": "paid" if debt is None and standing == "open" else standing,
        "lines": lines_said(one.lines, one.currency),
        "tax": taxes_said(one.tax_lines, one.currency),
        "document_url": links.get(one.no) or _document_url(of, one, account),
    }


def _document_url(of: NewAccount, one: KnownInvoice, account: Account) -> str | None:
    """Where the customer finds the document: the operator's own where they have theirs elsewhere, else ours."""
    ours, debt = settings(), account.debt(one.no)
    if ours.invoice_url:
        return ours.invoice_url.replace("{number}", quote(one.number, safe=""))
    invoicing, _maker = invoice_documents(ours)
    offered = not one.void and is_offered(
        invoicing,
        one.currency,
        of.country,
        by_transfer=account.mode is Mode.INVOICE,
        has_lines=bool(one.lines or one.tax_lines),
        open_minor=0 if debt is None else debt.open_minor,
    )
    return f"{ours.base_url}/{format_id(ACCOUNT, account.no)}/invoices/{one.no}.pdf" if offered else None


def known_invoices(store: Receivables, account: int) -> Known:
    """What is known of the invoices of an account."""
    return known_of(store.facts_of([account], KINDS).get(account, ()), IMPORTER)
