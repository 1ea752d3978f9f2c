"""The operator's name, logo and colours, from the TOML file that `ARREARS_BRAND` names.

name = "Example Hosting"
logo = "logo.svg"          # beside the file; SVG or PNG
icon = "icon.svg"          # the same, for the tab of a browser
[light]
accent = "#1f5f8b"         # any of the names in COLOURS
[dark]
accent = "#8cc4ea"
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from arrears.core.errors import Refused
from arrears.wiring import settings

COLOURS: Final = ("ink", "paper", "line", "accent", "on-accent", "alert", "good", "soft")
_COLOUR: Final = re.compile("#[0-9a-f]{6}", re.IGNORECASE)
SCHEMES: Final = {"light": "print,(prefers-color-scheme:light)", "dark": "screen and (prefers-color-scheme:dark)"}
"""When the colours of each table are used. Paper is light whatever the screen is."""

PICTURE_BYTES_MAX: Final = 50_000


class Brand(NamedTuple):
    """What pages are dressed in. `style` is CSS; `logo` and `icon` the bytes of `logo_name` and
    `icon_name`, None where there are none."""

    name: str
    style: str
    logo: bytes | None
    logo_name: str
    icon: bytes | None = None
    icon_name: str = ""


def brand() -> Brand:
    """The brand of this installation. Refuses `bad_brand` with what is wrong."""
    return _brand(settings().brand, settings().operator)


@cache
def _brand(path: Path | None, operator: str) -> Brand:
    if path is None:
        return Brand(operator, "", None, "")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path.name, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(path.name, f"is not TOML: {error}") from error
    unknown = sorted(set(found) - {"name", "logo", "icon", "light", "dark"})
    if unknown:
        known = "name, logo, icon, [light] and [dark]"
        raise _refused(path.name, f"has {unknown[0]!r}, which is unknown; it may have {known}")
    colours = {table: _colours(path.name, table, found.get(table, {})) for table in SCHEMES}
    # Each for its own scheme: a colour that reads well on light paper is none for the dark.
    style = "".join(f"@media {SCHEMES[table]}{{:root{{{found}}}}}\n" for table, found in colours.items() if found)
    name = str(found.get("name", operator))
    return Brand(name, style, *_picture(path, "logo", found), *_picture(path, "icon", found))


def _colours(file: str, table: str, values: Any) -> str:
    if not isinstance(values, dict):
        raise _refused(file, f"has {table} as a value; it is a table: [{table}]")
    for name, value in values.items():
        if name not in COLOURS:
            raise _refused(file, f"[{table}] has {name!r}; the colours are {', '.join(COLOURS)}")
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise _refused(file, f"[{table}] {name} is {value!r}; give it like #1f5f8b")
    return "".join(f"--{name}:{value};" for name, value in values.items())


def _picture(path: Path, key: str, found: dict[str, Any]) -> tuple[bytes | None, str]:
    """A picture's bytes and the name that pages give it: the key's, with the file's own ending."""
    name = str(found.get(key, ""))
    if not name:
        return None, ""
    if Path(name).suffix not in (".svg", ".png"):
        raise _refused(path.name, f"{key} is {name!r}; give an .svg or .png file beside it")
    try:
        body = (path.parent / name).read_bytes()
    except OSError as error:
        raise _refused(path.name, f"{key} {name} cannot be read: {error.strerror}") from error
    if len(body) > PICTURE_BYTES_MAX:
        raise _refused(path.name, f"{key} {name} has {len(body)} bytes; it may have {PICTURE_BYTES_MAX}")
    return body, f"{key}{Path(name).suffix}"


def _refused(file: str, why: str) -> Refused:
    return Refused("bad_brand", f"ARREARS_BRAND: {file} {why}")
