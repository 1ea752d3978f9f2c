"""The creditor reference of an invoice (ISO 11649), which a payer names and a bank statement repeats: `RF`, two check
digits, and at most 21 letters and digits of our own.
"""

from __future__ import annotations

import re
from typing import Final

BODY_CHARACTERS_MAX: Final = 21
_FORM: Final = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")


_VALUES: Final = str.maketrans({chr(ord("A") + at): str(10 + at) for at in range(26)})


def _remainder(text: str) -> int:
    return int(text.translate(_VALUES)) % 97


def creditor_reference(body: str) -> str:
    """The reference with this body, without spaces; `body` is 1 to 21 capital letters and digits of ASCII."""
    assert re.fullmatch(r"[A-Z0-9]{1,21}", body), "a body has letters and digits alone"
    return f"RF{98 - _remainder(body + 'RF00'):02d}{body}"


def is_creditor_reference(text: str) -> bool:
    """Whether the text is a reference with the right check digits, whatever its spaces and the size of its letters."""
    compact = "".join(text.split()).upper()
    return _FORM.fullmatch(compact) is not None and _remainder(compact[4:] + compact[:4]) == 1


def body_of(number: str) -> str:
    """The letters and digits of an invoice's number in capitals; empty where they are none, more than 21, or not of
    ASCII: two numbers would share what is left of them too easily."""
    bare = "".join(char for char in number.upper() if char.isalnum())
    return bare if bare.isascii() and len(bare) <= BODY_CHARACTERS_MAX else ""


def reference_for(number: str, account: int, no: int, *, taken: bool = False) -> str:
    """The reference of an invoice: of its own number, or, where that has no body or another invoice has taken it, of
    the account's number and the invoice's number within it, which no other invoice has. (`A` and an account's number
    in front, so a number that is written like that is never taken as a body of its own.)"""
    body = body_of(number)
    if not body or taken or re.fullmatch(r"A[0-9]+I[0-9]+", body):
        body = f"A{account}I{no}"
    return creditor_reference(body)
