"""Who lives in a made-up world."""

from __future__ import annotations

import pytest

from arrears.sim.people import MIXES, ORDINARY, TROUBLED, drawn_mix, make_person
from arrears.sim.simulate import SimulationReport, simulate
from arrears.store.memory.store import MemoryStore

TRANSACTIONS_RECKONED_WITH = 28
"""In an account-year, where the targets for simulators come from (reliability.md, its eighth finding)."""


@pytest.fixture(scope="module")
def reports() -> dict[str, SimulationReport]:
    return {name: simulate(MemoryStore(), 40, 365, 5, mix=mix) for name, mix in MIXES.items()}


@pytest.mark.turn(2)
def test_nothing_breaks_whoever_lives_there(reports: dict[str, SimulationReport]) -> None:
    assert [name for name, report in reports.items() if not report.holds] == []


def test_a_year_of_ordinary_people_is_no_easier_than_the_targets_reckon_with(
    reports: dict[str, SimulationReport],
) -> None:
    years = {name: report.transactions / report.account_years for name, report in reports.items()}
    assert TRANSACTIONS_RECKONED_WITH < years["ordinary"] < years["troubled"]


def test_everybody_is_met_in_an_ordinary_world_too() -> None:
    assert ORDINARY.characters.keys() == TROUBLED.characters.keys()
    assert all(ORDINARY.characters.values())
    punctual, everybody = ORDINARY.characters["punctual"], sum(ORDINARY.characters.values())
    assert 0.7 < punctual / everybody < 0.8, "three in four pay in time"


def test_every_character_is_missing_from_some_worlds_and_crowds_others() -> None:
    drawn = [drawn_mix(seed) for seed in range(60)]
    for name, weight in TROUBLED.characters.items():
        assert {mix.characters[name] for mix in drawn} >= {0, weight, 5 * weight}, name
    assert drawn == [drawn_mix(seed) for seed in range(60)]


def test_a_world_has_somebody_whatever_is_drawn() -> None:
    assert all(make_person(1, seed, ["default"], drawn_mix(seed)).character for seed in range(300))
