"""Each fault by which money was taken twice, lost, asked for wrongly or stopped somebody for nothing, put back for one
world: `torture.money_worlds` must see every one of them. One function is swapped, and swapped back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from arrears.adapters.payments.stripe import client as stripe_client
from arrears.core.payments import trail
from arrears.core.payments.values import AttemptCanceled, RefundState, Unknown
from arrears.core.rules import charge, method
from arrears.engine.payments import attempts, refunds, reversals, settling
from torture import put_back
from torture.money_worlds import play
from torture.put_back import Fault, Found, Swap


def _no_default() -> Sequence[Swap]:
    return [(method, "stand_in", lambda *_: None)]


def _each_request_anew() -> Sequence[Swap]:
    was = trail.Trail.refund_of
    return [(trail.Trail, "refund_of", lambda self, request="", key="", ref="": was(self, key=key, ref=ref))]


def _failed_stays() -> Sequence[Swap]:
    was = refunds.record_change

    def record(store: Any, provider: str, change: Any, now: Any) -> None:
        if change.state is not RefundState.REFUSED:
            was(store, provider, change, now)

    return [(refunds, "record_change", record)]


def _word_forgotten() -> Sequence[Swap]:
    """A refund of which staff say that it reopens, reopens nothing."""
    was = refunds._ask
    return [(refunds, "_ask", lambda *a, reopens: was(*a, reopens=False))]


def _never_owed_again() -> Sequence[Swap]:
    return [(reversals.Reversing, "_latest", lambda *_: [])]


def _won_is_all_credit() -> Sequence[Swap]:
    return [(reversals.Reversing, "came_back", lambda self, ref: self._booked(f"{ref}-won", 10_000))]


def _nothing_is_proof() -> Sequence[Swap]:
    return [(attempts, "NONE_FOUND_AFTER", timedelta(0))]


def _silence_is_over() -> Sequence[Swap]:
    """A lost answer is taken for one that nothing was taken."""
    was = stripe_client.Stripe._failed

    def failed(self: Any, error: Any, ref: str = "") -> Any:
        found = was(self, error, ref)
        return AttemptCanceled("", reached_network=False) if isinstance(found, Unknown) else found

    return [(stripe_client.Stripe, "_failed", failed)]


def _all_that_is_open() -> Sequence[Swap]:
    return [(charge, "_taken", lambda _view, group, _at: group.debts)]


def _parts_unread() -> Sequence[Swap]:
    return [(settling, "_parts_of", lambda shown, parts: {c: parts[c] for c in shown if c in parts})]


FAULTS: Final = (
    Fault("a service that comes later has no card", _no_default, 3),
    Fault("the same request is another refund", _each_request_anew, 2),
    Fault("a refund that failed stays given back", _failed_stays, 3),
    Fault("a refund that reopens reopens nothing", _word_forgotten, 3),
    Fault("what is taken back is owed by nobody", _never_owed_again, 3),
    Fault("what is won is booked whatever was lost", _won_is_all_credit, 3),
    Fault("that nothing is found is proof at once", _nothing_is_proof, 1),
    Fault("a lost answer means that nothing was taken", _silence_is_over, 7),
    Fault("what is due only later is charged too", _all_that_is_open, 1),
    Fault("a part in a mistyped currency charges everything", _parts_unread, 17),
)


def seen(fault: Fault, seed: int) -> str:
    """What the world of this seed sees of the fault; empty where it sees nothing."""
    with put_back.put_back(fault):
        try:
            wrong = play(seed).wrong
        except AssertionError as error:
            return f"stopped by our own check: {str(error)[:100]}"
    return wrong[0] if wrong else ""


def found_by(fault: Fault, seeds: Iterable[int]) -> Found:
    """The first seed whose world is right as it is, and sees the fault; and what it saw."""
    for seed in seeds:
        said = seen(fault, seed)
        if said and play(seed).holds:
            return seed, said
    return None


def tell(seeds: Sequence[int]) -> bool:
    """One line for each fault, as it is tried; whether all were found."""
    return put_back.tell(FAULTS, seeds, found_by)
