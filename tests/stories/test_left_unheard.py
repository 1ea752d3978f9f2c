"""Money that has left again before anybody heard that it had come: the books have both, however they are told of them
(spec, section 4, point 10)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE

from arrears.core import facts as f
from arrears.core.states import State
from arrears.engine.payments import pages
from arrears.engine.payments.reconciliation import check
from arrears.sandbox.run import Running

# -- how it comes ------------------------------------------------------------------------------------------------------


def by_debit(story: Paying) -> None:
    """A debit is under way."""
    story.card("sepa", own=True)
    story.until(-1, "10:00")


def by_page(story: Paying) -> None:
    """The payer has had a bank account debited on the provider's page."""
    story.until(1)
    shown = {one.currency: one.hash for one in story.owed()}
    pages.open_page(story.store, story.providers, story.no, shown, story.now, "paylink:1")
    story.control("card", session=story.attempts()[-1].ref, card="sepa", own=True)


def by_challenge(story: Paying) -> None:
    """The bank asks the payer."""
    story.until(1)
    story.settle(story.add("challenge"))


# -- how it leaves -----------------------------------------------------------------------------------------------------


def returned(story: Paying, ref: str) -> None:
    """The bank returns the debit."""
    story.control("return_debit", intent=ref, code="insufficient_funds", network_code="AM04")


def disputed(story: Paying, ref: str) -> None:
    """The payer's bank takes it back."""
    story.control("close", dispute=story.control("dispute", intent=ref)["id"], won=False)


def refunded(story: Paying, ref: str) -> None:
    """Somebody gives it back at the provider, without us."""
    book = story.sandbox.sandbox.book
    book.refund(book.intents[ref], None, {})


# -- how we are told ---------------------------------------------------------------------------------------------------


def by_sweep(story: Paying) -> None:
    """The provider is read."""
    story.sweep()


def by_webhooks(story: Paying) -> None:
    """Every event arrives, the newest first."""
    sandbox = story.sandbox.sandbox
    for place in reversed(range(len(sandbox.book.events))):
        body = json.dumps(sandbox.api.event_json(place)).encode()
        story.webhook(body, sandbox.signed(body, int(story.now.timestamp())))


COMES_AND_LEAVES: Final = (
    (by_debit, returned, PRICE),
    (by_page, returned, PRICE),
    (by_challenge, disputed, PRICE),
    (by_debit, refunded, 0),
    (by_challenge, refunded, 0),
)
"""How it comes, how it leaves, and what is owed after that: what is given back in kindness is owed by nobody."""


@pytest.mark.parametrize("told", [by_sweep, by_webhooks])
@pytest.mark.parametrize(("comes", "leaves", "owed"), COMES_AND_LEAVES)
def test_what_left_before_it_was_known_to_have_come_pays_nothing(
    sandbox: Running,
    comes: Callable[[Paying], None],
    leaves: Callable[[Paying, str], None],
    owed: int,
    told: Callable[[Paying], None],
) -> None:
    story = Paying(sandbox, kinds=("card", "sepa_debit"))
    comes(story)
    # What is newer has been read: from now on only its events tell of the payment, as it was made long before.
    story.until(story.day(story.calendar.local_day(story.now)), "20:00")
    story.add()
    story.sweep()
    if comes is by_challenge:
        story.answer_bank(confirmed=True)
    story.until(9)
    story.control("end_debits")
    [paid] = [name for name, one in sandbox.sandbox.book.intents.items() if one.taken]
    assert story.facts(f.PaymentBooked) == [], "nobody has heard that it came"
    leaves(story, paid)
    told(story)
    assert sum(debt.open_minor for debt in story.account.debts) == owed
    assert story.sub().state is (State.PAST_DUE if owed else State.ACTIVE)
    found = check(story.store, story.stripe, story.instant(-30), story.now)
    assert (found.differences, found.ours, found.theirs) == ((), {}, {})
    story.check()
