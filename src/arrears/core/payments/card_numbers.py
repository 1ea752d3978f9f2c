"""What looks like the number of a card, which is kept nowhere here."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = re.compile(r"[2-6][0-9]{12,18}", re.ASCII)
"""13 to 19 digits (ISO/IEC 7812-1), beginning as those of the networks do: some providers' own names of a method are
numbers too, and begin with another."""


def is_card_number(text: str) -> bool:
    """Whether a text is written as a card's number is, and its last digit is the check of the others (Luhn)."""
    digits = re.sub(r"[ -]", "", text)
    if _NUMBER.fullmatch(digits) is None:
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(one, 10)) for one in doubled) % 10 == 0
