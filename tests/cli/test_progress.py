"""Nobody waits for a command in silence: in a pipe too, a line says every few seconds that it works."""

from __future__ import annotations

import time

import pytest

from arrears.cli.common import progress_of

SECONDS_MAX = 20


def said_within(capsys: pytest.CaptureFixture[str], wanted: str) -> bool:
    said, deadline = "", time.monotonic() + SECONDS_MAX
    while wanted not in said and time.monotonic() < deadline:
        said += capsys.readouterr().err
        time.sleep(0.005)
    return wanted in said


def test_in_a_pipe_a_line_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("check", silent_seconds=0.01) as progress:
        progress(21, 50)
        assert said_within(capsys, "check:  42 %, 0 seconds\n")


def test_what_never_says_how_far_it_is_says_that_it_works(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("the last seven weeks", silent_seconds=0.01):
        assert said_within(capsys, "the last seven weeks: at work, 0 seconds\n")


def test_what_is_soon_done_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("check") as progress:
        progress(50, 50)
    assert capsys.readouterr().err == ""
