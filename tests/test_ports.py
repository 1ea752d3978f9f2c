"""What a function asks for says what it can do: the store is split by who uses it, and these tests keep it so."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from tests.sources import trees

from arrears import ports
from arrears.sim.watched import WATCHED, methods_of, watched
from arrears.store.memory.store import MemoryStore

SOURCE = "src/arrears/"

OWN_METHODS_MAX = 13
"""More than this in one protocol and it has two users."""
METHODS_MAX = 23
"""The same with what a protocol joins: placing the request of somebody who does not sign in needs as many."""

# Where the whole store is asked for, and why.
WHOLE = {
    "engine/worker.py": "drives every room",
    "engine/perform.py": "hands each action to the room that performs it",
    "engine/payments/sweep.py": "finishes set-ups, looks attempts up, books, and opens the breaker",
    "engine/payments/becoming.py": "ends what is open anywhere, as another installation",
    "engine/payments/recording.py": "settles set-ups, books, and sets aside for an account or the installation",
    "cli/demo_card.py": "plays a story with every room",
    "cli/scratch.py": "makes the store",
    "sim/replay.py": "plays a book with every room",
    "sim/simulate.py": "makes a world",
    "sim/stage.py": "plays a day with every room",
    "sim/watched.py": "wraps it",
    "sim/world.py": "plays a world with every room",
}
USERS = ("engine/", "cli/", "web/", "sim/", "wiring.py")
PROTOCOLS = {
    name: one
    for name, one in vars(ports).items()
    if isinstance(one, type) and getattr(one, "_is_protocol", False)
}  # fmt: skip


def used() -> Iterator[str]:
    """Every attribute that is read where stores are used."""
    for name, tree in trees("src").items():
        if name.removeprefix(SOURCE).startswith(USERS):
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute):
                    yield node.attr


def asking_for(what: str) -> Iterator[str]:
    """The files that name a protocol in an annotation."""
    for name, tree in trees("src").items():
        for node in ast.walk(tree):
            annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
            if annotation is not None and what in {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)}:
                yield name.removeprefix(SOURCE)


@pytest.mark.parametrize("name", sorted(PROTOCOLS.keys() - {"Store", "Processor"}))
def test_a_part_of_the_store_is_small_enough_to_have_one_user(name: str) -> None:
    own = [key for key, value in vars(PROTOCOLS[name]).items() if key[0] != "_" and callable(value)]
    assert len(own) <= OWN_METHODS_MAX
    assert len(methods_of(PROTOCOLS[name])) <= METHODS_MAX


def test_every_method_of_every_store_is_used() -> None:
    parts = [one for name, one in PROTOCOLS.items() if name.endswith("Book")] + [ports.Store, ports.Batch]
    assert {method for one in parts for method in methods_of(one)} - set(used()) == set()


def test_the_whole_store_is_asked_for_only_where_a_reason_is_listed() -> None:
    assert set(asking_for("Store")) == set(WHOLE)


def test_a_watched_store_passes_on_every_method_of_the_port_to_the_same_method() -> None:
    inner = MemoryStore()
    outer = watched(inner, lambda _units: None, lambda _now: None)
    passed_on = methods_of(ports.Store) - WATCHED
    assert {name for name in passed_on if getattr(outer, name) != getattr(inner, name)} == set()
    assert sorted(WATCHED) == ["accounts", "due", "in_parts", "open_accounts", "record_system"], (
        "who commits units, or moves a guard"
    )
    assert methods_of(ports.Store) > WATCHED
