"""A sandbox provider for the stories that pay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arrears.sandbox.run import Running, running


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found
