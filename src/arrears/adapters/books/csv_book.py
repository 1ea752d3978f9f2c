"""A receivables book from a CSV file, all of it or nothing, with every mistake named by row and column.

One row is one invoice, with its customer and, if it was paid, its payment. A wrong row never reaches the
store: an amount read in the wrong locale or a date read the wrong way round would disable people who paid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import cast

from arrears.adapters.books.book_map import BookMap, Column, Source, ValueWords
from arrears.adapters.books.fields import plain, quoted
from arrears.adapters.books.plausible import refuse_unread_balance
from arrears.adapters.books.records import BrokenRow, Records, open_book
from arrears.adapters.books.rows import BookRow, label
from arrears.core.errors import Refused
from arrears.core.receivables import (
    BookAccount,
    BookCredit,
    BookInvoice,
    BookMode,
    BookPayment,
    InvoiceStanding,
    ReceivablesBook,
)

MISTAKE_LINES_MAX = 50
_COLUMNS_SHOWN_MAX = 40


class _Mistakes:
    """One line per bad row: the first MISTAKE_LINES_MAX, then how many more."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rows = 0

    def add(self, row: int, reasons: Sequence[str]) -> None:
        if reasons:
            self._rows += 1
            if self._rows <= MISTAKE_LINES_MAX:
                self._lines.append(f"row {row}, {'; '.join(reasons)}")

    def refuse_if_any(self) -> None:
        if self._rows > MISTAKE_LINES_MAX:
            self._lines.append(f"and {self._rows - MISTAKE_LINES_MAX} more")
        if self._lines:
            raise Refused("bad_book", "\n".join(self._lines))


@dataclass(slots=True)
class _Customer:
    """An account as the rows so far describe it, and the row that decides its mode."""

    row: int
    account: BookAccount
    mode_row: int
    mode_key: tuple[date, str] | None


