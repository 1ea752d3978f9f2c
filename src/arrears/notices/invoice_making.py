"""What an installation makes documents with: the operator's file, or what the other settings say."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from arrears.core.bank.bank_codes import iban_of
from arrears.core.bank.invoicing import Invoicing, ReceivingAccount
from arrears.notices.invoice_paper import TypstInvoices
from arrears.notices.invoicing_file import read_invoicing


@cache
def made_with(path: Path | None, iban: str, operator: str, identity: str) -> tuple[Invoicing, TypstInvoices]:
    """Who asks and to which bank accounts, and what makes the documents; read once. `iban` stands in for an account in
    euros where the file has none. Refuses `bad_invoicing`."""
    said = Invoicing() if path is None else read_invoicing(path)
    if iban and not any(one.currency == "EUR" and not one.countries for one in said.accounts):
        beneficiary = operator if said.seller is None else said.seller.name
        said = Invoicing(said.seller, (*said.accounts, ReceivingAccount("EUR", beneficiary, iban=iban_of(iban))))
    return said, TypstInvoices(identity)
