"""One account inside one transaction: the state it had, the facts recorded since, the state it has now.

Both stores hand these out under the account's lock and write what they contain; nothing else changes an account.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache

from arrears.core.account import Account
from arrears.core.evolve import evolve, open_account
from arrears.core.facts import ARREARS, AccountOpened, AnyFact, Fact, Recorded, encode_fact

GENESIS = bytes(32)
"""What the first fact of every stream is chained to."""


_UNWRITABLE = {0: " ", 31: " "}
"""PostgreSQL takes no text with a zero in it, and a batch's texts travel with sign 31 between them. JSON escapes
both; a reason does not, and must be hashed as it is stored."""


def chained(previous: bytes, account: int, seq: int, at: datetime, author: str, why: str, body: str) -> bytes:
    """SHA-256 over the previous hash and the fact exactly as it is stored (32 bytes)."""
    header = f"{account}|{seq}|{stamp(at)}|{author}|{why}|"
    return hashlib.sha256(previous + header.encode() + body.encode()).digest()


@lru_cache(maxsize=64)
def stamp(at: datetime) -> str:
    """An instant as it is hashed; kept, because a whole batch is recorded at one instant."""
    return at.isoformat()


class Stored:
    """A recorded fact with its stored text and its place in the chain."""

    __slots__ = ("body", "hash", "recorded")

    def __init__(self, recorded: Recorded, body: str, digest: bytes) -> None:
        self.recorded = recorded
        self.body = body
        self.hash = digest


class Unit:
    """The unit of work on one account. `seq` and `head` are the end of its stream; a new account has none."""

    __slots__ = ("_was", "before", "head", "next_at", "no", "now", "seq", "state", "stored")

    def __init__(
        self, no: int, state: Account | None, seq: int, head: bytes, now: datetime, next_at: datetime | None = None
    ) -> None:
        self.no = no
        self.before = state
        self.state = state
        self.seq = seq
        self.head = head
        self.now = now
        self.next_at = next_at
        self.stored: list[Stored] = []
        self._was = (seq, head, next_at)

    @property
    def account(self) -> Account:
        """The account as the facts recorded so far have left it."""
        assert self.state is not None, f"account {self.no} has not been opened"
        return self.state

    @property
    def seq_before(self) -> int:
        """The number of the stream's last fact when the unit was loaded."""
        return self._was[0]

    def record(self, fact: Fact, author: str = ARREARS, why: str = "") -> Recorded:
        """Append a fact to the stream and fold it into the account."""
        seq = self.seq + 1
        body = encode_fact(fact)
        if why:
            why = why.translate(_UNWRITABLE)
        recorded = Recorded(self.no, seq, self.now, author, why, _known(fact))
        self.head = chained(self.head, self.no, seq, self.now, author, why, body)
        self.state = open_account(recorded) if isinstance(fact, AccountOpened) else evolve(self.account, recorded)
        self.seq = seq
        self.stored.append(Stored(recorded, body, self.head))
        return recorded

    def undo(self) -> None:
        """Forget everything recorded in this unit."""
        self.seq, self.head, self.next_at = self._was
        self.state = self.before
        self.stored = []

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.stored) or self.next_at != self._was[2]


def _known(fact: Fact) -> AnyFact:
    return fact  # type: ignore[return-value]  # the closed union of all Fact subclasses, held by a test
