"""Whole accounts: every check over a stream from its beginning, and what only shows over all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.actions import CHARGE, NOTICE, ORDER
from arrears.core.evolve import fold
from arrears.core.facts import Recorded, encode_fact
from arrears.core.invariants.checked import Breach, CheckedInstallation
from arrears.core.invariants.watch import Watch, instants
from arrears.core.policy import Policies
from arrears.core.unit import GENESIS, chained

INVARIANTS: Final[Mapping[str, str]] = {
    "I1": "the entries of each fact add up to nothing",
    "I2": "money is conserved, per receipt and per invoice",
    "I3": "an invoice has at most one open attempt, whoever started it",
    "I4": "an attempt has one success at most, and its money is booked with it",
    "I5": "what is over stays over, and what is unknown ends by evidence alone",
    "I6": "what is charged is the sum of what is owed of its parts",
    "I7": "a cut carries what it was decided on, and that agrees with the ledger",
    "I8": "nothing is cut under doubt or inside a hold",
    "I9": "a warning was accepted its lead before each cut",
    "I10": "no stage is skipped or shortened, no promised date comes earlier",
    "I11": "only what is owed for is touched",
    "I12": "who has paid runs again, in the same transaction",
    "I13": "a deletion has its retention, second look and cool-off, within the day's cap, and leaves no method unasked",
    "I16": "an action exists if and only if a fact asks for it, and is answered once",
    "I18": "every change has its fact, chained; folding the facts gives the state",
    "I21": "time does not go back, and nothing is cut while the clock is suspect",
    "I22": "reminders and warnings are unique, one message a day",
}
"""What is checked here, in one line each (the ids are those of the list of invariants)."""


def check_account(
    account: Account,
    history: Sequence[Recorded],
    policies: Policies,
    now: datetime,
    installation: CheckedInstallation | None = None,
) -> list[Breach]:
    """Everything that one account's facts and its stored state break. Pure; empty is what is hoped for.

    `installation` are the doubts of the whole system over time, where they are known.
    """
    if not history:
        return [Breach("I18", account.no, "there is a state and no fact")]
    watch = Watch(policies, installation or CheckedInstallation())
    found: list[Breach] = []
    for group in instants(history):
        found += watch.see(group, None, policies)
    found += watch.see((), account, policies)
    if history[-1].at > now:
        found.append(Breach("I21", account.no, f"fact {history[-1].seq} is of {history[-1].at}, after {now}"))
    if fold(history) != account:
        found.append(Breach("I18", account.no, "folding the facts does not give the state"))
    return found


def check_chain(history: Iterable[Recorded], head: bytes) -> list[Breach]:
    """Whether these facts, as they would be stored, hash to the head of their stream (I18)."""
    at, number = GENESIS, 0
    for r in history:
        number = r.account
        at = chained(at, r.account, r.seq, r.at, r.author, r.why, encode_fact(r.fact))
    return [] if at == head else [Breach("I18", number, "the chain of hashes does not lead to the head")]


_ASKING: Final = frozenset(
    [
        *(f.Noticed, f.Restricted, f.Disabled, f.DeletionOrdered, f.Canceled, f.ReasonSet, f.Resumed, f.AttemptCreated),
        *(f.RefundAsked, f.Reactivated),
        *(f.AuthorisationDeclined, f.AddressAsked, f.AddressConfirmed, f.TestAsked),
        *(f.Invited, f.ResetAsked, f.SignInChanged),
        *(f.PaymentBooked, f.ChargeDeclined, f.AttemptMoved),
        *(f.SupportOpened, f.SupportAnswered, f.ResumeLate),
    ]
)


def check_actions(account: int, history: Iterable[Recorded], keys: Iterable[tuple[int, str]]) -> list[Breach]:
    """Whether there is an action (fact, kind) if and only if a fact asks for it (I16)."""
    wanted: set[tuple[int, str]] = set()
    for r in history:
        if type(r.fact) not in _ASKING:
            continue
        if isinstance(r.fact, f.Canceled | f.Reactivated) and r.fact.tell:
            wanted.add((r.seq, NOTICE))
        match r.fact:
            case f.Noticed() | f.AuthorisationDeclined() | f.AddressAsked() | f.TestAsked():
                wanted.add((r.seq, NOTICE))
            case f.Invited() | f.ResetAsked() | f.SignInChanged():
                wanted.add((r.seq, NOTICE))
            case f.PaymentBooked(tell=told) | f.ChargeDeclined(tell=told) | f.AttemptMoved(tell=told) if told:
                wanted.add((r.seq, NOTICE))
            case f.SupportOpened(tell=True) | f.SupportAnswered(tell=True) | f.ResumeLate():
                wanted.add((r.seq, NOTICE))
            case f.AddressConfirmed(changed=True):
                wanted.add((r.seq, NOTICE))
            case f.AttemptCreated() | f.RefundAsked():
                wanted.add((r.seq, CHARGE))
            case f.Restricted() | f.Disabled() | f.DeletionOrdered() | f.Canceled() | f.ReasonSet() | f.Resumed():
                if r.fact.order_no:
                    wanted.add((r.seq, ORDER))
            case _:
                pass
    found = set(keys)
    missing, surplus = sorted(wanted - found), sorted(found - wanted)
    return [Breach("I16", account, f"fact {seq} asks for a {kind} that is not there") for seq, kind in missing] + [
        Breach("I16", account, f"no fact asks for {kind} {seq}") for seq, kind in surplus
    ]


def check_deletion_cap(facts: Iterable[Recorded], cap_per_day: int) -> list[Breach]:
    """Deletions ordered by themselves per UTC day over the whole installation (I13; spec, section 8)."""
    days: Counter[date] = Counter(
        r.at.astimezone(UTC).date() for r in facts if isinstance(r.fact, f.DeletionOrdered) and not r.fact.released
    )
    return [
        Breach("I13", 0, f"{count} deletions were ordered on {day}, the cap is {cap_per_day}")
        for day, count in sorted(days.items())
        if count > cap_per_day
    ]
