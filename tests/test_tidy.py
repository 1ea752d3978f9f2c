"""The house rules that a program can hold: sizes, banned calls with what to write instead, and what files may name."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from tests.sources import ROOT, texts, trees

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50

PURE = ("src/arrears/core/", "src/arrears/store/", "src/arrears/engine/")
# call -> (where it is banned, where it is allowed all the same, what to write instead)
BANNED_CALLS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "datetime.now": (("src/",), ("src/arrears/wiring.py",), "take `now` as an argument"),
    "datetime.utcnow": (("src/",), (), "take `now` as an argument"),
    "datetime.today": (("src/",), (), "take `now` as an argument"),
    "date.today": (("src/",), ("src/arrears/wiring.py",), "take `now` and ask the account's calendar"),
    "time.time": (("src/",), ("src/arrears/wiring.py",), "take `now`, or `time.monotonic` to measure"),
    "float": (PURE, (), "int minor units, or `fractions.Fraction`"),
    "print": (("src/",), (), "`click.echo` in a command, nothing elsewhere"),
    "receiver": (("src/",), (), "call the function where the thing happens"),
}
# file -> why it may catch everything
BROAD_EXCEPT_ALLOWED = {
    "src/arrears/engine/run.py": "one poisoned account never stops a batch: it is parked, and staff are told",
    "src/arrears/store/postgres/tampering.py": "an account that cannot be decided upon is looked for, and named",
    "src/arrears/cli/demo_living.py": "a worker's thread that dies unseen is worse than one that begins again",
    "src/arrears/engine/courier.py": "a thread that dies unseen is worse than one that begins again",
    "src/arrears/engine/drift.py": "a thread that dies unseen is worse than one that begins again",
    "src/arrears/engine/orders.py": "one account that cannot be decided upon keeps no other's answer back",
    "src/arrears/web/lanes.py": "what a thread raises is raised again where it was asked for",
    "src/arrears/notices/factur_x.py": "the library raises plain exceptions for all that its schema refuses",
    "src/arrears/core/decision_cache.py": "what a made-up account meets the real one meets too, and is parked for it",
}
# file -> why it may read the environment, or write to it
ENVIRONMENT_ALLOWED = {
    "src/arrears/settings.py": "reads it, once",
    "src/arrears/wiring.py": "where its settings are, Django asks the environment and nobody else",
    "src/arrears/sandbox/run.py": "a live key is looked for under every name, not only ours",
}
READS_ENVIRONMENT = re.compile(r"\bos\.(environb?|getenvb?|putenv)\b|\benvvar=")
# Behind another name nothing of the above would be seen.
HIDES_ENVIRONMENT = re.compile(r"\bimport os as\b|\bfrom os import\s*(\*|\(?[^)\n]*\b(environb?|getenvb?|putenv)\b)")
PROVIDERS = sorted(path.parent.name for path in (ROOT / "src/arrears/adapters/payments").glob("*/__init__.py"))
SPEAKS_THE_WIRE_OF = {"stripe": ("src/arrears/sandbox/",)}
BANNED_NAMES = re.compile(r"Manager|Helper|(^|_)(utils?|helpers?)$|^(process|data)$")
# CONTRIBUTING names what this refuses, for modules, classes, functions, arguments and variables.

# In pieces, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me")) + r")(?:/|\b)")
PACKAGE_INDEX = re.compile(
    "|".join((r"pypi\." + "org", "python" + r"hosted\.org", "index" + "-url", "find" + "-links"))
)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@cache
def calls() -> list[tuple[str, int, str]]:
    """File, line and what is called there, of every call in the sources."""
    return [
        (name, node.lineno, ast.unparse(node.func))
        for name, tree in trees("src").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def committed_files() -> Iterator[tuple[str, str]]:
    """Every text file that git would take, as its path and contents."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()] + [".git"]
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored)]
        for name in names:
            path = Path(folder, name)
            if not any(fnmatch(name, pattern) for pattern in ignored):
                with suppress(UnicodeDecodeError):
                    yield path.relative_to(ROOT).as_posix(), path.read_text()


def broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(one) in ("Exception", "BaseException") for one in caught)


