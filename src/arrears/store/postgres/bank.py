"""What came by bank, as rows (see ports.bank)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Final, LiteralString

import msgspec

from arrears.core.bank.matching import OpenItem
from arrears.core.bank.statements import BankStatement, BankTransaction
from arrears.ports.bank import Closing, CreditPart, CreditState, StoredCredit
from arrears.store.postgres.bank_files import keep_bank_file
from arrears.store.postgres.write import Db

_COLUMNS: Final[LiteralString] = (
    "c.credit_id, c.own_iban, c.currency, c.amount_minor, c.booked_on, c.bank_reference, c.reversal, c.unclear, c.body,"
    " c.state, c.why, c.takes_back"
)
CREDITS: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM bank_credit c
WHERE c.state = ANY(%s) AND (%s::bigint[] IS NULL OR c.credit_id = ANY(%s::bigint[])) ORDER BY c.credit_id
"""

CREDITS_AFTER: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM bank_credit c WHERE c.state = %s AND c.state IN ('new', 'waiting') AND c.credit_id > %s
ORDER BY c.credit_id LIMIT %s
"""

OPEN_CREDITS: Final[LiteralString] = """
SELECT c.credit_id, (SELECT count(*) FROM bank_part p WHERE p.credit_id = c.credit_id) FROM bank_credit c
WHERE c.credit_id = ANY(%b::bigint[]) AND c.state IN ('new', 'waiting') ORDER BY c.credit_id FOR UPDATE OF c
"""

MATCH: Final[LiteralString] = """
UPDATE bank_credit c SET state = 'matched', why = v.why, decided_by = %s, decided_at = %s
FROM unnest(%s::bigint[], %s::text[]) AS v (number, why) WHERE c.credit_id = v.number
"""

MATCHED_PARTS: Final[LiteralString] = """
INSERT INTO bank_part (credit_id, no, account_id, ref, amount_minor)
SELECT v.credit_id, (SELECT count(*) FROM bank_part p WHERE p.credit_id = v.credit_id)
    + row_number() OVER (PARTITION BY v.credit_id ORDER BY v.place), v.account_id, v.ref, v.minor
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) WITH ORDINALITY
    AS v (credit_id, account_id, ref, minor, place)
"""

# Three joins by what is equal, as one whose conditions stand beside each other would compare each with each.
_SUMS: Final[LiteralString] = "ARRAY[s.minor, s.paid, s.minor + s.kept, s.minor - s.kept]"
_NEAR: Final[LiteralString] = "(abs(c.amount_minor) BETWEEN r.least AND r.most OR abs(c.amount_minor) = ANY(r.sums))"
_COMES_BACK: Final[LiteralString] = "(c.reversal OR (c.body::jsonb ->> 'returned') IS NOT NULL)"
LIKE: Final[LiteralString] = f"""
WITH r AS MATERIALIZED (
    SELECT b.credit_id, b.own_iban, b.currency, b.booked_on, b.bank_reference, b.end_to_end, b.payer_iban,
        b.amount_minor < 0 AS is_debit, s.minor / 2 AS least, s.minor * 2 AS most, {_SUMS} AS sums
    FROM bank_credit b CROSS JOIN LATERAL (
        SELECT abs(b.amount_minor) AS minor, coalesce((b.body::jsonb ->> 'original_minor')::bigint, 0) AS paid,
            coalesce((b.body::jsonb ->> 'charges_minor')::bigint, 0) AS kept
    ) AS s WHERE b.credit_id = ANY(%b::bigint[]) AND b.amount_minor <> 0
), alike AS (
    SELECT r.credit_id AS back, c.credit_id FROM r JOIN bank_credit c USING (own_iban, currency, bank_reference)
    WHERE r.bank_reference <> '' AND {_NEAR}
    UNION
    SELECT r.credit_id, c.credit_id FROM r JOIN bank_credit c USING (own_iban, currency, end_to_end)
    WHERE r.end_to_end <> '' AND {_NEAR}
    UNION
    SELECT r.credit_id, c.credit_id FROM r JOIN bank_credit c USING (own_iban, currency, payer_iban)
    WHERE r.payer_iban <> '' AND abs(c.amount_minor) = ANY(r.sums)
)
SELECT r.credit_id, {_COLUMNS} FROM alike JOIN r ON r.credit_id = alike.back
JOIN bank_credit c ON c.credit_id = alike.credit_id
WHERE c.booked_on BETWEEN r.booked_on - 400 AND r.booked_on AND CASE WHEN r.is_debit
    THEN c.amount_minor > 0 AND c.state IN ('new', 'waiting', 'matched', 'ignored') AND NOT {_COMES_BACK}
    ELSE c.amount_minor < 0 AND (c.state IN ('waiting', 'noted') OR (c.state = 'returned' AND c.takes_back <> 0)) END
