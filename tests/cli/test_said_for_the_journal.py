"""Who, why and with what proof: what is kept for good is never blank, in no command that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from arrears.cli.common import WORDS
from arrears.cli.main import arrears as root
from arrears.core.errors import Refused

KEPT = {"--why", "--by", "--proof"}


def asked_for() -> Iterator[tuple[str, click.Option]]:
    """Every option of every command that asks who, why or with what proof."""
    left: list[tuple[str, click.Command]] = [("arrears", root)]
    while left:
        name, command = left.pop()
        context = click.Context(command)
        if isinstance(command, click.Group):
            found = ((one, command.get_command(context, one)) for one in command.list_commands(context))
            left += [(f"{name} {one}", part) for one, part in found if part is not None]
        for option in command.params:
            if isinstance(option, click.Option) and KEPT & set(option.opts):
                yield f"{name} {option.opts[0]}", option


def test_whatever_is_asked_for_the_journal_is_asked_in_one_way() -> None:
    others = {name for name, option in asked_for() if option.type is not WORDS}
    # A reason that may be left out: the breaker asks for it where it is closed, and a clock may be right for none.
    assert others == {"arrears money breaker --why", "arrears clock confirm --why"}
    assert len(list(asked_for())) > 15


@pytest.mark.parametrize("said", ["", " ", "\t\n", "a\x00b", "two\nlines", "\x1b[2J"])
def test_what_is_blank_or_no_line_is_refused(said: str) -> None:
    with pytest.raises(Refused) as refused:
        WORDS.convert(said, None, None)
    assert refused.value.code == "no_reason"


def test_what_is_said_is_kept_without_the_space_around_it() -> None:
    assert WORDS.convert("  the letter of 3 March, É  ", None, None) == "the letter of 3 March, É"
