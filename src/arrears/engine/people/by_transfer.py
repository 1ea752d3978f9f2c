"""Paying by transfer instead of by card: asked for by the customer, allowed by staff; and what a customer says of a
transfer that is on its way (spec, section 6; decision 62)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Account, DoubtKind, Mode
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import bounded, exponent
from arrears.core.people.support import About, Via
from arrears.core.working_days import bank_days_after
from arrears.engine.acting import acting_on, local_today
from arrears.engine.people import support
from arrears.ports import Accounts, AccountsAndSupport
from arrears.ports.support import Request

WAIT_DAYS: Final = 3
"""So many bank days a transfer takes at most between banks of Europe, with a day for who sent it in the evening."""
SAID_DAYS_MAX: Final = 60
"""A transfer of longer ago is not on its way any more."""


def refuse_switch(account: Account) -> None:
    """Refuses `in_invoice_mode`, and `debt_is_open` while an invoice is open: whoever owes does not change how."""
    if account.mode is Mode.INVOICE:
        raise Refused("in_invoice_mode", f"{format_id(ACCOUNT, account.no)} pays by invoice already")
    still = [debt.number for debt in account.debts]
    if still:
        more = f" and {len(still) - 1} more" if len(still) > 1 else ""
        raise Refused("debt_is_open", f"invoice {still[0]}{more} is open; once nothing is, paying by invoice can begin")


def ask_to_switch(
    store: AccountsAndSupport, account: int, text: str, now: datetime, author: str, *, person: int, locale: str
) -> Request:
    """The administrator asks to pay by invoice: a support request, which staff answer. One that waits for its answer is
    given back. Refuses as `refuse_switch` and `support.open_request` do."""
    with acting_on(store, account, now) as unit:
        refuse_switch(unit.account)
    waiting = asked_to_switch(store, account)
    if waiting is not None:
        return waiting
    return support.open_request(
        store, account, Via.ADMINISTRATOR, About.INVOICE_MODE, text, now, author, person=person, locale=locale
    )


def asked_to_switch(store: AccountsAndSupport, account: int) -> Request | None:
    """The request to pay by invoice that waits for an answer of staff."""
    return next((r for r in store.requests_of(account) if r.about is About.INVOICE_MODE and r.state == "open"), None)


def allow_invoices(
    store: AccountsAndSupport,
    account: int,
    limits: Mapping[str, int],
    answer: str,
    now: datetime,
    author: str,
    why: str,
) -> Request | None:
    """Let an account pay by invoice, with so much open at most (minor units by currency), and answer the customer's
    request with these words; that request. For an account in invoice mode the limits are changed, and nothing else.
    Refuses `no_limit`, `unknown_currency`, `bad_amount`, `debt_is_open`, `empty_text`."""
    if not limits:
        raise Refused("no_limit", "say how much may be open, like --limit EUR=5000.00; it stops nothing and is a task")
    for currency, minor in limits.items():
        exponent(currency)
        bounded(minor, f"the limit in {currency}")
    asked = asked_to_switch(store, account)
    body = support.checked_text(answer) if asked is not None else ""
    with acting_on(store, account, now) as unit:
        if unit.account.mode is not Mode.INVOICE:
            refuse_switch(unit.account)
        terms = unit.account.terms
        unit.record(f.TermsChanged(terms=terms, mode=Mode.INVOICE, credit_limits=dict(limits)), author, why)
    if asked is not None:
        support.answer(store, asked.number, body, now, author)
    return asked


def say_sent(store: Accounts, account: int, on: date, now: datetime, author: str) -> date:
    """The customer says that what is past due was transferred on a day: nothing is restricted, disabled, deleted or
    asked for until three bank days from now are over, once in a case; the last of them. Refuses `not_by_transfer`,
    `nothing_past_due`, `said_before`, `bad_transfer_day`."""
    with acting_on(store, account, now) as unit:
        case, today = unit.account.case, local_today(unit)
        if unit.account.mode is not Mode.INVOICE:
            raise Refused("not_by_transfer", f"{format_id(ACCOUNT, account)} pays by card, and no transfer is awaited")
        if case is None:
            raise Refused("nothing_past_due", "nothing is past due, so nothing waits for a transfer")
        if case.waited:
            raise Refused("said_before", "a transfer was waited for already; support can hold what is ahead")
        if not today - timedelta(days=SAID_DAYS_MAX) <= on <= today:
            raise Refused(
                "bad_transfer_day", f"{on} is not a day of the last {SAID_DAYS_MAX}; give the day of the transfer"
            )
        until = bank_days_after(today, WAIT_DAYS)
        unit.record(f.DoubtRaised(doubt=DoubtKind.TRANSFER, ref=on.isoformat(), until=until), author)
    return until
