"""The languages that messages, pages and alerts speak: those named here, and no other.

Each has its texts in `notices/texts/` and its catalogue in `locale/` (English needs none: it is what the code says).
`arrears notice new-language` writes both without words, and `make translations` says what is still missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "nl": "Nederlands",
}
"""Code and name in the language itself, in the order in which people choose."""

DEFAULT_LANGUAGE: Final = "en"
"""What a reader gets whose language we do not have."""


def language_of(*locales: str) -> str:
    """The language of the first of these locales (`nl-BE`, `nl_BE`, `nl`) that we have, else the default."""
    for locale in locales:
        code = locale.strip().replace("_", "-").partition("-")[0].lower()
        if code in LANGUAGES:
            return code
    return DEFAULT_LANGUAGE
