"""`python -m torture.mutants`: single conditions, sums and calls of the rooms of money are changed, and the tests that
are nearest must see it.

A sample is drawn by its seed from every change that can be made; a line that changes leaves the rest of the sample as
it was. Which tests reach which line is found once, and again for a file of tests that changed; then each change is
put into a copy of this process, and the tests that reach its lines are run there, the quickest first, until one
fails. What survives is named, unless `mutants_equivalent.toml` says why it changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = ("core/payments", "engine/payments", "adapters/payments/stripe")
SAME: Final = Path(__file__).with_suffix("").with_name("mutants_equivalent.toml")
"""Changes that change nothing that anybody could see: a table of names, each with the reason."""

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
    """One change: of which file, the place of its node among the file's, how it is changed, on which lines, and in
    words. `name` is one change's alone, and the same as long as its line is, wherever in the file that stands."""

    file: str
    place: int
    how: str
    line: int
    last_line: int
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
            swap = copy.deepcopy(node)
            swap.op = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            yield "plus for minus", swap
        case ast.Call(func=ast.Name(id=name)) if name in _CALLED:
            called = copy.deepcopy(node)
            called.func = ast.Name(_CALLED[name], ast.Load())
            yield f"{_CALLED[name]} for {name}", called
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "the other of two", copy.deepcopy(ast.IfExp(test, orelse, body))
        case ast.Expr(value=ast.Call(func=ast.Name(id="reached"))):
            return  # a moment at which a torture ends a process of its own; nobody else is there
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
    alike: Counter[str] = Counter()
    for index, node in enumerate(_nodes(ast.parse(text))):
        line = getattr(node, "lineno", 1)
        for how, _ in _changes(node):
            last = getattr(node, "end_lineno", line)
            what = f"{how}, in: {lines[line - 1].strip()}"
            alike[what] += 1
            yield Mutant(name, index, how, line, last, what if alike[what] == 1 else f"{what} ({alike[what]})")


def tree_of(mutant: Mutant) -> ast.Module:
    """The file with the change in it, every other line where it was."""
    tree = ast.parse((ROOT / mutant.file).read_text(encoding="utf-8"))
    old = [*_nodes(tree)][mutant.place]
    new = next(changed for how, changed in _changes(old) if how == mutant.how)
    put = ast.fix_missing_locations(_Putting(old, new).visit(tree))
    assert isinstance(put, ast.Module), "no change is a whole file"
    return put


def source_of(mutant: Mutant) -> str:
    """The text of the file with the change in it."""
    return ast.unparse(tree_of(mutant))


def every_change(rooms: tuple[str, ...] = ROOMS) -> list[Mutant]:
    """Every change of every file of these rooms."""
    files = sorted(path for room in rooms for path in (ROOT / "src/arrears" / room).rglob("*.py"))
    return [one for path in files for one in mutants_of(path)]


def sample(seed: int, count: int, rooms: tuple[str, ...] = ROOMS) -> list[Mutant]:
    """So many changes of these rooms, drawn by the seed. Each has its place in the draw by its own name, so what is
    drawn stays drawn while other lines come and go."""

    def place(one: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {one.name}".encode()).digest()

    return sorted(every_change(rooms), key=place)[:count]


def lying_in(place: str) -> list[Mutant]:
    """Every change of a file, named by the end of its path, or with `:LINE` of one line of it."""
    file, _, line = place.partition(":")
    return [one for one in every_change() if one.file.endswith(file) and (not line or one.line == int(line))]


def unchanging() -> Mapping[str, str]:
    """The names of the changes that change nothing, and why."""
    found: dict[str, str] = tomllib.loads(SAME.read_text(encoding="utf-8"))["changes"]
    return found


def _read(results: Path | None) -> dict[str, str]:
    """What former runs found: of each change who saw it, empty where nobody did."""
    if results is None or not results.exists():
        return {}
    lines = map(json.loads, results.read_text(encoding="utf-8").splitlines())
    return {line["name"]: line["by"] for line in lines}


def _seen(mutants: Iterable[Mutant], results: Path | None, seconds: float) -> Iterator[tuple[Mutant, str]]:
    """Each change with who saw it, empty where nobody did. What a former run saw is not tried again; what none has
    tried is tried before what survived one."""
    from torture.mutants_run import judged  # it has the tests with it

    before = _read(results)
    seen = [one for one in mutants if before.get(one.name)]
    yield from ((one, before[one.name]) for one in seen)
    rest = sorted((one for one in mutants if one not in seen), key=lambda one: one.name in before)
    for one, by, took in judged(rest, seconds, results and results.with_suffix(".reached")):
        if results is not None:
            with results.open("a", encoding="utf-8") as to:
                to.write(json.dumps({"name": one.name, "by": by, "seconds": round(took, 1)}) + "\n")
        yield one, by


def main() -> int:
    """A line for each change; exit code 1 if more than 5 of a hundred survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument(
        "--results",
        type=Path,
        help="a file that keeps what was seen, and beside it what each test reaches; another run goes on from there",
    )
    parser.add_argument("--seconds", type=float, default=40.0, help="of processor time for the tests of one change")
    parser.add_argument("--of", default="", metavar="FILE[:LINE]", help="every change of these lines, and no sample")
    options = parser.parse_args()
    known, survivors = unchanging(), 0
    drawn = lying_in(options.of) if options.of else sample(options.seed, options.count)
    nothing = [one for one in drawn if one.name in known]
    tried = _seen([one for one in drawn if one not in nothing], options.results, options.seconds)
    for number, (one, by) in enumerate(tried, 1):
        survivors += not by
        sys.stdout.write(f"{number} {one.file}:{one.line} {one.what}\n    {by or 'SURVIVES'}\n")
        sys.stdout.flush()
    for one in nothing:
        sys.stdout.write(f"{one.file}:{one.line} {one.what}\n    changes nothing: {known[one.name]}\n")
    drawn_by = options.of or f"seed {options.seed}"
    sys.stdout.write(f"{drawn_by}: of {len(drawn)}, {survivors} survive, {len(nothing)} change nothing\n")
    return 1 if survivors * 20 > len(drawn) else 0


if __name__ == "__main__":
    sys.exit(main())
