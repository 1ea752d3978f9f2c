"""`python -m torture.mutants`: single conditions, sums and calls of the rooms of money are changed, and the tests that
are nearest must see it.

A sample is drawn by its seed from every change that can be made; each is made in a copy of the sources, and the tests
that name its module are run against that copy, the nearest first, until one fails. What survives is named, unless
`EQUIVALENT` says why it changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = ("core/payments", "engine/payments", "adapters/payments/stripe")
NEAREST_MAX: Final = 9
"""So many files of tests are run for one change; with the ones below they reach everything in these rooms."""
ALWAYS: Final = ("tests/stories/test_paying.py", "tests/stories/test_taken_back.py", "tests/stories/test_money_back.py")
OF_A_ROOM: Final = {"adapters/payments/stripe": "tests/adapters/test_stripe_*.py"}
"""Tests of a whole room, which name none of its modules."""
FAR: Final = ("tests/web", "tests/cli", "tests/store", "tests/sim", "tests/oracle", "tests/sandbox")
"""Tests that are too slow to be run for each change."""

EQUIVALENT: Final[dict[str, str]] = {}
"""Changes that change nothing, by their name, and why."""

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_CALLED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    """One change: of which file, the place of its node among the file's, how it is changed, on which line, and in
    words. `name` is the same as long as the line is."""

    file: str
    index: int
    how: str
    line: int
    what: str

    @property
    def name(self) -> str:
        """How it is told apart."""
        return f"{self.file}: {self.what}"


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What stands in place of a node, and how that is called."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARED:
            other = copy.deepcopy(node)
            other.ops = [_COMPARED[type(op)]()]
            yield "compared otherwise", other
        case ast.BoolOp(op=op, values=values):
            swapped = copy.deepcopy(node)
            swapped.op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "and for or", swapped
            for place in range(len(values)):
                rest = [v for i, v in enumerate(values) if i != place]
                less: ast.expr = rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
                yield f"without condition {place + 1}", copy.deepcopy(less)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "without not", copy.deepcopy(operand)
        case ast.BinOp(op=ast.Add() | ast.Sub() as op) if not isinstance(node.left, ast.Constant | ast.JoinedStr):
            other = copy.deepcopy(node)
            other.op = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            yield "plus for minus", other
        case ast.Call(func=ast.Name(id=name)) if name in _CALLED:
            other = copy.deepcopy(node)
            other.func = ast.Name(_CALLED[name], ast.Load())
            yield f"{_CALLED[name]} for {name}", other
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "the other of two", copy.deepcopy(ast.IfExp(test, orelse, body))
        case ast.Expr(value=ast.Call()):
            yield "not called", ast.Pass()
        case _:
            return


def _skipped(node: ast.AST) -> bool:
    """What says nothing about behaviour: types, checks of our own mistakes."""
    return isinstance(node, ast.Assert | ast.AnnAssign | ast.Import | ast.ImportFrom | ast.arguments)


class _Putting(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.new, node) if node is self.old else super().generic_visit(node)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not _skipped(child):
            yield child
            yield from _nodes(child)


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every change of one file."""
    text = path.read_text(encoding="utf-8")
    lines, name = text.splitlines(), path.relative_to(ROOT).as_posix()
    for index, node in enumerate(_nodes(ast.parse(text))):
        line = getattr(node, "lineno", 1)
        for how, _ in _changes(node):
            yield Mutant(name, index, how, line, f"{how}, in: {lines[line - 1].strip()}")


def source_of(mutant: Mutant) -> str:
    """The file with the change in it."""
    tree = ast.parse((ROOT / mutant.file).read_text(encoding="utf-8"))
    old = [*_nodes(tree)][mutant.index]
    new = next(changed for how, changed in _changes(old) if how == mutant.how)
    return ast.unparse(ast.fix_missing_locations(_Putting(old, new).visit(tree)))


def sample(seed: int, count: int, rooms: tuple[str, ...] = ROOMS) -> list[Mutant]:
    """So many changes of these rooms, drawn by the seed: of each file in the measure of its size."""
    files = sorted(path for room in rooms for path in (ROOT / "src/arrears" / room).rglob("*.py"))
    dice = random.Random(seed)
    weights = [path.stat().st_size for path in files]
    drawn: dict[str, Mutant] = {}
    every: dict[Path, list[Mutant]] = {}
    while len(drawn) < count:
        [path] = dice.choices(files, weights)
        found = every.setdefault(path, list(mutants_of(path)))
        if found:
            one = dice.choice(found)
            drawn[f"{one.name} {one.line}"] = one
    return list(drawn.values())


def nearest(file: str) -> list[str]:
    """The files of tests that name this module most, and those that reach all of money."""
    module = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
    package, _, stem = module.rpartition(".")
    wanted = re.compile(rf"{re.escape(module)}\b|from {re.escape(package)} import [^\n]*\b{stem}\b|\b{stem}\.\w+\(")
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT).as_posix()
        times = 0 if name.startswith(FAR) else len(wanted.findall(path.read_text(encoding="utf-8")))
        if times:
            found.append((-times, path.stat().st_size, name))
    of_room = [
        path.relative_to(ROOT).as_posix()
        for room, tests in OF_A_ROOM.items()
        if room in file
        for path in sorted(ROOT.glob(tests))
    ]
    return list(dict.fromkeys([*of_room, *(name for _, _, name in sorted(found)[:NEAREST_MAX]), *ALWAYS]))


def survives(mutant: Mutant, folder: Path, seconds_max: float) -> bool:
    """Whether every test that is near passes with this change. What never ends is seen."""
    place = folder / mutant.file
    was = place.read_text(encoding="utf-8")
    place.write_text(source_of(mutant), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly"]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        tests = nearest(mutant.file)
        ran = subprocess.run(
            [*command, *tests], cwd=ROOT, env=environment, capture_output=True, timeout=seconds_max, check=False
        )
        if ran.returncode in (1, 2):
            return False
    except subprocess.TimeoutExpired:
        return False
    finally:
        place.write_text(was, encoding="utf-8")
    return True


def main() -> int:
    """A line for each change; exit code 1 if more than 5 of a hundred survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--from", type=int, default=0, dest="first", help="go on after so many of the sample")
    parser.add_argument("--seconds", type=float, default=600, help="how long the tests of one change may take")
    options = parser.parse_args()
    survivors = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
        for number, mutant in enumerate(sample(options.seed, options.count), 1):
            if number <= options.first:
                continue
            began = time.monotonic()
            alive = survives(mutant, folder, options.seconds)
            reason = EQUIVALENT.get(mutant.name, "")
            survivors += [mutant] if alive and not reason else []
            word = "seen" if not alive else f"changes nothing: {reason}" if reason else "SURVIVES"
            where = f"{mutant.file}:{mutant.line}"
            sys.stdout.write(f"{number} {where} {mutant.what}\n    {word} ({time.monotonic() - began:.0f} s)\n")
            sys.stdout.flush()
    sys.stdout.write(f"seed {options.seed}: {len(survivors)} of {options.count} survive\n")
    return 1 if len(survivors) * 20 > options.count else 0


if __name__ == "__main__":
    sys.exit(main())
