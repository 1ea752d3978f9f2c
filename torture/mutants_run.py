"""Putting changes into copies of this process: the tests are collected once, and each change has a fork of its own."""

from __future__ import annotations

import functools
import gc
import hashlib
import inspect
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import coverage
import pytest
from hypothesis import Phase, settings

from torture.mutants import ROOMS, ROOT, Mutant, tree_of

TESTS: Final = ("core", "adapters", "stories", "store")
"""Of these folders the tests that are about money. What else there is needs a database, a browser or commands, and is
too slow to be run for each change."""
OUTSIDE: Final = frozenset({"database_url", "browser"})
"""Fixtures that start something which a copy of this process cannot share."""
NEVER: Final = 30.0
"""Seconds of processor time beyond what the tests of one change may take, and by the clock three times all of that:
what takes longer never ends, and is seen."""

QUICK: Final = 0.02
"""So many seconds of processor time a test takes at most that comes before others, whatever it is about."""
ANYWHERE: Final = 0
"""Stands for every line of a file."""
Reached = dict[str, tuple[float, dict[str, list[int]]]]
"""Of each test how long it takes, and which lines of which files it reaches."""
Kept = dict[str, tuple[dict[str, str], Reached]]
"""Of each file of tests what its tests reach, with the state in which it and the files of the rooms were then."""


class _Judge:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, mutants: Mapping[int, Mutant], reached: Path, out: int, seconds: float, *, put: bool) -> None:
        self.mutants, self.reached, self.out, self.seconds = mutants, reached, out, seconds
        self.put = put
        """Whether the changes are put in by us; else the one is there since its file was imported."""
        self.failed = ""
        self.states: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Note what is about to be read: somebody may write on while this runs. Of an example that fails, a smaller one
        that fails too is nobody's question here."""
        self.states = {path.relative_to(ROOT).as_posix(): _state(path) for path in (*_rooms(), *map(Path, _files()))}
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.get_profile("any machine"), phases=phases, database=None)
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first failure is remembered."""
        if report.failed and not self.failed:
            self.failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Find what each test reaches, then try each change; tell as lines of JSON."""
        items = {item.nodeid: item for item in session.items if not _outside(item)}
        reached = self._reached(items)
        for number, mutant in self.mutants.items():
            began = time.monotonic()
            nearest = _nearest(reached, mutant)
            by = self._seen_by([items[name] for name in nearest], mutant) if nearest else ""
            line = {"number": number, "by": by, "seconds": time.monotonic() - began}
            os.write(self.out, json.dumps(line).encode() + b"\n")
        return True

    def _reached(self, items: Mapping[str, pytest.Item]) -> Reached:
        """What each test reaches: what was kept of it, and found anew where its file is another now."""
        kept: Kept = json.loads(self.reached.read_text()) if self.reached.exists() else {}
        files: dict[str, list[pytest.Item]] = defaultdict(list)
        for name, item in items.items():
            files[name.partition("::")[0]].append(item)
        rooms = {file: state for file, state in self.states.items() if file.startswith("src/")}
        for file, its in files.items():
            if self.put and (file not in kept or kept[file][0][file] != self.states[file]):
                found = self.reached.with_suffix(".found")
                _in_a_copy(lambda its=its, found=found: self._measure(its, found), 3600, 36000)
                kept[file] = {**rooms, file: self.states[file]}, json.loads(found.read_text())
                self.reached.write_text(json.dumps(kept))
        reached: Reached = {}
        for was, of_file in (kept[file] for file in files if file in kept):
            # Where a room's file is another now its lines are too: whoever reaches any of it reaches all.
            moved = {path: [ANYWHERE] for path, state in rooms.items() if was.get(path) != state}
            for name, (took, lines) in of_file.items():
                if name in items:
                    reached[name] = took, {path: moved.get(path, lines[path]) for path in lines}
        return reached

    def _measure(self, items: Sequence[pytest.Item], file: Path) -> str:
        include = [f"{ROOT}/src/arrears/{room}/*" for room in ROOMS]
        measuring = coverage.Coverage(data_file=None, config_file=False, include=include)
        measuring.start()
        took: dict[str, float] = {}
        for item in items:
            self.failed, began = "", time.process_time()
            measuring.switch_context(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if not self.failed:
                took[item.nodeid] = time.process_time() - began
        measuring.stop()
        lines: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        data = measuring.get_data()
        for path in data.measured_files():
            for line, names in data.contexts_by_lineno(path).items():
                for name in names:
                    lines[name][Path(path).relative_to(ROOT).as_posix()].append(line)
        file.write_text(json.dumps({name: (seconds, lines[name]) for name, seconds in took.items() if lines[name]}))
        return ""

    def _seen_by(self, items: Sequence[pytest.Item], mutant: Mutant) -> str:
        """Which of these tests fails with the change; empty where none does."""

        def tried() -> str:
            if self.put:
                put_in(mutant)
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self.failed or time.process_time() > self.seconds:
                    break
            return self.failed

        return _in_a_copy(tried, self.seconds + NEVER, 3 * (self.seconds + NEVER))


def _outside(item: pytest.Item) -> bool:
    stores = getattr(item, "callspec", None)
    named = {*getattr(item, "fixturenames", ())}
    return bool(OUTSIDE & named) or (stores is not None and stores.params.get("store") == "postgres")


def _rooms() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / "src/arrears" / room).rglob("*.py"))


