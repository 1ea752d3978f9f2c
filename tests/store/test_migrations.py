"""Each version of the schema is one file of SQL and the migration that runs it, numbered without a gap or a twin."""

from __future__ import annotations

import re
from importlib.resources import files

from arrears.store.schema import versions

STORE = files("arrears.store")


def numbered(folder: str, ending: str) -> list[str]:
    return sorted(file.name.removesuffix(ending) for file in STORE.joinpath(folder).iterdir() if file.name[0] == "0")


def test_every_version_has_one_file_of_statements_and_one_migration() -> None:
    names = numbered("sql", ".sql")
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1)) == list(versions())
    assert numbered("migrations", ".py") == names


def test_every_migration_runs_its_own_file_after_the_one_before() -> None:
    names = numbered("migrations", ".py")
    for number, name in enumerate(names, 1):
        source = STORE.joinpath("migrations", f"{name}.py").read_text("utf-8")
        assert f"text({number}), stamp({number})" in source, name
        before = re.findall(r'\("store", "(\w+)"\)', source)
        assert before == names[max(0, number - 2) : number - 1], name
