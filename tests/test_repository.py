"""What people expect of a repository: what one document names is there in the others, in the Makefile or on disk."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/releases.md"]


def test_every_declared_library_has_its_reason_in_decision_6_and_no_other_has() -> None:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    extras = [need for needs in project["optional-dependencies"].values() for need in needs]
    needs = [*project["dependencies"], *extras, *(need for group in groups.values() for need in group)]
    declared = {re.split(r"[^a-z0-9-]", need)[0] for need in needs}
    record = (ROOT / "docs" / "decisions" / "0006-libraries.md").read_text()
    assert set(re.findall(r"^\| `([a-z0-9-]+)`", record, re.MULTILINE)) == declared


def test_the_changelog_begins_with_what_is_unreleased_and_knows_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == PYPROJECT["project"]["version"]
    assert all(day for _, day in headings[1:])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_commands_and_files_that_are_there(document: str) -> None:
    text = (ROOT / document).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE)) - targets == set()
    named = re.findall(r"`((?:docs|tests|bench|torture|src|\.github)/[\w./-]+)`", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_glossary_names_a_word_once_and_the_words_of_the_code_in_order() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    business, code = (re.findall(r"^\| ([^|]+) \|", part, re.MULTILINE)[1:] for part in text.split("\n## ")[1:])
    words = [word for row in business + code for word in row.lower().split(", ")]
    assert sorted(set(words)) == sorted(words)
    assert code == sorted(code, key=str.lower)
