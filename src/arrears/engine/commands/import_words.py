"""What a book says of a customer, and what is known of one, in each other's terms."""

from __future__ import annotations

from arrears.core.account import Account, Mode
from arrears.core.receivables import BookAccount
from arrears.ports import NewAccount


def read_as(value: object) -> str:
    """A field's value as people read it in one line."""
    return ", ".join(value) if isinstance(value, tuple) else ", ".join(str(value or "").split("\n"))


def described_by(a: BookAccount) -> NewAccount:
    """What a book says of a customer, as the account is opened with it."""
    told = (a.policy, a.email, a.copies, a.method, a.billing_address, a.tax_number)
    return NewAccount(a.ref, a.name, a.country, a.zone, a.locale, Mode(a.mode), *told)


def as_known(ref: str, known: NewAccount, account: Account) -> BookAccount:
    """What is known of a customer, as a book with this reference would say it."""
    return BookAccount(
        ref=ref,
        name=known.name,
        country=known.country,
        zone=account.terms.zone,
        locale=known.locale,
        mode=account.mode.value,
        email=known.contact,
        policy=account.terms.policy,
        copies=known.copies,
        method=known.method,
        billing_address=known.billing_address,
        tax_number=known.tax_number,
    )
