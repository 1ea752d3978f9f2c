"""A fault that is put back is in the code: what it swaps is there, by that name."""

from __future__ import annotations

import pytest
from torture import deletion, ladder_faults, mail_faults, money_faults
from torture.put_back import Fault

EVERY = [fault for module in (ladder_faults, mail_faults, money_faults) for fault in module.FAULTS]
# A mistake that swaps nothing is in the text of a policy.
EVERY += [one.fault for one in deletion.FAULTS if one.fault.swaps is not list]


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.what)
def test_what_a_fault_swaps_is_there(fault: Fault) -> None:
    swaps = fault.swaps()
    assert swaps
    assert [name for place, name, _ in swaps if not hasattr(place, name)] == []
