"""The table of states is the specification's table, row by row."""

from __future__ import annotations

import tomllib
from importlib import resources
from itertools import pairwise

import pytest

from arrears.core.states import STAGES, Permissions, Reason, State, allows, remedy

SPECIFIED = """
| active | yes | yes | yes | run | yes |
| past_due | yes | yes | yes | run | yes |
| restricted | yes | yes | no | offline, not deallocated, quick to bring back | no |
| disabled | yes | yes | no | stopped, storage read-only, temporary addresses released | no |
| deleted | no | no | no | gone with their data | no |
"""


def specified() -> dict[str, Permissions]:
    answer = {"yes": True, "no": False}
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in SPECIFIED.split("\n") if line]
    return {
        state: Permissions(answer[read], answer[delete], answer[change], resources, answer[charged])
        for state, read, delete, change, resources, charged in rows
    }


def test_the_table_is_the_specified_one_in_its_order() -> None:
    table = tomllib.loads((resources.files("arrears.core") / "data" / "states.toml").read_text(encoding="utf-8"))
    found = {name: Permissions(**row) for name, row in table["state"].items()}
    assert list(found.items()) == list(specified().items())


@pytest.mark.parametrize("state", State)
def test_a_state_allows_what_the_table_says(state: State) -> None:
    assert allows(state) == specified()[state.value]


def test_being_past_due_blocks_nothing() -> None:
    assert allows(State.PAST_DUE) == allows(State.ACTIVE)


def test_no_state_allows_more_than_the_one_before_it() -> None:
    rows = [allows(state) for state in State]
    for before, after in pairwise(rows):
        for right in ("read", "delete_own", "change", "charged"):
            assert getattr(before, right) >= getattr(after, right)


def test_the_stages_are_past_due_restricted_disabled() -> None:
    assert [stage.value for stage in STAGES] == ["past_due", "restricted", "disabled"]


def test_every_reason_has_a_remedy_of_its_own_and_paying_lifts_past_due_alone() -> None:
    remedies = {reason: remedy(reason) for reason in Reason}
    assert len(set(remedies.values())) == len(Reason)
    assert [reason for reason, key in remedies.items() if key.startswith("settle")] == [Reason.PAST_DUE]


def test_the_words_are_the_specified_ones() -> None:
    assert [reason.value for reason in Reason] == [
        "past_due",
        "canceled",
        "spending_limit",
        "policy_violation",
        "other",
    ]
