"""The engine does what a second implementation of the specification's section 3 says, over random histories."""

from __future__ import annotations

import pytest
from tests.oracle.histories import disagreements
from tests.sizes import few

TOGETHER = 10


@pytest.mark.sample(12)
@pytest.mark.parametrize("first", range(0, few(2_000, 5_000), TOGETHER))
def test_the_engine_does_what_the_text_says(first: int) -> None:
    numbers = range(first, first + TOGETHER)
    assert {number: said for number in numbers if (said := disagreements(number))} == {}
