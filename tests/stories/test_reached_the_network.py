"""Which answers the networks have seen, and so count: what our provider refused by itself is none of their attempts."""

from __future__ import annotations

import pytest
from tests.stories.bank import Banked

from arrears.core.payments.values import AttemptCanceled, Charge, Codes, Declined, Outcome


@pytest.mark.parametrize(
    ("ref", "decline", "seen"),
    [("p", "generic", True), ("", "generic", True), ("p", "expired", True), ("", "expired", False)],
    ids=["declined", "declined without an object", "expired, says the bank", "expired, as we know ourselves"],
)
def test_a_decline_has_reached_the_network_unless_the_card_had_expired_before_anybody_was_asked(
    monkeypatch: pytest.MonkeyPatch, ref: str, decline: str, seen: bool
) -> None:
    assert counted(monkeypatch, Declined(ref, Codes(decline), Banked().now)) is seen


@pytest.mark.parametrize("reached", [True, False])
def test_what_was_canceled_counts_where_its_provider_says_that_it_had_reached_the_network(
    monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    assert counted(monkeypatch, AttemptCanceled("p", reached_network=reached)) is reached


def test_what_the_provider_would_not_even_try_has_reached_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not counted(monkeypatch, AttemptCanceled("p", reached_network=True, why="not for this account"))


def counted(monkeypatch: pytest.MonkeyPatch, answer: Outcome) -> bool:
    """Whether an attempt that is answered so stands in the card's book as one that the network has seen."""
    story = Banked()
    card = story.card()

    def charged(charge: Charge) -> Outcome:
        story.bank.said[charge.attempt] = answer
        return answer

    monkeypatch.setattr(story.bank, "charge", charged)
    story.until(-1, "10:00")
    [tried] = story.account.method(card).tried
    assert story.store.method_and_tries(story.no, card)[0].no == card
    return tried.reached_network
