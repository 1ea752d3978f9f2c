"""Proposing a map for a file that nobody has described yet. Everything that was guessed and not proved is a doubt, in a
line of its own: a person reads the map before anything is imported with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from arrears.adapters.books.book_map import map_of
from arrears.adapters.books.csv_book import read_rows
from arrears.adapters.books.dates import read_date, says_no_date
from arrears.adapters.books.guess_standing import (
    OPEN_ITEMS,
    WORDS_MAX,
    GuessedStanding,
    doubts_about_what_is_owed,
    listed,
    sort_out_paid,
    toml,
)
from arrears.adapters.books.guess_table import FORMATS, CellContent, GuessedTable, columns_of, table_of
from arrears.adapters.books.guess_words import KIND, NAMES, NO, ROLES, YES, folded
from arrears.adapters.books.sums import BLANKS, is_negative, read_sum
from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES
from arrears.core.row_fields import meant, plain, quoted

_MARKS: Final = ((".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", "'"), (".", " "))
_GROUPED: Final = re.compile(f"[0-9][{''.join(BLANKS)}][0-9]")
_HOLDS: Final = {"issued_on": (CellContent.DATE,), "amount": (CellContent.SUM, CellContent.FLAG)}
"""What a column holds that could be it; any other field is in a column of texts or numbers."""


def guess(path: Path) -> str:
    """A map for the file, as TOML, its doubts as comments. Where nobody can tell which column is one that a book needs,
    that line is missing from the map, so that nothing reads it yet, and a doubt names the columns that it could be.
    Raises Refused `bad_book` where hardly any is known."""
    table = table_of(path)
    found = columns_of(table.header)
    missing = [name for name in ROLES if name not in found]
    if len(missing) > 2:
        shown = ", ".join(plain(name) for name in table.header)
        what = ", ".join(ROLES[name] for name in missing)
        way = "write the map by hand (docs/import.md), or give the export of invoices"
        raise Refused("bad_book", f"{path}: no column is called like {what}; columns there: {shown}; {way}")
    return _Guess(table, found, missing).text(path)


# -- what it means -------------------------------------------------------------------------------------------


class _Guess:
    """A map that is being proposed, with its doubts."""

    def __init__(self, table: GuessedTable, found: dict[str, str], missing: list[str]) -> None:
        self.table = table
        self.found = found
        self.missing = missing
        self.doubts: list[str] = []
        self.skips = self._skips()
        self.standing = GuessedStanding(table, found, sort_out_paid(table, found), self.doubts)
        self.formats = self._formats()
        self.currency = self._currency()
        self.minor_units = self._minor_units()
        self.marks = self._marks()
        self._ask_for_missing()

    def _ask_for_missing(self) -> None:
        used = {*self.found.values(), *self.standing.read}
        for name in self.missing:
            holds = _HOLDS.get(name, (CellContent.TEXT, CellContent.SUM, CellContent.FLAG))
            could = [one for one in self.table.header if one not in used and self.table.content(one) in holds]
            shown = ", ".join(plain(one) for one in could or self.table.header)
            self.doubts.insert(
                0, f"which column is {ROLES[name]}? (one of {shown}); say it, the map is not whole without"
            )

    def text(self, path: Path) -> str:
        """The whole map, and what it comes to on this file."""
        body = "\n".join([*self._file(), *self._skip(), *self._account(), *self._invoice(), *self._rest()])
        if not self.missing:
            self.doubts += self._tried(path, body)
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
        if "number" not in self.found:
            return []
        number = self.table.header.index(self.found["number"])
        without = [row for row in self.table.rows if not row[number]]
        short = [row for row in self.table.all_rows if len(row) < len(self.table.header)]
        self.table.rows = [row for row in self.table.rows if row[number]]
        if without or short:
            return [f'{{ column = {toml(self.found["number"])}, is = "" }}']
        if "ref" not in self.found:
            return []
        ref = self.table.header.index(self.found["ref"])
        odd = sorted(
            {row[ref] for row in self.table.rows if folded(row[ref]) in ("summe", "total", "gesamt", "sum", "totaal")}
        )
        if odd:
            self.table.rows = [row for row in self.table.rows if row[ref] not in odd]
            return [f"{{ column = {toml(self.found['ref'])}, is = {listed(odd)} }}"]
        return []

    def _formats(self) -> list[str]:
        texts = [text for name in ("issued_on", "due_on", "paid_on") for text in self._values(name)]
        texts = [text for text in texts if not says_no_date(text)]
        fits = [form for form in FORMATS if texts and all(not isinstance(read_date(t, [form]), str) for t in texts)]
        days = {tuple(str(read_date(text, [form])) for text in texts[:200]) for form in fits}
        if len(days) > 1:
            self.doubts.append(f"every date can be read as {' and as '.join(fits)}: keep the one that is right")
            return fits[:1]
        if fits:
            return fits[:1]
        count = {form: sum(not isinstance(read_date(text, [form]), str) for text in texts) for form in FORMATS}
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
        if "amount" not in self.found:
            return False
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
        grouped = any(_GROUPED.search(text) for text in texts)
        if best < len(texts):
            self.doubts.append(f"{len(texts) - best} sums cannot be read")
        if len({mark for mark, _ in fits}) > 1 and not self.minor_units and any("," in t or "." in t for t in texts):
            self.doubts.append("sums can be read with a decimal comma and with a decimal point")
        return next((marks for marks in fits if (marks[1] == " ") == grouped), fits[0])

    # -- sections --------------------------------------------------------------------------------------------

    def _file(self) -> Iterator[str]:
        form = self.table.form
        yield "[file]"
        yield f"date_format = {listed(self.formats)}"
        if form.encoding != "utf-8":
            yield f'encoding = "{form.encoding}"'
        if form.delimiter != ",":
            yield f"delimiter = {toml(form.delimiter)}"
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
            yield f'country = {{ column = {toml(self.found["country"])}, otherwise = "ZZ" }}'
        else:
            yield 'country = { value = "ZZ" }'
        yield 'zone = { value = "UTC" }\nlocale = { value = "en" }\ndecided_by = "latest_invoice"'
        self.doubts.append("the file does not say your customers' zone and language: say them in [account]")
        ref = self.found.get("ref")
        if ref is not None and (
            folded(ref).endswith(NAMES) or not any(c.isdigit() for text in self._values("ref")[:50] for c in text)
        ):
            self.doubts.append(f"customers are known by {ref}: is it one of a kind, and does it stay?")

    def _invoice(self) -> Iterator[str]:
        yield "\n[invoice]"
        if "number" in self.found:
            yield f"number = {self._column('number')}"
        yield f"service = {self._column('service')}" if "service" in self.found else 'service = { value = "cloud" }'
        if "issued_on" in self.found:
            yield f"issued_on = {self._column('issued_on')}"
        yield f"due_on = {self._due()}"
        if "amount" in self.found:
            yield f"amount = {self._amount()}"
        code = self.currency
        yield f"currency = {self._column('currency')}" if code is None else f'currency = {{ value = "{code}" }}'
        if self._has_lines():
            yield 'each_row = "line"'
            self.doubts.append("numbers repeat with other sums: rows are read as lines that add up")
        if "open" in self.found:
            yield f"open = {self._column('open')}"
            if all(set(text) & set("123456789") for text in self._values("open")):
                self.doubts.append(f"everything in it is open; {OPEN_ITEMS}")
        elif self._has_paid_sums():
            yield f"paid = {self._column('paid')}"
        sums = [*self._values("amount"), *self._values("open")]
        below = any(map(is_negative, sums))
        if below:
            yield 'negative = "credit_note"'
        kinds = list(self._kinds())
        yield from kinds
        yield from self.standing.toml()
        yield from self._disputed()
        self.doubts += doubts_about_what_is_owed(self.table, self.found, self.standing, below or bool(kinds))

    def _amount(self) -> str:
        if "open" in self.found and len(self._values("amount")) < len(self.table.rows):
            self.doubts.append(f"where {self.found['amount']} is empty nothing is asked")
            return f'{{ column = {toml(self.found["amount"])}, otherwise = "0" }}'
        return self._column("amount")

    def _due(self) -> str:
        if "due_on" not in self.found:
            self.doubts.append("no column says the due date: say your terms in days_after_issue")
            return "{ days_after_issue = 14 }"
        if len([text for text in self._values("due_on") if not says_no_date(text)]) == len(self.table.rows):
            return self._column("due_on")
        self.doubts.append("some due dates are empty: they are read as 14 days after the issue")
        return f"{{ column = {toml(self.found['due_on'])}, days_after_issue = 14 }}"

    def _has_lines(self) -> bool:
        if not {"number", "amount"} <= self.found.keys():
            return False
        number, amount = (self.table.header.index(self.found[name]) for name in ("number", "amount"))
        sums: dict[str, set[str]] = {}
        repeated = False
        for row in self.table.rows:
            repeated |= row[number] in sums
            sums.setdefault(row[number], set()).add(row[amount])
        called_line = folded(self.found["amount"]).startswith("line")
        return repeated and (called_line or any(len(found) > 1 for found in sums.values()))

    def _kinds(self) -> Iterator[str]:
        """What each word for the kind of a row means; one that is not known is left to a person."""
        words = sorted(set(self._values("kind")))
        if not words or len(words) > WORDS_MAX or not any(folded(word) in KIND for word in words):
            if words:
                shown = ", ".join(map(quoted, words[:5]))
                self.doubts.append(f"nobody knows the words of {self.found['kind']}, {shown}: it is not read")
            return
        parts = []
        for meaning in ("invoice", "credit_note"):
            said = [word for word in words if KIND.get(folded(word)) == meaning]
            parts += [f"{meaning} = {listed(said)}"] if said else []
        for word in words:
            if folded(word) not in KIND:
                self.doubts.append(f"nobody knows what {quoted(word)} means in {self.found['kind']}: say it")
        yield f"kind = {{ column = {toml(self.found['kind'])}, {', '.join(parts)} }}"

    def _has_paid_sums(self) -> bool:
        """Whether a column says what is paid by now; a day and a sum of each payment say it better."""
        return "paid" in self.found and "open" not in self.found

    def _disputed(self) -> Iterator[str]:
        words = set(self._values("disputed"))
        if words and all(folded(word) in YES | NO for word in words):
            yes, no = ([w for w in sorted(words) if folded(w) in known] for known in (YES, NO))
            parts = f"yes = {listed(yes or ['yes'])}, no = {listed(no or ['no'])}"
            yield f"disputed = {{ column = {toml(self.found['disputed'])}, {parts} }}"

    def _rest(self) -> Iterator[str]:
        if "paid_on" in self.found and "open" not in self.found and not self._has_paid_sums():
            yield f"\n[payment]\npaid_on = {self._column('paid_on')}"
            if "paid_amount" in self.found:
                yield f"amount = {self._column('paid_amount')}"
            if "payment_ref" in self.found:
                yield f"ref = {self._column('payment_ref')}"
        yield '\n[mode]\nvalue = "card"\n'
        self.doubts.append("the file does not say how customers pay: card or invoice, in [mode]")

    def _column(self, name: str) -> str:
        return f"{{ column = {toml(self.found[name])} }}"
