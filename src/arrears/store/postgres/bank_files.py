"""A bank's file as rows: each entry once, whichever file told of it first (see ports.bank)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString

import msgspec

from arrears.core.bank.recognising import DAYS_APART_MAX, SeenEntry, recognised
from arrears.core.bank.statements import BankEntry, BankStatement, BankTransaction, StatementKind
from arrears.store.postgres.write import Db

ONE_AT_A_TIME: Final = 21
"""The lock that who takes a file holds: its entries are compared with those that are here, and its credits get numbers
that follow one another."""
SEEN: Final[LiteralString] = """
SELECT entry_id, body, is_early FROM bank_entry
WHERE iban = %s AND currency = %s AND booked_on BETWEEN %s AND %s ORDER BY entry_id
"""
NEXT_ENTRIES: Final[LiteralString] = (
    "SELECT nextval(pg_get_serial_sequence('bank_entry', 'entry_id')) FROM generate_series(1, %s)"
)
NEXT_CREDITS: Final[LiteralString] = (
    "SELECT nextval(pg_get_serial_sequence('bank_credit', 'credit_id')) FROM generate_series(1, %s)"
)
ADD_ENTRIES: Final[LiteralString] = (
    "COPY bank_entry (entry_id, file_id, iban, currency, booked_on, is_early, body) FROM STDIN"
)
ADD_CREDITS: Final[LiteralString] = (
    "COPY bank_credit (credit_id, entry_id, own_iban, currency, amount_minor, booked_on, bank_reference, reversal,"
    " unclear, payer_iban, end_to_end, body, state) FROM STDIN"
)

_entry_decoder = msgspec.json.Decoder(BankEntry)


def keep_bank_file(
    db: Db, digest: bytes, name: str, statements: Sequence[BankStatement], now: datetime
) -> Sequence[Sequence[int | None]]:
    """See ports.bank.BankBook. Whoever else takes a file waits for this one."""
    db.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
    file = db.execute(
        "INSERT INTO bank_file (digest, name, taken_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING file_id",
        [digest, name, now],
    ).fetchone()
    if file is None:
        return []
    return [_keep(db, int(file[0]), at, one, now) for at, one in enumerate(statements, 1)]


def _keep(db: Db, file: int, at: int, one: BankStatement, now: datetime) -> list[int | None]:
    """The first credit of each entry that no other file has told of; None for the others."""
    early = one.kind is StatementKind.EARLY
    today = now.date()
    days = [entry.booked_on for entry in one.entries if entry.booked_on is not None]
    closed_on = one.closing.day if one.closing is not None else None
    day = closed_on or max(days, default=today)
    opening, closing = (None, None) if early else (one.opening, one.closing)
    ends = (opening.minor, closing.minor) if opening is not None and closing is not None else (None, None)
    db.execute(
        "INSERT INTO bank_statement VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [file, at, one.account, one.currency, one.format, one.number, *ends, day],
    )
    apart = timedelta(days=DAYS_APART_MAX)
    near = [min(days, default=today) - apart, max(days, default=today) + apart]
    rows = db.execute(SEEN, [one.account, one.currency, *near]).fetchall()
    seen = [SeenEntry(number, _entry_decoder.decode(body), is_early) for number, body, is_early in rows]
    known = recognised(seen, one.entries, early=early)
    if not early:
        db.execute("UPDATE bank_entry SET is_early = false WHERE entry_id = ANY(%s)", [[n for n in known if n]])
    firsts = iter(_add(db, file, one, day, [e for e, here in zip(one.entries, known, strict=True) if here is None]))
    return [next(firsts) if here is None else None for here in known]


def _add(db: Db, file: int, one: BankStatement, day: date, entries: Sequence[BankEntry]) -> list[int]:
    """Add these entries with their transfers; the number of the first of each."""
    parts = [entry.transactions or (BankTransaction(entry.amount_minor, entry.currency),) for entry in entries]
    numbers = [number for (number,) in db.execute(NEXT_ENTRIES, [len(entries)])]
    credits = iter([number for (number,) in db.execute(NEXT_CREDITS, [sum(map(len, parts))])])
    early = one.kind is StatementKind.EARLY
    with db.cursor().copy(ADD_ENTRIES) as out:
        for number, entry in zip(numbers, entries, strict=True):
            out.write_row((number, file, one.account, one.currency, entry.booked_on or day, early, _json(entry)))
    firsts: list[int] = []
    with db.cursor().copy(ADD_CREDITS) as out:
        for number, entry, some in zip(numbers, entries, parts, strict=True):
            for at, part in enumerate(some):
                credit = next(credits)
                if not at:
                    firsts.append(credit)
                out.write_row((credit, number, one.account, *_transfer(entry, part, entry.booked_on or day)))
    return firsts


def _transfer(entry: BankEntry, part: BankTransaction, day: date) -> tuple[Any, ...]:
    # Of a batch with charges its transactions say what their payers sent.
    unclear = entry.unclear or _foreign(entry, part)
    said = (part.iban, part.end_to_end, _json(part), "new")
    return (part.currency, part.amount_minor, day, entry.bank_reference, entry.reversal, unclear, *said)


def _foreign(entry: BankEntry, part: BankTransaction) -> str:
    return "" if part.currency == entry.currency else f"its part of a batch in {entry.currency} is in {part.currency}"


def _json(value: BankEntry | BankTransaction) -> str:
    return msgspec.json.encode(value).decode().replace("\\u0000", " ")
