"""docs/json.md, made of the table of answers."""

from __future__ import annotations

from typing import Final

import click

from arrears.cli.answer_values import NAMES, JsonAnswer, NoAnswer, Shape
from arrears.cli.answers import ANSWERS

_HEAD: Final = """# What commands answer a script

With `--json` a command prints one JSON value on standard output, and nothing else there. It has amounts in minor units
(`..._minor`) with their currency, days and instants as ISO 8601, and stable codes; sentences for people are what the
same command prints without it. An answer may get further fields and codes in a newer version; none changes its meaning
or goes (docs/releases.md). What is refused is one line on standard error that ends with its code, `[unknown_account]`,
and an exit code: 0 done, 1 done and something is wrong, 2 bad input, 3 only shown, 4 the database or a provider cannot
be reached, 5 another schema.

`{a: b}` are the fields of an object, `*` is any key, `[b]` is a list, and `?` says that there can be null.
"""


def as_markdown() -> str:
    """docs/json.md."""
    lines = [_HEAD, "| a value | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in NAMES.items()]
    lines += ["", "## Answers", ""]
    for name, row in ANSWERS.items():
        if isinstance(row, JsonAnswer):
            lines += [f"### arrears {name}", "", "```", *_drawn(row.shape), "```", ""]
    lines += ["## Commands without an answer", "", "| command | why |", "|---|---|"]
    lines += [f"| `arrears {name}` | {row.why} |" for name, row in ANSWERS.items() if isinstance(row, NoAnswer)]
    return "\n".join(lines) + "\n"


def _drawn(shape: Shape, indent: str = "", before: str = "", after: str = "") -> list[str]:
    """A shape as lines, like indented JSON."""
    if isinstance(shape, str):
        return [f"{indent}{before}{shape}{after}"]
    if isinstance(shape, list):
        [one] = shape
        return _drawn(one, indent, f"{before}[", f"]{after}")
    lines = [f"{indent}{before}{{"]
    for key, one in shape.items():
        lines += _drawn(one, f"{indent}  ", f"{key}: ")
    return [*lines, f"{indent}}}{after}"]


if __name__ == "__main__":
    click.echo(as_markdown(), nl=False)
