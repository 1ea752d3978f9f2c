"""`python -m torture.bank`: made-up months of transfers whose statements come late, twice, overlapping, out of order,
damaged and with the worker ended in the middle; transfers with slips, in parts, too large, for nobody, and returned:
wholly, less what the bank kept or with charges on top, said or not, and returns that the bank takes back itself.

Each world is a seed. Every account is in invoice mode, the bank has a book of its own, and staff look at what waits
every few days. In the end every statement has come: then each transfer of the bank's book is here once, what the ledger
has is what the bank has booked for our customers and not taken back, no invariant is broken, and nobody was disabled
while all that was owed had been at the bank for longer than the newest statement may be old.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from msgspec.structs import replace

from arrears.adapters.books.statements.reading import read_statement_file
from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.references import folded
from arrears.core.bank.statements import Balance, BankEntry, BankStatement, BankTransaction, StatementKind
from arrears.core.errors import Refused
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import bank_hourly, take_file
from arrears.ports import NewAccount
from arrears.ports.bank import CreditState, StoredCredit
from arrears.sim.bank_file import camt_053
from arrears.sim.stage import Stage
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import fresh_database

OURS: Final = ("NL91ABNA0417164300", "EUR")
FEED_DAYS: Final = 3
START: Final = date(2026, 3, 2)
ACCOUNTS: Final = 6
INVOICES: Final = 3
DAYS: Final = 75
STAFF: Final = "staff:1"
FORMS: Final = {"exact": 8, "slipped": 3, "part": 2, "too much": 1, "says nothing": 2, "nobody": 1}


class Ended(BaseException):
    """The worker has ended here."""


@dataclass
class Transfer:
    """One in the bank's book: for which invoice (0 for nobody's), when it was taken back and how much left then, and
    when that was taken back itself."""

    ref: str
    minor: int
    on: date
    account: int
    debt: int
    said: BankTransaction
    returned_on: date | None = None
    left_minor: int = 0
    restored_on: date | None = None

    @property
    def is_back(self) -> bool:
        """Whether some of it has left again."""
        return self.returned_on is not None and self.restored_on is None

    @property
    def stays_minor(self) -> int:
        """What of it is at the bank."""
        return self.minor - min(self.minor, self.left_minor) if self.is_back else self.minor


@dataclass
class Laid:
    """A file and the day on which it comes."""

    name: str
    content: bytes
    on: date


@dataclass
class BankWorld:
    """The bank, its customers who owe us, and its files."""

    seed: int
    dice: random.Random = field(init=False)
    book: list[Transfer] = field(default_factory=list)
    files: list[Laid] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.store = PostgresStore(fresh_database("arrears_torture_bank"), durable=False, clock_is_real=False)
        self.balance, self.number = 0, 0
        self.before: BankStatement | None = None
        begin = self.at(START, 0)
        system.adopt_policy(self.store, default_policy(), begin, STAFF)
        new = [
            (
                NewAccount(f"C{n}", f"Customer {n}", "NL", "UTC", "en", Mode.INVOICE, contact=f"c{n}@example.org"),
                ("cloud",),
            )
            for n in range(1, ACCOUNTS + 1)
        ]
        self.accounts = commands.open_accounts(self.store, new, begin, STAFF)
        numbers = iter(self.dice.sample(range(10_000, 99_999), ACCOUNTS * INVOICES))
        self.asked = {
            (account, no): (f"INV-{next(numbers)}", self.dice.randrange(2_000, 90_000), START + timedelta(days=no * 12))
            for account in self.accounts
            for no in range(1, INVOICES + 1)
        }
        invoices = [
            commands.Invoice(account, number, "EUR", minor, START, due, (1,))
            for (account, _no), (number, minor, due) in self.asked.items()
        ]
        commands.issue_invoices(self.store, invoices, begin, STAFF)
        self.stage = Stage(self.store, MemoryChannel(), InProcessServices(), begin)

    @staticmethod
    def at(day: date, hour: int) -> datetime:
        """An hour of a day."""
        return datetime.combine(day, time(hour), UTC)

    # -- the bank ----------------------------------------------------------------------------------------------

    def pay(self, day: date) -> list[BankEntry]:
        """What is booked on a day."""
        entries = []
        for (account, no), (number, minor, due) in self.asked.items():
            if day < due - timedelta(days=3) or self.dice.random() > 0.06:
                continue
            paid = sum(one.stays_minor for one in self.book if (one.account, one.debt) == (account, no))
            if paid < minor:
                entries.append(self.transfer(day, account, no, number, minor - paid))
        if self.dice.random() < 0.1:
            entries.append(self.transfer(day, 0, 0, "", self.dice.randrange(100, 9_000)))
        for one in self.book:
            if one.account and not one.returned_on and one.on < day and self.dice.random() < 0.006:
                entries.append(self.give_back(day, one))
            elif one.is_back and one.returned_on != day and self.dice.random() < 0.02:
                one.restored_on = day
                self.count["returns taken back"] += 1
                said = BankTransaction(one.left_minor, "EUR", texts=(self.asked[one.account, one.debt][0],))
                entries.append(
                    BankEntry(one.left_minor, "EUR", day, day, f"{one.ref}B", reversal=True, transactions=(said,))
                )
        return entries

    def give_back(self, day: date, one: Transfer) -> BankEntry:
        """The bank returns a transfer, and says what it kept or added, or what had been paid, or neither."""
        charges = min(self.dice.choice((0, 0, 350)), one.minor // 3)
        one.returned_on = day
        one.left_minor = one.minor - charges * self.dice.choice((1, -1))
        said = BankTransaction(
            -one.left_minor, "EUR", end_to_end=one.said.end_to_end, iban=one.said.iban, returned=True
        )
        how = self.dice.choice(("charges", "original", "nothing")) if charges else ""
        if how:
            kept, paid = {"charges": (charges, 0), "original": (0, one.minor), "nothing": (0, 0)}[how]
            said = replace(said, charges_minor=kept, original_minor=paid)
        self.count[f"returned, {how} said" if how else "returned"] += 1
        return BankEntry(-one.left_minor, "EUR", day, day, f"{one.ref}B", transactions=(said,))

    def transfer(self, day: date, account: int, no: int, number: str, open_minor: int) -> BankEntry:
        """One transfer, as its payer makes it."""
        form = "nobody" if not account else self.dice.choices(list(FORMS), list(FORMS.values()))[0]
        references: tuple[str, ...] = ()
        minor, text = open_minor, number
        if form == "nobody":
            text = "gift"
        elif form == "exact" and self.dice.random() < 0.5:
            text, references = "", (creditor_reference(folded(number)),)
        elif form == "slipped":
            at = self.dice.randrange(4, len(number))
            text = number[:at] + str((int(number[at]) + 3) % 10) + number[at + 1 :]
        elif form == "part":
            minor = max(open_minor // 2, 1)
        elif form == "too much":
            minor = open_minor + self.dice.randrange(1, 5_000)
        elif form == "says nothing":
            text = ""
        self.count[form] += 1
        ref = f"T{self.seed}-{len(self.book)}"
        iban = f"NL{account:02}BENC0000000000" if form != "nobody" else ""
        said = BankTransaction(
            minor, "EUR", references, f"E{len(self.book)}", f"Customer {account}", iban, (text,) * bool(text)
        )
        self.book.append(Transfer(ref, minor, day, account if form != "nobody" else 0, no, said))
        return BankEntry(minor, "EUR", day, day, ref, transactions=(said,))

    def close(self, day: date, entries: Sequence[BankEntry]) -> None:
        """The day's statement, and how it comes: late, twice, with the day before in it, damaged first."""
        self.number += 1
        ends = self.balance + sum(one.amount_minor for one in entries)
        balances = Balance(self.balance, "EUR", day), Balance(ends, "EUR", day)
        self.balance = ends
        one = BankStatement("", StatementKind.STATEMENT, *OURS, *balances, tuple(entries), f"S{day}", self.number)
        content = camt_053([one], f"M{self.number}")
        late = self.dice.choices((0, 1, 2), (6, 2, 1))[0]
        self.files.append(Laid(f"{self.number}.xml", content, day + timedelta(days=late)))
        if self.dice.random() < 0.15:
            self.files.append(
                Laid(f"{self.number}-again.xml", content, day + timedelta(days=late + self.dice.randrange(9)))
            )
        if self.before is not None and self.dice.random() < 0.15:
            both = camt_053([self.before, one], f"B{self.number}")
            self.files.append(Laid(f"{self.number}-both.xml", both, day + timedelta(days=self.dice.randrange(3))))
        if self.dice.random() < 0.1:
            cut = content[: self.dice.randrange(len(content))]
            wrong = content.replace(f"{ends / 100:.2f}".encode(), b"1.23", 1) if self.dice.random() < 0.5 else cut
            self.files.append(Laid(f"{self.number}-damaged.xml", wrong, day))
        self.before = one

    # -- us ----------------------------------------------------------------------------------------------------

    def take(self, now: datetime) -> None:
        """Take the files of this day in any order; sometimes the worker ends in between, and another goes on."""
        here = [one for one in self.files if one.on <= now.date()]
        self.dice.shuffle(here)
        for one in here:
            read, digest = read_statement_file(one.content), hashlib.sha256(one.content).digest()
            ends = self.dice.random() < 0.6
            try:
                self.ending(self.dice.randrange(3) if ends else -1)
                taken = take_file(self.store, read, digest, one.name, {OURS}, now)
                self.count[taken.state] += 1
            except Ended:
                self.count["ended"] += 1
                self.ending(-1)
                bank_hourly(self.store, {OURS}, FEED_DAYS, now)
            finally:
                self.ending(-1)
            self.files.remove(one)

    def ending(self, calls: int) -> None:
        """The worker ends at its so-manieth decision about a transfer; below zero never."""
        for name in ("decide_credit", "open_credits", "match_credits", "add_parts", "set_doubted"):
            self.store.__dict__.pop(name, None)
            if calls >= 0:
                setattr(self.store, name, self._ends_at(getattr(self.store, name), calls))

    def _ends_at(self, call: Callable[..., Any], calls: int) -> Callable[..., Any]:
        left = [calls]

        def counted(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Ended
            return call(*args, **named)

        return counted

    def look(self, now: datetime) -> None:
        """Staff say whose each transfer is that waits, by the bank's own book."""
        theirs = {one.ref: one for one in self.book}
        for one in deciding.queue(self.store):
            credit, known = one.credit, theirs.get(one.credit.bank_reference)
            if deciding.credit(self.store, credit.number).state is not CreditState.WAITING:
                continue
            if credit.comes_back:
                self.look_back(credit, now)
                continue
            if known is None or not known.account:
                deciding.ignore(self.store, credit.number, now, STAFF, "nobody's")
                continue
            share = Share(known.account, credit.amount_minor, ())
            deciding.share_out(self.store, credit.number, [share], {OURS[0]}, now, STAFF, "looked up")
            self.count["by staff"] += 1

    def look_back(self, back: StoredCredit, now: datetime) -> None:
        """Staff say what one takes back, once that is here and it is said whose it is."""
        ref = back.bank_reference if back.amount_minor > 0 else back.bank_reference.removesuffix("B")
        for one in self.store.credits_in(list(CreditState)):
            if one.bank_reference == ref and one.amount_minor * back.amount_minor < 0 and one.number != back.number:
                try:
                    deciding.book_return(self.store, back.number, one.number, now, STAFF, "looked up")
                    self.count["returns by staff"] += 1
                except Refused:
                    self.count["returns refused"] += 1

    def play(self) -> list[str]:
        """The months, and what is wrong in their end."""
        for offset in range(DAYS):
            day = START + timedelta(days=offset)
            self.close(day, self.pay(day))
            self.stage.until(self.at(day, 20))
            self.take(self.stage.now)
            bank_hourly(self.store, {OURS}, FEED_DAYS, self.stage.now)
            self.stage.perform()
            if self.dice.random() < 0.35:
                self.look(self.stage.now)
                self.stage.perform()
        end = START + timedelta(days=DAYS + 10)
        self.stage.now = self.at(end, 12)
        system.confirm_clock(self.store, self.stage.now, STAFF)
        self.take(self.stage.now)
        bank_hourly(self.store, {OURS}, 0, self.stage.now)
        for _ in range(3):
            self.look(self.stage.now)
        # What came in at the instant of the last run is looked at once more, else it seems to have been left out.
        self.stage.step()
        found = [*self._each_once(), *self._ledger(), *self._wrongly_disabled()]
        found += [str(breach) for breach in self.store.check_all()[1]]
        self.store.close()
        return [f"seed {self.seed}: {what}" for what in found]

    # -- the verdict -------------------------------------------------------------------------------------------

    def _each_once(self) -> list[str]:
        here = Counter((one.bank_reference, one.amount_minor) for one in self.store.credits_in(list(CreditState)))
        truth = Counter((one.ref, one.minor) for one in self.book)
        truth += Counter((f"{one.ref}B", -one.left_minor) for one in self.book if one.returned_on)
        truth += Counter((f"{one.ref}B", one.left_minor) for one in self.book if one.restored_on)
        found = [] if here == truth else [f"not each transfer once: {(here - truth) or (truth - here)}"]
        waits = [one.number for one in self.store.credits_in([CreditState.NEW, CreditState.WAITING])]
        return [*found, *([f"nobody could say what became of {waits}"] if waits else [])]

    def _ledger(self) -> list[str]:
        with self.store.reading() as db:
            row = db.execute("SELECT coalesce(sum(minor), 0)::bigint FROM entry WHERE ledger = 'bank'").fetchone()
        ours = int(row[0]) if row is not None else 0
        theirs = sum(one.stays_minor for one in self.book if one.account)
        return [] if ours == theirs else [f"the ledger has {ours} of the bank's {theirs}"]

    def _wrongly_disabled(self) -> list[str]:
        found = []
        for account in self.accounts:
            for recorded in self.store.history(account):
                if isinstance(recorded.fact, f.Disabled):
                    self.count["disabled"] += 1
                    on = recorded.at.date()
                    owed = sum(minor for (who, _), (_, minor, due) in self.asked.items() if who == account and due < on)
                    if self._paid_by(account, on - timedelta(days=FEED_DAYS + 1), on) >= owed:
                        found.append(f"account {account} was disabled on {on}, and all it owed was at the bank")
        return found

    def _paid_by(self, account: int, by: date, then: date) -> int:
        """What the account had transferred by a day, and has not got back since."""
        theirs = [one for one in self.book if one.account == account and one.on <= by]
        left = [one for one in theirs if (one.returned_on or date.max) <= then and (one.restored_on or date.max) > by]
        return sum(one.minor for one in theirs) - sum(min(one.minor, one.left_minor) for one in left)


def main(argv: Sequence[str]) -> int:
    """Play the worlds, and say what is wrong in them."""
    asked = argparse.ArgumentParser(prog="python -m torture.bank", description=str(__doc__).splitlines()[0])
    asked.add_argument("--worlds", type=int, default=5)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args(argv)
    wrong: list[str] = []
    count: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.worlds):
        world = BankWorld(seed)
        wrong += world.play()
        count += world.count
        count["transfers"] += len(world.book)
    said = {"worlds": options.worlds, "seeds_from": options.seed, **dict(sorted(count.items())), "wrong": wrong}
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
