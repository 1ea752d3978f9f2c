"""Our ledger beside the provider's own book: each difference by its name, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from tests.stories.bank import Banked
from tests.stories.story import PRICE

from arrears.core.payments.values import BookLine
from arrears.engine.payments import reconciliation
from arrears.engine.payments.reconciliation import BookDifference as Kind

Told = tuple[Kind, str, str, int | None, int | None]
LESS = PRICE - 1


class Row(NamedTuple):
    """What the provider's book says of the one payment of a story, and what differs by that."""

    says: str
    lines: Callable[[BookLine], list[BookLine]]
    differ: tuple[Told, ...] = ()


def differing(ours: int, theirs: int, currency: str = "EUR") -> Told:
    return (Kind.SUM, "", currency, ours, theirs)


ROWS = (
    Row("the same", lambda one: [one]),
    Row("what is not ours besides", lambda one: [one, one._replace(payment_ref="p", attempt="")]),
    Row("nothing", lambda one: [], ((Kind.NOT_TAKEN, "bank:REF", "EUR", PRICE, None), differing(PRICE, 0))),
    Row(
        "it twice",
        lambda one: [one, one._replace(payment_ref="p")],
        (
            (Kind.TAKEN_TWICE, "p", "EUR", None, PRICE),
            (Kind.NOT_BOOKED, "p", "EUR", None, PRICE),
            differing(PRICE, 2 * PRICE),
        ),
    ),
    Row(
        "another, of which the bank has taken a part back",
        lambda one: [one, one._replace(payment_ref="p", attempt="att_1_2", disputed_minor=500)],
        ((Kind.NOT_BOOKED, "p", "EUR", None, PRICE), differing(PRICE, 2 * PRICE - 500)),
    ),
    Row(
        "less",
        lambda one: [one._replace(taken_minor=LESS)],
        ((Kind.OTHER_AMOUNT, "REF", "EUR", PRICE, LESS), differing(PRICE, LESS)),
    ),
    Row(
        "another currency",
        lambda one: [one._replace(currency="USD")],
        ((Kind.OTHER_AMOUNT, "REF", "USD", PRICE, PRICE), differing(PRICE, 0), differing(0, PRICE, "USD")),
    ),
    Row(
        "another account",
        lambda one: [one._replace(attempt="att_2_1")],
        ((Kind.OTHER_ACCOUNT, "REF", "EUR", PRICE, PRICE),),
    ),
    Row(
        "a name that is no attempt's",
        lambda one: [one._replace(attempt="some")],
        ((Kind.OTHER_ACCOUNT, "REF", "EUR", PRICE, PRICE),),
    ),
    Row("a part given back", lambda one: [one._replace(refunded_minor=500)], (differing(PRICE, PRICE - 500),)),
    Row(
        "a part taken back by the payer's bank",
        lambda one: [one._replace(disputed_minor=500)],
        ((Kind.BANK_HAS_LESS, "REF", "EUR", PRICE, PRICE - 500), differing(PRICE, PRICE - 500)),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_where_the_provider_s_book_says(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Banked()
    story.card()
    story.until(2)
    [line] = story.bank.book(story.now, story.now)
    monkeypatch.setattr(story.bank, "book", lambda since, until: iter(row.lines(line)))
    found = reconciliation.check(story.store, story.bank, story.instant(-30), story.now + timedelta(days=1))
    told = {(one.code, one.payment, one.currency, one.ours_minor, one.theirs_minor) for one in found.differences}
    assert told == {(code, name.replace("REF", line.payment_ref), *rest) for code, name, *rest in row.differ}
    assert found.holds == (not row.differ)


def test_every_way_to_differ_is_in_the_table() -> None:
    assert {code for row in ROWS for code, *_ in row.differ} == {*Kind}
