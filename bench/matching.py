"""`python -m bench.matching`: whose a labelled year of bank credits is, beside one bare SQL join on exact references.

A book of open invoices, two an account, whose numbers are drawn from a space ten times as large; credits of which 85 in
100 name their invoice, 7 name it with a slip, 5 come from a known IBAN, and 3 say nothing. All go through the product's
own index on PostgreSQL and its own `match` and `suggest`; what is open of an account is read from invoices' rows, as no
account here has a journal. The bare join finds the invoice of each exact reference, and nothing else. No credit may
be matched to somebody else, and what says nothing to nobody.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import psycopg

from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.matching import Credit, OpenItem, match, suggest
from arrears.core.bank.references import folded
from arrears.engine.commands.bank.crediting import EXACT_AT_ONCE, NEAR_AT_ONCE
from arrears.engine.commands.bank.index import StoredIndex
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import fresh_database

SHARES: Final = {"exact": 85, "damaged": 7, "iban": 5, "nothing": 3}
TIMES_MAX: Final = 3.0
SECONDS_MAX: Final = 60
MEMORY_MIB_MAX: Final = 500
MINOR_MAX: Final = 90_000
JOIN: Final = """
SELECT c.no, i.account_id, i.no FROM bare_credit c
JOIN invoice i ON upper(regexp_replace(i.number, '[^A-Za-z0-9]', '', 'g')) = c.key
"""


class Labelled(NamedTuple):
    """A credit, of which kind it is, and the account that it is for."""

    credit: Credit
    kind: str
    account: int


class InvoiceIndex(StoredIndex):
    """The product's own, but for what is open of an account."""

    def __init__(self, store: PostgresStore) -> None:
        super().__init__(store)
        self._from = store

    def open_items_of(self, accounts: Sequence[int]) -> Mapping[int, Sequence[OpenItem]]:
        """From the rows of the invoices."""
        found: dict[int, list[OpenItem]] = {}
        asked = "SELECT account_id, no, number, currency, open_minor, day_0 IS NOT NULL FROM invoice"
        with self._from.reading() as db:
            for row in db.execute(f"{asked} WHERE account_id = ANY(%s) ORDER BY due_on, no", [list(accounts)]):
                found.setdefault(row[0], []).append(OpenItem(*row))
        return found


