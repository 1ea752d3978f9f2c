"""What commands answer a script: each as the table says, with amounts, days, instants and codes for a program."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from tests.cli import commands
from tests.cli.test_live_commands import HEADER, MAP, with_mail
from tests.cli.test_money_commands import add_card

from arrears.cli.answers import ANSWERS, NAMES, JsonAnswer, Shape
from arrears.cli.answers_page import as_markdown
from arrears.cli.main import COMMANDS
from arrears.core.people.support import About, Via
from arrears.engine.people import support
from arrears.sandbox.run import Running, running
from arrears.store.postgres.store import PostgresStore

ROOT = Path(__file__).parents[2]
NAME = "answers"
Run = Callable[..., subprocess.CompletedProcess[str]]


# -- the table ---------------------------------------------------------------------------------------------------------


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from leaves(one, f"{path} {name}")


def every_command() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, (place, _) in COMMANDS.items():
        module, _, attribute = place.partition(":")
        found.update(leaves(getattr(importlib.import_module(module), attribute), name))
    return found


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    known = every_command()
    assert known.keys() - ANSWERS.keys() == set(), "these commands have no row in cli/answers.py"
    more = {name for name in ANSWERS if name not in known}
    assert more == {"import --show", "status ACCOUNT", "bounce read", "bounce kept", "settle --yes"}
    for name, command in known.items():
        takes = any("--json" in option.opts for option in command.params)
        assert takes == isinstance(ANSWERS[name], JsonAnswer), name


def test_the_page_of_answers_is_what_the_table_says() -> None:
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "run: .venv/bin/python -m arrears.cli.answers_page > docs/json.md"


# -- the answers -------------------------------------------------------------------------------------------------------

IS = {
    "id": lambda v: isinstance(v, str) and re.fullmatch(r"(acc|sub|per|promise)(_[1-9]\d*){1,2}", v),
    "code": lambda v: isinstance(v, str) and re.fullmatch(r"[a-z0-9][a-z0-9_]*", v),
    "minor": lambda v: type(v) is int,
    "count": lambda v: type(v) is int,
    "currency": lambda v: isinstance(v, str) and re.fullmatch("[A-Z]{3}", v),
    "day": lambda v: date.fromisoformat(v).isoformat() == v,
    "at": lambda v: datetime.fromisoformat(v).utcoffset() == timedelta(0),
    "seconds": lambda v: isinstance(v, float),
    "flag": lambda v: isinstance(v, bool),
    "text": lambda v: isinstance(v, str),
    "value": lambda v: True,
    "fact": lambda v: True,
}


def wrong(value: Any, shape: Shape, where: str = "") -> Iterator[str]:
    """Everything about an answer that is not as the table has it."""
    if isinstance(shape, str):
        name = shape.removesuffix("?")
        if value is None:
            if name == shape:
                yield f"{where} is null"
        elif not IS[name](value):
            yield f"{where} is {value!r}, which is no {name}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for n, one in enumerate(value):
            yield from wrong(one, shape[0], f"{where}[{n}]")
    else:
        yield from fields_wrong(value, shape, where)


def fields_wrong(value: Any, shape: Mapping[str, Any], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is {value!r}, which is no object"
        return
    named = {key.removesuffix("?"): key for key in shape if key != "*"}
    yield from (f"{where}.{key} is missing" for key in named if key not in value)
    for key, one in value.items():
        within = f"{where}.{key}"
        if key not in named and "*" not in shape:
            yield f"{within} is not in the table"
        elif one is not None or not named.get(key, "").endswith("?"):
            yield from wrong(one, shape[named.get(key, "*")], within)


def test_every_name_of_a_value_is_checked() -> None:
    assert IS.keys() == NAMES.keys()


@pytest.fixture(scope="module")
def book(database_url: str, migrated: str) -> Iterator[str]:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {NAME} TEMPLATE {migrated}")
    yield psycopg.conninfo.make_conninfo(database_url, dbname=NAME)
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def live(book: str, sandbox: Running, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`arrears ...` on a book in which bert owes 49 euro, and has asked for help."""
    folder: Path = tmp_path_factory.mktemp("answers")
    environment = {
        "ARREARS_DATABASE_URL": book,
        "ARREARS_HOME": str(folder),
        "ARREARS_MAIL_FOLDER": str(folder / "mail"),
        "ARREARS_STRIPE_KEY": sandbox.secret_key,
        "ARREARS_STRIPE_API": sandbox.url,
        "ARREARS_BANK_ACCOUNTS": "NL91ABNA0417164300:EUR",
        "ARREARS_DELIVERY_TARGETS": "127.0.0.0/8",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return commands.arrears(*(word.replace("FOLDER", str(folder)) for word in arguments), **environment)

    today = datetime.now(UTC).date()
    issued, due = today - timedelta(days=20), today - timedelta(days=2)
    rows = f"bert,B-1,{issued},{due},49.00,\ncarla,C-1,{issued},{due},10.00,{due}\n"
    (folder / "map.toml").write_text(MAP)
    (folder / "book.csv").write_text(HEADER + with_mail(rows))
    (folder / "old.csv").write_text(HEADER + with_mail("dora,D-1,2025-01-01,2025-01-15,49.00,2025-03-01\n"))
    (folder / "policy.toml").write_text(commands.arrears("policy", "default").stdout)
    (folder / "bank.sta").write_text(
        f":20:X\n:25:NL91ABNA0417164300\n:28C:1\n:60F:C{due:%y%m%d}EUR0,\n:61:{due:%y%m%d}C0,20NTRFNONREF\n"
        f":86:for B-11, thank you\n:62F:C{due:%y%m%d}EUR0,20\n-\n"
    )
    (folder / "other.toml").write_text(OTHER)
    paid_and_dearer = (
        f"bert,B-1,{issued},{due},45.00,\ncarla,C-1,{issued},{due},12.00,{due}\nemma,E-1,no day,{due},1.00,\n"
    )
    (folder / "later.csv").write_text(HEADER + with_mail(paid_and_dearer))
    (folder / "mail.eml").write_text("From: a@example.org\nTo: b@example.org\nSubject: hello\n\nhello\n")
    assert run("import", "FOLDER/book.csv", "--map", "FOLDER/map.toml").returncode == 0
    assert run("run").returncode == 0
    store = PostgresStore(book)
    try:
        number = store.account_numbers(["bert"])["bert"]
        now = datetime.now(UTC)
        support.open_request(store, number, Via.ADMINISTRATOR, About.CANNOT_PAY, "Please help", now, "person:1")
        add_card(store, sandbox, "bert", "approve")
    finally:
        store.close()
    return run


OTHER = """name = "default"
notice_at = "08:30"
[remind]
days = [0, 5]
[disable]
after_days = "never"
[delete]
retention_days = "never"
[tolerance]
EUR = 250
"""
BOOK = ("FOLDER/book.csv", "--map", "FOLDER/map.toml")
WHY = ("--by", "ann", "--why", "a test")
# The words of each command with an answer, and its exit code where that is not 0. In this order: what is paid last.
ASKED: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("import", (*BOOK, "--dry-run"), 0),
    ("import", ("FOLDER/later.csv", *BOOK[1:], "--per-account", "--dry-run"), 3),
    ("import --show", (*BOOK, "--show", "2"), 0),
    ("statement", ("FOLDER/bank.sta",), 0),
    ("bank queue", (), 0),
    ("replay", ("FOLDER/old.csv", "--map", "FOLDER/map.toml"), 0),
    ("run", (), 0),
    ("tasks", (), 0),
    ("status", (), 0),
    ("status ACCOUNT", ("bert",), 0),
    ("explain", ("bert",), 0),
    ("timeline", ("bert",), 0),
    ("invite", ("bert", "new@example.org"), 0),
    ("person erasures", (), 0),
    ("staff add", ("ann@operator.example", "--name", "Ann", "--role", "agent"), 0),
    ("staff list", (), 0),
    ("staff reset", ("ann@operator.example",), 0),
    ("token create", ("shop",), 0),
    ("token list", (), 0),
    ("token rotate", ("1",), 0),
    ("token revoke", ("1",), 0),
    ("services add", ("mail", "https://127.0.0.1/"), 0),
    ("services list", (), 0),
    ("services secret", ("mail",), 0),
    ("services orders", ("mail",), 0),
    ("services drift", (), 0),
    ("events endpoints add", ("crm", "https://127.0.0.1/"), 0),
    ("events endpoints list", (), 0),
    ("events endpoints rotate", ("crm",), 0),
    ("events deliveries", ("crm",), 0),
    ("notice check", (), 0),
    ("bounce", ("FOLDER/mail.eml",), 0),
    ("bounce read", ("read", "FOLDER/mail.eml"), 0),
    ("bounce kept", ("kept",), 0),
    ("support list", (), 0),
    ("support show", ("1",), 0),
    ("settle", ("bert",), 3),
    ("settle --yes", ("bert", "--yes"), 0),
    ("money check", (), 0),
    ("money breaker", (), 0),
    ("policy check", ("FOLDER/policy.toml",), 0),
    ("policy diff", ("FOLDER/policy.toml", "FOLDER/policy.toml"), 0),
    ("policy diff", ("FOLDER/policy.toml", "FOLDER/other.toml"), 0),
    ("policy dry-run", ("FOLDER/other.toml", "--days", "200"), 0),
    ("policy adopt", ("FOLDER/policy.toml",), 0),
    ("policy list", (), 0),
    ("policy show", ("default",), 0),
    ("subscription cancel", ("bert", "cloud", *WHY), 0),
    ("deletions", ("--days", "400"), 0),
    ("subscription reactivate", ("bert", "cloud", *WHY), 0),
    ("clock", (), 0),
    ("identity", (), 0),
    ("check", (), 0),
    ("simulate", ("--accounts", "2", "--days", "3"), 0),
    ("settings", (), 0),
)
ELSEWHERE = {
    "services check": "tests/store/test_drift.py",
    "promise add": "tests/cli/test_promise.py",
    "promise list": "tests/cli/test_promise.py",
    "told": "tests/cli/test_warned_otherwise.py",
    "notice preview": "tests/notices",
    "notice translations": "tests/web/test_translations.py",
    "connect": "tests/cli/test_connect_command.py",
    "db start": "tests/cli/test_main.py",
    "db stop": "tests/cli/test_main.py",
    "db status": "tests/cli/test_main.py",
}
"""Answers that ask for a long warning, for every text or for a server of their own, and are looked at there."""


