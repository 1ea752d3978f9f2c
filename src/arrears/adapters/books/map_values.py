"""What a map says, as values: where each field comes from, which words mean what, how the file is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from arrears.core.receivables import BookMode

STATUSES: Final = ("open", "paid", "void", "draft", "uncollectible", "disputed")
KINDS: Final = ("invoice", "credit_note")
MODES: Final[tuple[BookMode, ...]] = ("card", "invoice")

DecidedBy = Literal["every_row", "latest_invoice"]
EachRow = Literal["invoice", "line", "service"]


@dataclass(frozen=True, slots=True)
class Column:
    """What the row says in the column of this name. `words` maps what is written there, in small letters, to what it
    means; `otherwise` stands for an empty cell and, where there are words, for one that is none of them. `separator`:
    one cell holds several values with this between them."""

    name: str
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    otherwise: str | None = None
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every row."""

    text: str


Source = Column | Constant


@dataclass(frozen=True, slots=True)
class ValueWords:
    """A column that holds one of a few words, in small letters, and what each means; `otherwise` for every other.
    `written` has the words as the map writes them."""

    column: Column
    meanings: Mapping[str, str]
    otherwise: str | None = None
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileForm:
    """How the file is written: encoding, delimiter, date formats and the marks in its amounts."""

    encoding: str
    delimiter: str
    date_formats: tuple[str, ...]
    decimal_mark: str
    grouping: str
    minor_units: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Rows that are no invoices: `op` is `is`, `is_not` or `starts_with`, the words are in small letters."""

    column: Column
    op: str
    words: tuple[str, ...]

    def holds(self, text: str) -> bool:
        """Whether a row with this text in the column is left out."""
        text = " ".join(text.casefold().split())
        if self.op == "starts_with":
            return text.startswith(self.words)
        return (text in self.words) is (self.op == "is")


@dataclass(frozen=True, slots=True)
class InvoiceForm:
    """What a row is of an invoice. `each_row`: the whole invoice, a line of it, or the invoice once more for another
    service. `per_customer`: numbers are unique for a customer only. `due_after_days`: the days from the issue to the
    due date where the row says none. `early_due`: a due date before the issue is the day of the issue; `prepaid`: money
    may come before the invoice. `kind`: words for what the row is."""

    each_row: EachRow = "invoice"
    per_customer: bool = False
    due_after_days: int | None = None
    early_due: bool = False
    prepaid: bool = False
    negative_is_credit: bool = False
    kind: ValueWords | None = None
    status: tuple[ValueWords, ...] = ()
    """Columns that say how an invoice stands: the first one that says anything but `open` decides."""
    disputed: ValueWords | None = None
    lists_open: bool = False
    """The file lists only what is open: what is gone from the next one has been paid."""
    credited: Source | None = None
    """Of which invoice a credit note is, where a column says so."""


@dataclass(frozen=True, slots=True)
class BookMap:
    """A checked map. `account`, `invoice` and `payment` hold a source per field that the map names.

    `payment` empty: the book has no payments. `mode` a word instead of `ValueWords`: every account's. The two
    `decided_by` say which row has the last word on an account's mode, and on everything else about it. `balance` is
    `open`, what is left of an invoice, or `paid`, what has been paid of it by now; it stands instead of `payment`.
    `method` is the `provider`, `customer` and `ref` of the payment method that a customer has; empty: none is said.
    `billing_address` are the cells whose lines, one after the other, are the customer's postal address.
    """

    form: FileForm
    account: Mapping[str, Source]
    invoice: Mapping[str, Source]
    payment: Mapping[str, Source]
    mode: ValueWords | BookMode
    decided_by: DecidedBy
    account_decided_by: DecidedBy = "every_row"
    balance: Mapping[str, Source] = field(default_factory=dict)
    rules: InvoiceForm = InvoiceForm()
    skips: tuple[Skip, ...] = ()
    method: Mapping[str, Source] = field(default_factory=dict)
    billing_address: tuple[Source, ...] = ()
    line: Mapping[str, Source] = field(default_factory=dict)
    """What of [invoice] its document shows: `text`, `quantity`, `tax` and `tax_rate`."""

    def columns(self) -> list[str]:
        """The names of all columns that the map reads, each once, in the map's order."""
        return list(dict.fromkeys(self._columns()))

    def _columns(self) -> Iterator[str]:
        sections = (self.account, self.method, self.invoice, self.line, self.payment, self.balance)
        sources = [source for section in sections for source in section.values()]
        sources += self.billing_address
        if self.rules.credited is not None:
            sources.append(self.rules.credited)
        yield from (source.name for source in sources if isinstance(source, Column))
        words = (self.rules.disputed, self.mode, *self.rules.status, self.rules.kind)
        yield from (one.column.name for one in words if isinstance(one, ValueWords))
        yield from (skip.column.name for skip in self.skips)
