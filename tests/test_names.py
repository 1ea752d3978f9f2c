"""One word is one thing, and one public name is in one place; what nobody who knows billing guesses is out."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from tests.sources import ROOT, texts, trees

FOLDERS = ("src", "torture", "bench", "tests", "docs", "examples")

# name -> why it may stand in several places
TWICE = {"Migration": "Django finds a migration by this name"}

# word -> what to say instead. The words stand in no identifier; sentences, and so the names of tests, are free.
NOWHERE = {
    "desk": "the name of who sits there, or of what is kept there",
    "reach": "contacts",
    "cuts": "the action: restrict, disable, delete",
    "shapes": "what it is: a cache, an object, a template",
    "edits": "changes",
    "door": "sign-in",
    "happened": "reported, recorded, or what it was",
    "stranger": "visitor",
    "strangers": "visitors",
    "bury": "mark_dead",
}
# The same for what is defined: a field of a fact or a local value may be called so, a function or class may not.
NOT_DEFINED = {
    "again": "what is done once more: send_notice_again, renew",
    "told": "reported, or what was said to whom",
    "clear_the_way": "what is out of the way then",
}
FACTS = {"Told": "the fact that a change was told to the customer; its name is a tag in every journal"}

# Settle is paying everything that is owed, in one act: the parts of the code that do that, or ask for it.
SETTLING = (
    "src/arrears/engine/payments/",
    "src/arrears/web/account_centre/",
    "src/arrears/web/api/money.py",
    "src/arrears/web/api/answers_beside.py",
    "src/arrears/web/urls.py",
    "src/arrears/cli/settle.py",
    "src/arrears/cli/main.py",
    "src/arrears/cli/demo",
    "src/arrears/sim/",
    "torture/money_",
    "torture/payer.py",
    "bench/settle.py",
    "tests/",
)


def parts(name: str) -> list[str]:
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


@cache
def identifiers() -> dict[str, set[str]]:
    """Every identifier and module's name, with the files that have it."""
    found: dict[str, set[str]] = defaultdict(set)
    for file, tree in trees(*FOLDERS).items():
        found[Path(file).stem].add(file)
        for node in ast.walk(tree):
            for field in ("id", "attr", "arg", "name", "asname"):
                if isinstance(name := getattr(node, field, None), str):
                    found[name].add(file)
    return found


@cache
def named_with() -> dict[str, list[tuple[str, str]]]:
    """By each word that identifiers are made of: (file, identifier). Names of tests are sentences, and free."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, files in identifiers().items():
        for part in {*parts(name)}:
            found[part] += [(file, name) for file in sorted(files) if not is_sentence(file, name)]
    return found


@cache
def defined() -> list[tuple[str, str]]:
    """The names, with their files, that others must find: modules, functions, classes and constants."""
    found = []
    for file, tree in trees(*FOLDERS).items():
        found.append((file, Path(file).stem))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.append((file, node.name))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id.isupper():
                found.append((file, node.id))
    return [(file, name) for file, name in found if not is_sentence(file, name)]


def is_sentence(file: str, name: str) -> bool:
    return file.startswith("tests/") and name.startswith("test_")


def test_a_public_class_or_type_has_its_name_alone() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file, tree in trees("src").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(file)
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z]\w*[a-z]\w*", target.id):
                places[target.id].append(file)
    twice = {name: found for name, found in places.items() if len(found) > 1 and not name.startswith("_")}
    assert {name: found for name, found in twice.items() if name not in TWICE} == {}
    assert set(TWICE) <= set(twice), "an exception that is none"


@pytest.mark.parametrize("word", NOWHERE)
def test_a_word_that_nobody_would_guess_is_in_no_name(word: str) -> None:
    assert [f"{file}: {name}; say {NOWHERE[word]}" for file, name in named_with()[word]] == []


@pytest.mark.parametrize("word", NOT_DEFINED)
def test_a_word_that_says_nothing_alone_names_no_function_class_or_module(word: str) -> None:
    found = [
        f"{file}: {name}; say {NOT_DEFINED[word]}"
        for file, name in defined()
        if name not in FACTS and (name.lower().strip("_") == word or (word == "told" and word in parts(name)))
    ]
    assert found == []


def test_templates_of_pages_have_no_such_name_either() -> None:
    templates = [path.stem for path in (ROOT / "src/arrears/web/templates").rglob("*.html")]
    assert [name for name in templates if {*parts(name)} & {*NOWHERE, *NOT_DEFINED}] == []


def test_settle_means_paying_everything() -> None:
    found = [
        f"{file}: {name}; settle is paying everything that is owed"
        for file, name in named_with()["settle"]
        if not file.startswith(SETTLING)
    ]
    assert found == []


def glossary() -> list[str]:
    """The words that the glossary says the code adds."""
    text = (ROOT / "docs" / "glossary.md").read_text().partition("## Words that the code adds")[2]
    rows = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    return [word for row in rows if row not in ("word", "---") for word in row.split(", ")]


@pytest.mark.skipif(not (ROOT / "docs" / "glossary.md").exists(), reason="there is no docs/glossary.md")
def test_every_word_of_the_glossary_that_the_code_adds_is_in_the_code() -> None:
    text = "\n".join(texts("src").values())
    words = glossary()
    assert len(words) > 20
    assert [word for word in words if not re.search(rf"(\b|_){word}s?(\b|_)", text, re.IGNORECASE)] == []