ORDER BY r.credit_id, c.credit_id
"""

WAITING_RETURNS: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM bank_credit c
WHERE c.state IN ('new', 'waiting') AND c.state = 'waiting' AND (c.amount_minor < 0 OR {_COMES_BACK})
    AND c.decided_by = %s
ORDER BY c.credit_id
"""

DECIDE: Final[LiteralString] = """
UPDATE bank_credit SET state = %s, why = %s, decided_by = %s, decided_at = %s, takes_back = %s
WHERE credit_id = %s AND state = ANY(%s) RETURNING credit_id
"""

ADD_PART: Final[LiteralString] = """
INSERT INTO bank_part (credit_id, no, account_id, ref, amount_minor)
SELECT %s, (SELECT count(*) FROM bank_part WHERE credit_id = %s) + 1, %s, %s, %s
"""

UNDO_PARTS: Final[LiteralString] = """
UPDATE bank_part SET undone = true WHERE ref <> ALL(%s::text[]) AND credit_id = %s
"""

LEFT_OF_PARTS: Final[LiteralString] = """
UPDATE bank_part p SET amount_minor = v.minor FROM unnest(%s::text[], %s::bigint[]) AS v (ref, minor)
WHERE p.ref = v.ref AND p.credit_id = %s AND NOT p.undone
"""

_REVERSED: Final[LiteralString] = """reverse(upper(regexp_replace(i.number COLLATE "C", '[^A-Za-z0-9]', '', 'g')))"""
_ITEM: Final[LiteralString] = "i.account_id, i.no, i.number, i.currency, i.open_minor, i.day_0 IS NOT NULL"
# One index, of the number read from its end, finds what is named and what ends alike. The keys travel in one text: they
# are letters and digits, and may be hundreds of thousands.
_KEYS: Final[LiteralString] = "unnest(string_to_array(%s, ' '))"
NUMBERED: Final[LiteralString] = f"""
SELECT v.key, {_ITEM} FROM {_KEYS} AS v (key) JOIN invoice i ON {_REVERSED} = reverse(v.key)
UNION ALL
SELECT 'A' || i.account_id || 'I' || i.no, {_ITEM}
FROM unnest(%s::bigint[], %s::bigint[]) AS v (account_id, no)
JOIN invoice i ON i.account_id = v.account_id AND i.no = v.no
"""

# An ending that so many share says little about any of them.
_ENDING_MAX: Final = "200"
ENDING: Final[LiteralString] = f"""
SELECT v.digits, i.* FROM {_KEYS} AS v (digits) CROSS JOIN LATERAL (
    SELECT {_ITEM} FROM invoice i
    WHERE i.open_minor > 0 AND {_REVERSED} >= reverse(v.digits) AND {_REVERSED} < reverse(v.digits) || '~'
      AND rtrim(substring({_REVERSED} FROM '^[0-9]+'), '0') = reverse(v.digits) LIMIT {_ENDING_MAX}
) AS i
"""

OPEN_OF: Final[LiteralString] = f"""
SELECT {_ITEM} FROM invoice i WHERE i.account_id = ANY(%b::bigint[]) AND i.open_minor > 0 ORDER BY i.due_on, i.no
"""

ASKING: Final[LiteralString] = f"""
SELECT * FROM (
    SELECT {_ITEM}, row_number() OVER (PARTITION BY i.open_minor, i.currency ORDER BY i.account_id, i.no) AS place
    FROM unnest(%s::bigint[], %s::text[]) AS v (minor, currency)
    JOIN invoice i ON i.open_minor = v.minor AND i.currency = v.currency
) AS found WHERE place <= %s
"""

_GENERATED: Final = re.compile("A([1-9][0-9]{0,17})I([1-9][0-9]{0,8})")
_transaction_decoder = msgspec.json.Decoder(BankTransaction)