class _Reader:
    """The book that grows row by row."""

    def __init__(self, book_map: BookMap) -> None:
        self._map = book_map
        self._customers: dict[str, _Customer] = {}
        self._invoices: dict[str, tuple[BookInvoice, BookPayment | None, BookMode]] = {}
        self._payments: dict[tuple[str, str], BookPayment] = {}
        self._credits: dict[str, BookCredit] = {}
        self._left_out: Counter[str] = Counter()

    def take(self, row: BookRow) -> None:
        """Add one row; whatever is wrong with it is in `row.mistakes`, and then nothing of its money is added."""
        status = row.status()
        if status == "draft":
            self._left_out["draft"] += 1
            return
        account = self._account(row)
        if self._map.negative_is_credit and row.is_negative(self._map.invoice["amount"]):
            self._credit_note(row, account)
            return
        invoice = self._invoice(row, account)
        payment = self._payment(row, invoice) if self._map.payment else self._balance(row, invoice, status)
        if account is not None:
            self._take_account(row, account, invoice)
        if account is None or invoice is None or row.mistakes:
            return
        first = self._invoices.get(invoice.number)
        if first is not None:
            self._compare_invoices(row, first, (invoice, payment, account.mode))
        if payment is not None and not row.mistakes:
            self._take_payment(row, payment)
        if first is None and not row.mistakes:
            self._invoices[invoice.number] = (invoice, payment, account.mode)

    def book(self, digest: str) -> ReceivablesBook:
        return ReceivablesBook(
            accounts=tuple(self._customers[ref].account for ref in sorted(self._customers)),
            invoices=tuple(
                sorted((kept[0] for kept in self._invoices.values()), key=lambda i: (i.issued_on, i.number))
            ),
            payments=tuple(sorted(self._payments.values(), key=lambda p: (p.paid_on, p.ref))),
            digest=digest,
            columns=self._columns(),
            credits=tuple(sorted(self._credits.values(), key=lambda c: (c.issued_on, c.number))),
            left_out=self._left_out,
        )

    def _account(self, row: BookRow) -> BookAccount | None:
        sources = self._map.account
        found = {field: row.text(source, field) for field, source in sources.items() if field != "email"}
        email = None
        if "email" in sources and row.raw(sources["email"]):
            email = row.text(sources["email"], "email")
        mode = row.word(self._map.mode) if isinstance(self._map.mode, ValueWords) else self._map.mode
        texts = {field: text for field, text in found.items() if text is not None}
        if row.mistakes or mode is None:
            return None
        texts.setdefault("name", texts["ref"])
        return BookAccount(**texts, mode=cast(BookMode, mode), email=email)

    def _invoice(self, row: BookRow, account: BookAccount | None) -> BookInvoice | None:
        sources = self._map.invoice
        number = row.text(sources["number"], "number")
        service = row.text(sources["service"], "service")
        issued_on, due_on = row.day(sources["issued_on"]), row.day(sources["due_on"])
        currency = row.currency(sources["currency"])
        total_minor = row.amount_minor(sources["amount"], currency)
        status = row.status()
        disputed = "no" if self._map.disputed is None else row.word(self._map.disputed)
        if issued_on and due_on and due_on < issued_on:
            row.wrong(sources["due_on"], f"due on {due_on}, before it was issued on {issued_on}")
            return None
        if total_minor is None or not status:
            return None
        if account and number and service and issued_on and due_on and currency and disputed:
            return BookInvoice(
                row=row.number,
                number=number,
                account_ref=account.ref,
                services=(service,),
                issued_on=issued_on,
                due_on=due_on,
                currency=currency,
                total_minor=total_minor,
                disputed=disputed == "yes" or status == "disputed",
                standing=InvoiceStanding(status) if status in ("void", "uncollectible") else InvoiceStanding.OPEN,
            )
        return None

    def _credit_note(self, row: BookRow, account: BookAccount | None) -> None:
        """A sum below nothing, where the map says that this is a credit note."""
        sources = self._map.invoice
        number = row.text(sources["number"], "number")
        issued_on, currency = row.day(sources["issued_on"]), row.currency(sources["currency"])
        left = self._map.balance.get("open")
        minor = row.amount_minor(left or sources["amount"], currency, signed=True)
        if account and number and issued_on and currency and minor is not None and not row.mistakes:
            self._take_account(row, account, None)
            note = BookCredit(row.number, number, account.ref, "", issued_on, currency, -minor, left is not None)
            known = self._credits.setdefault(number, note) if minor else note
            if replace(known, row=row.number) != note:
                row.wrong(sources["number"], f"{quoted(number)} is already on row {known.row} with other content")

    def _balance(self, row: BookRow, invoice: BookInvoice | None, status: str | None) -> BookPayment | None:
        """What is paid by now: by a column that says so, by what is still open, or by the word for a paid invoice."""
        if invoice is None:
            return None
        left, paid = self._map.balance.get("open"), self._map.balance.get("paid")
        minor: int | None = invoice.total_minor if status == "paid" else 0
        if left is not None:
            still = row.amount_minor(left, invoice.currency, signed=True)
            if still is not None and still > invoice.total_minor:
                row.wrong(left, f"{quoted(row.raw(left))} is open, which is more than was asked")
            minor = None if still is None else invoice.total_minor - still
        elif paid is not None:
            minor = row.amount_minor(paid, invoice.currency, signed=True) if row.raw(paid) else 0
        if not minor or minor < 0 or invoice.standing is InvoiceStanding.VOID:
            return None
        return BookPayment(
            row=row.number,
            ref=invoice.number,
            account_ref=invoice.account_ref,
            invoice_number=invoice.number,
            paid_on=invoice.due_on,
            currency=invoice.currency,
            amount_minor=minor,
            dated=False,
        )

    def _payment(self, row: BookRow, invoice: BookInvoice | None) -> BookPayment | None:
        """The row's payment; None where its date is empty, which means not paid."""
        sources = self._map.payment
        amount = sources.get("amount")
        if not row.date_text(sources["paid_on"]):
            if isinstance(amount, Column) and row.raw(amount).strip("0., "):
                row.wrong(sources["paid_on"], f"is empty, but {label(amount)} says {quoted(row.raw(amount))}")
            return None
        paid_on = row.day(sources["paid_on"])
        ref = row.text(sources["ref"], "ref") if "ref" in sources else None
        if invoice is None:
            return None
        amount_minor = invoice.total_minor
        if isinstance(amount, Column):
            found = row.amount_minor(amount, invoice.currency)
            if found == 0:
                row.wrong(amount, f"{quoted(row.raw(amount))} is not above zero")
            amount_minor = found or 0
        if paid_on and paid_on < invoice.issued_on:
            reason = f"paid on {paid_on}, before it was issued on {invoice.issued_on}"
            row.wrong(sources["paid_on"], reason)
        if row.mistakes or paid_on is None:
            return None
        return BookPayment(
            row=row.number,
            ref=ref or invoice.number,
            account_ref=invoice.account_ref,
            invoice_number=invoice.number,
            paid_on=paid_on,
            currency=invoice.currency,
            amount_minor=amount_minor,
        )

    def _take_account(self, row: BookRow, account: BookAccount, invoice: BookInvoice | None) -> None:
        """Rows of one customer agree, except about the mode where its latest invoice decides that."""
        latest = self._map.decided_by == "latest_invoice"
        key = (invoice.issued_on, invoice.number) if latest and invoice else None
        known = self._customers.get(account.ref)
        if known is None:
            self._customers[account.ref] = _Customer(row.number, account, row.number, key)
            return
        for field, source in self._map.account.items():
            now, then = getattr(account, field), getattr(known.account, field)
            if now != then:
                said = f"{quoted(now or '')} for customer {quoted(account.ref)}"
                row.wrong(source, f"{said}, but row {known.row} says {quoted(then or '')}")
        mode = self._map.mode
        if key is not None and (known.mode_key is None or key > known.mode_key):
            known.account = replace(known.account, mode=account.mode)
            known.mode_row, known.mode_key = row.number, key
        elif not latest and account.mode != known.account.mode and isinstance(mode, ValueWords):
            said = f"{quoted(row.raw(mode.column))} for customer {quoted(account.ref)}"
            row.wrong(mode.column, f"{said}, but row {known.mode_row} says otherwise")

    def _compare_invoices(
        self,
        row: BookRow,
        first: tuple[BookInvoice, BookPayment | None, BookMode],
        again: tuple[BookInvoice, BookPayment | None, BookMode],
    ) -> None:
        """The same invoice twice is one invoice; with another content, nobody knows which one is meant.

        Where payments have references of their own, a repeated invoice may carry a further payment.
        """
        differing = [
            label(self._source(field.name))
            for field in fields(BookInvoice)
            if field.name != "row" and getattr(first[0], field.name) != getattr(again[0], field.name)
        ]
        if "ref" not in self._map.payment:
            differing += self._payments_differ(first[1], again[1])
        if first[2] != again[2] and isinstance(self._map.mode, ValueWords):
            differing.append(label(self._map.mode.column))
        if differing:
            known = f"{quoted(again[0].number)} is already on row {first[0].row} with other content"
            row.wrong(self._map.invoice["number"], f"{known} ({', '.join(differing)})")

    def _payments_differ(self, first: BookPayment | None, again: BookPayment | None) -> list[str]:
        """The labels of the columns in which two payments of one invoice differ, besides what the invoice says."""
        if first is None and again is None:
            return []
        if first is None or again is None or first.paid_on != again.paid_on:
            return [label(self._map.payment["paid_on"])]
        amount = self._map.payment.get("amount")
        if isinstance(amount, Column) and first.amount_minor != again.amount_minor:
            return [label(amount)]
        return []

    def _source(self, field: str) -> Source:
        if field == "account_ref":
            return self._map.account["ref"]
        if field == "disputed" and self._map.disputed is not None:
            return self._map.disputed.column
        return self._map.invoice[{"total_minor": "amount", "services": "service"}.get(field, field)]

    def _columns(self) -> dict[str, str]:
        """The label of each field that the file has a word about, as the import asks for it."""
        names = {"service": "services", "amount": "total_minor"}
        columns = {name: label(source) for name, source in self._map.account.items() if name != "ref"}
        columns |= {names.get(name, name): label(source) for name, source in self._map.invoice.items()}
        if isinstance(self._map.mode, ValueWords):
            columns["mode"] = label(self._map.mode.column)
        else:
            columns["mode"] = "the map's mode"
        if self._map.disputed is not None:
            columns["disputed"] = label(self._map.disputed.column)
        columns["standing"] = columns["number"]
        if self._map.balance:
            columns["paid"] = label(next(iter(self._map.balance.values())))
        elif self._map.status is not None and "paid" in self._map.status.meanings.values():
            columns["paid"] = label(self._map.status.column)
        if self._map.status is not None:
            columns["standing"] = label(self._map.status.column)
            if "disputed" in self._map.status.meanings.values():
                columns.setdefault("disputed", columns["standing"])
        if self._map.payment:
            amount = self._map.payment.get("amount")
            columns["paid"] = label(amount if isinstance(amount, Column) else self._map.payment["paid_on"])
            columns["paid_on"] = label(self._map.payment["paid_on"])
            columns["ref"] = label(self._map.payment.get("ref", self._map.invoice["number"]))
        return columns

    def _take_payment(self, row: BookRow, payment: BookPayment) -> None:
        known = self._payments.setdefault((payment.ref, payment.invoice_number), payment)
        if replace(known, row=payment.row) != payment:
            source = self._map.payment.get("ref", self._map.invoice["number"])
            row.wrong(source, f"{quoted(payment.ref)} is already on row {known.row} for another payment")


