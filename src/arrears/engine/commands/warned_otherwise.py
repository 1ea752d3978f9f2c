"""Warnings that a person warned otherwise than by a message of ours: by letter, telephone or word of mouth."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from arrears.core import facts as f
from arrears.core.account import ALL_ACTIONS, Account, Action
from arrears.core.errors import Refused
from arrears.core.facts import WarnedHow
from arrears.core.promises import SentWarning
from arrears.engine.acting import acting_on, local_today
from arrears.ports import Accounts

PROOF_CHARS_MAX: Final = 200


class WarnedDate(NamedTuple):
    """What somebody was told: this happens to the subscription on that day, unless it is paid."""

    subscription: int
    action: Action
    on: date


def record_warned(
    store: Accounts, account: int, how: WarnedHow, on: date, proof: str, now: datetime, author: str, why: str
) -> list[WarnedDate]:
    """Record that a person of the account was told, on the local day `on`, what its newest warnings of that day say; it
    counts as acceptance from now on, and the dates follow. What they were told. Refuses `bad_date`, `no_proof`,
    `no_reason`, `no_warning`: only what a warning has named can be told, so that everybody reads the same date."""
    if not why.strip():
        raise Refused("no_reason", "say what was said, and to whom in what role; it is kept with the fact")
    proof = " ".join(proof.split())
    if not proof or len(proof) > PROOF_CHARS_MAX:
        raise Refused("no_proof", f"say where the proof is kept, in 1 to {PROOF_CHARS_MAX} characters")
    with acting_on(store, account, now) as unit:
        if on > local_today(unit):
            raise Refused("bad_date", f"{on} has not come; record it when they have been told")
        told = list(_waiting(unit.account, on))
        if not told:
            raise Refused("no_warning", f"no warning of {on} or before waits to be told to account {account}")
        for seq in sorted({warning.seq for _, _, warning in told}):
            unit.record(f.WarnedOtherwise(notice=seq, how=how, on=on, proof=proof), author, why)
        return [WarnedDate(sub, action, warning.promised_on) for sub, action, warning in told]


def _waiting(account: Account, on: date) -> list[tuple[int, Action, SentWarning]]:
    """Of each action the newest warning of that day or before, where it is not void and nobody has it."""
    found = []
    for sub in account.subscriptions:
        for action in ALL_ACTIONS:
            promise = sub.promise(action)
            sent = [s for s in promise.sent if s.seq > promise.since_seq and s.on <= on]
            newest = max(sent, key=lambda s: s.seq, default=None)
            if newest is not None and newest.accepted_at is None:
                found.append((sub.no, action, newest))
    return found
