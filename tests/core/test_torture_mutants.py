"""The driver of mutants: every change is one, is still Python, and is in force where it is put."""

from __future__ import annotations

from torture.mutants import ROOMS, ROOT, mutants_of, source_of, unchanging
from torture.mutants_run import in_function, put_in

from arrears.core.payments import limits

FILE = "src/arrears/core/payments/limits.py"


def test_every_change_of_a_file_is_another_program_and_has_a_name_of_its_own() -> None:
    found = [*mutants_of(ROOT / FILE)]
    sources = {source_of(one) for one in found}
    assert len(found) > 15
    assert len(sources) == len(found), "no two are the same"
    for source in sources:
        compile(source, FILE, "exec")


def test_a_change_is_in_force_at_once_and_nowhere_else() -> None:
    eur = limits.AmountLimits(minimum_minor=50, maximum_minor=100)
    [change] = [one for one in mutants_of(ROOT / FILE) if one.what.startswith("compared otherwise, in: if payable < ")]
    assert in_function(change)
    code = limits.AmountLimits.charge_of.__code__
    assert eur.charge_of(50) == 50
    put_in(change)
    try:
        assert (eur.charge_of(50), eur.charge_of(51)) == (0, 51)
    finally:
        limits.AmountLimits.charge_of.__code__ = code
    assert eur.charge_of(50) == 50


def test_what_is_said_to_change_nothing_is_a_change_that_can_be_made() -> None:
    named = unchanging()
    files = sorted(path for room in ROOMS for path in (ROOT / "src/arrears" / room).rglob("*.py"))
    made = {one.name for path in files for one in mutants_of(path)}
    assert {*named} <= made
    assert all(len(reason) > 20 for reason in named.values())
