"""The driver of mutants: every change is one, is still Python, and has tests that are near."""

from __future__ import annotations

from pathlib import Path

import pytest
from torture.mutants import ROOT, mutants_of, nearest, source_of

FILE = "src/arrears/core/payments/limits.py"


def test_every_change_of_a_file_is_another_program_and_has_a_name_of_its_own() -> None:
    found = [*mutants_of(ROOT / FILE)]
    sources = {source_of(one) for one in found}
    assert len(found) > 15
    assert len(sources) == len(found), "no two are the same"
    for source in sources:
        compile(source, FILE, "exec")


@pytest.mark.parametrize("file", ["src/arrears/engine/payments/refunds.py", "src/arrears/core/payments/planner.py"])
def test_the_tests_that_name_a_module_are_the_nearest(file: str) -> None:
    found = nearest(file)
    assert all((ROOT / name).exists() for name in found)
    assert any(Path(file).stem.rstrip("s") in name for name in found)
