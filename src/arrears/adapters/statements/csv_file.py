"""A bank's CSV, read by a map that says what its columns mean.

The map is a TOML file, in the manner of those for receivables books: `[file]` how it is written, `[account]` whose it
is, `[entry]` which column says what. With a column for the balance after each entry the file is checked as a statement
is; without one it is an early notice, which never closes a day.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from arrears.adapters.statements.amounts import minor_units
from arrears.core.bank.references import folded, is_iban
from arrears.core.bank.statements import Balance, BankEntry, BankFile, BankStatement, BankTransaction, StatementKind
from arrears.core.errors import Refused, quoted
from arrears.core.money import CURRENCIES, exponent

_FILE: Final = {
    "delimiter": ",",
    "date": "%Y-%m-%d",
    "decimal_mark": ".",
    "grouping": "",
    "newest_first": False,
}
_ACCOUNT: Final = ("iban", "currency")
_ENTRY: Final = (
    "booked_on",
    "value_on",
    "amount",
    "credit",
    "debit",
    "currency",
    "iban",
    "balance",
    "reference",
    "end_to_end",
    "bank_reference",
    "name",
    "payer_iban",
    "text",
)
ROWS_MAX: Final = 1_000_000
_HEADER_WITHIN: Final = 30


@dataclass(frozen=True, slots=True)
class StatementMap:
    """A checked map: how the file is written, its account and currency where no column says them, and the columns of
    each field of an entry, of which `text` may have several."""

    delimiter: str
    date: str
    decimal_mark: str
    grouping: str
    newest_first: bool
    iban: str
    currency: str
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Every column that the map names."""
        return {name for names in self.columns.values() for name in names}