def _state(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@functools.cache
def _names(test_file: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", (ROOT / test_file).read_text(encoding="utf-8")) is not None


def _nearest(reached: Reached, mutant: Mutant) -> list[str]:
    """The tests that reach a change; of what is in no function, those that reach its file. First come quick ones and
    those of files that name the changed one, of these the quickest."""
    lines = {*range(mutant.line, mutant.last_line + 1), ANYWHERE}
    anywhere = not in_function(mutant)
    found = [(took, name) for name, (took, files) in reached.items() if anywhere and mutant.file in files]
    found += [(took, name) for name, (took, files) in reached.items() if lines & {*files.get(mutant.file, ())}]
    word = Path(mutant.file).stem
    found.sort(key=lambda one: (one[0] > QUICK and not _names(one[1].partition("::")[0], word), one))
    return [*dict.fromkeys(name for _, name in found)]


def _in_a_copy(what: Any, processor_seconds: float, seconds: float) -> str:
    """What a copy of this process says; of one that does not end, or falls, that."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (int(processor_seconds), int(processor_seconds) + 5))
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nothing, stream)
        try:
            os.write(writing, b"." + what().encode())
        except BaseException as error:  # it is told to the parent
            os.write(writing, f"!{error!r}".encode())
        os._exit(0)
    os.close(writing)
    deadline, said, ended = time.monotonic() + seconds, b"", 0
    while not ended and time.monotonic() < deadline:
        ended, _ = os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    if not ended:
        os.kill(child, 9)
        os.waitpid(child, 0)
    os.set_blocking(reading, False)
    with suppress(BlockingIOError):
        said = os.read(reading, 10_000)
    os.close(reading)
    if said.startswith(b"!"):
        raise RuntimeError(f"a change could not be tried: {said[1:].decode()}")
    return said[1:].decode() if said else "it never ended"


def _functions(code: CodeType) -> Iterator[CodeType]:
    """The functions and methods of a file; what is inside of them is a part of them."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from [one] if one.co_flags & inspect.CO_OPTIMIZED else _functions(one)


def _changed(mutant: Mutant) -> CodeType:
    code: CodeType = compile(tree_of(mutant), ROOT / mutant.file, "exec")
    return code


@functools.cache
def _unchanged(file: str) -> frozenset[CodeType]:
    path = ROOT / file
    return frozenset(_functions(compile(path.read_text(encoding="utf-8"), path, "exec")))


@functools.cache
def in_function(mutant: Mutant) -> bool:
    """Whether a change is inside a function, and leaves it what it takes from around it."""
    were = _unchanged(mutant.file)
    [*other] = (one for one in _functions(_changed(mutant)) if one not in were)
    free = {(c.co_qualname, c.co_firstlineno): c.co_freevars for c in were}
    return bool(other) and all(free[c.co_qualname, c.co_firstlineno] == c.co_freevars for c in other)


def put_in(mutant: Mutant) -> None:
    """Let the functions of the file be as they are with the change."""
    path = str(ROOT / mutant.file)
    changed = {(c.co_qualname, c.co_firstlineno): c for c in _functions(_changed(mutant))}
    gc.unfreeze()
    for one in gc.get_objects():
        # Not isinstance: some objects answer for what they stand for, and fall while there is nothing.
        if type(one) is FunctionType and one.__code__.co_filename == path:
            one.__code__ = changed.get((one.__code__.co_qualname, one.__code__.co_firstlineno), one.__code__)
        elif type(one) is functools._lru_cache_wrapper:
            one.cache_clear()


def _import_changed(mutant: Mutant) -> None:
    """Let the file be imported with the change."""
    path, was = str(ROOT / mutant.file), SourceFileLoader.get_code
    code = _changed(mutant)

    def get_code(self: Any, fullname: str) -> CodeType | None:
        return code if self.path == path else was(self, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _files() -> list[str]:
    every = [path for folder in TESTS for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    return [str(path) for path in every if re.search(r"payments|paying|stories\.bank", path.read_text())]


def _run(
    mutants: Mapping[int, Mutant], reached: Path, seconds: float, alone: Mutant | None = None
) -> Iterator[dict[str, Any]]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        if alone is not None:
            os.dup2(nothing, 2)
            _import_changed(alone)
        os.chdir(ROOT)
        command = ["-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=0", *_files()]
        code = pytest.main(command, plugins=[_Judge(mutants, reached, writing, seconds, put=alone is None)])
        os._exit(int(code))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        yield from map(json.loads, lines)
    _, status = os.waitpid(child, 0)
    if status and alone is None:
        sys.exit(f"the tests could not be run: exit code {os.waitstatus_to_exitcode(status)}")
    if status and alone is not None:
        yield {"number": next(iter(mutants)), "by": "it cannot be imported", "seconds": 0.0}


def judged(mutants: Sequence[Mutant], seconds: float, keep: Path | None = None) -> Iterator[tuple[Mutant, str, float]]:
    """Each change with the test that saw it, empty where none did in so many seconds of processor time, and how long
    that took. Which tests reach what is kept in a file, where one is given, for a run that goes on later."""
    inside = {number: one for number, one in enumerate(mutants) if in_function(one)}
    with tempfile.TemporaryDirectory() as scratch:
        reached = keep or Path(scratch) / "reached"
        for line in _run(inside, reached, seconds):
            yield inside[line["number"]], line["by"], line["seconds"]
        for number, one in enumerate(mutants):
            for line in () if number in inside else _run({number: one}, reached, seconds, one):
                yield one, line["by"], line["seconds"]
