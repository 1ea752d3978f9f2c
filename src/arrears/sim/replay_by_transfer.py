"""The same book, with every customer in invoice mode: what they pay comes as transfers in a bank's daily files, which
are read, matched and booked as those of an installation are.

A transfer names its invoices, by their creditor references or by their numbers in words. What the program leaves to
people, as an invoice that is disputed, they match in the same moment. So a replay ends as one does in which payments
are booked as they come.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol
from zlib import crc32

from arrears.adapters.books.statements.reading import read_statement_file
from arrears.core.account import Mode
from arrears.core.bank.creditor_reference import body_of, creditor_reference
from arrears.core.bank.statements import Balance, BankEntry, BankStatement, BankTransaction, StatementKind
from arrears.core.calendar import calendar_of
from arrears.core.receivables import BookPayment, ReceivablesBook
from arrears.engine.commands.bank import deciding
from arrears.engine.commands.bank.deciding import Share
from arrears.engine.commands.bank.taking import take_file
from arrears.ports import Store
from arrears.ports.bank import BankBook, CreditState
from arrears.sim.bank_file import camt_053
from arrears.sim.replay import AUTHOR, Replay, ReplaySettings

OURS: Final = "NL91ABNA0417164300"
FORMAT: Final = "camt.053.001.08"


class BankedStore(Store, BankBook, Protocol):
    """A store that takes a bank's files too."""


class TransferReplay(Replay):
    """See Replay. `decided` counts the transfers by who matched them: `matched` by itself, `waiting` by
    people; `paid_minor` has what came in each currency."""

    port = BankedStore
    mode = Mode.INVOICE

    def __init__(self, store: BankedStore, book: ReceivablesBook, settings: ReplaySettings) -> None:
        super().__init__(store, book, settings)
        self._bank: BankedStore = self._store  # type: ignore[assignment]  # watched, with all methods of its port
        self._balances: Counter[str] = Counter()
        self._sent: dict[str, list[BookPayment]] = {}
        self.files = 0
        self._statements: Counter[str] = Counter()
        self.decided: Counter[str] = Counter()
        self.paid_minor = self._balances

    def _pay(self, payments: Sequence[BookPayment], now: datetime) -> None:
        """The file of the day, for each currency, and what people match of what is left."""
        ours = {(OURS, payment.currency) for payment in self.book.payments}
        for currency in sorted({payment.currency for payment in payments}):
            transfers: dict[tuple[str, str], list[BookPayment]] = {}
            for payment in payments:
                if payment.currency == currency:
                    transfers.setdefault((payment.account_ref, payment.ref), []).append(payment)
            entries = [self._entry(some, now) for some in transfers.values()]
            content = self._file(currency, entries, now)
            digest = hashlib.sha256(content).digest()
            taken = take_file(self._bank, read_statement_file(content), digest, f"{now.date()}.xml", ours, now)
            assert taken.state == "taken", taken.why
        waiting = self._bank.credits_in([CreditState.WAITING])
        for one in waiting:
            sent = self._sent[one.bank_reference]
            account = self._numbers[sent[0].account_ref]
            debts = tuple(self._issued[payment.invoice_number][1] for payment in sent)
            deciding.share_out(
                self._bank, one.number, [Share(account, one.amount_minor, debts)], {OURS}, now, AUTHOR, "they say so"
            )
        self.decided["waiting"] += len(waiting)
        self.decided["matched"] += len({(p.account_ref, p.ref) for p in payments}) - len(waiting)

    def _entry(self, sent: Sequence[BookPayment], now: datetime) -> BankEntry:
        """One transfer, as its bank tells of it."""
        ref, minor = f"T{len(self._sent) + 1}", sum(payment.amount_minor for payment in sent)
        self._sent[ref] = list(sent)
        numbers = [payment.invoice_number for payment in sent]
        bodies = [body_of(number) for number in numbers]
        structured = all(bodies) and crc32(ref.encode()) % 2 == 0
        said = BankTransaction(
            minor,
            sent[0].currency,
            tuple(map(creditor_reference, bodies)) if structured else (),
            name=sent[0].account_ref,
            texts=() if structured else (f"invoice {' '.join(numbers)}",),
        )
        day = calendar_of(self._zones[sent[0].account_ref]).local_day(now)
        return BankEntry(minor, said.currency, day, day, ref, transactions=(said,))

    def _file(self, currency: str, entries: Sequence[BankEntry], now: datetime) -> bytes:
        """A statement that begins where the last one ended."""
        self.files += 1
        self._statements[currency] += 1
        before = self._balances[currency]
        self._balances[currency] += sum(entry.amount_minor for entry in entries)
        opening, closing = (Balance(minor, currency, now.date()) for minor in (before, self._balances[currency]))
        kind, all_of_them, number = StatementKind.STATEMENT, tuple(entries), self._statements[currency]
        one = BankStatement(FORMAT, kind, OURS, currency, opening, closing, all_of_them, number=number)
        return camt_053([one], f"M{self.files}")