def test_every_answer_is_asked_for_here_or_elsewhere() -> None:
    asked = {name for name, _, _ in ASKED}
    assert asked | ELSEWHERE.keys() == {name for name, row in ANSWERS.items() if isinstance(row, JsonAnswer)}


WRITTEN_BY_OTHERS = ("subject", "reply", "reason", "why", "text", "name", "company", "author")
"""What a person, a mail server or a provider wrote, or will read: stored or shown as it is."""


def prose(value: Any, where: str = "") -> Iterator[str]:
    """Every text of an answer that is a sum or a line made for people, where a program wants a number or a code."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in WRITTEN_BY_OTHERS:
                yield from prose(one, f"{where}.{key}")
    elif isinstance(value, list):
        for one in value:
            yield from prose(one, f"{where}[]")
    elif isinstance(value, str) and re.search(r"[€$£\u00a0]|  |^ | $|\n|-> ", value):
        yield f"{where} is {value!r}"


def test_a_sum_and_a_padded_line_are_found() -> None:
    line = {"a": [{"sum": "€49.00", "day": "2026-01-31"}, {"what": "cloud   stops"}, {"what": "1 day -> 2 days"}]}
    assert [one.partition(" is ")[0] for one in prose(line)] == [".a[].sum", ".a[].what", ".a[].what"]


def words_of(name: str) -> list[str]:
    return [
        word for word in name.split() if word.islower() and not word.startswith("-") and word not in ("read", "kept")
    ]


@pytest.mark.turn(3)
def test_every_command_answers_as_the_table_says(live: Run) -> None:
    found = []
    for name, arguments, code in ASKED:
        done = live(*words_of(name), *arguments, "--json")
        assert done.returncode == code, f"{name}: {done.stderr}"
        row = ANSWERS[name]
        assert isinstance(row, JsonAnswer)
        answer = json.loads(done.stdout)
        found += [*wrong(answer, row.shape, name), *prose(answer, name)]
        assert done.stdout.count("\n") == 1, f"{name}: more than one value"
    assert found == [], "\n".join(found)