class PostgresBank:
    """See ports.bank.BankBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def bank_file_known(self, digest: bytes) -> bool:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            return db.execute("SELECT 1 FROM bank_file WHERE digest = %s", [digest]).fetchone() is not None

    def keep_bank_file(
        self, digest: bytes, name: str, statements: Sequence[BankStatement], now: datetime
    ) -> Sequence[Sequence[int | None]]:
        """See ports.bank.BankBook."""
        with self.transaction() as db:
            return keep_bank_file(db, digest, name, statements, now)

    def credits_in(self, states: Collection[CreditState], numbers: Collection[int] | None = None) -> list[StoredCredit]:
        """See ports.bank.BankBook."""
        some = None if numbers is None else list(numbers)
        with self.reading() as db:
            return [_credit(row) for row in db.execute(CREDITS, [list(states), some, some])]

    def credits_after(self, number: int, state: CreditState, most: int) -> list[StoredCredit]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            return [_credit(row) for row in db.execute(CREDITS_AFTER, [state, number, most])]

    def open_credits(self, numbers: Collection[int]) -> Mapping[int, int]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            return dict(db.execute(OPEN_CREDITS, [sorted(numbers)]).fetchall())

    def match_credits(
        self, whys: Mapping[int, str], parts: Sequence[tuple[int, CreditPart]], author: str, now: datetime
    ) -> None:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            db.execute(MATCH, [author, now, list(whys), list(whys.values())])
            rows = [(number, *part) for number, part in parts]
            db.execute(MATCHED_PARTS, [[row[at] for row in rows] for at in range(4)])

    def decide_credit(
        self,
        number: int,
        was: Collection[CreditState],
        state: CreditState,
        why: str,
        author: str,
        now: datetime,
        *,
        takes_back: int = 0,
    ) -> bool:
        """See ports.bank.BankBook."""
        asked = [state, why, author, now, takes_back, number, list(was)]
        with self.reading() as db:
            return db.execute(DECIDE, asked).fetchone() is not None

    def add_parts(self, number: int, parts: Sequence[CreditPart]) -> None:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            for part in parts:
                db.execute(ADD_PART, [number, number, part.account, part.ref, part.amount_minor])

    def parts_of(self, number: int) -> Sequence[CreditPart]:
        """See ports.bank.BankBook."""
        asked = "SELECT account_id, ref, amount_minor FROM bank_part WHERE credit_id = %s AND NOT undone ORDER BY no"
        with self.reading() as db:
            return [CreditPart(*row) for row in db.execute(asked, [number])]

    def booked_for(self, numbers: Collection[int]) -> Mapping[int, int]:
        """See ports.bank.BankBook."""
        asked = (
            "SELECT DISTINCT ON (credit_id) credit_id, account_id FROM bank_part"
            " WHERE credit_id = ANY(%b::bigint[]) AND NOT undone ORDER BY credit_id, no"
        )
        with self.reading() as db:
            return dict(db.execute(asked, [list(numbers)]).fetchall())

    def parts_count(self, number: int) -> int:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            row = db.execute("SELECT count(*) FROM bank_part WHERE credit_id = %s", [number]).fetchone()
        return int(row[0]) if row is not None else 0

    def undo_parts(self, number: int, left: Mapping[str, int]) -> None:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            db.execute(UNDO_PARTS, [list(left), number])
            db.execute(LEFT_OF_PARTS, [list(left), list(left.values()), number])

    def credits_like(self, numbers: Collection[int]) -> Mapping[int, Sequence[StoredCredit]]:
        """See ports.bank.BankBook."""
        found: dict[int, list[StoredCredit]] = defaultdict(list)
        if numbers:
            with self.reading() as db:
                for debit, *row in db.execute(LIKE, [list(numbers)]):
                    found[debit].append(_credit(row))
        return found

    def waiting_returns(self, author: str) -> Sequence[StoredCredit]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            return [_credit(row) for row in db.execute(WAITING_RETURNS, [author])]

    def return_of(self, number: int) -> int:
        """See ports.bank.BankBook."""
        asked = "SELECT credit_id FROM bank_credit WHERE takes_back = %s AND state = 'returned'"
        with self.reading() as db:
            row = db.execute(asked, [number]).fetchone()
        return int(row[0]) if row is not None else 0

    def doubted_by(self, number: int) -> Sequence[int]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            rows = db.execute("SELECT account_id FROM bank_doubt WHERE credit_id = %s ORDER BY 1", [number])
            return [account for (account,) in rows]

    def set_doubted(self, number: int, accounts: Mapping[int, date | None]) -> None:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            db.execute(
                "WITH gone AS (DELETE FROM bank_doubt WHERE credit_id = %s AND account_id <> ALL(%s::bigint[]))"
                " INSERT INTO bank_doubt SELECT %s, * FROM unnest(%s::bigint[], %s::date[]) ON CONFLICT DO NOTHING",
                [number, list(accounts), number, list(accounts), list(accounts.values())],
            )

    def doubts_until(self, today: date) -> Sequence[tuple[int, int]]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            rows = db.execute("SELECT credit_id, account_id FROM bank_doubt WHERE until < %s ORDER BY 1, 2", [today])
            return [(number, account) for number, account in rows]

    def learn_payer(self, iban: str, account: int, number: int) -> None:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            db.execute("INSERT INTO known_payer VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [iban, account, number])

    def forget_payers(self, number: int) -> None:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            db.execute("DELETE FROM known_payer WHERE credit_id = %s", [number])

    def payers_of(self, ibans: Collection[str]) -> Mapping[str, Sequence[int]]:
        """See ports.bank.BankBook."""
        found: dict[str, list[int]] = defaultdict(list)
        asked = "SELECT DISTINCT iban, account_id FROM known_payer WHERE iban = ANY(%s) ORDER BY 1, 2"
        with self.reading() as db:
            for iban, account in db.execute(asked, [list(ibans)]):
                found[iban].append(account)
        return found

    def invoices_numbered(self, keys: Collection[str]) -> Mapping[str, Sequence[OpenItem]]:
        """See ports.bank.BankBook."""
        ours = [(int(one[1]), int(one[2])) for key in keys if (one := _GENERATED.fullmatch(key)) is not None]
        with self.reading() as db:
            asked = [" ".join(keys), [a for a, _ in ours], [no for _, no in ours]]
            return _by_first(db.execute(NUMBERED, asked).fetchall())

    def invoices_ending(self, digits: Collection[str]) -> Mapping[str, Sequence[OpenItem]]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            return _by_first(db.execute(ENDING, [" ".join(digits)]).fetchall())

    def invoices_open_of(self, accounts: Collection[int]) -> Mapping[int, Sequence[OpenItem]]:
        """See ports.bank.BankBook."""
        found: dict[int, list[OpenItem]] = defaultdict(list)
        with self.reading() as db:
            for row in db.execute(OPEN_OF, [list(accounts)]).fetchall():
                found[row[0]].append(OpenItem(*row))
        return found

    def invoices_asking(
        self, sums: Collection[tuple[int, str]], most: int
    ) -> Mapping[tuple[int, str], Sequence[OpenItem]]:
        """See ports.bank.BankBook."""
        found: dict[tuple[int, str], list[OpenItem]] = defaultdict(list)
        with self.reading() as db:
            rows = db.execute(ASKING, [[minor for minor, _ in sums], [code for _, code in sums], most]).fetchall()
        for *item, _ in rows:
            one = OpenItem(*item)
            found[one.open_minor, one.currency].append(one)
        return found

    def names_of(self, accounts: Iterable[int]) -> Mapping[int, str]:
        """See ports.bank.BankBook."""
        with self.reading() as db:
            asked = "SELECT account_id, name FROM account WHERE account_id = ANY(%s)"
            return dict(db.execute(asked, [list(accounts)]).fetchall())

    def closings(self, iban: str, currency: str) -> Sequence[Closing]:
        """See ports.bank.BankBook."""
        asked = (
            "SELECT opening_minor, closing_minor, closed_on, number FROM bank_statement"
            " WHERE iban = %s AND currency = %s AND closing_minor IS NOT NULL ORDER BY closed_on, number, file_id, no"
        )
        with self.reading() as db:
            return [Closing(*row) for row in db.execute(asked, [iban, currency])]

    def newest_closing(self) -> Mapping[tuple[str, str], date]:
        """See ports.bank.BankBook."""
        asked = (
            "SELECT iban, currency, max(closed_on) FROM bank_statement WHERE closing_minor IS NOT NULL"
            " GROUP BY iban, currency"
        )
        with self.reading() as db:
            return {(iban, currency): day for iban, currency, day in db.execute(asked)}


def _by_first(rows: Iterable[Sequence[Any]]) -> Mapping[str, Sequence[OpenItem]]:
    found: dict[str, list[OpenItem]] = defaultdict(list)
    for key, *item in rows:
        found[str(key)].append(OpenItem(*item))
    return found


def _credit(row: Sequence[Any]) -> StoredCredit:
    number, iban, currency, minor, day, reference, reversal, unclear, body, state, why, takes_back = row
    said = _transaction_decoder.decode(body)
    decided = (CreditState(state), why, takes_back)
    return StoredCredit(number, iban, currency, minor, day, reference, reversal, unclear, said, *decided)
