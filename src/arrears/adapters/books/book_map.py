"""The map that says which column of a book means what, so that no importer is written per customer.

A field is always one of two things: `{ column = "NAME" }`, what the row says, or `{ value = "TEXT" }`, the
same for every row. docs/import.md shows a whole map.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, cast

from arrears.adapters.books.dates import KNOWN_FORMATS, format_wrong
from arrears.adapters.books.map_reading import MapReading
from arrears.adapters.books.map_values import (
    KINDS,
    MODES,
    STATUSES,
    BookMap,
    Column,
    Constant,
    DecidedBy,
    EachRow,
    FileForm,
    InvoiceForm,
    Skip,
    Source,
    ValueWords,
)
from arrears.adapters.books.sums import APOSTROPHES, BLANKS
from arrears.core.errors import Refused
from arrears.core.receivables import BookMode
from arrears.core.row_fields import ADDRESS_LINES_MAX, plain, quoted

__all__ = ["BookMap", "Column", "Constant", "FileForm", "Source", "ValueWords", "load_map", "map_of"]

DELIMITERS: Final = (",", ";", "\t", "|")
DECIMAL_MARKS: Final = (".", ",")
GROUPINGS: Final = ("", ",", ".", *BLANKS, *APOSTROPHES)
MAP_BYTES_MAX: Final = 1024 * 1024
DUE_DAYS_MAX: Final = 366

_MARKS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "delimiter": (DELIMITERS, ","),
    "decimal_mark": (DECIMAL_MARKS, "."),
    "grouping": (GROUPINGS, ""),
}
# Field -> whether the map must name it.
_ACCOUNT: Final = {
    "ref": True,
    "name": False,
    "email": False,
    "country": True,
    "zone": True,
    "locale": True,
    "policy": False,
    "tax_number": False,
}
_INVOICE: Final = {"number": True, "service": True, "issued_on": True, "amount": True, "currency": True}
_INVOICE_BESIDES: Final = (
    "due_on",
    "disputed",
    "open",
    "paid",
    "status",
    "negative",
    "kind",
    "each_row",
    "numbers",
    "due_before_issue",
    "credited",
    "gone",
    "text",
    "quantity",
    "tax",
    "tax_rate",
)
_LINE: Final = ("text", "quantity", "tax", "tax_rate")
_PAYMENT: Final = {"paid_on": True, "amount": False, "ref": False}
_METHOD: Final = {"provider": True, "customer": True, "ref": True}
_SKIPS: Final = ("is", "is_not", "starts_with")


def _encoding(reading: MapReading, table: Mapping[str, object]) -> str:
    found = table.get("encoding", "utf-8")
    try:
        known = codecs.lookup(str(found)) if isinstance(found, str) else None
    except LookupError:
        known = None
    # `_is_text_encoding` is how Python itself tells text from rot13, base64 and the like.
    if known is None or not getattr(known, "_is_text_encoding", True) or known.name in ("idna", "punycode"):
        known_here = "utf-8, cp1252, iso-8859-1, iso-8859-15, utf-16 or another that Python knows"
        reading.wrong("file.encoding", f"{quoted(str(found))} is not known; say {known_here}")
        return "utf-8"
    return known.name


def _date_formats(reading: MapReading, table: Mapping[str, object]) -> tuple[str, ...]:
    found = table.get("date_format")
    if found is None:
        if reading.has("file"):
            reading.wrong("file.date_format", f"is missing; known here: {KNOWN_FORMATS}")
        return ("%Y-%m-%d",)
    formats = found if isinstance(found, list) and found else [found]
    for one in formats:
        reason = format_wrong(one) if isinstance(one, str) else "is not text"
        if reason is not None:
            reading.wrong("file.date_format", f"{quoted(str(one))} {reason}")
    return tuple(str(one) for one in formats)


def _form(reading: MapReading) -> FileForm:
    table = reading.table("file")
    reading.known("file", table, ("encoding", "delimiter", "date_format", "decimal_mark", "grouping", "minor_units"))
    chosen: dict[str, str] = {}
    for key, (allowed, default) in _MARKS.items():
        found = table.get(key, default)
        if not isinstance(found, str) or found not in allowed:
            known = ", ".join(quoted(a) for a in allowed)
            reading.wrong(f"file.{key}", f"{quoted(str(found))} is not known; known here: {known}")
            found = default
        chosen[key] = found
    if chosen["decimal_mark"] == chosen["grouping"]:
        reading.wrong("file.grouping", "is the decimal mark too; an amount could be read in two ways")
    return FileForm(
        encoding=_encoding(reading, table),
        date_formats=_date_formats(reading, table),
        minor_units=reading.switch("file", "minor_units"),
        **chosen,
    )


def _balance(reading: MapReading) -> dict[str, Source]:
    """Of what is open and what is paid by now, the one that the map names."""
    table = reading.table("invoice", needed=False)
    found: dict[str, Source] = {}
    for name in ("open", "paid"):
        if name in table:
            source = reading.source(f"invoice.{name}", table[name])
            if source is not None:
                found[name] = source
    if len(found) > 1 or (found and "payment" in reading.tables):
        reading.wrong("invoice.open", "what is paid is said once: by open, by paid, or by [payment]")
    return found


def _line(reading: MapReading) -> dict[str, Source]:
    """The columns of what an invoice is for, and of the tax in it."""
    table = reading.table("invoice", needed=False)
    named = {name: reading.source(f"invoice.{name}", table[name]) for name in _LINE if name in table}
    if ("tax" in named) != ("tax_rate" in named):
        missing = "tax" if "tax_rate" in named else "tax_rate"
        reading.wrong(f"invoice.{missing}", "is missing: tax is said by its sum and its rate")
    return {name: source for name, source in named.items() if source is not None}


def _billing_address(reading: MapReading) -> tuple[Source, ...]:
    """The column of the customer's postal address, or the list of those that have its lines."""
    found = reading.table("account", needed=False).get("billing_address", [])
    listed = found if isinstance(found, list) else [found]
    where = "account.billing_address"
    if any(not isinstance(one, dict) or "columns" in one for one in listed):
        reading.wrong(where, 'must be { column = "NAME" }, or a list of them: [{ column = "NAME" }, ...]')
        return ()
    if len(listed) > ADDRESS_LINES_MAX:
        reading.wrong(where, f"has {len(listed)} columns, the most is {ADDRESS_LINES_MAX}")
    return tuple(source for one in listed if (source := reading.source(where, one)) is not None)