def invoices(count: int, dice: random.Random) -> list[tuple[int, int, str, int]]:
    """Account, number within it, the invoice's number and what it asks."""
    numbers = dice.sample(range(10 * count), count)
    width = len(str(10 * count))
    return [
        (1 + at // 2, 1 + at % 2, f"INV-2026-{number:0{width}}", dice.randrange(1_000, MINOR_MAX))
        for at, number in enumerate(numbers)
    ]


def slipped(number: str, dice: random.Random) -> str:
    """One slip of the fingers, or the payer's own way to write it."""
    at = dice.randrange(len(number) - 4, len(number))
    match dice.randrange(5):
        case 0:
            return number[:at] + str((int(number[at]) + 1 + dice.randrange(9)) % 10) + number[at + 1 :]
        case 1:
            return number[:at] + number[at + 1 :]
        case 2:
            return number[:at] + number[at] + number[at:]
        case 3:
            return number.replace("-", " ").removeprefix("INV ")
        case _:
            return number.replace("INV-", "invoice")


def credits(book: Sequence[tuple[int, int, str, int]], count: int, dice: random.Random) -> Iterator[Labelled]:
    """So many, each for an invoice of its own."""
    for account, _no, number, minor in dice.sample(book, count):
        [kind] = dice.choices(list(SHARES), list(SHARES.values()))
        text, iban, reference = "", "", ()
        if kind == "exact":
            form = dice.randrange(3)
            text = ("", f"invoice {number} of May", number)[form]
            reference = (creditor_reference(folded(number)),) if form == 0 else ()
        elif kind == "damaged":
            text = slipped(number, dice)
        elif kind == "iban":
            iban = iban_of(account)
        else:
            minor = dice.randrange(MINOR_MAX + 1, MINOR_MAX + 9_999)
        yield Labelled(Credit(minor, "EUR", reference, "", text, iban, ""), kind, account)


def iban_of(account: int) -> str:
    """Where this account pays from."""
    return f"NL00BENC{account:010}"


def filled(book: Sequence[tuple[int, int, str, int]]) -> str:
    """A database with these invoices, past due all of them, and who is known to pay from where; its URL."""
    url = fresh_database("arrears_bench_matching")
    day = date(2026, 1, 31)
    with psycopg.connect(url) as db:
        with db.cursor().copy("COPY invoice FROM STDIN") as out:
            for account, no, number, minor in book:
                out.write_row((account, no, number, "EUR", minor, minor, day, day, day))
        with db.cursor().copy("COPY known_payer FROM STDIN") as out:
            for account in range(1, 1 + len(book) // 2):
                out.write_row((iban_of(account), account, 1))
        db.execute("ANALYZE")
    return url


def matched(store: PostgresStore, year: Sequence[Labelled]) -> tuple[float, float, dict[str, Any]]:
    """Seconds of the exact look and of the near one, and what came of it."""
    right, by_itself, wrong, count = Counter[str](), Counter[str](), 0, Counter(one.kind for one in year)
    left: list[Labelled] = []
    began = time.perf_counter()
    for at in range(0, len(year), EXACT_AT_ONCE):
        some = year[at : at + EXACT_AT_ONCE]
        index = InvoiceIndex(store)
        index.look_up([one.credit for one in some])
        for one in some:
            found = match(one.credit, index)
            if found is None:
                left.append(one)
                continue
            by_itself[one.kind] += 1
            right[one.kind] += found.account == one.account
            wrong += found.account != one.account or one.kind == "nothing"
    exact = time.perf_counter() - began
    for at in range(0, len(left), NEAR_AT_ONCE):
        some = left[at : at + NEAR_AT_ONCE]
        index = InvoiceIndex(store)
        index.look_up_near([one.credit for one in some])
        for one in some:
            first = suggest(one.credit, index)[:1]
            right[one.kind] += bool(first) and first[0].account == one.account
    near = time.perf_counter() - began - exact
    shares = {kind: round(right[kind] / max(count[kind], 1), 4) for kind in SHARES}
    return exact, near, {"count": dict(count), "right": shares, "by_itself": dict(by_itself), "wrong": wrong}


def joined(url: str, year: Sequence[Labelled]) -> float:
    """Seconds of the bare join on the exact references, which are in the database already."""
    named = [(at, one) for at, one in enumerate(year) if one.kind == "exact"]
    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE bare_credit (no integer, key text)")
        with db.cursor().copy("COPY bare_credit FROM STDIN") as out:
            for at, one in named:
                said = one.credit.text.removeprefix("invoice ").removesuffix(" of May")
                out.write_row((at, folded(said) or one.credit.references[0][4:]))
        db.execute("ANALYZE bare_credit")
        began = time.perf_counter()
        found = len(db.execute(JOIN).fetchall())
        seconds = time.perf_counter() - began
    assert found == len(named), "each exact reference has its invoice"
    return seconds


def main(argv: Sequence[str]) -> int:
    """The shares by kind, what was wrong, and the times."""
    asked = argparse.ArgumentParser(prog="python -m bench.matching", description=__doc__.splitlines()[0])
    asked.add_argument("--invoices", type=int, default=20_000)
    asked.add_argument("--credits", type=int, default=2_000)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args(argv)
    dice = random.Random(options.seed)
    book = invoices(options.invoices, dice)
    year = list(credits(book, options.credits, dice))
    url = filled(book)
    del book
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    bare = joined(url, year)
    store = PostgresStore(url, clock_is_real=False)
    exact, near, found = matched(store, year)
    store.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    seconds = {"exact": round(exact, 2), "near": round(near, 2), "bare_join": round(bare, 2)}
    times = round(exact / bare, 2)
    memory_said = {"memory_mib": memory, "before_matching_mib": before}
    said = {"seed": options.seed, **found, "seconds": seconds, "times_bare": times, **memory_said}
    sys.stdout.write(f"{json.dumps(said)}\n")
    return int(found["wrong"] > 0 or found["right"]["exact"] < 0.99 or min_of_the_next(found) < 0.9)


def min_of_the_next(found: Mapping[str, Any]) -> float:
    """The smaller share of those with a slip and those by their IBAN."""
    return min(found["right"]["damaged"], found["right"]["iban"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
