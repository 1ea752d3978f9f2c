"""Draws which room of arrears imports which, as Mermaid, into `docs/tour.md`: `make drawing`.

A floor is a package of `src/arrears`, a room a package in it. Files that stand beside the rooms of a floor are drawn as
two rooms: those that use rooms of their floor, and those that the rooms use. What stands on core may use all of it, so
arrows end at its floor and those inside it are left out (`pyproject.toml` holds them). An arrow that follows from
others is left out too: what imports a room that imports another is drawn as importing the first alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import grimp

ROOT: Final = "arrears"
WHOLE: Final = ("core", "ports")
"""Floors at which arrows end, rather than at their rooms."""
LEFT_OUT: Final = ("store.migrations", "store.apps", "__main__")
"""Django and Python read these by themselves."""
ABOVE: Final = "*above"
BELOW: Final = "*below"
BEGIN: Final = "<!-- made by `make drawing` -->"
END: Final = "<!-- end of the drawing -->"

Edges = dict[str, set[str]]


def rooms_of(graph: grimp.ImportGraph) -> dict[str, str]:
    """The room of each module, as `floor.room`; `floor` alone where a floor has no rooms."""
    modules = [name.removeprefix(f"{ROOT}.") for name in graph.modules if name != ROOT]
    modules = [name for name in modules if not name.startswith(LEFT_OUT)]
    packages = {name.rpartition(".")[0] for name in modules if name.count(".") >= 2}
    rooms = {".".join(name.split(".")[:2]) for name in packages}
    found: dict[str, str] = {}
    for name in modules:
        floor = name.partition(".")[0]
        inside = ".".join(name.split(".")[:2])
        if inside in rooms:
            found[name] = inside
        elif any(room.startswith(f"{floor}.") for room in rooms):
            found[name] = f"{floor}.{BELOW if name != floor else ''}".rstrip(".")
        else:
            found[name] = floor
    for name, room in found.items():
        if room.endswith(BELOW) and any(found.get(used) in rooms for used in _used(graph, name, floor_of(room))):
            found[name] = f"{floor_of(room)}.{ABOVE}"
    return found


def _used(graph: grimp.ImportGraph, module: str, floor: str) -> Iterator[str]:
    """Everything on its own floor that a module imports, directly or not."""
    for name in graph.find_upstream_modules(f"{ROOT}.{module}"):
        short = name.removeprefix(f"{ROOT}.")
        if floor_of(short) == floor:
            yield short


def floor_of(room: str) -> str:
    return room.partition(".")[0]


def arrows_between(graph: grimp.ImportGraph, rooms: dict[str, str]) -> Edges:
    """Which room imports which."""
    ends = {room: floor_of(room) if floor_of(room) in WHOLE else room for room in rooms.values()}
    found: Edges = {room: set() for room in ends.values()}
    for module, room in rooms.items():
        for used in graph.find_modules_directly_imported_by(f"{ROOT}.{module}"):
            to = ends[rooms.get(used.removeprefix(f"{ROOT}."), room)]
            if to != ends[room]:
                found[ends[room]].add(to)
    return found


def floors_together(edges: Edges) -> Edges:
    """The same with one arrow a floor to what is drawn whole."""
    found: Edges = {}
    for start, ends in edges.items():
        for to in ends:
            found.setdefault(floor_of(start) if to in WHOLE else start, set()).add(to)
    return {start: ends - {other for end in ends & {*WHOLE} for other in edges[end]} for start, ends in found.items()}


def without_what_follows(edges: Edges) -> Edges:
    """The same without each arrow that a longer way says already."""

    def reached_from(starts: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        left = list(starts)
        while left:
            one = left.pop()
            if one not in seen:
                seen.add(one)
                left += edges[one]
        return seen

    return {
        start: {to for to in ends if to not in reached_from(other for other in ends if other != to)}
        for start, ends in edges.items()
    }


def name_of(room: str) -> str:
    return room.replace(".", "_").replace("*", "")


def drawing() -> str:
    graph = grimp.build_graph(ROOT, cache_dir=None)
    rooms = rooms_of(graph)
    arrows = floors_together(without_what_follows(arrows_between(graph, rooms)))
    lines = ["```mermaid", "flowchart TD"]
    for floor in sorted({floor_of(room) for room in rooms.values()}):
        inside = sorted({room for room in rooms.values() if floor_of(room) == floor and room != floor})
        if not inside:
            lines.append(f"    {floor}")
            continue
        lines.append(f"    subgraph {floor}")
        for room in inside:
            label = room.partition(".")[2]
            if label in (ABOVE, BELOW):
                files = sorted(m.partition(".")[2] for m, r in rooms.items() if r == room)
                label = ", ".join(files)
            lines.append(f'        {name_of(room)}["{label}"]')
        lines.append("    end")
    for start, ends in sorted(arrows.items()):
        lines += [f"    {name_of(start)} --> {name_of(to)}" for to in sorted(ends)]
    return "\n".join([*lines, "```"])


def parts(text: str) -> tuple[str, str, str]:
    """The tour before the drawing, the drawing, and what follows it."""
    before, _, rest = text.partition(BEGIN)
    inside, _, after = rest.partition(END)
    return before + BEGIN, inside.strip("\n"), END + after


def main() -> None:
    tour = Path(__file__).with_name("tour.md")
    before, _, after = parts(tour.read_text())
    tour.write_text(f"{before}\n{drawing()}\n{after}")


if __name__ == "__main__":
    sys.exit(main())
