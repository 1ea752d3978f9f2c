"""Both stores find what other accounts tried on the same card, by its provider's fingerprint."""

from __future__ import annotations

import pytest
from tests.store.contract import AnyStore, at, owing_book

from arrears.core import facts as f
from arrears.core.account import DebtPart
from arrears.core.errors import Refused
from arrears.core.payments.values import AttemptState, CardTry, Codes, Initiator, MethodDetails, MethodKind, Network


def add(store: AnyStore, account: int, *, kind: MethodKind = MethodKind.CARD, fingerprint: str = "same") -> None:
    ref = f"pm_{account}"
    details = MethodDetails(ref, f"cus_{account}", kind, Network.VISA, fingerprint, "Visa 4242")
    with store.accounts([account], at(1)) as batch:
        batch.units[0].record(f.MethodAdded(method=1, at_provider="stripe", details=details, credential=1))


def tried(store: AnyStore, account: int, day: int, no: int, to: AttemptState, code: str = "", advice: str = "") -> None:
    with store.accounts([account], at(day)) as batch:
        parts = (DebtPart(1, 12_000),)
        batch.units[0].record(
            f.AttemptCreated(
                attempt=no,
                key=f"{account}-{no}",
                ordinal=no,
                method=1,
                by=Initiator.MERCHANT,
                currency="EUR",
                amount_minor=12_000,
                parts=parts,
            )
        )
    with store.accounts([account], at(day)) as batch:
        batch.units[0].record(f.AttemptMoved(attempt=no, to=to, codes=Codes("", code, advice)))


def elsewhere(store: AnyStore, account: int) -> list[tuple[str, str, int]]:
    """State, network code and day of what others tried, the oldest first."""
    found = sorted(store.method_and_tries(account, 1)[1], key=lambda t: t.at)
    return [(t.state, t.codes.network, (t.at - at(1)).days + 1) for t in found]


def test_what_others_tried_on_the_same_card_is_found_but_not_what_they_paid(store: AnyStore) -> None:
    numbers = owing_book(store, 5)
    for account in numbers[:3]:
        add(store, account)
    add(store, numbers[3], fingerprint="another")
    add(store, numbers[4], kind=MethodKind.SEPA)
    for number, account in enumerate(numbers[1:], 1):
        tried(store, account, 2 + number, 1, AttemptState.DECLINED, "51")
    tried(store, numbers[1], 10, 2, AttemptState.PAID)
    tried(store, numbers[1], 11, 3, AttemptState.PAID)
    tried(store, numbers[2], 9, 2, AttemptState.PAID, advice="40")
    assert elsewhere(store, numbers[0]) == [
        ("declined", "51", 3),
        ("declined", "51", 4),
        ("paid", "", 9),
    ]
    assert elsewhere(store, numbers[1]) == [("declined", "51", 4), ("paid", "", 9)], "not what is its own"
    assert elsewhere(store, numbers[3]) == []
    assert elsewhere(store, numbers[4]) == [], "a bank's rules count each mandate"
    assert {no: len(tries) for no, tries in store.tries_elsewhere(numbers[0]).items()} == {1: 3}
    assert store.tries_elsewhere(numbers[3]) == {}
    with pytest.raises(Refused, match="there is no payment method 2"):
        store.method_and_tries(numbers[0], 2)
    one = store.method_and_tries(numbers[1], 1)
    for attempt, known in ((2, one), (9, None)):
        view, found = store.seen_to_charge(numbers[1], attempt, at(12))
        assert view is not None
        assert (view.account, found) == (store.snapshots(numbers)[numbers[1]], known)
    assert store.seen_to_charge(999, 1, at(12)) == (None, None)


def test_what_was_tried_on_a_page_is_found_by_its_card_whoever_stores_it(store: AnyStore) -> None:
    numbers = owing_book(store, 3)
    for account, fingerprint in zip(numbers, ("same", "same", "another"), strict=True):
        add(store, account, fingerprint=fingerprint)
    one = CardTry("ch_1", at(4), "same", Codes("generic", "05"), 12_000, "EUR")
    with store.accounts([numbers[0]], at(4)) as batch:
        batch.units[0].record(f.CardTried(at_provider="stripe", tried=one, attempt=1))
    for account in numbers[:2]:
        assert elsewhere(store, account) == [("declined", "05", 4)], "of its own account too"
    assert elsewhere(store, numbers[2]) == []
