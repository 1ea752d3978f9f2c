"""Proposing a map for a file that nobody has described yet. Everything that was guessed and not proved is a doubt, in a
line of its own: a person reads the map before anything is imported with it."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from arrears.adapters.books.book_map import DELIMITERS, map_of
from arrears.adapters.books.csv_book import read_rows
from arrears.adapters.books.dates import read_date, says_no_date
from arrears.adapters.books.fields import meant, plain, quoted
from arrears.adapters.books.guess_words import COLUMNS, KIND, NO, STATUS, TWO_MEANINGS, YES, folded
from arrears.adapters.books.map_values import FileForm
from arrears.adapters.books.records import BrokenRow, Records, encoding_of, open_book
from arrears.adapters.books.sums import BLANKS, read_sum
from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES

ROWS_LOOKED_AT: Final = 5_000
_FORMATS: Final = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%d-%b-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%b %d, %Y", "%d %b %Y", "%d. %b %Y"),
)
_MARKS: Final = ((".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", "'"), (".", " "))
_WORDS_MAX: Final = 20


@dataclass
class _Table:
    """The file as a table: its header, and rows as long as it."""

    form: FileForm
    header: list[str]
    rows: list[list[str]]
    all_rows: list[list[str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """What stands in a column, without empty cells."""
        place = self.header.index(name)
        return [row[place] for row in self.rows if row[place]]


def guess(path: Path) -> str:
    """A map for the file, as TOML, its doubts as comments. Raises Refused `bad_book` where no column is known."""
    table = _table(path)
    found = _columns(table.header)
    missing = [name for name in ("ref", "number", "issued_on", "amount") if name not in found]
    if missing:
        shown = ", ".join(plain(name) for name in table.header)
        raise Refused("bad_book", f"{path}: no column looks like {' or '.join(missing)}; columns there: {shown}")
    return _Guess(table, found).text(path)


# -- how the file is written ---------------------------------------------------------------------------------


def _encoding(path: Path) -> str:
    with open_book(path) as file:
        start = file.read(1 << 20)
    proved, marked = encoding_of(start, "utf-8")
    if marked:
        return "utf-8" if proved == "utf-8" else "utf-16"
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _records(path: Path, form: FileForm) -> list[list[str]]:
    rows = []
    with open_book(path) as file:
        try:
            for _, cells in Records(file, form):
                rows.append(cells)
                if len(rows) == ROWS_LOOKED_AT:
                    break
        except (BrokenRow, csv.Error):
            pass
    return rows


def _table(path: Path) -> _Table:
    encoding = _encoding(path)
    best: tuple[tuple[int, int], FileForm, list[list[str]]] | None = None
    for delimiter in DELIMITERS:
        form = FileForm(encoding, delimiter, ("%Y-%m-%d",), ".", "")
        rows = _records(path, form)
        wide = Counter(len(row) for row in rows if len(row) > 1)
        width, often = wide.most_common(1)[0] if wide else (1, 0)
        score = (often, width)
        if rows and (best is None or score > best[0]):
            best = (score, form, rows)
    if best is None:
        raise Refused("bad_book", f"{path}: has no table in it; give the CSV file that the other system writes")
    _, form, rows = best
    at = max(range(min(len(rows), 50)), key=lambda place: (len(_columns(rows[place])), -place))
    header = rows[at]
    return _Table(form, header, [row for row in rows[at + 1 :] if len(row) == len(header)], rows[at + 1 :])


def _columns(header: Sequence[str]) -> dict[str, str]:
    """Field -> the column that is called like it; a column is one field's only, but for the name of a customer."""
    found: dict[str, str] = {}
    names = {folded(name): name for name in reversed(header) if folded(name)}
    taken: set[str] = set()
    order = ("number", "due_on", "issued_on", "paid_on", "open", "paid", "payment_ref", "paid_amount", "amount")
    for name in (*order, *(one for one in COLUMNS if one not in order)):
        for said in COLUMNS[name]:
            whole = names.get(said) or (names.get(f"{said}cents") if name in ("amount", "open", "paid") else None)
            if whole is not None and (whole not in taken or name == "name"):
                found[name] = whole
                taken.add(whole)
                break
    if found.get("name") == found.get("ref"):
        found.pop("name", None)
    return found


