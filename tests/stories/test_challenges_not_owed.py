"""A payer is asked at the bank to confirm what is not owed any more: the question is ended at the provider, and what
was confirmed before that is credit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from tests.stories.paying import ADMIN, Paying
from tests.stories.story import PRICE, STAFF

from arrears.core.errors import Refused
from arrears.engine.commands import corrections
from arrears.engine.payments import pages, settling
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


def _by_page(story: Paying) -> object:
    return pages.open_page(story.store, story.providers, story.no, {"EUR": "old"}, story.now, ADMIN)


def _with(method: int, shown: str = "", part_minor: int = 0) -> Callable[[Paying], object]:
    """A settlement with a method, of what is owed or of what was `shown`, the whole or a part of it."""

    def settle(story: Paying) -> object:
        parts = {"EUR": part_minor} if part_minor else {}
        quote = shown or story.owed()[0].hash
        return settling.settle(
            story.store, story.providers, story.no, {"EUR": quote}, method, lambda: story.now, ADMIN, part_minor=parts
        )

    return settle


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (_by_page, "stale_quote"),
        (_with(1, shown="old"), "stale_quote"),
        (_with(9), "unknown_method"),
        (_with(1, part_minor=PRICE + 1), "bad_amount"),
    ],
    ids=["a page of an old sum", "an old sum", "nobody's method", "too large a part"],
)
def test_what_is_refused_ends_no_question_of_the_bank(
    sandbox: Running, refused: Callable[[Paying], object], why: str
) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    assert story.settle(story.add("challenge")) == ["needs_customer"]
    with pytest.raises(Refused) as refusal:
        refused(story)
    assert refusal.value.code == why
    assert [one.state for one in story.account.attempts] == ["needs_customer"]
    story.answer_bank(confirmed=True)
    story.sweep()
    assert (story.captures(), story.owed()) == (1, [])
    story.check()
