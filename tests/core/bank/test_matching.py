"""Whose a bank credit is: two cases decide by themselves, everything else waits with suggestions."""

from __future__ import annotations

import random

import pytest
from tests.core.bank.index import IndexInMemory

from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.matching import Credit, OpenItem, match, suggest
from arrears.core.bank.references import folded

IBAN, OTHER = "NL91ABNA0417164300", "DE89370400440532013000"
A1 = OpenItem(1, 1, "INV-2026-0041", "EUR", 12_000, past_due=True)
A2 = OpenItem(1, 2, "INV-2026-0042", "EUR", 5_000, past_due=True)
A3 = OpenItem(1, 3, "INV-2026-0043", "EUR", 700)
B1 = OpenItem(2, 1, "INV-2026-0051", "EUR", 9_900, past_due=True)
B_PAID = OpenItem(2, 2, "INV-2026-0052", "EUR", 0)
C_HELD = OpenItem(3, 1, "INV-2026-0061", "EUR", 4_400, past_due=True, held=True)
D_SHORT = OpenItem(4, 1, "2026", "EUR", 3_300, past_due=True)
E_LONG = OpenItem(5, 1, "202600077", "USD", 2_200)
INDEX = IndexInMemory(
    [A1, A2, A3, B1, B_PAID, C_HELD, D_SHORT, E_LONG],
    payers={IBAN: [1], OTHER: [2]},
    names={1: "Acme Widgets B.V.", 2: "Bakery Jansen"},
)


def eur(minor: int, text: str = "", *references: str, iban: str = "", name: str = "") -> Credit:
    return Credit(minor, "EUR", references, "", text, iban, name)


@pytest.mark.parametrize(
    ("credit", "account", "debts"),
    [
        (eur(12_000, "", creditor_reference("INV20260041")), 1, (1,)),
        (eur(12_000, creditor_reference("INV20260041")), 1, (1,)),
        (eur(12_000, "payment of inv 2026-0041 thank you, INV-2026-0041"), 1, (1,)),
        (eur(4_000, "INV-2026-0041 first part"), 1, (1,)),
        (eur(17_000, "INV-2026-0042, INV-2026-0041"), 1, (1, 2)),
        (eur(17_700, "INV-2026-0041"), 1, (1,)),
        (eur(12_000, "INV-2026-0041", iban=IBAN), 1, (1,)),
        (eur(12_000, iban=IBAN), 1, (1,)),
        (eur(17_000, "thanks", iban=IBAN), 1, (1, 2)),
        (eur(700, iban=IBAN), 1, (3,)),
        (eur(3_300, "2026"), 4, (1,)),
        (Credit(2_200, "USD", text="202600077"), 5, (1,)),
    ],
)
def test_the_two_cases_that_decide_by_themselves(credit: Credit, account: int, debts: tuple[int, ...]) -> None:
    found = match(credit, INDEX)
    assert found is not None
    assert (found.account, found.debts) == (account, debts)
    assert found.why


@pytest.mark.parametrize(
    ("credit", "first"),
    [
        (eur(17_701, "INV-2026-0041"), 1),  # More than is open.
        (eur(9_900, "INV-2026-0051", iban=IBAN), 2),  # The reference and the IBAN disagree.
        (eur(9_900, "INV-2026-0051 INV-2026-0041"), 2),  # Two accounts; the amount is of one.
        (eur(9_900, "INV-2026-0052"), 2),  # It names what is paid.
        (eur(4_400, "INV-2026-0061"), 3),  # Disputed.
        (eur(3_000, "for May 2026"), 4),  # A year is no invoice number.
        (eur(12_000, "INV-2026-0014"), 1),  # Two figures swapped; only the amount is right.
        (eur(12_000, "INV-2026-041"), 1),  # A zero left out.
        (eur(12_000, "invoiceINV-2026-0041"), 1),
        (eur(12_000, "20260041"), 1),  # Without its letters.
        (eur(12_000, "RF00INV20260041"), 1),  # Wrong check digits.
        (eur(9_900, "INV-2026-0041", iban=OTHER), 1),
        (eur(9_900, "INV-2026-041", iban=OTHER), 2),  # Nearly somebody else's number.
        (eur(12_001, iban=IBAN), 1),  # A known IBAN and an amount that nothing asks.
        (eur(12_000, name="ACME WIDGETS"), 1),
        (Credit(12_000, "USD", text="INV-2026-0041"), 1),  # Another currency.
    ],
)
def test_everything_else_waits_with_the_likeliest_first(credit: Credit, first: int) -> None:
    assert match(credit, INDEX) is None
    suggestions = suggest(credit, INDEX)
    assert suggestions
    assert suggestions[0].account == first
    assert all(0 < one.score <= 99 and one.reasons for one in suggestions)


