"""What the made-up bank writes is valid by ISO's own schemas, and read back as what was written."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace
from tests.books import NOT_BESIDE

from arrears.adapters.books.statements.reading import read_statement_file
from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.statements import Balance, BankEntry, BankStatement, BankTransaction, StatementKind, wrong_with
from arrears.sim.bank_file import camt_053

SCHEMAS = Path(__file__).parents[2].parent / "shared" / "data" / "statements" / "xsd"
OURS, PAYER = "NL91ABNA0417164300", "DE89370400440532013000"
TEXTS = ("INV-2026-0041", "<b>5 & 6</b>", "=1+1", "ü ß é", "", "x" * 140, "two  spaces")


def drawn(seed: int, version: str) -> list[BankStatement]:
    """Two days of a made-up account."""
    dice, found, balance = random.Random(seed), [], 10_000
    for number in (1, 2):
        day = date(2026, 2, 27) + timedelta(days=number)
        entries = [_entry(dice, day, at) for at in range(dice.randrange(1, 8))]
        moved = sum(one.amount_minor for one in entries)
        ends = Balance(balance, "EUR", day), Balance(balance + moved, "EUR", day)
        name = f"camt.053.001.{version}"
        own = f"S-{seed}-{number}"
        found.append(BankStatement(name, StatementKind.STATEMENT, OURS, "EUR", *ends, tuple(entries), own, number))
        balance += moved
    return found


def _entry(dice: random.Random, day: date, at: int) -> BankEntry:
    minors = [dice.randrange(1, 10**7) * dice.choice((1, 1, 1, -1))]
    while dice.random() < 0.3:
        minors.append(abs(dice.randrange(1, 10**5)) * (1 if minors[0] > 0 else -1))
    family = "PMNT/ICDT/DMCT" if sum(minors) < 0 else "PMNT/RCDT/ESCT"
    parts = tuple(
        BankTransaction(
            minor,
            "EUR",
            (creditor_reference(f"INV{minor % 97 + 1}"),) if dice.random() < 0.4 else (),
            dice.choice(("", f"E{minor}")),
            "Bäckerei & Söhne",
            PAYER,
            tuple(text for text in (" ".join(dice.choice(TEXTS).split()),) if text),
            returned=dice.random() < 0.2,
        )
        for minor in minors
    )
    charges = [500 if part.returned and dice.random() < 0.3 else 0 for part in parts]
    parts = tuple(replace(part, charges_minor=kept) for part, kept in zip(parts, charges, strict=True))
    if len(parts) == 1 and parts[0].returned:
        parts = (replace(parts[0], original_minor=abs(minors[0]) + dice.choice((-1, 1, 500))),)
    return BankEntry(sum(minors), "EUR", day, day, f"R{at}", family, dice.random() < 0.1, parts, sum(charges))


@pytest.mark.parametrize("version", ["02", "08"])
def test_what_is_written_is_read_back(version: str) -> None:
    for seed in range(40):
        statements = drawn(seed, version)
        read = read_statement_file(camt_053(statements, f"M-{seed}", version=version), None)
        assert read.refused == ""
        assert list(read.statements) == statements, seed
        assert [wrong_with(one) for one in read.statements] == ["", ""]


@pytest.mark.skipif(not SCHEMAS.exists(), reason=NOT_BESIDE)
@pytest.mark.parametrize("version", ["02", "08"])
def test_what_is_written_is_valid_by_the_schema_of_its_version(version: str) -> None:
    schema: Any = etree.XMLSchema(etree.parse(SCHEMAS / f"camt.053.001.{version}.xsd"))
    for seed in range(40):
        content = camt_053(drawn(seed, version), f"M-{seed}", version=version)
        assert schema.validate(etree.fromstring(content)), (seed, schema.error_log)
