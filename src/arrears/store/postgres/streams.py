"""The journal as it is stored: each account's facts with their hashes, some hundred accounts at a time, so that memory
does not grow with the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final, LiteralString

from arrears.core.facts import Recorded, decode_fact
from arrears.core.invariants import Breach
from arrears.core.unit import GENESIS, chained
from arrears.store.postgres.write import Db, utc

ACCOUNTS_PER_READ: Final = 200
"""So many accounts are in memory at once."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """An account's row of `account_state`: the last hash of its stream, and its state as text."""

    number: int
    head: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Stream:
    """An account's state with its facts; `digests` and `bodies` are these facts as they are stored."""

    state: StoredState
    history: list[Recorded]
    digests: list[bytes]
    bodies: list[str]

    def broken(self) -> Breach | None:
        """Where the chain of hashes does not hold, or does not end in the head; None where it does."""
        number, head = self.state.number, GENESIS
        for r, digest, body in zip(self.history, self.digests, self.bodies, strict=True):
            head = chained(head, r.account, r.seq, r.at, r.author, r.why, body)
            if head != digest:
                return Breach("I18", number, f"fact {r.seq} is not what was hashed: it or one before was changed")
        return None if head == self.state.head else Breach("I18", number, "the head is not the hash of the last fact")


def states_after(db: Db, last: int, *, lock: bool = False) -> list[StoredState]:
    """The states of the next accounts after number `last`, in order; `lock` holds their rows until the transaction's
    end. Empty when there are none left."""
    statement = _NEXT + " FOR NO KEY UPDATE" if lock else _NEXT
    return [
        StoredState(number, bytes(head), text)
        for number, head, text in db.execute(statement, [last, ACCOUNTS_PER_READ])
    ]


_NEXT: Final[LiteralString] = (
    "SELECT account_id, head, state FROM account_state WHERE account_id > %s ORDER BY account_id LIMIT %s"
)


def streams(db: Db, states: Sequence[StoredState]) -> Iterator[Stream]:
    """Each of these states with its facts from the first one."""
    found = db.execute(
        "SELECT account_id, seq, at, author, why, hash, body FROM fact"
        " WHERE account_id = ANY(%b) ORDER BY account_id, seq",
        [[s.number for s in states]],
    )
    by_account = {number: list(rows) for number, rows in groupby(found, key=itemgetter(0))}
    for state in states:
        rows = by_account.get(state.number, [])
        history = [
            Recorded(n, seq, utc(at), author, why, decode_fact(body)) for n, seq, at, author, why, _, body in rows
        ]
        yield Stream(state, history, [bytes(row[5]) for row in rows], [row[6] for row in rows])
