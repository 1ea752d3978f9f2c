"""What a program says of an account or an invoice, as the rows of a book: from here on it is an import.

A field that is not sent is no word about it (`BookAccount.unsaid`).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec.structs import replace
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from arrears.core.errors import Refused
from arrears.core.invoice_lines import LINES_MAX, TAX_LINES_MAX, check_lines
from arrears.core.payments.card_numbers import is_card_number
from arrears.core.receivables import (
    AccountRows,
    BookAccount,
    BookInvoice,
    BookPayment,
    InvoiceStanding,
    NamedMethod,
    NamedThings,
)
from arrears.web.api.fields import (
    Amount,
    Country,
    Day,
    DocumentUrl,
    Email,
    InvoiceNumber,
    LocaleName,
    PostalLines,
    Ref,
    ShortText,
    TaxNumber,
    Zone,
)
from arrears.web.api.frame import Strict
from arrears.web.api.line_fields import LineBody, TaxBody, book_lines, book_taxes, currencies_of
from arrears.wiring import installed


def _set_up(name: str) -> str:
    """A provider that is not set up would never be asked about the method."""
    if name not in installed().providers.by_name:
        raise PydanticCustomError("unknown_provider", "is no payment provider that is set up here")
    return name


def _no_card(text: str) -> str:
    if is_card_number(text):
        raise PydanticCustomError("card_number", "is the number of a card; give what the provider calls it")
    return text


class MethodName(Strict):
    """A payment method that a customer has at a provider already: what the provider calls the payer and the method.
    Never the number of a card. The provider is asked before anything is charged with it."""

    provider: Annotated[ShortText, AfterValidator(_set_up)]
    customer: Annotated[ShortText, AfterValidator(_no_card)]
    method: Annotated[ShortText, AfterValidator(_no_card)]


class AccountBody(Strict):
    """An account as its operator's system has it. `warn_too` are further addresses that are warned; an address that is
    not sent stays. `billing_address` has a line of text each, and is taken away by none, as `tax_number` by an empty
    one. `payment_method` is what pays for what nothing that the customer chose here pays for."""

    name: ShortText
    country: Country
    zone: Zone
    locale: LocaleName
    payment_mode: Literal["card", "invoice"]
    email: Email | None = None
    policy: ShortText | None = None
    billing_address: PostalLines | None = None
    tax_number: TaxNumber | None = None
    warn_too: Annotated[list[Email], Field(max_length=20)] = []  # noqa: RUF012 - pydantic copies it
    payment_method: MethodName | None = None


class InvoiceBody(Strict):
    """An invoice as its operator's system has it: what it asks in all, for which services, and, where that is said, at
    least how much of it is paid, whether it is disputed, and whether it was withdrawn or given up. `lines` and `tax`
    are what its document shows, and come to the total exactly. `document_url` is where the operator's own document is;
    an empty one takes that away."""

    account: Ref
    services: Annotated[list[ShortText], Field(min_length=1, max_length=100)]
    issued_on: Day
    due_on: Day
    total: Amount
    paid: Amount | None = None
    disputed: bool | None = None
    standing: Literal["open", "void", "uncollectible"] | None = None
    lines: Annotated[list[LineBody], Field(max_length=LINES_MAX)] = []  # noqa: RUF012 - pydantic copies it
    tax: Annotated[list[TaxBody], Field(max_length=TAX_LINES_MAX)] = []  # noqa: RUF012 - pydantic copies it
    document_url: DocumentUrl | None = None

    @model_validator(mode="after")
    def _fits(self) -> InvoiceBody:
        if self.due_on < self.issued_on:
            raise PydanticCustomError("due_before_issue", "it is due before it was issued")
        if self.paid is not None and self.paid.currency != self.total.currency:
            raise PydanticCustomError("other_currency", "it is paid in another currency than it asks")
        if len(set(self.services)) != len(self.services):
            raise PydanticCustomError("same_service", "a service stands twice")
        if self.lines or self.tax:
            self._check_lines()
        return self

    def _check_lines(self) -> None:
        currency = self.total.currency
        if currencies_of(self.lines, self.tax) - {currency}:
            raise PydanticCustomError("other_currency", "a line is in another currency than the total")
        try:
            lines, taxes = book_lines(self.lines), book_taxes(self.tax)
            check_lines("", currency, self.total.amount_minor, lines, taxes)
        except (ValueError, Refused) as error:
            what = error.message.removeprefix("invoice '': ") if isinstance(error, Refused) else str(error)
            raise PydanticCustomError("bad_lines", what.replace("{", "(").replace("}", ")")) from None


class SentAccount(AccountBody):
    """A row about an account, by the operator's own reference."""

    kind: Literal["account"]
    ref: Ref


