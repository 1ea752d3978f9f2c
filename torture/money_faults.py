"""Each fault by which money was taken twice, lost, asked for wrongly or stopped somebody for nothing, put back for one
world: `torture.money_worlds` must see every one of them. One function is swapped, and swapped back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from msgspec.structs import replace

from arrears.adapters.payments.stripe import client as stripe_client
from arrears.adapters.payments.stripe.amounts import amount_limits
from arrears.adapters.payments.stripe.events import StripeReader
from arrears.core.errors import Refused
from arrears.core.payments import networks, planner, trail
from arrears.core.payments.provider_time import FIRST, OVERLAP, ProviderTime
from arrears.core.payments.values import AttemptCanceled, NotFound, RefundAnswer, RefundState, Unknown
from arrears.core.rules import charge, method
from arrears.engine import booking, correcting
from arrears.engine.commands import import_account, import_paid
from arrears.engine.payments import (
    attempts,
    methods,
    provider_changes,
    recording,
    refunds,
    reversals,
    settling,
    sweep,
)
from arrears.store.memory.payments import MemoryMoney
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


def _key_never_used_up() -> Sequence[Swap]:
    """What was asked and is not owed any more is never proven to be over."""
    return [(stripe_client.Stripe, "use_up", lambda *_: False)]


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


# -- what a provider takes, and how it is read ---------------------------------------------------------------------


def _limits(**otherwise: int) -> Sequence[Swap]:
    limits = {currency: replace(one, **otherwise) for currency, one in amount_limits().items()}
    return [(stripe_client.Stripe, "limits", lambda _: limits)]


def _refusal_is_unknown() -> Sequence[Swap]:
    was = stripe_client.Stripe.charge

    def charged(self: Any, asked: Any) -> Any:
        found = was(self, asked)
        return Unknown(found.why) if isinstance(found, AttemptCanceled) and found.why else found

    return [(stripe_client.Stripe, "charge", charged)]


def _key_ends_everything() -> Sequence[Swap]:
    def not_known(refused: Refused) -> Any:
        raise refused

    return [(attempts, "_not_known", not_known)]


def _page_must_be_known() -> Sequence[Swap]:
    was = stripe_client.Stripe._expired

    def expired(self: Any, ref: str) -> Any:
        found = was(self, ref)
        if isinstance(found, NotFound):
            raise Refused("provider_refused", "there is no such page")
        return found

    return [(stripe_client.Stripe, "_expired", expired)]


def _change_stops_the_feed() -> Sequence[Swap]:
    def set_aside(_store: Any, _provider: Any, _change: Any, refused: Refused, _now: Any) -> Any:
        raise refused

    return [(recording, "_set_aside", set_aside)]


def _never_read_is_trusted() -> Sequence[Swap]:
    was = sweep._note_unread

    def note(store: Any, read: Any, now: Any) -> None:
        was(store, [one._replace(stale=one.stale and "never read" not in one.why) for one in read], now)

    return [(sweep, "_note_unread", note)]


def _our_own_clock() -> Sequence[Swap]:
    def start(_self: Any, cursor: datetime | None, ours: datetime, **_: Any) -> datetime:
        return (cursor or ours - FIRST) - OVERLAP

    was = MemoryMoney.set_swept
    return [
        (ProviderTime, "start", start),
        (MemoryMoney, "set_swept", lambda self, provider, at, _cursor: was(self, provider, at, at)),
    ]


def _anybodys() -> Sequence[Swap]:
    """What another installation made at the same account of the provider is ours."""
    return [(StripeReader, "foreign", lambda *_: False), (StripeReader, "_certain", lambda *_: True)]


def _retries_are_a_storm() -> Sequence[Swap]:
    def finished(self: Any, since: datetime) -> tuple[int, int]:
        ended = [a.state for rows in self.attempt_rows.values() for a in rows.values() if a.moved_at >= since]
        return ended.count("declined"), ended.count("declined") + ended.count("paid")

    return [(MemoryMoney, "attempts_finished_since", finished)]


# -- what is asked of whom -----------------------------------------------------------------------------------------


def _no_entries() -> Sequence[Swap]:
    """A new invoice is merged with a debit that failed."""
    return [(charge, "_entry_of", lambda *_: 0)]


def _entries_for_ever() -> Sequence[Swap]:
    was = planner._entry_bounds
    return [(planner, "_entry_bounds", lambda cap, wanted, *more: was(cap, wanted._replace(entry=0), *more))]


def _success_empties() -> Sequence[Swap]:
    was = planner._counted
    return [(planner, "_counted", lambda cap, wanted, book: was(cap, wanted, planner._since_paid(book)))]


def _decline_outlives_its_cure() -> Sequence[Swap]:
    return [(planner, "_since_paid", lambda book: book)]


def _cards_by_account() -> Sequence[Swap]:
    return [(MemoryMoney, "method_and_tries", lambda self, account, number: (self.method(account, number), ()))]


def _cards_by_amount() -> Sequence[Swap]:
    was = planner._counted

    def counted(cap: Any, wanted: Any, book: Any) -> Any:
        return [tried for tried in was(cap, wanted, book) if tried.amount_minor == wanted.amount_minor]

    return [(planner, "_counted", counted)]


def _never_of_one_amount() -> Sequence[Swap]:
    """The bank's word that a card must not be tried again is a weaker one, and binds one amount."""
    row, bound = networks.decline_row, planner._advice_bound

    def advised(advice: Any, wanted: Any, tried: Any, *more: Any, **how: Any) -> Any:
        return bound(advice, wanted, tried, *more, **how) if tried.amount_minor == wanted.amount_minor else None

    weaker = {"do_not_try_again": "generic"}
    return [
        (planner, "decline_row", lambda rules, code: row(rules, weaker.get(code) or code)),
        (planner, "_advice_bound", advised),
    ]


