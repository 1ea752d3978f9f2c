"""`arrears settings`: every setting with its value and where it comes from; secrets are not shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from arrears.cli.common import AS_JSON, print_json, rows
from arrears.setting_values import Secret
from arrears.settings import PROVIDER_PREFIX, TABLE, Settings, variable
from arrears.wiring import settings


class SettingShown(NamedTuple):
    """A setting as people may see it. `value` is a number, a switch, a text or a list of texts; of a secret it is `set`
    or the server that it names; None where nothing is set and the default is no value. `default` is in words."""

    variable: str
    value: Any
    source: str
    default: str


@click.command()
@AS_JSON
@click.option("--markdown", is_flag=True, help="Print the table of README instead: what each setting is.")
def command(as_json: bool, markdown: bool) -> None:
    """Show what is set, what is not, and what that means."""
    if markdown:
        click.echo(as_markdown(), nl=False)
        return
    found = list(shown(settings()))
    if as_json:
        print_json([one._asdict() for one in found])
        return
    rows([(one.variable, one.source, _in_words(one)) for one in found])


def as_markdown() -> str:
    """The table of settings that README has, without those for tests."""
    lines = ["| variable | what it is | without it |", "|---|---|---|"]
    lines += [f"| `{variable(name)}` | {row.what} | {row.words} |" for name, row in TABLE.items() if not row.for_tests]
    return "\n".join(lines) + "\n"


def shown(ours: Settings) -> Iterator[SettingShown]:
    """Every setting in the order of the table; one for tests only where it is set."""
    for name, row in TABLE.items():
        given = name in ours.given
        if given or not row.for_tests:
            value = _plain(getattr(ours, name))
            yield SettingShown(variable(name), value, "environment" if given else "default", row.words.replace("`", ""))
    for name, secret in ours.anymail:
        yield SettingShown(PROVIDER_PREFIX + name, _plain(secret), "environment", "none")


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.shown or None
    if isinstance(value, tuple | frozenset):
        return [_plain(one) for one in (value if isinstance(value, tuple) else sorted(value))] or None
    return value if isinstance(value, bool | int) else str(value or "") or None


def _in_words(one: SettingShown) -> str:
    if one.value is None:
        return f"({one.default})"
    if isinstance(one.value, bool):
        return "1" if one.value else f"0 ({one.default})"
    return ", ".join(one.value) if isinstance(one.value, list) else str(one.value)
