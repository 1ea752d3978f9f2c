"""The rows of one customer become its account, invoices, payments and credit notes; rows that contradict each other
are mistakes of the later row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, cast

from arrears.adapters.books.invoice_lines import lines_of
from arrears.adapters.books.map_values import BookMap, Column, Source, ValueWords
from arrears.adapters.books.reading import FULL, LEFT, NOTHING, SO_MUCH, AccountWord, ReadRow, rows_of_kept
from arrears.adapters.books.rows import label
from arrears.core.money import format_amount
from arrears.core.receivables import (
    MAY_BE_EMPTIED,
    AccountRows,
    BookAccount,
    BookCredit,
    BookInvoice,
    BookMode,
    BookPayment,
    Complaint,
    InvoiceStanding,
    KeptAccount,
    NamedMethod,
)
from arrears.core.row_fields import quoted

_STANDINGS: Final = {standing.value: standing for standing in InvoiceStanding}
_NAMES: Final = {"total_minor": "amount", "services": "service"}


class _Payment(NamedTuple):
    """A payment of an invoice, or what it says is paid by now."""

    row: int
    how: int
    minor: int
    on: int
    ref: str


class _Invoice:
    """An invoice as the rows so far say it."""

    __slots__ = ("first", "minor", "mode", "parts", "payments", "services")

    def __init__(self, first: ReadRow) -> None:
        self.first = first
        self.minor = first.minor
        self.services = list(first.services)
        self.mode = first.account.mode
        self.payments: list[_Payment] = []
        self.parts = [first]


class Merging:
    """Merges the rows of one customer after the other. See receivables.Merge."""

    def __init__(self, book_map: BookMap) -> None:
        self._map = book_map
        self._rules = book_map.rules
        self._complaints: list[Complaint] = []
        self._invoices: dict[str, _Invoice] = {}
        self._credits: dict[str, _Invoice] = {}

    def __call__(self, account: KeptAccount) -> tuple[AccountRows, list[Complaint]]:
        """Everything of one customer; its rows in the order of the file, at least one."""
        self._invoices, self._credits, self._complaints = {}, {}, []
        return self._merged(rows_of_kept(account.rows)), self._complaints

    def _merged(self, rows: Sequence[ReadRow]) -> AccountRows:
        account = self._account(rows)
        for row in rows:
            self._take(row)
        merged = AccountRows(account)
        for number, one in sorted(self._invoices.items(), key=lambda item: (item[1].first.issued, item[0])):
            minor = one.minor
            if minor < 0 and self._rules.negative_is_credit:
                self._credits.setdefault(number, one)
            elif minor < 0:
                way = 'say negative = "credit_note" under [invoice] if it is a credit note'
                self._wrong(one.first, self._source("amount"), f"the lines of {quoted(number)} are below zero; {way}")
            else:
                merged.invoices.append(self._invoice(one))
                payments = list(self._payments(one))
                if payments:
                    merged.payments[number] = payments
        merged.credits += sorted(map(self._credit, self._credits.values()), key=lambda c: (c.issued_on, c.number))
        return merged

    # -- the customer ----------------------------------------------------------------------------------------

    def _account(self, rows: Sequence[ReadRow]) -> BookAccount:
        """Rows of one customer agree, unless the map lets its latest invoice decide."""
        word = self._words_of(rows)
        return BookAccount(
            ref=word.ref,
            name=word.name,
            country=word.country,
            zone=word.zone,
            locale=word.locale,
            mode=cast(BookMode, self._mode(rows)),
            email=word.email or None,
            policy=word.policy,
            copies=tuple(dict.fromkeys(copy for row in rows for copy in row.account.copies if copy != word.email)),
            method=NamedMethod._make(word.method) if word.method else None,
            billing_address=word.billing_address,
            tax_number=word.tax_number,
            unsaid=frozenset(self._unfilled(word)),
        )

    def _unfilled(self, word: AccountWord) -> Iterator[str]:
        """What the map has a column for and this customer's rows do not fill: no word, which takes nothing away."""
        mapped = {**self._map.account, "billing_address": None} if self._map.billing_address else self._map.account
        return (name for name in MAY_BE_EMPTIED if name in mapped and not getattr(word, name))

    def _words_of(self, rows: Sequence[ReadRow]) -> AccountWord:
        first = rows[0].account
        if self._map.account_decided_by == "latest_invoice":
            by_age = sorted(rows, key=lambda row: (row.issued, row.number, row.row))
            word = by_age[-1].account
            newest = [row.account for row in reversed(by_age)]
            return word._replace(
                email=next((one.email for one in newest if one.email), ""),
                method=next((one.method for one in newest if one.method), ()),
                billing_address=next((one.billing_address for one in newest if one.billing_address), ""),
                tax_number=next((one.tax_number for one in newest if one.tax_number), ""),
            )
        for row in rows:
            word = row.account
            if word is not first and word != first:
                for field, source in self._said_of_account().items():
                    now, then = getattr(word, field), getattr(first, field)
                    if now != then:
                        now, then = (" ".join(said) if not isinstance(said, str) else said for said in (now, then))
                        said = f"{quoted(now)} for customer {quoted(word.ref)}, but row {rows[0].row} says"
                        way = 'say decided_by = "latest_invoice" under [account] to take the newest'
                        self._wrong(row, source, f"{said} {quoted(then)}; {way}")
        return first

    def _said_of_account(self) -> Mapping[str, Source]:
        """Where each word about a customer stands."""
        method = {"method": self._map.method["ref"]} if self._map.method else {}
        address = {"billing_address": self._map.billing_address[0]} if self._map.billing_address else {}
        return {**self._map.account, **method, **address}

    def _mode(self, rows: Sequence[ReadRow]) -> str:
        words = self._map.mode
        if not isinstance(words, ValueWords):
            return words
        if self._map.decided_by == "latest_invoice":
            latest = max((row for row in rows if not row.is_credit), key=_age, default=rows[0])
            return latest.account.mode
        for row in rows:
            if row.account.mode != rows[0].account.mode:
                written = next(word for word in words.written if words.meanings[word.casefold()] == row.account.mode)
                said = f"{quoted(written)} for customer {quoted(row.account.ref)}"
                self._wrong(row, words.column, f"{said}, but row {rows[0].row} says otherwise")
        return rows[0].account.mode

    # -- its invoices ----------------------------------------------------------------------------------------

    def _take(self, row: ReadRow) -> None:
        known = self._credits if row.is_credit else self._invoices
        one = known.get(row.number)
        if one is None:
            one = known[row.number] = _Invoice(row)
        elif self._rules.each_row == "invoice" and not row.is_credit:
            differing = self._differing(one, row)
            if differing:
                said = f"{quoted(row.number)} is already on row {one.first.row} with other content"
                way = self._way_out(differing)
                shown = ", ".join(label(source) for source in differing)
                self._wrong(row, self._source("number"), f"{said} ({shown}){way}")
                return
        elif not self._joins(one, row):
            return
        if row.paid != NOTHING:
            self._take_payment(one, row)

    def _joins(self, one: _Invoice, row: ReadRow) -> bool:
        """A further row of an invoice of which each row is a part."""
        if one.first == row._replace(row=one.first.row, paid=one.first.paid) and self._rules.each_row != "line":
            return True
        apart = [source for source in self._differing(one, row) if source is not self._source("service")]
        if self._rules.each_row == "line":
            apart = [source for source in apart if source is not self._source("amount")]
        if apart:
            said = f"{quoted(row.number)} is already on row {one.first.row} with other content"
            self._wrong(row, self._source("number"), f"{said} ({', '.join(label(source) for source in apart)})")
            return False
        one.services += [service for service in row.services if service not in one.services]
        if self._rules.each_row == "line":
            one.minor += row.minor
            one.parts.append(row)
        return True

    def _differing(self, one: _Invoice, row: ReadRow) -> list[Source]:
        """The sources of what a repeated invoice says otherwise. Where payments have references of their own, or sums,
        it may carry a further payment."""
        first = one.first
        found: list[Source] = []
        for field, differs in (
            ("service", first.services != row.services),
            ("issued_on", first.issued != row.issued),
            ("due_on", first.due != row.due),
            ("currency", first.currency != row.currency),
            ("amount", first.minor != row.minor),
            ("disputed", first.disputed != row.disputed),
            ("status", first.standing != row.standing),
        ):
            if differs:
                found.append(self._source(field))
        if "ref" not in self._map.payment and "amount" not in self._map.payment:
            found += self._payments_differ(first, row)
        mode = self._map.mode
        if one.mode != row.account.mode and isinstance(mode, ValueWords) and self._map.decided_by == "latest_invoice":
            found.append(mode.column)
        return found

    def _payments_differ(self, first: ReadRow, row: ReadRow) -> list[Source]:
        if (first.paid, first.paid_minor, first.paid_on) == (row.paid, row.paid_minor, row.paid_on):
            return []
        balance = next(iter(self._map.balance.values()), None)
        paid_on = self._map.payment.get("paid_on")
        status = next((words.column for words in self._rules.status if "paid" in words.meanings.values()), None)
        source = paid_on or balance or status
        return [] if source is None else [source]

    def _way_out(self, differing: Sequence[Source]) -> str:
        places = {id(source) for source in differing}
        if places <= {id(self._source("service")), id(self._source("amount"))}:
            ways = 'each_row = "line" under [invoice] if the rows are lines that add up'
            if id(self._source("amount")) not in places:
                ways += ', each_row = "service" if each row says the whole invoice'
            return f"; say {ways}"
        if places == {id(self._source("number"))}:
            return ""
        return ""

    def _invoice(self, one: _Invoice) -> BookInvoice:
        first = one.first
        return BookInvoice(
            row=first.row,
            number=first.number,
            account_ref=first.account.ref,
            services=tuple(one.services),
            issued_on=date.fromordinal(first.issued),
            due_on=date.fromordinal(first.due),
            currency=first.currency,
            total_minor=one.minor,
            disputed=first.disputed,
            standing=_STANDINGS[first.standing],
            **lines_of(one.parts),
        )

    # -- what is paid of them --------------------------------------------------------------------------------

    def _take_payment(self, one: _Invoice, row: ReadRow) -> None:
        """The same payment again is one payment; the same reference for another one is a mistake."""
        said = _Payment(row.row, row.paid, row.paid_minor, row.paid_on, row.ref)
        if not one.payments:
            one.payments.append(said)
            return
        same = next((p for p in one.payments if p[1:] == said[1:]), None)
        if same is not None:
            return
        if not row.paid_on:
            return  # What is left of an invoice stands on each of its rows; another sum is said of already.
        other = next((p for p in one.payments if said.ref and p.ref == said.ref), None)
        if other is not None:
            source = self._map.payment.get("ref", self._source("number"))
            self._wrong(row, source, f"{quoted(said.ref)} is already on row {other.row} for another payment")
        else:
            one.payments.append(said)

    def _payments(self, one: _Invoice) -> Iterable[BookPayment]:
        first = one.first
        unnamed = sum(p.minor for p in one.payments if not p.ref)
        for number, p in enumerate(one.payments):
            minor = {FULL: one.minor, SO_MUCH: p.minor, LEFT: one.minor - p.minor}[p.how]
            if p.how == LEFT and p.minor > one.minor:
                still = format_amount(p.minor, first.currency)
                reason = f"{quoted(still)} is open, which is more than was asked"
                self._complain(p.row, first.account.ref, f"{label(self._map.balance['open'])}: {reason}")
            if number and not p.ref and unnamed > one.minor:
                paid, asked = format_amount(unnamed, first.currency), format_amount(one.minor, first.currency)
                reason = f"{paid} of {asked} would be paid of {quoted(first.number)}; give each payment a ref"
                self._complain(p.row, first.account.ref, f"{label(self._source('number'))}: {reason}")
            if minor <= 0 or (not p.on and first.standing == "void"):
                continue
            yield BookPayment(
                row=p.row,
                ref=p.ref or first.number,
                account_ref=first.account.ref,
                invoice_number=first.number,
                paid_on=date.fromordinal(p.on or first.due),
                currency=first.currency,
                amount_minor=minor,
                dated=p.on > 0,
            )

    # -- its credit notes ------------------------------------------------------------------------------------

    def _credit(self, one: _Invoice) -> BookCredit:
        first = one.first
        left = one.payments[0] if one.payments else None
        minor = abs(one.minor)
        if first.standing == "void" or (left is not None and left.how == FULL):
            minor = 0
        elif left is not None and left.how == LEFT:
            minor = abs(left.minor)
        return BookCredit(
            row=first.row,
            number=first.number,
            account_ref=first.account.ref,
            invoice_number=first.credited,
            issued_on=date.fromordinal(first.issued),
            currency=first.currency,
            amount_minor=minor,
            balance=left is not None,
        )

    # -- saying what is wrong --------------------------------------------------------------------------------

    def _source(self, field: str) -> Source:
        rules = self._rules
        if field == "disputed" and rules.disputed is not None:
            return rules.disputed.column
        if field in ("status", "disputed"):
            return rules.status[0].column if rules.status else self._map.invoice["number"]
        found = self._map.invoice.get(_NAMES.get(field, field))
        return found if found is not None else self._map.invoice["number"]

    def _complain(self, row: int, ref: str, reason: str) -> None:
        self._complaints.append(Complaint(row, ref, reason))

    def _wrong(self, row: ReadRow, source: Source, reason: str) -> None:
        self._complain(row.row, row.account.ref, f"{label(source)}: {reason}")