def _pages_unread() -> Sequence[Swap]:
    return [(module, "record_tries", lambda *_: None) for module in (attempts, provider_changes)]


def _any_card_is_active() -> Sequence[Swap]:
    return [(methods, "refused_activation", lambda *_: "")]


# -- several things at once ----------------------------------------------------------------------------------------


def _one_refusal_ends_all() -> Sequence[Swap]:
    was = settling.settle

    def one_by_one(store: Any, providers: Any, account: int, shown: Any, *more: Any, **how: Any) -> Any:
        found = settling.Results()
        for currency in sorted(shown):
            parts = {c: minor for c, minor in (how.get("part_minor") or {}).items() if c not in shown or c == currency}
            some = {currency: shown[currency]}
            found += was(store, providers, account, some, *more, **{**how, "part_minor": parts})
            if found[-1].attempt.state != "paid":
                break
        return found

    return [(settling, "settle", one_by_one)]


def _nobody_hears() -> Sequence[Swap]:
    was = booking.book

    def book(unit: Any, payment: Any, author: str) -> None:
        was(unit, replace(payment, unasked=False), author)

    return [(attempts, "book", book)]


def _anybodys_credit() -> Sequence[Swap]:
    was = reversals.trail_in

    def trail_in(store: Any, unit: Any) -> Any:
        found = was(store, unit)
        for traced in found.payments.values():
            traced.credit = unit.account.credit.get(traced.currency, 0)
        return found

    return [(refunds, "trail_in", trail_in)]


def _any_refund_is_met() -> Sequence[Swap]:
    """Whatever a credit note frees is the money of what was given back."""

    class Mixed(trail.Trail):
        def _credited(self, fact: Any) -> None:
            kind = [one.ref for one in self.payments.values() if one.kindness and one.currency == fact.currency]
            self._lot(fact.currency, (*kind, "")[0], fact.credit_minor)

    return [(correcting, "trail_of", Mixed)]


def _given_up_is_credit() -> Sequence[Swap]:
    """What was written off, and is not asked at all now, was paid."""
    return [(correcting, "ask_again", lambda *_: None)]


def _part_answers_the_whole() -> Sequence[Swap]:
    was = settling._same_request

    def same(store: Any, account: int, tried: Sequence[Any], shown: str, method: int) -> Any:
        quotes = [one.quote for one in tried if one.quote.partition("/")[0] == shown]
        return was(store, account, tried, quotes[-1] if quotes else shown, method)

    return [(settling, "_same_request", same)]