def _places(header: list[str], book_map: BookMap) -> dict[str, int]:
    """Column name -> place in a row, from 0."""
    named = [name for name in header if name]
    shown = ", ".join(plain(name) for name in named[:_COLUMNS_SHOWN_MAX])
    read = book_map.columns()
    twice = sorted({name for name in named if named.count(name) > 1 and name in read})
    if twice:
        names = ", ".join(plain(name) for name in twice)
        raise Refused("bad_book", f"row 1, column {names}: is there more than once; rename all but one")
    missing = [name for name in book_map.columns() if name not in named]
    if missing:
        names = ", ".join(plain(name) for name in missing)
        more = ", ..." if len(named) > _COLUMNS_SHOWN_MAX else ""
        hint = f" (one column only: is {quoted(book_map.form.delimiter)} the delimiter?)" if len(header) == 1 else ""
        raise Refused("bad_book", f"row 1, column {names}: not in the file; columns there: {shown}{more}{hint}")
    refuse_unread_balance(named, book_map)
    return {name: place for place, name in enumerate(header) if name}


def _ragged(cells: list[str], header: list[str]) -> str | None:
    if len(cells) == len(header):
        return None
    counts = f"the row has {len(cells)} cells, the header has {len(header)}"
    if len(cells) < len(header):
        return f"column {plain(header[len(cells)])}: is missing; {counts}"
    return f"column {plain(header[-1])}: is followed by more; {counts}; put text with a delimiter in quotes"


