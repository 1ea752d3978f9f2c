"""A small run of `torture.notices --mixes` and `--faults`: what nobody got does not count, and nothing is held back."""

from __future__ import annotations

import random

import pytest
from tests.sizes import few
from torture.mail_faults import FAULTS, Fault, found_by
from torture.mail_year import figures


@pytest.fixture(autouse=True, scope="module")
def _django(site: str) -> None:
    """Django is set up: see tests/site.py."""


@pytest.mark.turn(2)
def test_nobody_is_stopped_unreached_and_no_mail_is_held_back_that_could_have_gone() -> None:
    seed = random.randrange(10**9)
    found = figures(range(seed, seed + few(1, 10)), accounts=12, days=few(60, 365))
    assert found["holds"], f"seed {seed}: {found}"
    assert found["handed"] >= 20
    assert found["forged"] + found["rungs"] >= 10


@pytest.mark.turn(2)
@pytest.mark.sample(1)
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what for fault in FAULTS])
def test_a_fault_that_is_put_back_is_found(fault: Fault) -> None:
    assert found_by(fault, (fault.seed, *range(1, 41)), accounts=10, days=60) is not None