class SentInvoice(InvoiceBody):
    """A row about an invoice, by its own number."""

    kind: Literal["invoice"]
    number: InvoiceNumber


AnyRow = TypeAdapter[SentAccount | SentInvoice](Annotated[SentAccount | SentInvoice, Field(discriminator="kind")])

COLUMNS: Final = {
    "account": "account",
    "number": "number",
    "name": "name",
    "country": "country",
    "zone": "zone",
    "locale": "locale",
    "mode": "payment_mode",
    "email": "email",
    "copies": "warn_too",
    "policy": "policy",
    "billing_address": "billing_address",
    "tax_number": "tax_number",
    "method": "payment_method",
    "services": "services",
    "issued_on": "issued_on",
    "due_on": "due_on",
    "currency": "total",
    "total_minor": "total",
    "paid": "paid",
    "taken_back": "paid",
    "ref": "number",
    "disputed": "disputed",
    "standing": "standing",
    "lines": "lines",
    "tax_lines": "tax",
}
"""Where each field of a row of a book stands here."""

_ONLY_NAMED: Final = frozenset(
    {"name", "country", "zone", "locale", "mode", "email", "copies", "policy", "billing_address", "tax_number"}
)


class WrongField(NamedTuple):
    """What is wrong with a row: the field, a stable code, and in words."""

    field: str
    code: str
    what: str


@dataclass(slots=True)
class SentRows:
    """Rows of one request, put together by account. `places` has whose each row is and what it is about, by its number
    from 1; `wrong` what is wrong with a row; `links` where the documents of invoices are, by their numbers."""

    places: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    wrong: dict[int, list[WrongField]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    _accounts: dict[str, BookAccount] = field(default_factory=dict)
    _invoices: dict[str, dict[str, BookInvoice]] = field(default_factory=dict)
    _payments: dict[str, BookPayment] = field(default_factory=dict)
    _paid: dict[str, int | None] = field(default_factory=dict)
    _first: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, row: int, said: SentAccount | SentInvoice) -> None:
        """One more row; one that says otherwise than a row before it is wrong."""
        if isinstance(said, SentAccount):
            self.places[row] = (said.ref, "account", said.ref)
            account = book_account(said.ref, said)
            if self._is_news(row, self._accounts.get(said.ref), account):
                self._accounts[said.ref] = account
            return
        self.places[row] = (said.account, "invoice", said.number)
        invoice = book_invoice(row, said.number, said)
        before = self._invoices.setdefault(said.account, {}).get(said.number)
        same = None if before is None else replace(before, row=row)
        if self._is_news(row, same, invoice):
            self._invoices[said.account][said.number] = invoice
            if said.paid is not None and said.paid.amount_minor:
                self._payments[said.number] = book_payment(invoice, said.paid.amount_minor)
        paid = None if said.paid is None else said.paid.amount_minor
        if row not in self.wrong and self._paid.setdefault(said.number, paid) != paid:
            # Which of them is the newer word nothing says: rows in any order mean the same.
            what = f"{said.number} has another sum that is paid on a row before; say the sum of all that is paid, once"
            self.wrong[row] = [WrongField("paid", "said_twice", what)]
        url = said.document_url
        if url is not None and self.links.setdefault(said.number, url) != url:
            what = f"{said.number} has another document on a row before"
            self.wrong[row] = [WrongField("document_url", "said_twice", what)]

    def _is_news(self, row: int, before: object, said: object) -> bool:
        kind, key = self.places[row][1:]
        first = self._first.setdefault((kind, key), row)
        if before is not None and before != said:
            what = f"{key} is already on row {first} with other content"
            self.wrong[row] = [WrongField("ref" if kind == "account" else "number", "said_twice", what)]
        return before is None

    def links_but(self, left: Container[str]) -> dict[str, str]:
        """Where the documents of invoices are, without those of the accounts that were left as they were."""
        whose = {key: ref for ref, kind, key in self.places.values() if kind == "invoice"}
        return {number: url for number, url in self.links.items() if whose[number] not in left}

    def asks_nothing(self, row: int) -> bool:
        """Whether a row is of an invoice that asks for nothing, so that there is none."""
        ref, kind, key = self.places[row]
        return kind == "invoice" and self._invoices[ref][key].asked_minor == 0

    def complain(self, row: int, account: str, kind: str, key: str, wrong: Sequence[WrongField]) -> None:
        """A row that cannot be read, and whose it is."""
        self.places[row] = (account, kind, key)
        self.wrong[row] = list(wrong)

    def accounts(self) -> Iterator[AccountRows]:
        """Everything that is said of each account."""
        for ref in dict.fromkeys(place[0] for place in self.places.values()):
            invoices = sorted(self._invoices.get(ref, {}).values(), key=lambda one: (one.issued_on, one.number))
            paid = {i.number: [self._payments[i.number]] for i in invoices if i.number in self._payments}
            yield AccountRows(self._accounts.get(ref) or named_only(ref), invoices, paid)

    def reasons(self) -> dict[str, dict[int, str]]:
        """What is wrong with the rows of each account, as an import says it."""
        found: dict[str, dict[int, str]] = {}
        for row, wrong in sorted(self.wrong.items()):
            found.setdefault(self.places[row][0], {})[row] = f"{wrong[0].field}: {wrong[0].what}"
        return found

    def misread(self) -> list[tuple[str, NamedThings]]:
        """What each row of which something is wrong names, with its customer: it may be somebody else's."""
        places = [self.places[row] for row in sorted(self.wrong)]
        return [(account, ([key], [])) for account, kind, key in places if kind != "account" and key]


