"""Which passwords are refused: NIST SP 800-63B-4, section 3.1.1. No rule about kinds of characters, no expiry.

The list of common passwords is the one that Django carries, so nothing is asked of anybody else's server. Few of its
words are as long as a password must be here; so what is left of a password is compared too, when repeats and the
figures around a word are taken away.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from django.contrib.auth.password_validation import CommonPasswordValidator

from arrears.core.errors import Refused

CHARACTERS_MIN: Final = 15
"""The least for a password that is the only factor. Somebody with a second factor may remove it, so it is the same."""

CHARACTERS_MAX: Final = 256
"""Longer than any passphrase; hashing takes time with the length."""

DIFFERENT_MIN: Final = 5
OWN_WORD_MIN: Final = 4
"""Shorter pieces of an address or a name are in many a good password."""

_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop")


def check(password: str, *own: str) -> None:
    """Refuses `weak_password` for a short (or far too long) one, `common_password` for one that is on the list or
    only repeats something, and `own_password` for one with a word of the person's own: `own` are address, name and
    what else is theirs."""
    if not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX:
        raise Refused("weak_password", f"a password has at least {CHARACTERS_MIN} characters")
    lower = password.lower()
    if len(set(lower)) < DIFFERENT_MIN or any(one in _common() for one in _bare(lower)):
        raise Refused("common_password", "this password is one of those that are tried first")
    if _in_rows(lower):
        raise Refused("common_password", "this password follows the keys of a keyboard")
    words = {word for text in own for word in re.split(r"[\W_]+", text.lower()) if len(word) >= OWN_WORD_MIN}
    if any(word in lower and len(lower.replace(word, "")) < CHARACTERS_MIN for word in words):
        raise Refused(
            "own_password", f"besides your own names and address a password has at least {CHARACTERS_MIN} characters"
        )


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def _bare(lower: str) -> set[str]:
    """The password, and what it repeats; each with and without what is no letter at its ends."""
    found = {lower, lower.replace(" ", "")}
    for text in list(found):
        for size in range(1, len(text) // 2 + 1):
            if (text[:size] * (len(text) // size + 1))[: len(text)] == text:
                found.add(text[:size])
                break
    return found | {re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text) for text in found} - {""}


def _in_rows(lower: str) -> bool:
    """Whether it is made of runs of three and more neighbours on a keyboard or in the alphabet."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    runs = sum(any(lower[at : at + 3] in row for row in rows) for at in range(len(lower) - 2))
    return runs >= (len(lower) - 2) * 2 // 3
