"""The log: a line an event, nothing of a customer and nothing secret in it, and a mistake shown whole once."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from django.utils.log import configure_logging

from arrears.web import logs

ROOT = Path(__file__).parents[1]
SOURCES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "src").rglob("*.py"))}
NAMES = ("arrears", "django.request", "django.security", "uvicorn", "psycopg")
SAYS = ("debug", "info", "warning", "error", "exception", "critical")


@pytest.fixture
def quiet_after() -> Iterator[None]:
    """The log of the tests is as it was before."""
    root = logging.getLogger()
    was = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in NAMES}
    yield
    root.handlers[:], root.level = was
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def begun(form: Literal["text", "json"], *, quiet: bool = False) -> io.StringIO:
    stream = io.StringIO()
    logs.begin(form, quiet=quiet, stream=stream)
    return stream


def events(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failing(words: str) -> None:
    raise ValueError(words)


@pytest.mark.usefixtures("quiet_after")
def test_an_event_is_one_line_of_json_or_text() -> None:
    stream = begun("json")
    logs.LOG.info("worked", accounts=3, facts=4)
    [event] = events(stream)
    assert event.pop("at")
    assert event == {"level": "info", "event": "worked", "accounts": 3, "facts": 4}
    stream = begun("text")
    logs.LOG.warning("mail", said="the server says\nnothing")
    assert re.fullmatch(r'at=\S+ level=warning event=mail said="the server says\\nnothing"\n', stream.getvalue())


@pytest.mark.usefixtures("quiet_after")
def test_what_has_no_place_in_an_event_is_left_out() -> None:
    stream = begun("json")
    logs.LOG.info("worked", accounts=3, email="anna@example.org")
    assert "anna" not in stream.getvalue()


@pytest.mark.usefixtures("quiet_after")
def test_a_mistake_is_shown_whole_once_and_counted_then_and_its_words_are_nobodys() -> None:
    stream = begun("json")
    for address in ("anna@example.org", "bert@example.org"):
        try:
            failing(address)
        except ValueError as error:
            logs.LOG.error("mistake", exc_info=error)
    first, second = events(stream)
    assert re.fullmatch(r"ValueError at tests/test_logs\.py:\d+ failing", str(first["mistake"]))
    assert (first["times"], second["times"]) == (1, 2)
    assert "test_a_mistake" in str(first["frames"])
    assert "frames" not in second
    assert "example.org" not in stream.getvalue()


@pytest.mark.usefixtures("quiet_after")
def test_what_a_library_says_is_its_own_words_without_the_values() -> None:
    stream = begun("json")
    logging.getLogger("urllib3").warning("Retrying %s after %r", "https://x.example/pay/SECRET", ValueError("SECRET"))
    logging.getLogger("psycopg.pool").warning("error connecting in %r: %s", "pool-1", "SECRET")
    [event] = events(stream)
    assert (event["event"], event["logger"]) == ("Retrying %s after %r", "urllib3")
    assert "SECRET" not in stream.getvalue()


@pytest.mark.usefixtures("quiet_after")
def test_django_that_is_set_up_later_says_nothing_of_a_request_that_is_a_line_already() -> None:
    from arrears.web import settings

    stream = begun("json")
    configure_logging(settings.LOGGING_CONFIG, {})  # as `django.setup()` does
    logging.getLogger("django.request").warning("%s: %s", "Not Found", "/pay/a-secret")
    assert events(stream) == []


@pytest.mark.usefixtures("quiet_after")
def test_a_visitors_foreign_host_name_is_no_mistake_of_ours() -> None:
    stream = begun("json")
    try:
        failing("evil.example")
    except ValueError as error:
        logging.getLogger("django.security.DisallowedHost").error(str(error), exc_info=error)
    assert events(stream) == []


@pytest.mark.usefixtures("quiet_after")
def test_a_quiet_command_says_only_what_is_wrong() -> None:
    stream = begun("text", quiet=True)
    logs.LOG.info("worked", accounts=1)
    logs.LOG.warning("mail", said="over")
    assert stream.getvalue().count("\n") == 1


def test_every_event_of_ours_has_fields_that_the_log_knows() -> None:
    found = []
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAYS:
                if ast.unparse(node.func.value) != "LOG":
                    continue
                assert isinstance(node.args[0], ast.Constant), f"{path}: an event has a name of its own, not a made one"
                names = {word.arg for word in node.keywords if word.arg is not None}
                found += [f"{path}:{node.lineno}: {name}" for name in names - {*logs.FIELDS, "exc_info"}]
    assert found == []


def test_nobody_has_a_log_beside_it() -> None:
    beside = ("logging.getLogger", "structlog.get_logger", "print_exc", "traceback.print")
    found = [str(path.relative_to(ROOT)) for path in SOURCES if any(word in path.read_text() for word in beside)]
    assert found == ["src/arrears/cli/main.py", "src/arrears/web/logs.py"]