def _read(path: Path, records: Records, book_map: BookMap, mistakes: _Mistakes) -> _Reader:
    reader = _Reader(book_map)
    header: list[str] = []
    places: dict[str, int] = {}
    rows = 0
    try:
        for number, cells in records:
            if not header:
                header, places = cells, _places(cells, book_map)
                continue
            rows += 1
            if reason := _ragged(cells, header):
                mistakes.add(number, [reason])
                continue
            row = BookRow(number, cells, places, book_map)
            reader.take(row)
            mistakes.add(number, row.mistakes)
    except BrokenRow as broken:
        known = broken.cell is not None and broken.cell < len(header)
        column = f"column {plain(header[broken.cell or 0])}: " if known else ""
        mistakes.add(broken.row, [column + broken.reason])
    mistakes.refuse_if_any()
    if not rows:
        raise Refused("bad_book", f"{path}: has {'only a header' if header else 'only blanks'}; no invoice in it")
    return reader


def read_book(path: Path, book_map: BookMap) -> ReceivablesBook:
    """The book in the CSV file at `path`; row numbers are line numbers of the file, the header's is 1.

    Raises Refused `bad_book` (exit code 2): a line per bad row with its row, column and reason, the first 50
    and then a count. The file is read in place, once, and never copied.
    """
    mistakes = _Mistakes()
    with open_book(path) as file:
        records = Records(file, book_map.form)
        try:
            reader = _read(path, records, book_map, mistakes)
        except OSError as error:
            raise Refused("bad_book", f"{path}: cannot be read: {error.strerror}") from None
    return reader.book(records.digest)
