"""Real reports with the verdicts of people, and the command that says what a report means."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.adapters.test_bad_reports import PERSON, forwarded
from tests.adapters.test_bounces import COMPLAINT, VACATION, report
from tests.books import NOT_BESIDE

from arrears.cli.bounce import command
from arrears.core.errors import Refused

REPORTS = Path(__file__).parents[2].parent / "shared" / "data" / "bounces"
READ_AS = ("file", "verdict", "address", "status", "reason", "final")


def read(*files: Path) -> list[dict[str, object]]:
    """What `arrears bounce read FILE... --json` prints."""
    result = CliRunner().invoke(command, ["read", *map(str, files), "--json"])
    assert result.exit_code == 0, result.output
    rows: list[dict[str, object]] = json.loads(result.output)
    return rows


@pytest.mark.turn(2)
@pytest.mark.skipif(not REPORTS.exists(), reason=f"the real reports are {NOT_BESIDE}")
def test_of_real_reports_the_dead_are_read_as_dead_and_nobody_else_is_buried() -> None:
    with (REPORTS / "verdicts.tsv").open() as lines:
        verdicts = {row["file"]: row["verdict"] for row in csv.DictReader(lines, delimiter="\t")}
    rows = read(*(REPORTS / name for name in verdicts))
    found = {Path(str(row["file"])).name: row["verdict"] for row in rows}
    counts = Counter((verdict, found[name]) for name, verdict in verdicts.items())
    buried = [name for name, verdict in verdicts.items() if verdict != "dead" and found[name] == "dead"]
    assert buried == []
    dead = sum(count for (verdict, _), count in counts.items() if verdict == "dead")
    assert counts["dead", "dead"] >= 0.95 * dead, counts
    came_back = ("dead", "not_the_address")
    understood = sum(
        count
        for (verdict, said), count in counts.items()
        if said == verdict or (verdict in came_back and said in came_back)
    )
    assert understood >= 0.9 * len(verdicts), counts


def test_the_command_says_what_each_report_means_and_needs_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    mails = {
        "gone": report(),
        "full": report(status="5.1.1", said="smtp; 552 5.2.2 mailbox full"),
        "late": report(action="delayed", status="4.4.1", said="smtp; connection timed out"),
        "away": VACATION,
        "angry": COMPLAINT,
        "passed-on": forwarded(PERSON),
        "mute": b"From: mailer-daemon@x.example\nSubject: hello\n\nhello\n",
        "long": b"x" * 1_000_000,
    }
    for name, raw in mails.items():
        (tmp_path / name).write_bytes(raw)
    rows = {Path(str(row["file"])).name: tuple(row[key] for key in READ_AS[1:]) for row in read(*tmp_path.iterdir())}
    assert rows == {
        "gone": ("dead", "jo@example.org", "5.1.1", "user_unknown", True),
        "full": ("not_the_address", "jo@example.org", "5.2.2", "full", True),
        "late": ("not_the_address", "jo@example.org", "4.4.1", "expired", False),
        "away": ("no_bounce", "", "", "mail", True),
        "angry": ("feedback", "Jo@example.org", "", "abuse", True),
        "passed-on": ("no_bounce", "jo@example.org", "", "answer", True),
        "mute": ("unknown", "", "", "unknown", True),
        "long": ("unknown", "", "", "bad_bounce", True),
    }


def test_the_command_says_it_in_a_table_too(tmp_path: Path) -> None:
    (tmp_path / "gone").write_bytes(report())
    result = CliRunner().invoke(command, ["read", str(tmp_path / "gone")])
    assert result.output.split() == [str(tmp_path / "gone"), "dead", "user_unknown", "5.1.1", "jo@example.org"]


def test_a_file_that_is_not_there_is_named() -> None:
    result = CliRunner().invoke(command, ["read", "no-such-file"])
    assert (type(result.exception), "no-such-file" in str(result.exception)) == (Refused, True)
