"""`python -m bench.matching`: whose a labelled year of bank credits is, beside one bare SQL join on exact references.

A book of open invoices, two an account, whose numbers are drawn from a space ten times as large; credits of which 85 in
100 name their invoice, 7 name it with a slip, 5 come from a known IBAN, and 3 say nothing; each has its payer's name.
They are rows of the product's tables, copied in once and kept for the next run (`--fresh` makes them anew). What is
timed is the product's own way from those rows to whose each is (`credits_after`, `StoredIndex`, `match`, then `suggest`
for what is left); booking is not, on either side.

The bare side is one SQL join that finds the invoice of each exact reference, whose letters and digits it is given, by
the same index. It is told which references are exact, and looks for nothing else. `times_bare` is the exact look over
that join and reading the same credits from the same rows; `times_join` over the join alone. Both are of processor
seconds, ours and those of the server's processes that worked for us, without parallel workers: other work on the
machine counts for neither side. `clock` are the seconds that passed. No credit may be matched to somebody else, and
what says nothing to nobody.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
import psycopg.sql

from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.matching import match, suggest
from arrears.core.bank.references import folded
from arrears.core.bank.statements import BankTransaction
from arrears.engine.commands.bank.crediting import EXACT_AT_ONCE, NEAR_AT_ONCE
from arrears.engine.commands.bank.index import StoredIndex, as_credit
from arrears.ports.bank import CreditState
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import database_url, fresh_database

SHARES: Final = {"exact": 85, "damaged": 7, "iban": 5, "nothing": 3}
TIMES_MAX: Final = 3.0
SECONDS_MAX: Final = 60
MEMORY_MIB_MAX: Final = 500
MINOR_MAX: Final = 90_000
OURS: Final = "NL91ABNA0417164300"
DAY: Final = date(2026, 1, 31)
JOIN: Final = """
SELECT l.credit_id, i.account_id, i.no FROM bench_label l
JOIN invoice i ON reverse(upper(regexp_replace(i.number COLLATE "C", '[^A-Za-z0-9]', '', 'g'))) = reverse(l.key)
WHERE l.kind = 'exact'
"""
READ: Final = "SELECT body FROM bank_credit ORDER BY credit_id"


class Labelled(NamedTuple):
    """A credit, of which kind it is, and the account and invoice that it is for."""

    said: BankTransaction
    kind: str
    account: int
    number: str


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
        text, iban = "", ""
        reference: tuple[str, ...] = ()
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
        name = name_of(account) if dice.randrange(2) else name_of(dice.randrange(1, len(book) // 2))
        yield Labelled(BankTransaction(minor, "EUR", reference, "", name, iban, (text,)), kind, account, number)


def iban_of(account: int) -> str:
    """Where this account pays from."""
    return f"NL00BENC{account:010}"


def name_of(account: int) -> str:
    """What this account is called."""
    first, trade = ("Jansen", "Bakker", "Acme", "Visser", "Nova"), ("Bakery", "Hosting", "Transport", "Studio")
    return f"{first[account % 5]} {trade[account % 4]} {account} B.V."


def fill(url: str, invoice_count: int, credit_count: int, seed: int) -> None:
    """Copy in the invoices, past due all of them, who is known to pay from where, the credits and their labels."""
    dice = random.Random(seed)
    book = invoices(invoice_count, dice)
    with psycopg.connect(url) as db:
        with db.cursor().copy("COPY invoice FROM STDIN") as out:
            for account, no, number, minor in book:
                out.write_row((account, no, number, "EUR", minor, minor, DAY, DAY, DAY))
        with db.cursor().copy(
            "COPY account (account_id, ref, name, country, zone, locale, mode, policy) FROM STDIN"
        ) as out:
            for account in range(1, 1 + invoice_count // 2):
                out.write_row((account, f"c{account}", name_of(account), "NL", "UTC", "nl", "invoice", "default"))
        with db.cursor().copy("COPY known_payer FROM STDIN") as out:
            for account in range(1, 1 + invoice_count // 2):
                out.write_row((iban_of(account), account, 1))
        db.execute("CREATE TABLE bench_label (credit_id bigint, kind text, account_id bigint, key text)")
        year = list(credits(book, credit_count, dice))
        columns = (
            "entry_id, own_iban, currency, amount_minor, booked_on, bank_reference, reversal, unclear, payer_iban,"
            " end_to_end, body, state"
        )
        with db.cursor().copy(f"COPY bank_credit ({columns}) FROM STDIN".encode()) as out:
            for at, one in enumerate(year, 1):
                body = msgspec.json.encode(one.said).decode()
                said = (OURS, "EUR", one.said.amount_minor, DAY, "", False, "", one.said.iban, "", body, "new")
                out.write_row((at, *said))
        with db.cursor().copy("COPY bench_label FROM STDIN") as out:
            for at, one in enumerate(year, 1):
                out.write_row((at, one.kind, one.account, folded(one.number)))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM ANALYZE")
        name = psycopg.sql.Identifier(db.info.dbname)
        db.execute(psycopg.sql.SQL("ALTER DATABASE {} SET max_parallel_workers_per_gather = 0").format(name))


def filled(invoice_count: int, credit_count: int, seed: int, *, fresh: bool) -> str:
    """The database with these, made where it is not there; its URL. It is filled by a process of its own, so that the
    memory which that takes is not counted."""
    name = f"arrears_bench_matching_{invoice_count}_{credit_count}_{seed}"
    with psycopg.connect(database_url(), autocommit=True) as db:
        here = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if here is not None and not fresh:
        return psycopg.conninfo.make_conninfo(database_url(), dbname=name)
    url = fresh_database(name)
    filling = multiprocessing.get_context("spawn").Process(target=fill, args=(url, invoice_count, credit_count, seed))
    filling.start()
    filling.join()
    if filling.exitcode:
        fresh_database(name)
        raise SystemExit("the database could not be filled")
    return url


class Spent:
    """The processor seconds of this process and of the server's that work for it, and the seconds that passed."""

    def __init__(self, url: str) -> None:
        self._db = psycopg.connect(url, autocommit=True)
        self._was = self._now()

    def lap(self) -> Took:
        """What was spent since the last one."""
        was, self._was = self._was, self._now()
        return Took(self._was.processor - was.processor, self._was.clock - was.clock)

    def _now(self) -> Took:
        asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ticks = 0
        for (process,) in self._db.execute(asked).fetchall():
            stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
        return Took(time.process_time() + ticks / os.sysconf("SC_CLK_TCK"), time.perf_counter())