def load_statement_map(path: Path) -> StatementMap:
    """The map in a TOML file. Refuses `bad_map` with everything that is wrong in it, and `no_such_file`."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Refused("no_such_file", f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused("bad_map", f"{path}: {error}") from None
    mistakes = [*_mistakes(tables)]
    if mistakes:
        raise Refused("bad_map", "\n".join(f"{path}: {mistake}" for mistake in mistakes))
    written = {**_FILE, **tables.get("file", {})}
    account = tables.get("account", {})
    columns = {name: [said] if isinstance(said, str) else said for name, said in tables["entry"].items()}
    return StatementMap(
        **written, iban=folded(account.get("iban", "")), currency=account.get("currency", ""), columns=columns
    )


def _mistakes(tables: Mapping[str, object]) -> Iterator[str]:
    for section in tables:
        if section not in ("file", "account", "entry"):
            yield f"[{section}] is not known; there are [file], [account] and [entry]"
    for section, known in (("file", tuple(_FILE)), ("account", _ACCOUNT), ("entry", _ENTRY)):
        table = tables.get(section, {})
        if not isinstance(table, dict):
            yield f"[{section}] must be a table"
            return
        for key, said in table.items():
            if key not in known:
                yield f"{section}.{key} is not known; there are {', '.join(known)}"
            elif not _is_fitting(section, key, said):
                yield f"{section}.{key} must be {'true or false' if key == 'newest_first' else 'a text'}"
    yield from _missing(tables)


def _is_fitting(section: str, key: str, said: object) -> bool:
    if key == "newest_first":
        return isinstance(said, bool)
    if section == "entry" and isinstance(said, list):
        return bool(said) and all(isinstance(one, str) and one for one in said)
    return isinstance(said, str) and (bool(said) or key == "grouping")


def _missing(tables: Mapping[str, object]) -> Iterator[str]:
    entry, account, written = (tables.get(name, {}) for name in ("entry", "account", "file"))
    if not (isinstance(entry, dict) and isinstance(account, dict) and isinstance(written, dict)):
        return
    if "booked_on" not in entry:
        yield "entry.booked_on is missing: the column of the day"
    if ("amount" in entry) == ("credit" in entry or "debit" in entry):
        yield "entry.amount is missing, or entry.credit and entry.debit: one or the other"
    for name in ("iban", "currency"):
        if name not in entry and name not in account:
            yield f"account.{name} is missing, or the column entry.{name}"
    if isinstance(account.get("currency", "EUR"), str) and account.get("currency", "EUR") not in CURRENCIES:
        yield f"account.currency {quoted(str(account['currency']))} is not a currency"
    if isinstance(account.get("iban"), str) and not is_iban(account["iban"]):
        yield f"account.iban {quoted(account['iban'])} is not an IBAN"
    said = written.get("date", _FILE["date"])
    if isinstance(said, str) and (wrong := _date_form_wrong(said)):
        yield f"file.date {quoted(said)} {wrong}"
    for name in ("delimiter", "decimal_mark"):
        one = written.get(name, _FILE[name])
        if isinstance(one, str) and len(one) != 1:
            yield f"file.{name} must be one character"


def read_csv(text: str, said: StatementMap) -> BankFile:
    """The statements of a CSV, one an account and currency. Refuses `bad_csv` for the first row that is not understood:
    nothing of such a file is taken."""
    found: dict[tuple[str, str], list[tuple[BankEntry, int | None]]] = {}
    for at, row in _rows(text, said):
        account, entry, balance = _entry(at, row, said)
        found.setdefault((account, entry.currency), []).append((entry, balance))
    if not found:
        raise Refused("bad_csv", "it has no row below the names of its columns")
    return BankFile(tuple(_statement(*key, rows, said) for key, rows in found.items()))


def _rows(text: str, said: StatementMap) -> Iterator[tuple[int, Mapping[str, str]]]:
    names: list[str] | None = None
    needed = said.names()
    try:
        for cells in (reader := csv.reader(io.StringIO(text, newline=""), delimiter=said.delimiter, strict=True)):
            stripped = [cell.strip() for cell in cells]
            if names is None:
                if needed <= set(stripped):
                    names = stripped
                elif reader.line_num > _HEADER_WITHIN:
                    break
            elif any(stripped):
                if len(cells) < len(names):
                    raise Refused("bad_csv", f"line {reader.line_num}: {len(cells)} cells below {len(names)} columns")
                yield reader.line_num, dict(zip(names, stripped, strict=False))
    except csv.Error as error:
        raise Refused("bad_csv", f"line {reader.line_num}: {error}") from None
    if names is None:
        raise Refused("bad_csv", f"no row has all the columns that the map names: {', '.join(sorted(needed))}")


def _cell(row: Mapping[str, str], said: StatementMap, name: str) -> str:
    return next((row[column] for column in said.columns.get(name, ()) if row[column]), "")


def _signed(text: str, currency: str, said: StatementMap, where: str) -> int:
    """A sum with its sign before or behind it, and groups of three kept apart as the map says."""
    bare = text.replace("\u2212", "-").replace(" ", "").replace("\u00a0", "")
    sign = -1 if "-" in (bare[0], bare[-1]) else 1
    bare = bare.strip("+-")
    whole, mark, decimals = bare.partition(said.decimal_mark)
    if said.grouping and said.grouping in whole:
        if re.fullmatch(rf"[0-9]{{1,3}}(?:{re.escape(said.grouping)}[0-9]{{3}})+", whole, re.ASCII) is None:
            raise Refused("bad_csv", f"{where}: {quoted(text)} is not an amount")
        whole = whole.replace(said.grouping, "")
    if "," in whole + decimals or "." in whole + decimals:
        raise Refused("bad_csv", f"{where}: {quoted(text)} is not an amount as the map writes them")
    return sign * minor_units(whole + ("." if mark else "") + decimals, currency, where)


def _day(text: str, said: StatementMap, where: str) -> date:
    try:
        return datetime.strptime(text, said.date).replace(tzinfo=UTC).date()
    except ValueError:
        raise Refused("bad_csv", f"{where}: {quoted(text)} is no day in the form {said.date}") from None


def _date_form_wrong(form: str) -> str:
    """Why a form of a date cannot be one; empty where it can."""
    parts = sorted(re.findall("%(.)", form))
    if parts in (["Y", "d", "m"], ["d", "m", "y"]):
        return ""
    return "must say the day %d, the month %m and the year %Y or %y, once each"


def _entry(at: int, row: Mapping[str, str], said: StatementMap) -> tuple[str, BankEntry, int | None]:
    currency = _cell(row, said, "currency") or said.currency
    exponent(currency)

    def sum_of(name: str) -> int | None:
        text = _cell(row, said, name)
        return _signed(text, currency, said, f"line {at}, column {quoted(said.columns[name][0])}") if text else None

    minor = sum_of("amount")
    if minor is None:
        came, went = sum_of("credit"), sum_of("debit")
        if (came or 0) < 0 or (came is None) == (went is None):
            raise Refused("bad_csv", f"line {at}: it has no amount, or two")
        minor = came if came is not None else -abs(went or 0)
    days = {}
    for name in ("booked_on", "value_on"):
        cell = _cell(row, said, name)
        days[name] = _day(cell, said, f"line {at}, column {quoted(said.columns[name][0])}") if cell else None
    payer = folded(_cell(row, said, "payer_iban"))
    reference = _cell(row, said, "reference")
    transaction = BankTransaction(
        amount_minor=minor,
        currency=currency,
        references=(reference,) if reference else (),
        end_to_end=_cell(row, said, "end_to_end"),
        name=_cell(row, said, "name"),
        iban=payer if is_iban(payer) else "",
        texts=tuple(row[column] for column in said.columns.get("text", ()) if row[column]),
    )
    entry = BankEntry(
        amount_minor=minor,
        currency=currency,
        booked_on=days["booked_on"],
        value_on=days["value_on"],
        bank_reference=_cell(row, said, "bank_reference"),
        transactions=(transaction,),
        unclear="" if days["booked_on"] is not None else "it has no day",
    )
    return folded(_cell(row, said, "iban")) or said.iban, entry, sum_of("balance")


def _statement(
    account: str, currency: str, rows: list[tuple[BankEntry, int | None]], said: StatementMap
) -> BankStatement:
    if said.newest_first:
        rows = rows[::-1]
    first, last = rows[0], rows[-1]
    has_balance = "balance" in said.columns
    opening = closing = None
    wrong = ""
    if has_balance and first[1] is not None and last[1] is not None:
        opening = Balance(first[1] - first[0].amount_minor, currency, first[0].booked_on)
        closing = Balance(last[1], currency, last[0].booked_on)
    return BankStatement(
        format="csv",
        kind=StatementKind.STATEMENT if has_balance else StatementKind.EARLY,
        account=account,
        currency=currency,
        opening=opening,
        closing=closing,
        entries=tuple(entry for entry, _ in rows),
        wrong=wrong,
    )