def _due_on(reading: MapReading) -> tuple[Source | None, int | None]:
    """The column, and the days from the issue for a row that says none; one of the two is enough."""
    found = reading.table("invoice", needed=False).get("due_on")
    if found is None:
        if reading.has("invoice"):
            reading.wrong("invoice.due_on", "is missing")
        return None, None
    days = found.get("days_after_issue") if isinstance(found, dict) else None
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= DUE_DAYS_MAX):
        reading.wrong("invoice.due_on.days_after_issue", f"must be a number of days, 0 to {DUE_DAYS_MAX}")
        return None, None
    if isinstance(found, dict) and found.keys() == {"days_after_issue"}:
        return None, days
    return reading.source("invoice.due_on", found, ("days_after_issue",)), days


def _words(reading: MapReading, key: str, meanings: tuple[str, ...], shown: str) -> ValueWords | None:
    """The words of one key of [invoice]; what is there without any of them is a mistake."""
    found = reading.table("invoice", needed=False).get(key)
    if found is None:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("column"), str):
        reading.wrong(f"invoice.{key}", f"must be {shown}")
        return None
    return reading.one_of(f"invoice.{key}", found, meanings, all_needed=key == "disputed")


def _status(reading: MapReading) -> tuple[ValueWords, ...]:
    """The columns that say how an invoice stands: one table, or a list of them."""
    found = reading.table("invoice", needed=False).get("status", [])
    shown = '{ column = "NAME", open = ["WORD", ...], void = "WORD", ... }'
    several = isinstance(found, list)
    read = []
    for number, one in enumerate(found if isinstance(found, list) else [found], 1):
        where = f"invoice.status {number}" if several else "invoice.status"
        if not isinstance(one, dict) or not isinstance(one.get("column"), str):
            reading.wrong(where, f"must be {shown}, or a list of such columns")
        elif (words := reading.one_of(where, one, STATUSES)) is not None:
            read.append(words)
    return tuple(read)


def _rules(reading: MapReading, due_after_days: int | None) -> InvoiceForm:
    credited = reading.table("invoice", needed=False).get("credited")
    return InvoiceForm(
        each_row=cast(EachRow, reading.choice("invoice", "each_row", ("invoice", "line", "service"))),
        per_customer=reading.choice("invoice", "numbers", ("of_all", "of_each_customer")) == "of_each_customer",
        due_after_days=due_after_days,
        early_due=reading.choice("invoice", "due_before_issue", ("refused", "due_at_once")) == "due_at_once",
        prepaid=reading.choice("payment", "before_issue", ("refused", "taken")) == "taken",
        negative_is_credit=reading.choice("invoice", "negative", ("refused", "credit_note")) == "credit_note",
        lists_open=reading.choice("invoice", "gone", ("kept", "paid")) == "paid",
        kind=_words(reading, "kind", KINDS, '{ column = "NAME", invoice = "WORD", credit_note = "WORD" }'),
        status=_status(reading),
        disputed=_words(reading, "disputed", ("yes", "no"), '{ column = "NAME", yes = "WORD", no = "WORD" }'),
        credited=None if credited is None else reading.source("invoice.credited", credited),
    )