@pytest.mark.parametrize(
    "credit", [eur(123, "nothing that anybody knows"), eur(0, "INV-2026-0041"), eur(-12_000, "INV-2026-0041")]
)
def test_what_says_nothing_suggests_nothing(credit: Credit) -> None:
    assert match(credit, INDEX) is None
    assert suggest(credit, INDEX) == []


def test_a_proven_reference_of_nobody_here_does_not_decide_by_its_iban() -> None:
    assert match(eur(12_000, creditor_reference("ELSEWHERE99"), iban=IBAN), INDEX) is None


def test_an_iban_that_pays_for_two_accounts_decides_nothing() -> None:
    both = IndexInMemory([A1, B1], payers={IBAN: [1, 2]})
    assert match(eur(12_000, iban=IBAN), both) is None
    assert {one.account for one in suggest(eur(12_000, iban=IBAN), both)} == {1, 2}
    assert match(eur(12_000, "INV-2026-0041", iban=IBAN), both) is not None


def test_an_amount_that_two_of_its_invoices_ask_waits() -> None:
    twins = IndexInMemory([A1, OpenItem(1, 9, "INV-2026-0049", "EUR", 12_000)], payers={IBAN: [1]})
    assert match(eur(12_000, iban=IBAN), twins) is not None, "it is the whole past-due sum"
    late = IndexInMemory([A1, OpenItem(1, 9, "INV-2026-0049", "EUR", 12_000, past_due=True)], payers={IBAN: [1]})
    assert match(eur(12_000, iban=IBAN), late) is None


@pytest.mark.parametrize(("owing", "suggested"), [(20, 20), (21, 0)])
def test_by_the_amount_alone_at_most_twenty_and_none_of_more(owing: int, suggested: int) -> None:
    index = IndexInMemory([OpenItem(n, 1, f"R-{n:06}", "EUR", 4_900, past_due=True) for n in range(1, owing + 1)])
    found = suggest(eur(4_900), index)
    assert len(found) == suggested
    assert not any(one.doubt for one in found)


def _damaged(number: str, draw: random.Random) -> str:
    at = draw.randrange(len(number) - 4, len(number))
    kind = draw.randrange(5)
    if kind == 0:
        return number[:at] + str((int(number[at]) + 1 + draw.randrange(9)) % 10) + number[at + 1 :]
    if kind == 1:
        return number[:at] + number[at + 1 :]
    if kind == 2:
        return number[:at] + number[at] + number[at:]
    if kind == 3:
        return number.replace("-", " ").removeprefix("INV ")
    return number.replace("INV-", "invoice")


@pytest.mark.parametrize("seed", [1, 2])
def test_of_a_labelled_set_no_credit_is_matched_to_somebody_else(seed: int) -> None:
    """85 % exact, 7 % damaged, 5 % by a known IBAN, 3 % nothing. Numbers are drawn from a space that is ten times as
    large, as those of a book with many years are."""
    draw = random.Random(seed)
    numbers = draw.sample(range(10**5), 4_000)
    items = [
        OpenItem(1 + at // 2, 1 + at % 2, f"INV-2026-{number:05}", "EUR", draw.randrange(1_000, 90_000), past_due=True)
        for at, number in enumerate(numbers)
    ]
    ibans = {f"NL{account:020}": [account] for account in range(1, 2_001)}
    index = IndexInMemory(items, payers=ibans)
    right = {"exact": 0, "damaged": 0, "iban": 0}
    count = {"exact": 0, "damaged": 0, "iban": 0, "nothing": 0}
    for item in draw.sample(items, 1_500):
        kind = draw.choices(("exact", "damaged", "iban", "nothing"), (85, 7, 5, 3))[0]
        count[kind] += 1
        text, iban, minor = "", "", item.open_minor
        if kind == "exact":
            text = draw.choice((item.number, creditor_reference(folded(item.number)), f"invoice {item.number} of May"))
        elif kind == "damaged":
            text = _damaged(item.number, draw)
        elif kind == "iban":
            iban = f"NL{item.account:020}"
        else:
            minor = draw.randrange(90_001, 99_999)
        credit = eur(minor, text, iban=iban)
        found = match(credit, index)
        assert found is None or found.account == item.account, (credit, found, item)
        if kind == "nothing":
            assert found is None
            continue
        first = [found] if found is not None else suggest(credit, index)[:1]
        right[kind] += bool(first) and first[0].account == item.account
    assert right["exact"] >= 0.99 * count["exact"], (right, count)
    assert right["damaged"] >= 0.90 * count["damaged"], (right, count)
    assert right["iban"] >= 0.90 * count["iban"], (right, count)