class Took(NamedTuple):
    """Seconds of processors, and those that passed."""

    processor: float
    clock: float


def matched(store: PostgresStore, spent: Spent) -> tuple[Took, Took, dict[int, int], dict[int, int]]:
    """What the exact look took and the near one, the account of each that is matched by itself, and the first that is
    suggested for each of the others."""
    alone: dict[int, int] = {}
    proposed: dict[int, int] = {}
    left: list[int] = []
    store.credits_after(0, CreditState.NEW, 1)  # So that its connection is there.
    spent.lap()
    last = 0
    while some := store.credits_after(last, CreditState.NEW, EXACT_AT_ONCE):
        last = some[-1].number
        asked = [as_credit(one) for one in some]
        index = StoredIndex(store)
        index.look_up(asked)
        for one, credit in zip(some, asked, strict=True):
            if (found := match(credit, index)) is None:
                left.append(one.number)
            else:
                alone[one.number] = found.account
    exact = spent.lap()
    for at in range(0, len(left), NEAR_AT_ONCE):
        some = store.credits_in([CreditState.NEW], left[at : at + NEAR_AT_ONCE])
        asked = [as_credit(one) for one in some]
        index = StoredIndex(store)
        index.look_up_near(asked)
        for one, credit in zip(some, asked, strict=True):
            for first in suggest(credit, index)[:1]:
                proposed[one.number] = first.account
    return exact, spent.lap(), alone, proposed


def judged(url: str, alone: Mapping[int, int], proposed: Mapping[int, int]) -> dict[str, Any]:
    """What came of each kind: how many are right (matched, or proposed first), matched by themselves, and wrong."""
    count, right, by_itself, wrong = Counter[str](), Counter[str](), Counter[str](), 0
    with psycopg.connect(url) as db:
        for number, kind, account in db.execute("SELECT credit_id, kind, account_id FROM bench_label"):
            count[kind] += 1
            by_itself[kind] += number in alone
            right[kind] += alone.get(number, proposed.get(number)) == account
            wrong += number in alone and (alone[number] != account or kind == "nothing")
    shares = {kind: round(right[kind] / max(count[kind], 1), 4) for kind in SHARES}
    return {"count": dict(count), "right": shares, "by_itself": dict(by_itself), "wrong": wrong}


def bare(url: str, spent: Spent) -> tuple[Took, Took]:
    """What the bare join on the exact references took, and reading the credits."""
    decoder = msgspec.json.Decoder(BankTransaction)
    with psycopg.connect(url) as db:
        spent.lap()
        found = len(db.execute(JOIN.encode()).fetchall())
        join = spent.lap()
        for (body,) in db.execute(READ.encode()):
            decoder.decode(body)
        reading = spent.lap()
        asked = "SELECT count(*) FROM bench_label WHERE kind = 'exact'"
        assert db.execute(asked).fetchone() == (found,), "each exact reference has its invoice"
    return join, reading


def main(argv: Sequence[str]) -> int:
    """The shares by kind, what was wrong, and the times."""
    asked = argparse.ArgumentParser(prog="python -m bench.matching", description=__doc__.splitlines()[0])
    asked.add_argument("--invoices", type=int, default=20_000)
    asked.add_argument("--credits", type=int, default=2_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--fresh", action="store_true")
    options = asked.parse_args(argv)
    url = filled(options.invoices, options.credits, options.seed, fresh=options.fresh)
    spent = Spent(url)
    bare(url, spent)  # So that both sides find the rows in memory.
    join, reading = bare(url, spent)
    store = PostgresStore(url, clock_is_real=False)
    exact, near, alone, proposed = matched(store, spent)
    store.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found = judged(url, alone, proposed)
    took = {"exact": exact, "near": near, "bare_join": join, "reading": reading}
    said = {
        "seed": options.seed,
        **found,
        "processor": {name: round(one.processor, 2) for name, one in took.items()},
        "clock": {name: round(one.clock, 2) for name, one in took.items()},
        "times_bare": round(exact.processor / (join.processor + reading.processor), 2),
        "times_join": round(exact.processor / join.processor, 2),
        "memory_mib": memory,
    }
    sys.stdout.write(f"{json.dumps(said)}\n")
    return int(found["wrong"] > 0 or found["right"]["exact"] < 0.99 or min_of_the_next(found) < 0.9)


def min_of_the_next(found: Mapping[str, Any]) -> float:
    """The smaller share of those with a slip and those by their IBAN."""
    return float(min(found["right"]["damaged"], found["right"]["iban"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
