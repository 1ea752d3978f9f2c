"""One account inside one transaction: the state it had, the facts recorded since, the state it has now.

Both stores hand these out under the account's lock and write what they contain; nothing else changes an account.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from arrears.core.account import Account, decode_account
from arrears.core.evolve import evolve, open_account
from arrears.core.facts import ARREARS, AccountOpened, AnyFact, Fact, Recorded, decode_fact, encode_fact

GENESIS = bytes(32)
"""What the first fact of every stream is chained to."""


_UNWRITABLE = {0: " ", 31: " "}
"""PostgreSQL takes no text with a zero in it, and a batch's texts travel with sign 31 between them. JSON escapes
both; a reason does not, and must be hashed as it is stored."""


def chained(previous: bytes, account: int, seq: int, at: datetime, author: str, why: str, body: str) -> bytes:
    """SHA-256 over the previous hash and the fact exactly as it is stored (32 bytes)."""
    return hashlib.sha256(previous + f"{account}|{seq}|{stamp(at)}|{author}|{why}|{body}".encode()).digest()


@lru_cache(maxsize=1024)
def stamp(at: datetime) -> str:
    """An instant as it is hashed; kept, because a whole batch is recorded at one instant, and checked later."""
    return at.isoformat()


class Stored(msgspec.Struct, eq=False, gc=False):
    """A recorded fact with its stored text and its place in the chain."""

    recorded: Recorded
    body: str
    hash: bytes


class Written:
    """What a unit has come to, in the form in which it is stored, without the values it stands for (see
    decision_cache.py).

    `facts` are (kind, stored text, hash) in order, all by arrears itself and without a reason; `rows` are (name in
    Rows, row); `escalates` says whether something is restricted or disabled.
    """

    __slots__ = ("escalates", "facts", "rows", "text", "waits")

    def __init__(
        self, facts: list[tuple[str, str, bytes]], text: str, waits: bool, escalates: bool, rows: list[tuple[str, Any]]
    ) -> None:
        self.escalates = escalates
        self.facts = facts
        self.text = text
        self.waits = waits
        self.rows = rows


class Unit:
    """The unit of work on one account. `seq` and `head` are the end of its stream; a new account has none.

    It is made of the account's value, or of its stored `text`, which is read when somebody asks for the value.
    """

    __slots__ = ("_account", "_before", "_stored", "_was", "head", "next_at", "no", "now", "seq", "text", "written")

    def __init__(
        self,
        no: int,
        state: Account | None,
        seq: int,
        head: bytes,
        now: datetime,
        next_at: datetime | None = None,
        text: str = "",
    ) -> None:
        self.no = no
        self.text = text
        self._before = state
        self._account = state
        self.seq = seq
        self.head = head
        self.now = now
        self.next_at = next_at
        self._stored: list[Stored] = []
        self.written: Written | None = None
        self._was = (seq, head, next_at)

    @property
    def is_new(self) -> bool:
        """Whether the account did not exist when the unit was made."""
        return self._before is None and not self.text

    @property
    def before(self) -> Account | None:
        """The account as it was loaded; None for a new one. msgspec.DecodeError for a text we did not write."""
        if self._before is None and self.text:
            self._before = decode_account(self.text)
        return self._before

    @property
    def account(self) -> Account:
        """The account as the facts recorded so far have left it."""
        if self._account is None:
            self._account = self.before if self.written is None else decode_account(self.written.text)
            assert self._account is not None, f"account {self.no} has not been opened"
        return self._account

    @property
    def stored(self) -> list[Stored]:
        """The facts recorded in this unit."""
        if self.written is not None and not self._stored:
            first = self._was[0] + 1
            self._stored = [
                Stored(Recorded(self.no, seq, self.now, ARREARS, "", decode_fact(body)), body, digest)
                for seq, (_, body, digest) in enumerate(self.written.facts, first)
            ]
        return self._stored

    @property
    def fact_count(self) -> int:
        """How many facts were recorded in this unit."""
        return self.seq - self._was[0]

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
        known: AnyFact = fact  # type: ignore[assignment]  # the closed union of all Fact subclasses, held by a test
        recorded = Recorded(self.no, seq, self.now, author, why, known)
        self.head = chained(self.head, self.no, seq, self.now, author, why, body)
        self._account = open_account(recorded) if isinstance(fact, AccountOpened) else evolve(self.account, recorded)
        self.seq = seq
        self._stored.append(Stored(recorded, body, self.head))
        return recorded

    def write(self, written: Written, head: bytes, next_at: datetime | None) -> None:
        """Take over what was written for this account; nothing may have been recorded before."""
        assert self.seq == self._was[0], f"account {self.no} has recorded something already"
        self.written = written
        self._account = None
        self.seq += len(written.facts)
        self.head, self.next_at = head, next_at

    def undo(self) -> None:
        """Forget everything recorded in this unit."""
        self.seq, self.head, self.next_at = self._was
        self._account = self._before
        self._stored = []
        self.written = None

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.seq != self._was[0] or self.next_at != self._was[2]
