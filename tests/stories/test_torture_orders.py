"""A small world of `torture.orders`, in which nobody is killed: services fail in every way, and obey in the end."""

from __future__ import annotations

import pytest
from torture.orders import OrdersSize, tortured


@pytest.mark.turn(3)
def test_whatever_services_do_in_the_end_each_is_in_the_state_that_it_is_ordered() -> None:
    figures = tortured(5, OrdersSize(accounts=2, hours=24, kills=0))
    assert figures["wrong"] == []
    assert figures["acknowledged"] == figures["orders"] > 0