def test_no_file_is_longer_than_400_lines() -> None:
    long = {name: len(text.splitlines()) for name, text in texts("src").items()}
    assert {name: lines for name, lines in long.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    found = [
        f"{name}:{one.lineno}: {one.name} has {one.end_lineno - one.lineno + 1} lines"
        for name, tree in trees("src").items()
        for one in functions(tree)
        if one.end_lineno is not None and one.end_lineno - one.lineno >= FUNCTION_LINES_MAX
    ]
    assert found == []


@pytest.mark.parametrize("banned", BANNED_CALLS)
def test_no_banned_call_is_made(banned: str) -> None:
    where, allowed, instead = BANNED_CALLS[banned]
    found = [
        f"{name}:{line}: {banned}( is banned; {instead}"
        for name, line, call in calls()
        if name.startswith(where) and name not in allowed
        if call == banned or call.endswith(f".{banned}")
    ]
    assert found == []


def test_everything_is_caught_only_where_a_reason_is_listed() -> None:
    found = [
        f"{name}:{node.lineno}: name what you catch"
        for name, tree in trees("src").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and broad(node) and name not in BROAD_EXCEPT_ALLOWED
    ]
    assert found == []


def test_only_settings_read_the_environment() -> None:
    assert {name for name, text in texts("src").items() if READS_ENVIRONMENT.search(text)} == set(ENVIRONMENT_ALLOWED)
    assert [name for name, text in texts("src").items() if HIDES_ENVIRONMENT.search(text)] == []


@pytest.mark.parametrize(
    "line", ["from os import *", "from os import getenv", "from os import path, environ as e", "import os as o"]
)
def test_the_environment_cannot_be_read_behind_another_name(line: str) -> None:
    assert HIDES_ENVIRONMENT.search(line)


def test_what_is_typed_into_a_page_becomes_a_number_in_one_place() -> None:
    """Digits without end, and digits of other scripts, are a mistake of ours wherever one forgets them."""
    reads = re.compile(r"\.(isdecimal|isdigit|isnumeric)\(")
    found = {name for name, text in texts("src/arrears/web").items() if reads.search(text)}
    assert found == {"src/arrears/web/numbers.py", "src/arrears/web/api/strict.py"}


def test_every_module_opens_with_why_it_exists() -> None:
    assert [name for name, tree in trees("src").items() if tree.body and not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_is_named_only_where_it_is_translated_and_set_up(provider: str) -> None:
    own = (f"src/arrears/adapters/payments/{provider}/", "src/arrears/settings.py", "src/arrears/wiring.py")
    elsewhere = [name for name in texts("src") if not name.startswith((*own, *SPEAKS_THE_WIRE_OF.get(provider, ())))]
    assert [name for name in elsewhere if provider in texts("src")[name].lower()] == []
    folders = [path.name for path in (ROOT / "src/arrears/adapters/payments").iterdir() if path.is_dir()]
    assert sorted(name for name in folders if not name.startswith("_")) == PROVIDERS, "each holds a package"


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Whatever is given a name in a module, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id


def test_no_name_says_nothing() -> None:
    found = [
        f"{file}:{line}: {name}"
        for file, tree in trees("src").items()
        for line, name in names(tree)
        if BANNED_NAMES.search(name)
    ]
    modules = [name for name in texts("src") if BANNED_NAMES.search(Path(name).stem)]
    assert found + modules == []


def test_no_committed_file_names_a_folder_of_somebodys_machine() -> None:
    found = [
        f"{name}: {match[0]}" for name, text in committed_files() for match in [MACHINE_PATH.search(text)] if match
    ]
    assert found == []


def test_no_committed_file_names_a_package_index() -> None:
    found = [
        f"{name}: {match[0]}" for name, text in committed_files() for match in [PACKAGE_INDEX.search(text)] if match
    ]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-audit.lock"])
def test_a_lock_holds_only_pinned_packages_and_their_hashes(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    pinned = re.compile(r"[a-z0-9-]+(\[[a-z,]+\])?==[^ ]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not pinned.fullmatch(line)] == []
    made = name == "requirements-audit.lock" or any(line.startswith("hatchling==") for line in lines)
    assert made, "the project could not be installed without a network"


def test_what_the_project_needs_is_in_the_lock_and_all_of_that_in_the_tests_lock() -> None:
    def names(lock: str) -> set[tuple[str, str]]:
        return set(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["embedded"]
    locked = {name for name, _ in names("requirements.lock")}
    assert {re.split(r"[^a-z0-9-]", need)[0] for need in needed} <= locked
    assert names("requirements.lock") <= names("requirements-dev.lock")


def test_the_readme_has_two_set_up_commands_and_ci_runs_the_one_that_tests() -> None:
    set_up = (ROOT / "README.md").read_text().partition("## Set up")[2].partition("\n## ")[0]
    commands = [line.strip() for line in set_up.splitlines() if line.startswith("    ")]
    assert commands == ["make demo", "make test"]
    run = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^(make [a-z-]+)", run, re.MULTILINE) == ["make test"]


def test_make_check_and_the_hooks_of_a_commit_hold_style_strict_types_imports_and_dependencies() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "deptry src"):
        assert f"$(RUN)/{tool}" in recipe
        assert f"entry: .venv/bin/{tool}" in hooks
    assert re.findall(r"^ *- repo: (.*)", hooks, re.MULTILINE) == ["local"], "a hook would be fetched from elsewhere"
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["strict"] is True


@pytest.mark.parametrize("command", re.findall(r"@\$\(RUN\)/(deptry .*)", (ROOT / "Makefile").read_text()))
def test_what_is_imported_is_declared(command: str) -> None:
    program, *arguments = command.split()
    run = [Path(sys.executable).with_name(program), "--no-ansi", *arguments]
    ran = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_imports_point_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
