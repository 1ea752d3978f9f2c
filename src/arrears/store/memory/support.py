"""The memory store's support requests (see support.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from arrears.core.facts import InvoiceIssued, PaymentBooked
from arrears.core.messages.kinds import MessageKind
from arrears.core.people.support import About, Via
from arrears.core.rows import Rows
from arrears.ports.support import (
    ConversationEntry,
    LetterState,
    Opens,
    Request,
    RequestState,
    SupportLetter,
)
from arrears.store.memory.rows import Duplicate
from arrears.store.memory.tasks import OpenTask

if TYPE_CHECKING:
    from arrears.core.messages.recipients import Contacts
    from arrears.core.unit import Stored


class MemorySupport:
    """See ports.SupportBook and ports.VisitorBook."""

    tasks: dict[tuple[int, int], OpenTask]
    facts: dict[int, list[Stored]]
    reached: dict[int, Contacts]

    def __init__(self) -> None:
        self.request_rows: dict[int, Request] = {}
        self.entry_rows: dict[int, list[ConversationEntry]] = {}
        self.support_links: dict[bytes, tuple[int, Opens, datetime]] = {}
        self.letters: dict[int, tuple[SupportLetter, LetterState, datetime, str, str]] = {}

    def write_requests(self, rows: Rows) -> None:
        """Those that open by themselves."""
        for row in rows.requests:
            number = len(self.request_rows) + 1
            self.request_rows[number] = Request(
                number, row.account_id, row.seq, About(row.about), Via(row.via), "open",
                0, "", (), 0, "", "", "", "", "", row.asked_at,
            )  # fmt: skip

    def add_request(self, request: Request, body: str) -> int:
        """See ports.SupportBook."""
        self._check_slot(request)
        number = len(self.request_rows) + 1
        self.request_rows[number] = request._replace(number=number)
        self.entry_rows[number] = [ConversationEntry(number, 1, "", body, request.seq, request.asked_at)]
        return number

    def _check_slot(self, request: Request) -> None:
        if request.slot and any(
            (r.account, r.case, r.slot) == (request.account, request.case, request.slot)
            for r in self.request_rows.values()
            if r.number != request.number
        ):
            raise Duplicate(f"{request.slot} holds in case {request.case} of account {request.account} already")

    def support_request(self, number: int) -> Request | None:
        """See ports.SupportBook."""
        return self.request_rows.get(number)

    def requests_of(self, account: int) -> Sequence[Request]:
        """See ports.SupportBook."""
        return [r for r in reversed(self.request_rows.values()) if r.account == account > 0]

    def waiting_requests(self, limit: int, *, every: bool) -> Sequence[Request]:
        """See ports.SupportBook."""
        if every:
            return [r for r in reversed(self.request_rows.values()) if r.state != "unconfirmed"][:limit]
        return [r for r in self.request_rows.values() if r.state in ("confirmed", "open")][:limit]

    def requests_to_place(self, limit: int) -> Sequence[Request]:
        """See ports.VisitorBook."""
        return [r for r in self.request_rows.values() if r.state == "confirmed"][:limit]

    def confirm_request(self, number: int) -> bool:
        """See ports.VisitorBook."""
        request = self.request_rows[number]
        if request.state != "unconfirmed":
            return False
        self.request_rows[number] = request._replace(state="confirmed")
        return True

    def place_request(self, request: Request) -> bool:
        """See ports.SupportBook."""
        if self.request_rows[request.number].account:
            return False
        self._check_slot(request)
        self.request_rows[request.number] = request
        return True

    def move_request(self, number: int, state: RequestState) -> None:
        """See ports.SupportBook."""
        self.request_rows[number] = self.request_rows[number]._replace(state=state)

    def add_hold(self, number: int, hold: int) -> None:
        """See ports.SupportBook."""
        request = self.request_rows[number]
        self.request_rows[number] = request._replace(holds=(*request.holds, hold))

    def requests_since(self, since: datetime, account: int, via: Via) -> int:
        """See ports.SupportBook."""
        return sum(r.account == account > 0 and r.via is via and r.asked_at > since for r in self.request_rows.values())

    def slots_held(self, account: int, case: int) -> set[str]:
        """See ports.SupportBook."""
        return {r.slot for r in self.request_rows.values() if (r.account, r.case) == (account, case) and r.slot}

    def add_entry(self, entry: ConversationEntry) -> None:
        """See ports.SupportBook."""
        said = self.entry_rows.setdefault(entry.request, [])
        said.append(entry._replace(no=len(said) + 1))

    def support_entries(self, number: int) -> Sequence[ConversationEntry]:
        """See ports.SupportBook."""
        return list(self.entry_rows.get(number, ()))

    def tasks_open(self, account: int, seqs: Sequence[int]) -> Sequence[int]:
        """See ports.SupportBook."""
        return sorted(seq for seq in set(seqs) if (account, seq) in self.tasks)

    def add_support_link(self, digest: bytes, number: int, opens: Opens, now: datetime) -> None:
        """See ports.VisitorBook."""
        self.support_links[digest] = (number, opens, now)

    def request_by_link(self, digest: bytes, opens: Opens, since: datetime) -> Request | None:
        """See ports.VisitorBook."""
        number, for_what, made_at = self.support_links.get(digest, (0, opens, since))
        return self.request_rows.get(number) if for_what == opens and made_at > since else None

    def add_letter(self, number: int, kind: MessageKind, now: datetime) -> None:
        """See ports.SupportBook."""
        no = len(self.letters) + 1
        self.letters[no] = SupportLetter(no, number, kind, None), "waiting", now, "", ""

    def claim_letters(self, now: datetime, stuck_before: datetime, limit: int) -> Sequence[SupportLetter]:
        """See ports.VisitorBook."""
        claimed: list[SupportLetter] = []
        for no, (letter, state, at, *said) in self.letters.items():
            if len(claimed) < limit and (
                (state == "waiting" and at <= now) or (state == "claimed" and at < stuck_before)
            ):
                self.letters[no] = letter, "claimed", now, said[0], said[1]
                claimed.append(letter._replace(claimed_at=at if state == "claimed" else None))
        return claimed

    def end_letter(self, number: int, state: LetterState, now: datetime, about: str = "", reply: str = "") -> None:
        """See ports.VisitorBook."""
        self.letters[number] = self.letters[number][0], state, now, about, reply

    def accounts_known_by(self, known_by: str, company: str) -> Sequence[int]:
        """See ports.VisitorBook."""
        named = {a for a, contacts in self.reached.items() if known_by and known_by in (contacts.ref, f"acc_{a}")}
        named |= {
            account
            for account, stored in self.facts.items()
            for s in stored
            if isinstance(s.recorded.fact, InvoiceIssued) and s.recorded.fact.debt.number == known_by
        }
        if not named and company:
            wanted = company.strip().lower()
            named = {a for a, contacts in self.reached.items() if contacts.name.strip().lower() == wanted}
        return sorted(named)[:2]

    def payment_of_fact(self, account: int, seq: int) -> str:
        """See ports.MoneyBook."""
        stream = [s.recorded for s in self.facts[account]]
        at = stream[seq - 1].at
        refs = [r.fact.ref for r in stream[: seq - 1] if r.at == at and isinstance(r.fact, PaymentBooked)]
        return refs[-1] if refs else ""
