"""`policy check` and `policy diff` tell a person what a file promises, and a program too."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.test_main import arrears

from arrears.cli.policy import policy
from arrears.core.errors import Refused
from arrears.core.policy import default_policy, load_policy, policy_text

LEAST = 'name = "mine"\n[delete]\nretention_days = 90\n'


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(policy, [str(arg) for arg in args])


def refusal(*args: str | Path) -> Refused:
    result = run(*args)
    assert isinstance(result.exception, Refused), result.output
    assert result.output == ""
    assert result.exception.exit_code == 2
    return result.exception


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_good_policy_is_shown_as_its_ladder(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.toml", LEAST)
    result = run("check", file)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == f"{file}: policy mine, version {load_policy(LEAST, where='').version}: no mistakes"
    assert lines[1:9] == [
        "day    0  reminder",
        "day    3  reminder",
        "day    7  reminder",
        "day   14  reminder",
        "day   21  warning of disablement",
        "day   28  warning of disablement",
        "day   30  disabled; retention starts",
        "retention day   30  warning of deletion",
    ]
    assert lines[-2] == "retention day   90  deletion scheduled; ordered 24 hours later at the earliest"
    assert lines[-1].startswith("Each subscription follows the oldest past-due debt that names it")


def test_a_policy_says_whose_clock_counts_and_what_may_be_touched(tmp_path: Path) -> None:
    output = run("check", write(tmp_path / "p.toml", 'scope = "account"\n' + LEAST)).output
    assert "the clock of all its subscriptions, and restricts and disables them all" in output
    assert "only what an unpaid past-due debt that nobody holds names is deleted" in output


def test_restriction_and_sums_are_shown_where_there_are_any(tmp_path: Path) -> None:
    restrict = "[restrict]\nafter_days = 20\nwarning_days = [10]\n[tolerance]\nEUR = 150\n"
    output = run("check", write(tmp_path / "p.toml", LEAST + restrict)).output
    assert "day   10  warning of restriction\n" in output
    assert "day   20  restricted\n" in output
    assert "tolerance €1.50\n" in output


def test_a_program_gets_the_whole_policy(tmp_path: Path) -> None:
    result = run("check", "--json", write(tmp_path / "p.toml", policy_text(default_policy())))
    answer = json.loads(result.output)
    assert answer["ok"] is True
    assert answer["policy"]["version"] == default_policy().version
    assert answer["policy"]["delete_warning_days"] == [30, 60, 75, 83, 87, 89]
    assert answer["policy"]["notice_at"] == "09:00"
    assert answer["policy"]["scope"] == "subscription"


def test_every_mistake_is_a_line_that_names_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", '[delete]\nretention_days = ""\n')
    for args, so in (("check", file), f"{file} is not in order"), (("diff", file, file), "nothing was compared"):
        failed = arrears("policy", *map(str, args))
        assert failed.returncode == 2
        assert [line.split(": ")[:2] for line in failed.stderr.splitlines()] == [
            [str(file), "name"],
            [str(file), "delete.retention_days"],
            ["arrears", f"{so} [bad_policy]"],
        ]


def test_a_difference_is_told_with_what_it_shortens(tmp_path: Path) -> None:
    old = write(tmp_path / "old.toml", LEAST)
    new = write(tmp_path / "new.toml", LEAST.replace("90", "120") + "[disable]\nafter_days = 29\n")
    result = run("diff", old, new)
    assert result.exit_code == 0
    assert result.output.splitlines()[1:] == [
        "  disabled after 30 days -> 29 days: 1 day sooner (shortens a promise)",
        "  the first warning is 9 days -> 8 days before disablement (shortens a promise)",
        "  after the end of service data is kept for 90 days -> 120 days: 30 days later",
        "3 differences, 2 shorten a promise; running cases keep the version they started with",
    ]
    answer = json.loads(run("diff", "--json", old, new).output)
    assert answer["shortened"] == 2
    assert answer["changes"] == [
        {"key": "disable.after_days", "before": 30, "after": 29, "currency": None, "shortens": True},
        {"key": "disable.warning_days", "before": [21, 28], "after": [21, 28], "currency": None, "shortens": True},
        {"key": "delete.retention_days", "before": 90, "after": 120, "currency": None, "shortens": False},
    ]
    sums = write(tmp_path / "sums.toml", LEAST + "[minimum]\nEUR = 500\n")
    [change] = json.loads(run("diff", "--json", old, sums).output)["changes"]
    assert change == {"key": "minimum.EUR", "before": 0, "after": 500, "currency": "EUR", "shortens": False}


def test_a_file_that_is_only_written_differently_promises_the_same(tmp_path: Path) -> None:
    old = write(tmp_path / "old.toml", LEAST)
    new = write(tmp_path / "new.toml", b"\xef\xbb\xbf# ours\r\n" + LEAST.replace("\n", "\r\n").encode())
    result = run("diff", old, new)
    assert result.output.startswith("the same promises (version ")
    answer = json.loads(run("diff", old, new, "--json").output)
    assert (answer["changes"], answer["old"]) == ([], answer["new"])


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "empty_file", "is empty"),
        (b" \n\t\r\n", "empty_file", "is empty"),
        (b'name = "a"\n# caf\xe9\n', "not_utf8", "line 2 is not UTF-8"),
        ('name = "a"'.encode("utf-16"), "not_utf8", "line 1 is not UTF-8"),
        (b"\x00" * 100, "bad_policy", "is not TOML"),
        (b"#" * 300_000, "bad_policy", "is it a policy?"),
        (b"name: default\n", "bad_policy", "it looks like YAML"),
    ],
)
def test_what_is_no_policy_file_is_refused_in_one_line(tmp_path: Path, content: bytes, code: str, said: str) -> None:
    file = write(tmp_path / "p.toml", content)
    good = write(tmp_path / "good.toml", LEAST)
    for args in (("check", file), ("check", "--json", file), ("diff", good, file), ("diff", file, good)):
        refused = refusal(*args)
        assert (refused.code, len(refused.message.splitlines())) == (code, 1)
        assert refused.message.startswith(f"{file}: ")
        assert said in refused.message


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("none.toml", "missing_file"),
        ("no/such/dir.toml", "missing_file"),
        ("", "unreadable_file"),
        ("x" * 300, "unreadable_file"),
    ],
)
def test_a_path_without_a_readable_file_is_refused_in_one_line(tmp_path: Path, name: str, code: str) -> None:
    refused = refusal("check", tmp_path / name)
    assert (refused.code, len(refused.message.splitlines())) == (code, 1)


def test_a_path_that_no_file_can_have_is_refused_in_one_line() -> None:
    refused = refusal("check", "a\nb\x00c")
    assert (refused.code, len(refused.message.splitlines())) == ("unreadable_file", 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", LEAST)
    file.chmod(0)
    assert refusal("check", file).code == "unreadable_file"


@pytest.mark.parametrize(
    "args", [("check",), ("diff", "one"), ("check", "-json", "x"), ("check", "--dry-run", "x"), ("chek",)]
)
def test_a_wrong_command_line_ends_with_2(args: tuple[str, ...]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert "Usage:" in result.output


def test_the_file_of_the_default_policy_is_the_beginning_of_ones_own(tmp_path: Path) -> None:
    text = run("default").output
    assert load_policy(text, where="default") == default_policy()
    assert run("check", write(tmp_path / "mine.toml", text)).exit_code == 0
    assert "arrears policy default > mine.toml" in " ".join(run("--help").output.split())
