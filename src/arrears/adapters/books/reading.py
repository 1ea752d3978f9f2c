"""One row of a file under the map: plain values that can wait on disk until all rows of their customer are read."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from arrears.adapters.books.map_values import BookMap, Column, Constant, Source, ValueWords
from arrears.adapters.books.rows import (
    LINE_CELLS,
    Cell,
    SumCell,
    Wrong,
    read_address,
    read_currency,
    reading_day,
    reading_day_or_none,
    reading_ref,
    reading_text,
    reading_texts,
    reading_word,
)
from arrears.core.receivables import NamedThings
from arrears.core.row_fields import address_wrong, quoted

PREPAID_DAYS_MAX: Final = 366
_ACCOUNTS_REMEMBERED_MAX: Final = 40_000

NOTHING: Final = 0
FULL: Final = 1
SO_MUCH: Final = 2
LEFT: Final = 3
"""How a row says what is paid: nothing, all of it, so much, or what is left."""


class AccountWord(NamedTuple):
    """What a row says about its customer."""

    ref: str
    name: str
    country: str
    zone: str
    locale: str
    mode: str
    email: str
    policy: str
    copies: tuple[str, ...]
    method: tuple[str, ...] = ()
    """Provider, payer and reference of the payment method that the customer has; empty where none is said."""
    billing_address: str = ""
    tax_number: str = ""


class ReadRow(NamedTuple):
    """A row without a mistake, in plain values; days are counted from the year 1, sums are minor units. `standing` is
    `open`, `void` or `uncollectible`; `is_credit` a credit note, `paid` one of NOTHING, FULL, SO_MUCH and LEFT."""

    row: int
    account: AccountWord
    is_credit: bool
    number: str
    services: tuple[str, ...]
    issued: int
    due: int
    currency: str
    minor: int
    disputed: bool
    standing: str
    paid: int
    paid_minor: int
    paid_on: int
    ref: str
    credited: str
    line: tuple[str, str, int, str] | tuple[()] = ()
    """What the row is for, how many of it, the tax in its sum, and the rate of that in percent; empty where the map has
    no word about it."""


def row_kept(row: ReadRow) -> bytes:
    """A row as it is kept until those of its customer are put together: one value, whoever only hands it on."""
    return marshal.dumps((row[0], tuple(row.account), *row[2:]))


def rows_of_kept(kept: Iterable[bytes]) -> list[ReadRow]:
    """The rows of one customer again. What several of them say alike about it is one value."""
    rows: list[ReadRow] = []
    last: tuple[object, ...] = ()
    word: AccountWord | None = None
    for one in kept:
        values = marshal.loads(one)
        if values[1] != last:
            last, word = values[1], AccountWord._make(values[1])
        rows.append(ReadRow._make((values[0], word, *values[2:])))
    return rows


class RowReader:
    """Reads rows of one file. What is wrong with the last row is in `mistakes`, and whose it is in `ref`, as far as
    that could be read."""

    def __init__(self, book_map: BookMap, places: Mapping[str, int]) -> None:
        self.mistakes: list[str] = []
        self.ref = ""
        self._map = book_map
        self._rules = book_map.rules
        self._places = places
        form, invoice = book_map.form, book_map.invoice
        self._account = {
            # Who says the same as a row before is known as a whole (`_accounts`).
            name: Cell(source, places, reading_text(name), unique=name in ("ref", "name", "tax_number"))
            for name, source in book_map.account.items()
            if name != "email"
        }
        email = book_map.account.get("email")
        self._email: Cell[tuple[str, ...]] | None = None
        if email is not None:
            self._email = Cell(email, places, reading_texts("email", _separator(email)), unique=True)
        self._method = {name: Cell(source, places, reading_text(name)) for name, source in book_map.method.items()}
        self._address = [Cell(source, places, read_address, unique=True) for source in book_map.billing_address]
        self._mode = _words(book_map.mode, places) if isinstance(book_map.mode, ValueWords) else None
        self._accounts: dict[tuple[str, ...], AccountWord] = {}
        self._said_of_accounts = sorted(
            cell.place
            for cell in (*self._account.values(), *self._method.values(), *self._address, self._email, self._mode)
            if cell and cell.place >= 0
        )
        self._number = Cell(invoice["number"], places, reading_text("number"), unique=True)
        self._service = Cell(invoice["service"], places, reading_texts("service", _separator(invoice["service"])))
        self._issued = Cell(invoice["issued_on"], places, reading_day(form))
        self._due: Cell[date | bool] | Cell[date] | None = None
        if "due_on" in invoice:
            optional = self._rules.due_after_days is not None
            reading: Any = reading_day_or_none(form) if optional else reading_day(form)
            self._due = Cell(invoice["due_on"], places, reading)
        self._currency = Cell(invoice["currency"], places, read_currency)
        self._amount = _sum(invoice["amount"], places, book_map)
        self._statuses = [Cell(words.column, places, reading_word(words)) for words in self._rules.status]
        self._kind = _words(self._rules.kind, places)
        self._disputed = _words(self._rules.disputed, places)
        credited = self._rules.credited
        self._credited = None if credited is None else Cell(credited, places, lambda text: text)
        self._left = _sum(book_map.balance["open"], places, book_map) if "open" in book_map.balance else None
        self._so_much = _sum(book_map.balance["paid"], places, book_map) if "paid" in book_map.balance else None
        self._tax = _sum(book_map.line["tax"], places, book_map) if "tax" in book_map.line else None
        self._line = {
            name: Cell(source, places, LINE_CELLS[name]) for name, source in book_map.line.items() if name != "tax"
        }
        self._set_payment(book_map, places)

    def _set_payment(self, book_map: BookMap, places: Mapping[str, int]) -> None:
        payment = book_map.payment
        self._paid_on = Cell(payment["paid_on"], places, reading_day_or_none(book_map.form)) if payment else None
        amount = payment.get("amount")
        self._paid_amount = _sum(amount, places, book_map) if isinstance(amount, Column) else None
        self._ref = Cell(payment["ref"], places, reading_ref, unique=True) if "ref" in payment else None

    def skips(self, cells: list[str]) -> bool:
        """Whether the map leaves this row out. A row that is shorter than the header ends with empty cells."""
        for skip in self._map.skips:
            place = self._places[skip.column.name]
            if skip.holds(cells[place] if place < len(cells) else ""):
                return True
        return False

    def read(self, number: int, cells: list[str]) -> ReadRow | None:
        """The row; None where it is a draft, or something is wrong with it."""
        mistakes: list[str] = []
        self.mistakes = mistakes
        self.ref = ""
        status = self._status(cells, mistakes)
        if status == "draft":
            return None
        account = self._account_word(cells)
        invoice = self._number.take(cells, mistakes)
        services = self._service.take(cells, mistakes)
        issued = self._issued.take(cells, mistakes)
        currency = self._currency.take(cells, mistakes)
        minor = self._amount.take(cells, currency, mistakes)
        kind = "invoice" if self._kind is None else self._kind.take(cells, mistakes)
        negative = minor is not None and minor < 0 and self._rules.each_row != "line"
        is_credit = kind == "credit_note" or (self._rules.negative_is_credit and self._below(cells, currency, minor))
        if negative and not is_credit and minor is not None:
            way = 'say negative = "credit_note" under [invoice] if it is a credit note'
            mistakes.append(f"{self._amount.label}: {quoted(self._amount.written(cells))} is below zero; {way}")
        due = issued if is_credit else self._due_on(cells, issued)
        disputed = None if self._disputed is None else self._disputed.take(cells, mistakes)
        paid = (NOTHING, 0, 0, "")
        if currency is not None and minor is not None and issued is not None and status is not None:
            paid = self._paid(cells, currency, status, issued, is_credit)
        line = self._line_of(cells, currency) if self._map.line else ()
        if mistakes or account is None or invoice is None or services is None or issued is None or due is None:
            self._hint(cells)
            return None
        assert minor is not None, "a sum without a mistake has a value"
        assert currency is not None, "and so has its currency"
        return ReadRow(
            number,
            account,
            is_credit,
            f"{account.ref}/{invoice}" if self._rules.per_customer else invoice,
            services,
            issued.toordinal(),
            due.toordinal(),
            currency,
            minor,
            disputed == "yes" or status == "disputed",
            status if status in ("void", "uncollectible") else "open",
            *paid,
            self._credited_by(cells, account.ref) if is_credit else "",
            line,
        )

    def _line_of(self, cells: list[str], currency: str | None) -> tuple[str, str, int, str]:
        """What the row is for; of its service's name where no column says it."""
        said = {name: cell.take(cells, self.mistakes) or "" for name, cell in self._line.items()}
        tax = 0 if self._tax is None else self._tax.take(cells, currency, self.mistakes) or 0
        return said.get("text", ""), said.get("quantity", ""), tax, said.get("tax_rate", "")

    def named(self, cells: list[str]) -> NamedThings:
        """What a row names that has a mistake, as far as that can be read."""
        number = self._number.take(cells, [])
        own = f"{self.ref}/{number}" if number and self._rules.per_customer else number
        ref = None if self._ref is None else self._ref.take(cells, [])
        try:
            credited = self._credited_by(cells, self.ref)
        except Wrong:
            credited = ""
        return [one for one in (own, credited) if one], [one for one in (ref or own,) if one]

    def _credited_by(self, cells: list[str], ref: str) -> str:
        """The number of the invoice that a credit note is of; empty where it says none."""
        said = "" if self._credited is None else self._credited.text(cells)
        return f"{ref}/{said}" if said and self._rules.per_customer else said

    def is_draft(self, cells: list[str]) -> bool:
        """Whether the row is an invoice that has not been issued."""
        return self._status(cells, []) == "draft"

    def _status(self, cells: list[str], mistakes: list[str]) -> str | None:
        """How the row stands by the first of its columns that says anything but `open`."""
        said: str | None = "open"
        for column in self._statuses:
            said = column.take(cells, mistakes)
            if said != "open":
                break
        return said

    def _account_word(self, cells: list[str]) -> AccountWord | None:
        key = tuple([cells[place] for place in self._said_of_accounts])
        known = self._accounts.get(key)
        if known is not None:
            self.ref = known.ref
            return known
        before = len(self.mistakes)
        found = {name: cell.take(cells, self.mistakes) for name, cell in self._account.items()}
        self.ref = found["ref"] or ""
        emails: tuple[str, ...] = ()
        if self._email is not None and self._email.text(cells):
            emails = self._email.take(cells, self.mistakes) or ()
        mode = str(self._map.mode) if self._mode is None else self._mode.take(cells, self.mistakes)
        method, address = self._method_word(cells), self._address_word(cells)
        if len(self.mistakes) > before or mode is None:
            return None
        said = {name: text or "" for name, text in found.items()}
        word = AccountWord(
            said["ref"],
            said.get("name", said["ref"]),
            said["country"],
            said["zone"],
            said["locale"],
            mode,
            emails[0] if emails else "",
            said.get("policy", "default"),
            emails[1:],
            method,
            address,
            said.get("tax_number", ""),
        )
        if len(self._accounts) < _ACCOUNTS_REMEMBERED_MAX:
            self._accounts[key] = word
        return word

    def _method_word(self, cells: list[str]) -> tuple[str, ...]:
        """What the row says of the customer's payment method; nothing where its cell is empty."""
        if not self._method or not self._method["ref"].text(cells):
            return ()
        said = [self._method[name].take(cells, self.mistakes) for name in ("provider", "customer", "ref")]
        return tuple(text or "" for text in said)

    def _address_word(self, cells: list[str]) -> str:
        """The customer's postal address, line by line; empty where its cells are."""
        parts = [cell.take(cells, self.mistakes) for cell in self._address]
        address = "\n".join(part for part in parts if part)
        if reason := address_wrong(address):
            self.mistakes.append(f"{self._address[0].label}: {quoted(address)} {reason}")
        return address

    def _below(self, cells: list[str], currency: str | None, minor: int | None) -> bool:
        """Whether the row is money for the customer: a sum below nothing, or nothing asked and less left."""
        if minor is None or minor > 0 or self._rules.each_row == "line":
            return False
        return minor < 0 or (self._left is not None and (self._left.take(cells, currency, []) or 0) < 0)

    def _due_on(self, cells: list[str], issued: date | None) -> date | None:
        due: date | bool | None = False if self._due is None else self._due.take(cells, self.mistakes)
        if due is None or due is True or issued is None:
            return None
        if due is False:
            return issued + timedelta(days=self._rules.due_after_days or 0)
        if due < issued:
            if self._rules.early_due:
                return issued
            way = 'say due_before_issue = "due_at_once" under [invoice] if that is meant'
            assert self._due is not None, "what was read has a cell"
            self.mistakes.append(f"{self._due.label}: due on {due}, before it was issued on {issued}; {way}")
            return None
        return due

    def _paid(
        self, cells: list[str], currency: str, status: str, issued: date, is_credit: bool
    ) -> tuple[int, int, int, str]:
        """How the row says what is paid, the sum of that, its day (0: the file says none) and its reference."""
        if self._paid_on is not None and not is_credit:
            return self._payment(cells, currency, issued)
        if self._left is not None:
            left = self._left.take(cells, currency, self.mistakes)
            return (NOTHING if left is None else LEFT), left or 0, 0, ""
        if self._so_much is not None and not is_credit:
            written = self._so_much.written(cells)
            so_much = self._so_much.take(cells, currency, self.mistakes) if written else 0
            if so_much is not None and so_much < 0 and self._rules.each_row != "line":
                reason = f"{quoted(written)} is below zero; what is paid by now is 0 or more"
                self.mistakes.append(f"{self._so_much.label}: {reason}")
            return SO_MUCH, max(so_much or 0, 0), 0, ""
        return (FULL if status == "paid" else NOTHING), 0, 0, ""

    def _payment(self, cells: list[str], currency: str, issued: date) -> tuple[int, int, int, str]:
        """The row's payment; nothing where its date is empty, which means not paid."""
        assert self._paid_on is not None, "the map has a section for payments"
        day = self._paid_on.take(cells, self.mistakes)
        amount = self._paid_amount
        if day is False:
            if amount is not None and amount.written(cells).strip("0., "):
                said = f"is empty, but {amount.label} says {quoted(amount.written(cells))}"
                self.mistakes.append(f"{self._paid_on.label}: {said}")
            return NOTHING, 0, 0, ""
        if not isinstance(day, date):
            return NOTHING, 0, 0, ""
        minor = 0
        if amount is not None:
            minor = amount.take(cells, currency, self.mistakes) or 0
            if minor <= 0 and amount.written(cells):
                way = "a row that was not paid has no date of payment"
                self.mistakes.append(f"{amount.label}: {quoted(amount.written(cells))} is not above zero; {way}")
        if day < issued:
            reason = f"paid on {day}, before it was issued on {issued}"
            if not self._rules.prepaid:
                way = 'say before_issue = "taken" under [payment] if customers pay in advance'
                self.mistakes.append(f"{self._paid_on.label}: {reason}; {way}")
            elif (issued - day).days > PREPAID_DAYS_MAX:
                self.mistakes.append(f"{self._paid_on.label}: {reason} by more than {PREPAID_DAYS_MAX} days")
            day = issued
        ref = "" if self._ref is None else self._ref.text(cells)
        return (FULL if amount is None else SO_MUCH), minor, day.toordinal(), ref

    def _hint(self, cells: list[str]) -> None:
        """Where most of what is needed is empty, the row may be no invoice at all."""
        needed = {self._number.place, self._issued.place, self._amount.place, self._account["ref"].place}
        places = sorted(place for place in needed if place >= 0)
        filled = [place for place in places if cells[place]]
        if self.mistakes and 2 * len(filled) <= len(places):
            name = {place: name for name, place in self._places.items()}
            shown = filled[0] if filled else places[0]
            way = f"[skip] where = [{{ column = {quoted(name[shown])}, is = {quoted(cells[shown])} }}]"
            self.mistakes[-1] += f"; if the row is a title or a total, leave such rows out: {plain_long(way)}"


def plain_long(text: str) -> str:
    """A line for a terminal that may be longer than a cell's text."""
    return "".join(c if c.isprintable() else " " for c in text)


def _separator(source: Source) -> str:
    return "" if isinstance(source, Constant) else source.separator


def _words(words: ValueWords | None, places: Mapping[str, int]) -> Cell[str] | None:
    return None if words is None else Cell(words.column, places, reading_word(words))


def _sum(source: Source, places: Mapping[str, int], book_map: BookMap) -> SumCell:
    assert isinstance(source, Column), "the map reader refuses one sum for all rows"
    return SumCell(source, places, book_map.form)