def named_only(ref: str) -> BookAccount:
    """An account of which no more is said than that it is this one."""
    return BookAccount(ref, "", "ZZ", "UTC", "en", "card", None, unsaid=_ONLY_NAMED)


def book_account(ref: str, said: AccountBody) -> BookAccount:
    """What is said of an account, as a row of a book."""
    words = {"policy": said.policy or None, "billing_address": said.billing_address, "tax_number": said.tax_number}
    return BookAccount(
        ref=ref,
        name=said.name,
        country=said.country,
        zone=said.zone,
        locale=said.locale,
        mode=said.payment_mode,
        email=said.email,
        policy=said.policy or "default",
        copies=tuple(one for one in dict.fromkeys(said.warn_too) if one != said.email),
        billing_address="\n".join(said.billing_address or ()),
        tax_number=said.tax_number or "",
        method=None if said.payment_method is None else _method(said.payment_method),
        unsaid=frozenset(name for name, word in words.items() if word is None),
    )


def _method(said: MethodName) -> NamedMethod:
    return NamedMethod(said.provider, said.customer, said.method)


def book_invoice(row: int, number: str, said: InvoiceBody) -> BookInvoice:
    """What is said of an invoice, as a row of a book."""
    words = {"paid": said.paid, "disputed": said.disputed, "standing": said.standing}
    return BookInvoice(
        row=row,
        number=number,
        account_ref=said.account,
        services=tuple(said.services),
        issued_on=said.issued_on,
        due_on=said.due_on,
        currency=said.total.currency,
        total_minor=said.total.amount_minor,
        disputed=bool(said.disputed),
        standing=InvoiceStanding(said.standing or "open"),
        unsaid=frozenset(name for name, word in words.items() if word is None),
        lines=book_lines(said.lines),
        tax_lines=book_taxes(said.tax),
    )


def book_payment(invoice: BookInvoice, minor: int) -> BookPayment:
    """That at least so much of an invoice is paid; nobody says when."""
    return BookPayment(
        row=invoice.row,
        ref=invoice.number,
        account_ref=invoice.account_ref,
        invoice_number=invoice.number,
        paid_on=invoice.due_on,
        currency=invoice.currency,
        amount_minor=minor,
        dated=False,
    )


def wrong_fields(error: ValidationError, *, skip: int = 0) -> list[WrongField]:
    """What is wrong with a row, field by field; the first `skip` steps of each place are not the row's."""
    return [
        WrongField(".".join(str(step) for step in one["loc"][skip:]), one["type"], one["msg"])
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def raw(said: Any, name: str) -> str:
    """A text of a row that cannot be read as a whole; empty where it is none."""
    found = said.get(name) if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""
