"""`arrears replay` as a person runs it: policies side by side, lists, files, the same bytes, one line for a mistake."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Final

import pytest
from tests import books
from tests.cli import commands
from tests.cli.test_import_folder import CASES, MAPS, OF_FILES, needs_cases

from arrears.cli.output_file import refuse_overwriting
from arrears.core.errors import Refused

EXAMPLES: Final = books.OWN.parent
STRICT: Final = """
name = "strict"
[remind]
days = [0, 3]
[disable]
after_days = 14
warning_days = [5, 12]
[delete]
retention_days = 60
warning_days = [30, 50]
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("policies") / "strict.toml"
    file.write_text(STRICT)
    return str(file)


@pytest.fixture(scope="module")
def twice(strict: str, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """What was said, and the folder of what was written, of two runs of the same."""
    done = []
    for name in ("one", "two"):
        folder = tmp_path_factory.mktemp(name)
        files = ("--csv", folder / "customers.csv", "--html", folder / "report.html", "--language", "nl")
        said = replay("--policy", strict, "--policy", "default", "--json", "--customers", *files)
        assert said.returncode == 0, said.stderr
        done.append((said.stdout, folder))
    return done


def replay(*arguments: object) -> commands.CompletedProcess[str]:
    return commands.arrears("replay", str(books.OWN), "--map", str(books.MAP), *map(str, arguments))


def refused(code: str, *arguments: object) -> str:
    """The one line with which nothing was replayed."""
    done = replay(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.endswith(f"[{code}]\n")
    return done.stderr


def test_two_policies_stand_side_by_side_and_the_strict_one_stops_more(strict: str) -> None:
    done = replay("--policy", "default", "--policy", strict, "--customers")
    assert done.returncode == 0, done.stderr
    header = next(line.split() for line in done.stdout.splitlines() if "default" in line)
    assert header == ["default", "strict"]
    lines = {line[:20].strip(): line[20:].split() for line in done.stdout.splitlines()}
    patient, hasty = map(int, lines["Stops"][-2:])
    assert 0 < patient < hasty
    listed = done.stdout.partition("customer ")[2].splitlines()[1:]
    assert listed
    assert [line.split()[1] for line in listed] == ["default", "strict"] * (len(listed) // 2)


@pytest.mark.turn(2)
def test_the_same_book_and_policies_give_the_same_bytes(twice: list[tuple[str, Path]]) -> None:
    (said, folder), (said_again, other) = twice
    assert said == said_again
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written == {path.name: path.read_bytes() for path in other.iterdir()}
    assert set(written) == {"customers.csv", "report.html"}


def test_json_has_every_figure_and_the_csv_every_customer_once_for_each_policy(
    twice: list[tuple[str, Path]],
) -> None:
    text, folder = twice[0]
    said = json.loads(text)
    assert [one["label"] for one in said["policies"]] == ["strict", "default"]
    for one in said["policies"]:
        assert one["figures"]["stops"] == len(one["stops"]) == one["disabled"] > 0
        money = one["money"]["USD"]
        parts = ("before_stop", "while_stopped", "after_deletion", "lowered", "still_owed")
        assert sum(money[part] for part in parts) == one["sums"]["USD"]["past_due"] > 0
    rows = list(csv.DictReader((folder / "customers.csv").open(newline="")))
    assert [row["policy"] for row in rows] == ["strict"] * 12 + ["default"] * 12
    for one in said["policies"]:
        mine = [row for row in rows if row["policy"] == one["label"]]
        assert sum(int(row["stops"]) for row in mine) == len(one["stops"])
        cents = sum(int(row["past_due_USD"].replace(".", "")) for row in mine)
        assert cents == one["sums"]["USD"]["past_due"]


def test_a_cell_that_a_spreadsheet_would_calculate_is_text(tmp_path: Path) -> None:
    book, file = tmp_path / "book.csv", tmp_path / "out.csv"
    header, row = books.OWN.read_text().splitlines()[:2]
    book.write_text(f"{header}\n{row.replace('C-01', '=1+1')}\n")
    done = commands.arrears("replay", str(book), "--map", str(books.MAP), "--csv", str(file))
    assert done.returncode == 0, done.stderr
    assert "'=1+1" in file.read_text()


def test_a_policy_that_is_not_there_is_one_line() -> None:
    assert "no-such.toml: there is no such file" in refused("missing_file", "--policy", "no-such.toml")


def test_the_same_policy_twice_is_one_line_also_under_another_name(strict: str, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.toml"
    renamed.write_text(STRICT.replace('"strict"', '"hasty"'))
    assert "promise the same" in refused("same_policy", "--policy", strict, "--policy", strict)
    assert "promise the same" in refused("same_policy", "--policy", strict, "--policy", renamed)


def test_five_policies_are_too_many(tmp_path: Path) -> None:
    assert "5 policies" in refused("too_many_policies", *["--policy", "default"] * 5)


def test_policies_of_one_name_are_called_after_their_files(strict: str, tmp_path: Path) -> None:
    other = tmp_path / "patient.toml"
    other.write_text('name = "strict"\n[delete]\nretention_days = 90\n')
    said = json.loads(replay("--policy", strict, "--policy", other, "--json").stdout)
    assert [(one["label"], one["policy"]) for one in said["policies"]] == [("strict", "strict"), ("patient", "strict")]


@pytest.mark.parametrize("option", ["--csv", "--html"])
@pytest.mark.parametrize("place", ["no/such/folder/out.csv", "."])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_played(
    option: str, place: str, tmp_path: Path
) -> None:
    assert "cannot be written" in refused("unwritable_file", option, tmp_path / place)
    assert list(tmp_path.iterdir()) == []


def test_what_stood_in_the_file_stays_when_nothing_was_replayed(tmp_path: Path) -> None:
    book, kept = tmp_path / "book.csv", tmp_path / "kept.csv"
    lines = books.OWN.read_text().splitlines()
    in_time = [line for line in lines[1:] if "1/4/2023" in line][:1]
    book.write_text("\n".join([lines[0], *[line.replace("3/4/2023", "1/5/2023") for line in in_time]]) + "\n")
    kept.write_text("kept")
    done = commands.arrears("replay", str(book), "--map", str(books.MAP), "--csv", str(kept))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "nothing in this book goes past due" in done.stderr
    assert kept.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.csv", "kept.csv"]


@needs_cases
@pytest.mark.sample(1)
@pytest.mark.parametrize("name", sorted(OF_FILES))
def test_every_export_that_is_understood_can_be_played(name: str) -> None:
    book_map, expected = OF_FILES[name]
    done = commands.arrears(
        "replay", str(CASES / "shapes" / f"{name}.csv"), "--map", str(MAPS / f"{book_map}.toml"), "--json"
    )
    assert done.returncode == 0, done.stderr
    [one] = json.loads(done.stdout)["policies"]
    assert one["sums"].keys() == expected.keys()
    assert one["invariants_breached"] == 0


@books.needs_sample
@pytest.mark.long
@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_report_in_the_examples_is_what_the_sample_book_gives(language: str, tmp_path: Path) -> None:
    ours, strict = EXAMPLES / "reports" / f"receivables-{language}.html", EXAMPLES / "policies" / "strict.toml"
    file = tmp_path / "report.html"
    policies = ("--policy", "default", "--policy", str(strict))
    written = ("--html", str(file), "--language", language)
    done = commands.arrears("replay", str(books.SAMPLE), "--map", str(books.MAP), *policies, *written)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == ours.read_bytes()


def test_what_is_read_is_never_written_over_however_it_is_spelled(tmp_path: Path, strict: str) -> None:
    book = tmp_path / "book.csv"
    book.write_bytes(books.OWN.read_bytes())
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(book)
    (tmp_path / "hard.csv").hardlink_to(book)
    done = commands.arrears("replay", str(book), "--map", str(books.MAP), "--csv", str(tmp_path / "link.csv"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "is the book too, which would be lost; give --csv a file of its own" in done.stderr
    assert book.read_bytes() == books.OWN.read_bytes()
    for spelling in ("book.csv", "sub/../book.csv", "hard.csv"):
        with pytest.raises(Refused, match="is the book too"):
            refuse_overwriting({"the book": str(book)}, {"--html": str(tmp_path / spelling)})
    refuse_overwriting({"the book": str(book)}, {"--csv": "/dev/null", "--html": "/dev/null"})
    assert "is the policy" in refused("unwritable_file", "--policy", strict, "--csv", strict)
    out = tmp_path / "out"
    assert "is --html too" in refused("unwritable_file", "--html", out, "--csv", tmp_path / "." / "out")
    assert not out.exists()
