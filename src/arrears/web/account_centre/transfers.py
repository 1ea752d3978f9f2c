"""Paying by bank transfer: where to, with which reference and code; that a transfer is on its way; and asking to pay
like that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from arrears.core.account import DoubtKind, Mode
from arrears.core.bank.creditor_reference import reference_for
from arrears.core.errors import Refused
from arrears.engine.people import by_transfer
from arrears.notices.invoice_paper import bank_rows, reference_shown
from arrears.notices.invoice_wording import words_for
from arrears.notices.pay_codes import as_svg, epc_transfer
from arrears.settings import invoice_documents
from arrears.web.account_centre.frame import Visit
from arrears.web.account_centre.owed import Owed
from arrears.web.account_centre.support_shown import path_of
from arrears.wiring import settings

NUMBERS_CHARACTERS_MAX: Final = 140
"""So much a payer can write to the payee (SEPA); of more invoices than that the code names none."""


class TransferShown(NamedTuple):
    """How one currency is transferred: names with their values, and for euros a code that a bank's app reads."""

    rows: Sequence[tuple[str, str]]
    code: SafeString
    code_alt: str


def transfers(visit: Visit, sums: Sequence[Owed]) -> list[TransferShown]:
    """For each currency that can be transferred, as the foot of the invoice says it; none where a card is the way."""
    if visit.snapshot.mode is not Mode.INVOICE:
        return []
    invoicing, _maker = invoice_documents(settings())
    country = visit.live.store.described([visit.account])[visit.account].country
    found, words = [], words_for(str(visit.locale))
    for one in sums:
        to = invoicing.account_for(one.currency, country)
        if to is None:
            continue
        numbers = ", ".join(line.number for line in one.lines)
        reference = _reference(visit, one)
        shown = reference_shown(reference, one.lines[0].number, to) if reference else numbers
        rows = [
            (words("beneficiary"), to.beneficiary),
            *bank_rows(to, words),
            (words("amount"), one.amount),
            (words("reference") if reference else _("Mention"), shown),
        ]
        text = "" if reference or len(numbers) > NUMBERS_CHARACTERS_MAX else numbers
        payload = epc_transfer(to, one.currency, one.minor, reference, text)
        code = mark_safe(as_svg(payload)) if payload and (reference or text) else SafeString("")
        names = {"amount": one.amount, "name": to.beneficiary}
        alt = _("Code for your bank's app: %(amount)s to %(name)s") % names
        found.append(TransferShown([(name, value) for name, value in rows if value], code, alt))
    return found


def _reference(visit: Visit, one: Owed) -> str:
    """The creditor reference where one invoice is asked for; several are named by their numbers."""
    if len(one.lines) != 1:
        return ""
    [line] = one.lines
    wanted = [reference_for(line.number, visit.account, line.no, taken=taken) for taken in (False, True)]
    return visit.live.store.keep_reference(visit.account, line.no, wanted)


def on_its_way(visit: Visit) -> dict[str, Any]:
    """What can be said of a transfer that was made, and what was said: `until` while it is waited for, `over` after
    that, `today` and `first` where it can still be said."""
    case, account = visit.snapshot.case, visit.snapshot
    if account.mode is not Mode.INVOICE or case is None:
        return {}
    said = next((doubt for doubt in account.doubts if doubt.kind is DoubtKind.TRANSFER), None)
    if said is not None and said.until is not None:
        return {"until": visit.day(said.until), "on": visit.day(date.fromisoformat(said.ref))}
    if case.waited:
        return {"over": True}
    return {"today": visit.view.today.isoformat(), "typed": visit.request.POST.get("on", "")[:10]}


def say_sent(visit: Visit) -> date:
    """What the form says: the last day that is waited for. Refuses as `by_transfer.say_sent` does."""
    try:
        on = date.fromisoformat(visit.request.POST.get("on", ""))
    except ValueError:
        raise Refused("bad_transfer_day", "the day of the transfer is no date") from None
    return by_transfer.say_sent(visit.live.store, visit.account, on, visit.now, visit.author)


def switching(visit: Visit) -> dict[str, Any]:
    """What the page says of paying by invoice: the limits of who does, the request that waits, or whether it can be
    asked for; nothing where the operator has no bank account for it."""
    account = visit.snapshot
    if account.mode is Mode.INVOICE:
        limits = [visit.amount(minor, currency) for currency, minor in sorted(account.credit_limits.items())]
        return {"by_invoice": True, "limits": visit.listed(limits) if limits else ""}
    invoicing, _maker = invoice_documents(settings())
    if not invoicing.accounts:
        return {}
    asked = by_transfer.asked_to_switch(visit.live.store, visit.account)
    if asked is not None:
        return {"asked": path_of(visit, asked) or f"/{visit.id}/help"}
    return {"may_ask": not account.debts, "still_open": bool(account.debts)}
