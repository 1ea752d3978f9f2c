"""References that a payer repeats: the creditor references with check digits of several countries, and the operator's
own invoice numbers, as they come out of a bank's text.

A check digit proves that a reference was not mistyped; it does not say whose it is.
"""

from __future__ import annotations

import re
from typing import Final

from arrears.core.bank.bank_codes import iban_of
from arrears.core.bank.creditor_reference import BODY_CHARACTERS_MAX, is_creditor_reference

_NOT_FOLDED: Final = re.compile(r"[^A-Z0-9]")
_CHUNK: Final = re.compile(r"[A-Z0-9]+(?:[-/._][A-Z0-9]+)*")
_BETWEEN: Final = str.maketrans("", "", "-/._")
_CUT: Final = re.compile(r"[A-Z]+|[0-9]+")
_QRR_CARRY: Final = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)
TOKENS_JOINED_MAX: Final = 6
"""So many pieces of a text that spaces keep apart are read as one: a reference in groups of four has at most seven."""
TOKENS_MAX: Final = 400
"""No remittance has more pieces; what comes after them is not looked at."""


def folded(text: str) -> str:
    """A reference as it is compared: letters and digits alone, in capitals."""
    return _NOT_FOLDED.sub("", text.upper())


def is_qrr(text: str) -> bool:
    """Whether this is a Swiss QR reference: 27 digits, the last of them the recursive check digit modulo 10."""
    one = folded(text)
    if len(one) != 27 or not one.isdigit() or not int(one):
        return False
    carry = 0
    for digit in one[:-1]:
        carry = _QRR_CARRY[(carry + int(digit)) % 10]
    return (10 - carry) % 10 == int(one[-1])


def is_kid(text: str) -> bool:
    """Whether this is a Norwegian KID of 4 to 25 characters, by modulo 10 (Luhn) or modulo 11 ("-" stands for 10)."""
    one = text.replace(" ", "")
    if re.fullmatch(r"[0-9]{3,24}[0-9-]", one) is None:
        return False
    eleven = -sum(int(d) * (2 + at % 6) for at, d in enumerate(reversed(one[:-1]))) % 11
    if one[-1] == ("-" if eleven == 10 else str(eleven)):
        return True
    doubled = (int(d) * (2 - at % 2) for at, d in enumerate(reversed(one[:-1])))
    return one[-1] == str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def is_finnish(text: str) -> bool:
    """Whether this is a Finnish reference number of 4 to 20 digits, by the weights 7, 3, 1."""
    one = text.replace(" ", "")
    if re.fullmatch(r"[0-9]{4,20}", one) is None or not int(one[:-1]):
        return False
    weighted = sum(int(d) * (7, 3, 1)[at % 3] for at, d in enumerate(reversed(one[:-1])))
    return int(one[-1]) == -weighted % 10


def body_in(reference: str) -> str:
    """What a creditor reference was made of: the body of an RF, or the digits of a QRR without zeros in front and its
    check digit at the end; empty for what is neither."""
    one = folded(reference)
    if is_creditor_reference(one):
        return one[4:]
    return one[:-1].lstrip("0") if is_qrr(one) else ""


def is_iban(text: str) -> bool:
    """Whether this is an IBAN with the length of its country and the right check digits; what is between letters and
    digits, and their case, do not count."""
    try:
        iban_of(folded(text))
    except ValueError:
        return False
    return True


def tokens(text: str) -> dict[str, bool]:
    """Every piece of a text that may be a reference, folded, and whether it stands there by itself: no letter or digit
    was cut off to make it, and none joined over a space. Neighbours are joined, as people put spaces in."""
    pieces = _CHUNK.findall(text.upper())[:TOKENS_MAX]
    bare = [piece.translate(_BETWEEN) for piece in pieces]
    found: dict[str, bool] = {}
    for piece, whole in zip(pieces, bare, strict=True):
        if "/" in piece:
            found |= dict.fromkeys([part.translate(_BETWEEN) for part in piece.split("/")], True)
        found[whole] = True
    for at, piece in enumerate(pieces):
        if not (piece.isalpha() or piece.isdigit()):
            for part in _CUT.findall(piece):
                found.setdefault(part, False)
        joined = bare[at]
        for more in bare[at + 1 : at + TOKENS_JOINED_MAX + 1]:
            joined += more
            if len(joined) > BODY_CHARACTERS_MAX + 4:
                break
            found.setdefault(joined, False)
    found.pop("", None)
    return found


def valid_rfs(text: str) -> list[str]:
    """The checksum-valid ISO 11649 references in a text, in order, however they are spaced. Where they end is not
    known, so of one place there may be several, the longest first: only one of them is an invoice's."""
    upper = text.upper()
    found: list[str] = []
    for start in re.finditer(r"R\s?F\s?(?=[0-9])", upper):
        run = re.match(r"[A-Z0-9 .\-/]{1,60}", upper[start.start() :])
        assert run is not None, "it begins with RF"
        for end in range(len(run[0]), 4, -1):
            if end < len(run[0]) and run[0][end].isalnum():
                continue
            one = folded(run[0][:end])
            if one not in found and is_creditor_reference(one):
                found.append(one)
    return found


def slips_of(token: str) -> set[str]:
    """Everything that one slip of the fingers makes of a reference: a character left out, put in, changed, or swapped
    with its neighbour. Where there was a digit there is a digit again, or a letter that looks like it."""
    found = {token[:at] + token[at + 1 :] for at in range(len(token))}
    found |= {token[:at] + token[at + 1] + token[at] + token[at + 2 :] for at in range(len(token) - 1)}
    for at in range(len(token) + 1):
        found |= {token[:at] + one + token[at:] for one in _DIGITS}
        if at < len(token):
            likely = (
                _DIGITS + _ALIKE.get(token[at], "") if token[at].isdigit() else _LETTERS + _ALIKE.get(token[at], "")
            )
            found |= {token[:at] + one + token[at + 1 :] for one in likely}
            found.add(token[:at] + token[at] + token[at:])
    found.discard(token)
    return found


_DIGITS: Final = "0123456789"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALIKE: Final = {"0": "O", "O": "0", "1": "IL", "I": "1", "L": "1", "5": "S", "S": "5", "8": "B", "B": "8", "2": "Z"}


def one_slip_apart(one: str, other: str) -> bool:
    """Whether one character was changed, left out, put in, or swapped with its neighbour between the two."""
    if one == other:
        return False
    if len(one) == len(other):
        differ = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(differ) == 1:
            return True
        return (
            len(differ) == 2
            and differ[1] == differ[0] + 1
            and one[differ[0]] == other[differ[1]]
            and one[differ[1]] == other[differ[0]]
        )
    if abs(len(one) - len(other)) != 1:
        return False
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
