"""The one exception that is meant for people.

A refusal says what is wrong, where, and what to do, and carries a stable code that a program can test for.
Everything else that is raised is our own mistake.
"""

from __future__ import annotations

from typing import Final

_QUOTED_CHARACTERS_MAX: Final = 80


class Refused(Exception):
    """What was asked cannot be done; nothing was changed.

    `code` is stable (`unknown_currency`), `message` is one plain line, `exit_code` is what a command ends with:
    2 bad input, 3 the plan was only shown, 4 database or provider unreachable, 5 wrong schema version.
    """

    def __init__(self, code: str, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[object, ...]:
        """It comes from another process as it was raised there."""
        return _refused, (self.code, self.message, self.exit_code)


def _refused(code: str, message: str, exit_code: int) -> Refused:
    return Refused(code, message, exit_code=exit_code)


def quoted(text: str) -> str:
    """A text as a refusal repeats it: in quotes, on one line, and no more of it than people read."""
    said = repr(text[:_QUOTED_CHARACTERS_MAX])
    return said if len(said) <= _QUOTED_CHARACTERS_MAX + 2 else f"{said[:_QUOTED_CHARACTERS_MAX]}…{said[0]}"