def _decided_by(reading: MapReading, section: str) -> DecidedBy:
    return cast(DecidedBy, reading.choice(section, "decided_by", ("every_row", "latest_invoice")))


def _mode(reading: MapReading) -> ValueWords | BookMode:
    table = reading.table("mode")
    if "value" in table:
        reading.known("mode", table, ("value",))
        for mode in MODES:
            if table["value"] == mode:
                return mode
        reading.wrong("mode.value", f"must be one of {', '.join(quoted(mode) for mode in MODES)}")
        return "card"
    if not table:
        return "card"
    words = reading.one_of("mode", table, MODES, all_needed=True, besides=("decided_by", "value"))
    return words or "card"


def _skips(reading: MapReading) -> tuple[Skip, ...]:
    table = reading.table("skip", needed=False)
    reading.known("skip", table, ("where",))
    found = table.get("where", [])
    skips = []
    for number, one in enumerate(found if isinstance(found, list) else [found], 1):
        where = f"skip.where {number}"
        said = one if isinstance(one, dict) else {}
        ops = [op for op in _SKIPS if op in said]
        if len(said) != 2 or "column" not in said or not ops:
            reading.wrong(where, 'must be { column = "NAME", is = "WORD" }; or is_not, or starts_with, and a list')
            continue
        column = reading.text(f"{where}.column", said["column"])
        listed = said[ops[0]] if isinstance(said[ops[0]], list) else [said[ops[0]]]
        texts = [reading.text(f"{where}.{ops[0]}", word, empty=ops[0] != "starts_with") for word in listed]
        words = tuple(" ".join(text.casefold().split()) for text in texts if text is not None)
        if column is not None and words:
            skips.append(Skip(Column(column), ops[0], words))
    return tuple(skips)


def _read_tables(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            content = file.read(MAP_BYTES_MAX + 1)
    except OSError as error:
        raise Refused("bad_map", f"map {path}: cannot be read: {error.strerror}") from None
    if len(content) > MAP_BYTES_MAX:
        raise Refused("bad_map", f"map {path}: is larger than 1 MiB; is this the book itself?")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused("bad_map", f"map {path}: byte {error.start + 1} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused("bad_map", f"map {path}: is not TOML: {plain(str(error))}") from None


def load_map(path: Path) -> BookMap:
    """The map in the TOML file at `path`.

    Raises Refused `bad_map`: one line for every unknown key, missing key and impossible value.
    """
    return map_of(_read_tables(path), str(path))


def map_of(tables: Mapping[str, object], called: str) -> BookMap:
    """The map that these TOML tables say; `called` is how its mistakes name it. Raises Refused `bad_map`."""
    reading = MapReading(tables)
    reading.known("", tables, ("file", "account", "method", "invoice", "payment", "mode", "skip"))
    form = _form(reading)
    account = reading.sources("account", _ACCOUNT, besides=("decided_by", "billing_address"))
    invoice = reading.sources("invoice", _INVOICE, besides=_INVOICE_BESIDES)
    due_on, due_after_days = _due_on(reading)
    if due_on is not None:
        invoice = {name: invoice[name] for name in ("number", "service", "issued_on") if name in invoice} | {
            "due_on": due_on,
            **invoice,
        }
    payment = reading.sources("payment", _PAYMENT, besides=("before_issue",)) if "payment" in tables else {}
    method = reading.sources("method", _METHOD) if "method" in tables else {}
    book_map = BookMap(
        form=form,
        account=account,
        invoice=invoice,
        payment=payment,
        mode=_mode(reading),
        decided_by=_decided_by(reading, "mode"),
        account_decided_by=_decided_by(reading, "account"),
        balance=_balance(reading),
        rules=_rules(reading, due_after_days),
        skips=_skips(reading),
        method=method,
        billing_address=_billing_address(reading),
        line=_line(reading),
    )
    _refuse_both(reading, book_map)
    if reading.mistakes:
        raise Refused("bad_map", "\n".join(f"map {called}: {mistake}" for mistake in reading.mistakes))
    return book_map


def _refuse_both(reading: MapReading, book_map: BookMap) -> None:
    """What cannot be said together."""
    for source in book_map.billing_address:
        if isinstance(source, Column) and source.separator:
            reading.wrong("account.billing_address.separator", "means nothing here; say a list of columns")
    separated: dict[str, Literal["email", "service"]] = {"account.email": "email", "invoice.service": "service"}
    for section, sources in (("account", book_map.account), ("invoice", book_map.invoice)):
        for name, source in sources.items():
            if isinstance(source, Column) and source.separator and f"{section}.{name}" not in separated:
                reading.wrong(f"{section}.{name}.separator", "holds one value; only email and service may hold several")
    amount = book_map.payment.get("amount")
    if book_map.rules.each_row == "line" and isinstance(amount, Column) and "ref" not in book_map.payment:
        reading.wrong("payment.ref", "is missing: where each row is a line, only a reference tells payments apart")