def _another_key_each_time() -> Sequence[Swap]:
    was, numbers = stripe_client.Stripe.refund, count(1)

    def refund(self: Any, payment: str, minor: int, currency: str, key: str) -> Any:
        return was(self, payment, minor, currency, f"{key}-{next(numbers)}")

    return [(stripe_client.Stripe, "refund", refund)]


def _refund_not_looked_for() -> Sequence[Swap]:
    """A provider that has forgotten a key is asked with it again."""
    return [(stripe_client.Stripe, "look_up_refund", lambda *_: RefundAnswer(RefundState.REFUSED))]


def _the_book_is_believed() -> Sequence[Swap]:
    """What was taken back is booked again, because the billing system still calls it paid."""
    return [(module, "doubted", lambda _was, word, *_: word) for module in (import_paid, import_account)]


FAULTS: Final = (
    Fault("a service that comes later has no card", _no_default, 2),
    Fault("the same request is another refund", _each_request_anew, 3),
    Fault("a refund that failed stays given back", _failed_stays, 3),
    Fault("a refund that reopens reopens nothing", _word_forgotten, 6),
    Fault("what is taken back is owed by nobody", _never_owed_again),
    Fault("what is won is booked whatever was lost", _won_is_all_credit),
    Fault("that nothing is found is proof at once", _nothing_is_proof),
    Fault("a lost answer means that nothing was taken", _silence_is_over, 16),
    Fault("an unknown attempt blocks what a transfer leaves", _key_never_used_up, 17),
    Fault("what is due only later is charged too", _all_that_is_open, 3),
    Fault("a part in a mistyped currency charges everything", _parts_unread),
    Fault("less than the provider takes is asked for", lambda: _limits(minimum_minor=1), 6),
    Fault("more than the provider takes is asked for at once", lambda: _limits(maximum_minor=10**12)),
    Fault("a definite refusal is unknown", _refusal_is_unknown, 2),
    Fault("a new invoice is merged with a debit that failed", _no_entries),
    Fault("three failures ever end a mandate", _entries_for_ever),
    Fault("a key that may not charge ends everything", _key_ends_everything),
    Fault("a page that the provider has forgotten is never over", _page_must_be_known, 27),
    Fault("a change that cannot be recorded stops the feed", _change_stops_the_feed, 12),
    Fault("a provider that was never read is trusted", _never_read_is_trusted, 34),
    Fault("our own clock says what has been read", _our_own_clock),
    Fault("the refusal of one currency drops the others", _one_refusal_ends_all, 7),
    Fault("another installation's payments are ours", _anybodys, 3),
    Fault("one payer's many tries are a storm", _retries_are_a_storm, 9),
    Fault("what was paid twice is offered to nobody", _nobody_hears, 12),
    Fault("a refund takes the credit of another payment", _anybodys_credit, 6),
    Fault("a credit note meets a refund of another payment", _any_refund_is_met, 70202),
    Fault("what was written off and is withdrawn is credit", _given_up_is_credit, 71_209),
    Fault("an old quote for the whole is answered with a part", _part_answers_the_whole, 3),
    Fault("a refund has another key each time", _another_key_each_time, 7),
    Fault("a refund is asked for again whatever was paid out", _refund_not_looked_for, 3029),
    Fault("what the networks count is counted by account", _cards_by_account, 7),
    Fault("what the networks count is counted by amount", _cards_by_amount, 9),
    Fault("a success empties the networks' counters", _success_empties, 3),
    Fault("a decline outlives its cure", _decline_outlives_its_cure, 13),
    Fault("never again binds one amount", _never_of_one_amount, 14),
    Fault("what was tried on a page is in no book", _pages_unread, 7),
    Fault("a card that must not be tried can be made active", _any_card_is_active, 3),
    Fault("what was taken back is booked by an import", _the_book_is_believed),
)


def seen(fault: Fault, seed: int) -> str:
    """What the world of this seed sees of the fault; empty where it sees nothing."""
    with put_back.put_back(fault):
        try:
            wrong = play(seed).wrong
        except AssertionError as error:
            return f"stopped by our own check: {str(error)[:100]}"
        except Refused as refused:
            return f"everything stops: {refused}"
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
