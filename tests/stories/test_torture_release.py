"""The release torture adds up: what it has kept is gone on with, whatever ended it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from torture.release import FIRST_SEED, GOALS, PIECES, Kept, last_object, next_piece, read, run_one, table, write


def test_what_a_piece_found_is_added_and_its_seed_moves_on() -> None:
    piece, kept = PIECES["workers"], Kept()
    kept.add(piece, FIRST_SEED, 0, '{"kills": 60, "failpoint_kills": 22, "database_kills": 5, "holds": true}', 90.0)
    kept.add(piece, kept.next_seed, 1, 'said\n{"kills": 1, "failpoint_kills": 0, "database_kills": 0}\nTraceback', 9.04)
    assert (kept.counts, kept.runs, kept.seconds) == ({"worker kills": 83, "database crashes": 5}, 2, 99.0)
    assert kept.next_seed == FIRST_SEED + 2
    assert [one["seed"] for one in kept.wrong] == [FIRST_SEED + 1]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", {}),
        ("no { object } at all", {}),
        ('{"a": 1}\n{"a": 2, "b": {"c": 3}}\n', {"a": 2, "b": {"c": 3}}),
        ('first\n{\n  "a": 1\n}\nlast', {"a": 1}),
        ('{"a": 1', {}),
    ],
)
def test_the_last_object_that_was_printed_counts(said: str, found: dict[str, object]) -> None:
    assert last_object(said) == found


def test_every_piece_gets_its_part_of_the_time() -> None:
    kept = {name: Kept() for name in PIECES}
    seconds = dict.fromkeys(PIECES, 0)
    for _ in range(1700):
        name = next_piece(kept)
        kept[name].seconds += 10
        seconds[name] += 10
    parts = {name: seconds[name] / 17_000 for name in PIECES}
    whole = sum(piece.share for piece in PIECES.values())
    assert parts == pytest.approx({name: piece.share / whole for name, piece in PIECES.items()}, abs=0.01)


def test_it_goes_on_from_what_is_kept_also_with_a_piece_that_is_new(tmp_path: Path) -> None:
    file = tmp_path / "release.json"
    kept = read(file)
    kept["orders"].add(PIECES["orders"], FIRST_SEED, 0, '{"orders": 239}', 60.0)
    write(file, kept)
    without = {name: one for name, one in json.loads(file.read_text()).items() if name != "bank"}
    file.write_text(json.dumps(without))
    again = read(file)
    assert (again["orders"].next_seed, again["orders"].counts) == (FIRST_SEED + 1, {"orders": 239})
    assert again["bank"] == Kept()


def test_the_table_says_the_bound_of_what_never_went_wrong() -> None:
    kept = {name: Kept() for name in PIECES}
    kept["deletions"].add(PIECES["deletions"], FIRST_SEED, 0, '{"deletions": 60000}', 3600.0)
    assert "| deletions | 60,000 | 100,000 | 5.0e-05 |" in table(kept)
    assert "1 pieces, 1.0 hours, 0 wrong." in table(kept)


def test_every_goal_is_counted_by_a_piece_and_every_piece_is_there() -> None:
    counted = {goal for piece in PIECES.values() for goal in piece.counts}
    assert GOALS.keys() <= counted
    assert all(find_spec(f"torture.{piece.module}") for piece in PIECES.values())


@pytest.mark.turn(3)
def test_a_piece_is_run_in_a_process_of_its_own() -> None:
    kept = Kept()
    run_one("second implementation", kept)
    assert (kept.counts["histories"], kept.wrong, kept.runs) == (500, [], 1)