def _age(row: ReadRow) -> tuple[int, str]:
    return row.issued, row.number


def columns_of(book_map: BookMap) -> dict[str, str]:
    """The label of each field that the file has a word about, as the import asks for it."""
    names = {"service": "services", "amount": "total_minor"}
    columns = {name: label(source) for name, source in book_map.account.items() if name != "ref"}
    columns |= {names.get(name, name): label(source) for name, source in book_map.invoice.items()}
    if isinstance(book_map.account.get("email"), Column):
        columns["copies"] = columns["email"]
    if book_map.billing_address:
        columns["billing_address"] = label(book_map.billing_address[0])
    if book_map.method:
        columns["method"] = label(book_map.method["ref"])
    columns.setdefault("due_on", "the map's due date")
    mode, disputed = book_map.mode, book_map.rules.disputed
    if book_map.line:
        columns["lines"] = columns["tax_lines"] = label(next(iter(book_map.line.values())))
    columns["mode"] = label(mode.column) if isinstance(mode, ValueWords) else "the map's mode"
    columns["standing"] = columns["number"]
    if disputed is not None:
        columns["disputed"] = label(disputed.column)
    for words in reversed(book_map.rules.status):
        columns["standing"] = label(words.column)
        if "paid" in words.meanings.values():
            columns["paid"] = label(words.column)
        if "disputed" in words.meanings.values() and disputed is None:
            columns["disputed"] = label(words.column)
    if book_map.balance:
        columns["paid"] = label(next(iter(book_map.balance.values())))
    if book_map.rules.lists_open:
        columns.setdefault("paid", columns["total_minor"])
    if book_map.payment:
        amount = book_map.payment.get("amount")
        columns["paid"] = label(amount if isinstance(amount, Column) else book_map.payment["paid_on"])
        columns["paid_on"] = label(book_map.payment["paid_on"])
        columns["ref"] = label(book_map.payment.get("ref", book_map.invoice["number"]))
    return columns