# -- what it means -------------------------------------------------------------------------------------------


_OPEN_ITEMS: Final = 'if it lists open items only, say gone = "paid" under [invoice], or who pays stays a debtor'


class _Guess:
    """A map that is being proposed, with its doubts."""

    def __init__(self, table: _Table, found: dict[str, str]) -> None:
        self.table = table
        self.found = found
        self.doubts: list[str] = []
        self.skips = self._skips()
        self.formats = self._formats()
        self.currency = self._currency()
        self.minor_units = self._minor_units()
        self.marks = self._marks()

    def text(self, path: Path) -> str:
        """The whole map, and what it comes to on this file."""
        body = "\n".join([*self._file(), *self._skip(), *self._account(), *self._invoice(), *self._rest()])
        for line in self._tried(path, body):
            self.doubts.append(line)
        doubts = [f"# DOUBT: {line}" for line in self.doubts] or ["# Nothing is in doubt; read it all the same."]
        first = f"# A proposal for {plain(path.name)}. Look at it with --show 10 before you import."
        return "\n".join([first, *doubts, body])

    def _tried(self, path: Path, body: str) -> Iterator[str]:
        try:
            rows = read_rows(path, map_of(tomllib.loads(body), "proposal"))
            try:
                rows.refuse_before(per_account=False)
                for _ in rows.accounts():
                    pass
                rows.mistakes.refuse_if_any()
            finally:
                rows.close()
        except Refused as refused:
            lines = refused.message.splitlines()
            yield from (f"it does not read {line}" for line in lines[:5])
            if len(lines) > 5:
                yield f"and {len(lines) - 5} more rows"

    def _values(self, name: str) -> list[str]:
        return self.table.values(self.found[name]) if name in self.found else []

    def _skips(self) -> list[str]:
        """Rows without a number are titles, groups and totals."""
        number, ref = (self.table.header.index(self.found[name]) for name in ("number", "ref"))
        without = [row for row in self.table.rows if not row[number]]
        short = [row for row in self.table.all_rows if len(row) < len(self.table.header)]
        self.table.rows = [row for row in self.table.rows if row[number]]
        if without or short:
            return [f'{{ column = {_toml(self.found["number"])}, is = "" }}']
        odd = sorted({row[ref] for row in self.table.rows if folded(row[ref]) in ("summe", "total", "gesamt", "sum")})
        if odd:
            self.table.rows = [row for row in self.table.rows if row[ref] not in odd]
            return [f"{{ column = {_toml(self.found['ref'])}, is = {_listed(odd)} }}"]
        return []

    def _formats(self) -> list[str]:
        texts = [text for name in ("issued_on", "due_on", "paid_on") for text in self._values(name)]
        texts = [text for text in texts if not says_no_date(text)]
        fits = [form for form in _FORMATS if texts and all(not isinstance(read_date(t, [form]), str) for t in texts)]
        days = {tuple(str(read_date(text, [form])) for text in texts[:200]) for form in fits}
        if len(days) > 1:
            self.doubts.append(f"every date can be read as {' and as '.join(fits)}: keep the one that is right")
            return fits[:1]
        if fits:
            return fits[:1]
        count = {form: sum(not isinstance(read_date(text, [form]), str) for text in texts) for form in _FORMATS}
        several = [form for form in sorted(count, key=lambda form: -count[form]) if count[form]][:2]
        self.doubts.append("no one date format reads every date")
        return several or ["%Y-%m-%d"]

    def _currency(self) -> str | None:
        """A code for every row, where no column says one."""
        values = self._values("currency")
        if values and all(value.upper() in CURRENCIES for value in values):
            return None
        self.found.pop("currency", None)
        signs = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
        for text in self._values("amount"):
            for sign, code in signs.items():
                if sign in text:
                    if sign in "$¥":
                        self.doubts.append(f"sums are in {sign}, which several currencies use: is it {code}?")
                    return code
        self.doubts.append("no column says the currency: is it EUR?")
        return "EUR"

    def _minor_units(self) -> bool:
        name = folded(self.found["amount"])
        whole = all(text.lstrip("-").isdecimal() for text in self._values("amount"))
        if whole and not name.endswith("cents") and any(len(text) > 3 for text in self._values("amount")):
            self.doubts.append(f"sums in {self.found['amount']} are whole: are they cents? then say minor_units = true")
        return whole and name.endswith("cents")

    def _marks(self) -> tuple[str, str]:
        texts = [text for name in ("amount", "open", "paid", "paid_amount") for text in self._values(name)]
        codes = self._values("currency")
        currency = self.currency or (codes[0].upper() if codes else "EUR")
        read: dict[tuple[str, str], int] = {}
        for mark, grouping in _MARKS:
            count = 0
            for text in texts:
                try:
                    read_sum(text, currency, mark, grouping, minor_units=self.minor_units)
                    count += 1
                except Refused:
                    pass
            read[mark, grouping] = count
        best = max(read.values(), default=0)
        fits = [marks for marks in _MARKS if read[marks] == best]
        grouped = any(blank in text for text in texts for blank in BLANKS)
        if best < len(texts):
            self.doubts.append(f"{len(texts) - best} sums cannot be read")
        if len({mark for mark, _ in fits}) > 1 and not self.minor_units and any("," in t or "." in t for t in texts):
            self.doubts.append("sums can be read with a decimal comma and with a decimal point")
        return next((marks for marks in fits if (marks[1] == " ") == grouped), fits[0])

    # -- sections --------------------------------------------------------------------------------------------

    def _file(self) -> Iterator[str]:
        form = self.table.form
        yield "[file]"
        yield f"date_format = {_listed(self.formats)}"
        if form.encoding != "utf-8":
            yield f'encoding = "{form.encoding}"'
        if form.delimiter != ",":
            yield f"delimiter = {_toml(form.delimiter)}"
        if self.marks[0] != ".":
            yield f'decimal_mark = "{self.marks[0]}"'
        if self.marks[1]:
            yield f'grouping = "{self.marks[1]}"'
        if self.minor_units:
            yield "minor_units = true"

    def _skip(self) -> Iterator[str]:
        if self.skips:
            yield f"\n[skip]\nwhere = [{', '.join(self.skips)}]"
            self.doubts.append("rows are left out as titles, groups or totals: see [skip]")

    def _account(self) -> Iterator[str]:
        yield "\n[account]"
        for name in ("ref", "name", "email"):
            if name in self.found:
                yield f"{name} = {self._column(name)}"
        countries = [meant("country", text) for text in self._values("country")]
        if countries and all(len(code) == 2 and code.isupper() for code in countries):
            yield f'country = {{ column = {_toml(self.found["country"])}, otherwise = "ZZ" }}'
        else:
            yield 'country = { value = "ZZ" }'
        yield 'zone = { value = "UTC" }\nlocale = { value = "en" }\ndecided_by = "latest_invoice"'
        self.doubts.append("the file does not say your customers' zone and language: say them in [account]")
        if folded(self.found["ref"]).endswith(("name", "kunde", "nom", "party", "client")):
            self.doubts.append(f"customers are known by {self.found['ref']}: is it one of a kind, and does it stay?")

    def _invoice(self) -> Iterator[str]:
        yield "\n[invoice]"
        yield f"number = {self._column('number')}"
        yield f"service = {self._column('service')}" if "service" in self.found else 'service = { value = "cloud" }'
        yield f"issued_on = {self._column('issued_on')}"
        yield f"due_on = {self._due()}"
        yield f"amount = {self._amount()}"
        code = self.currency
        yield f"currency = {self._column('currency')}" if code is None else f'currency = {{ value = "{code}" }}'
        if self._has_lines():
            yield 'each_row = "line"'
            self.doubts.append("numbers repeat with other sums: rows are read as lines that add up")
        if "open" in self.found:
            yield f"open = {self._column('open')}"
            if all(set(text) & set("123456789") for text in self._values("open")):
                self.doubts.append(f"everything in it is open; {_OPEN_ITEMS}")
        elif "paid" in self.found and "paid_on" not in self.found:
            yield f"paid = {self._column('paid')}"
        sums = [*self._values("amount"), *self._values("open")]
        if any(text.startswith(("-", "(")) or text.endswith("-") for text in sums):
            yield 'negative = "credit_note"'
        yield from self._words("kind", KIND, ("invoice", "credit_note"))
        yield from self._words("status", STATUS, ("open", "paid", "void", "draft", "uncollectible", "disputed"))
        yield from self._disputed()

    def _amount(self) -> str:
        if "open" in self.found and len(self._values("amount")) < len(self.table.rows):
            self.doubts.append(f"where {self.found['amount']} is empty nothing is asked")
            return f'{{ column = {_toml(self.found["amount"])}, otherwise = "0" }}'
        return self._column("amount")

    def _due(self) -> str:
        if "due_on" not in self.found:
            self.doubts.append("no column says the due date: say your terms in days_after_issue")
            return "{ days_after_issue = 14 }"
        if len([text for text in self._values("due_on") if not says_no_date(text)]) == len(self.table.rows):
            return self._column("due_on")
        self.doubts.append("some due dates are empty: they are read as 14 days after the issue")
        return f"{{ column = {_toml(self.found['due_on'])}, days_after_issue = 14 }}"

    def _has_lines(self) -> bool:
        number, amount = (self.table.header.index(self.found[name]) for name in ("number", "amount"))
        sums: dict[str, set[str]] = {}
        repeated = False
        for row in self.table.rows:
            repeated |= row[number] in sums
            sums.setdefault(row[number], set()).add(row[amount])
        called_line = folded(self.found["amount"]).startswith("line")
        return repeated and (called_line or any(len(found) > 1 for found in sums.values()))

    def _words(self, name: str, known: dict[str, str], meanings: Iterable[str]) -> Iterator[str]:
        """The words of a column, each with what it means; one that is not known is left to a person."""
        words = sorted(set(self._values(name)))
        if not words or len(words) > _WORDS_MAX or not any(folded(word) in known for word in words):
            return
        said: dict[str, list[str]] = {}
        for word in words:
            meaning = known.get(folded(word))
            if meaning == "paid" and ("open" in self.found or "paid_on" in self.found):
                meaning = "open"  # A sum or a date says what is paid.
            if folded(word) in TWO_MEANINGS:
                self.doubts.append(f"{quoted(word)} in {self.found[name]} is {TWO_MEANINGS[folded(word)]}?")
            if meaning is None:
                self.doubts.append(f"nobody knows what {quoted(word)} means in {self.found[name]}: say it")
            else:
                said.setdefault(meaning, []).append(word)
        parts = [f"{meaning} = {_listed(said[meaning])}" for meaning in meanings if meaning in said]
        yield f"{name} = {{ column = {_toml(self.found[name])}, {', '.join(parts)} }}"

    def _disputed(self) -> Iterator[str]:
        words = set(self._values("disputed"))
        if words and all(folded(word) in YES | NO for word in words):
            yes, no = ([w for w in sorted(words) if folded(w) in known] for known in (YES, NO))
            parts = f"yes = {_listed(yes or ['yes'])}, no = {_listed(no or ['no'])}"
            yield f"disputed = {{ column = {_toml(self.found['disputed'])}, {parts} }}"

    def _rest(self) -> Iterator[str]:
        if "paid_on" in self.found and "open" not in self.found:
            yield f"\n[payment]\npaid_on = {self._column('paid_on')}"
            if "paid_amount" in self.found:
                yield f"amount = {self._column('paid_amount')}"
            if "payment_ref" in self.found:
                yield f"ref = {self._column('payment_ref')}"
        elif "open" not in self.found and "paid" not in self.found and "status" not in self.found:
            self.doubts.append(f"nothing says what is paid: every invoice is read as open; {_OPEN_ITEMS}")
        yield '\n[mode]\nvalue = "card"\n'
        self.doubts.append("the file does not say how customers pay: card or invoice, in [mode]")

    def _column(self, name: str) -> str:
        return f"{{ column = {_toml(self.found[name])} }}"


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def _listed(words: Sequence[str]) -> str:
    return _toml(words[0]) if len(words) == 1 else f"[{', '.join(map(_toml, words))}]"
