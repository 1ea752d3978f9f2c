"""A payer is asked at the bank to confirm what is not owed any more: the question is ended at the provider, and what
was confirmed before that is credit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF

from arrears.engine.commands import corrections
from arrears.engine.payments import settling
from arrears.sandbox.run import Running

ENDS: Final[dict[str, tuple[int, Callable[[Paying], object]]]] = {
    "void": (PRICE, lambda story: corrections.void(story.store, "I1-1", story.now, STAFF, "wrong")),
    "given up": (PRICE, lambda story: corrections.give_up(story.store, "I1-1", story.now, STAFF, "lost")),
    "paid by transfer": (PRICE, lambda story: story.pay()),
    "paid in part": (1_000, lambda story: story.pay(1_000)),
}
"""What ends it, and how much of a payment that comes all the same is too much."""


@pytest.mark.parametrize(("too_much", "ends"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("confirmed", [False, True], ids=["not owed first", "confirmed first"])
def test_what_is_not_owed_cannot_be_confirmed_after_the_next_sweep(
    sandbox: Running, too_much: int, ends: Callable[[Paying], object], confirmed: bool
) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    assert story.settle(story.add("challenge")) == ["needs_customer"]
    asked = story.attempts()[-1]
    if confirmed:
        story.answer_bank(confirmed=True)
    ends(story)
    assert settling.confirm_at(story.store, story.providers, story.no, asked) == "", "nobody is sent to the bank for it"
    story.sweep()
    story.control("challenge", intent=asked.ref, confirmed=True)
    story.sweep()
    assert story.captures() == confirmed
    assert sum(story.account.credit.values()) == (too_much if confirmed else 0)
    assert ("paid_twice" in story.tasks()) == (confirmed and too_much == PRICE)
    assert story.account.attempts == ()
    story.check()
