"""Whose money a bank credit is: the two cases in which that is decided without a person, and for everything else
the best suggestions with their reasons (spec, section 6).

Pure: what is known of invoices and payers is asked of a `DebtIndex`, which the store, or a test, fills in sets. What
a credit asks for is known before (`exact_keys`, `near_keys`), so that thousands of credits take one look.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from enum import IntEnum
from functools import lru_cache
from typing import Final, Protocol

import msgspec

from arrears.core.bank.references import body_in, folded, tokens, valid_rfs
from arrears.core.bank.statements import NO_REFERENCE

NUMBER_MIN: Final = 4
"""A shorter invoice number stands in texts by chance: it suggests and never decides."""
SURE_DIGITS_MIN: Final = 7
"""A number of fewer digits and nothing else is as often a date, a house or a customer's own number: it decides only
where the amount says the same."""
BY_AMOUNT_MAX: Final = 20
"""An amount that more accounts owe says nothing about any of them (spec, section 6)."""
SUGGESTIONS_MAX: Final = 10
NEAR_TOKENS_MAX: Final = 6
"""The longest pieces of a text are looked at for slips, and no more: each has some three hundred."""


class Credit(msgspec.Struct, frozen=True):
    """One transfer that came in: minor units, above zero."""

    amount_minor: int
    currency: str
    references: tuple[str, ...] = ()
    end_to_end: str = ""
    text: str = ""
    iban: str = ""
    name: str = ""


class OpenItem(msgspec.Struct, frozen=True, gc=False):
    """An invoice as matching looks at it: by account and number within it; nothing is open of one that is paid."""

    account: int
    debt: int
    number: str
    currency: str
    open_minor: int
    past_due: bool = False
    held: bool = False


class DebtIndex(Protocol):
    """What is known of invoices and of who pays them."""

    def numbered(self, keys: Iterable[str]) -> Mapping[str, Sequence[OpenItem]]:
        """The invoices whose number, or the body of whose creditor reference, is one of these (letters and digits,
        in capitals), by it; paid ones too."""

    def nearly(self, key: str) -> Sequence[OpenItem]:
        """The invoices whose number is this one but for one slip of the fingers; paid ones too."""

    def ending(self, digits: str) -> Sequence[OpenItem]:
        """Open invoices whose number ends in these digits, without zeros in front of them; of very many, some."""

    def open_of(self, account: int) -> Sequence[OpenItem]:
        """The open invoices of an account, the oldest due date first."""

    def payers(self, iban: str) -> Sequence[int]:
        """The accounts that a confirmed payment from this IBAN was for."""

    def asking(self, minor: int, currency: str) -> Sequence[OpenItem]:
        """The open invoices of which exactly this is open; a few more than BY_AMOUNT_MAX at most."""

    def name_of(self, account: int) -> str:
        """What the account is called."""


class Matched(msgspec.Struct, frozen=True):
    """Decided without a person: the account, the invoices that are paid first, in order, and why."""

    account: int
    debts: tuple[int, ...]
    why: str


class Suggestion(msgspec.Struct, frozen=True):
    """An account that the money may be for, with the invoices that are meant, by their number within it; `score` is 0
    to 100. `doubt`: its IBAN or a similar reference says so, not the amount alone."""

    account: int
    debts: tuple[int, ...]
    score: int
    reasons: tuple[str, ...]
    doubt: bool
    numbers: tuple[str, ...] = ()
    """What those invoices are called."""


class Sure(IntEnum):
    """How much a piece of text says, if an invoice has that number: a *piece* may stand there by chance, a *number*
    stands there by itself and may have a slip in it, *proven* has check digits that are right."""

    PIECE = 1
    NUMBER = 2
    PROVEN = 3


@lru_cache(maxsize=20_000)
def exact_keys(credit: Credit) -> Mapping[str, Sure]:
    """The invoice numbers that a credit may name, and how sure each is. Kept for a while: they are asked for when what
    is known of them is looked up, and again when it is decided."""
    own = _own_number(credit)
    bodies = [body_in(one) for one in credit.references]
    unproven = [one for one, body in zip(credit.references, bodies, strict=True) if not body]
    bodies += [one[4:] for one in valid_rfs(" ".join((*unproven, credit.text, own)))]
    keys = {body: Sure.PROVEN for body in bodies if len(body) >= NUMBER_MIN}
    pieces = tokens(" ".join((*credit.references, credit.text, own)))
    pieces |= {folded(one): True for one in credit.references}
    for token, alone in pieces.items():
        if len(token) >= NUMBER_MIN and not token.isalpha():
            keys.setdefault(token, Sure.NUMBER if alone and _is_sure(token) else Sure.PIECE)
    return keys


def _own_number(credit: Credit) -> str:
    return "" if credit.end_to_end.strip().upper() in NO_REFERENCE else credit.end_to_end


def _is_sure(token: str) -> bool:
    if token.isdigit():
        return len(token) >= SURE_DIGITS_MIN and not _DATE.fullmatch(token)
    return len(token) > NUMBER_MIN


_DAY: Final = "(?:0[1-9]|[12][0-9]|3[01])"
_MONTH: Final = "(?:0[1-9]|1[0-2])"
_DATE: Final = re.compile(f"(?:19|20)[0-9]{{2}}{_MONTH}{_DAY}|{_DAY}{_MONTH}20[0-9]{{2}}")


def match(credit: Credit, index: DebtIndex) -> Matched | None:
    """Whose this credit is, where one of the two cases says so; None where a person has to look."""
    if credit.amount_minor <= 0:
        return None
    keys = exact_keys(credit)
    named: dict[OpenItem, Sure] = {}
    for key, items in index.numbered(keys).items():
        for item in items:
            named[item] = max(named.get(item, Sure.PIECE), keys[key])
    if max(named.values(), default=Sure.PIECE) > Sure.PIECE:
        # Beside a whole invoice number the pieces of it, years and house numbers say nothing.
        named = {item: sure for item, sure in named.items() if sure > Sure.PIECE}
    payers = index.payers(credit.iban) if credit.iban else ()
    if named:
        return _by_reference(credit, named, payers, index)
    unknown = Sure.PROVEN in keys.values()
    if unknown or len(payers) != 1 or any(item.account not in payers for item, _ in _similar(credit, index)):
        return None
    return _by_payer(credit, payers[0], index)


def _by_reference(
    credit: Credit, named: Mapping[OpenItem, Sure], payers: Sequence[int], index: DebtIndex
) -> Matched | None:
    accounts = {item.account for item in named}
    if len(accounts) != 1 or any(item.held for item in named):
        return None
    account = accounts.pop()
    if payers and account not in payers:
        return None
    meant = [item for item in named if (item.open_minor, item.currency) == (credit.amount_minor, credit.currency)]
    if len(named) > 1 or not meant:
        everything = [item for item in index.open_of(account) if item.currency == credit.currency and not item.held]
        debts = {item.debt for item in named}
        meant = [item for item in everything if item.debt in debts]
        owed, asked = (sum(item.open_minor for item in some) for some in (everything, meant))
        if not meant or credit.amount_minor > owed:
            return None
        if credit.amount_minor not in (asked, owed):
            sure = max(named.values())
            if sure is Sure.PIECE or (sure is Sure.NUMBER and _may_be_anothers(credit, account, named, index)):
                return None
    numbers = ", ".join(item.number for item in meant)
    why = f"it names {numbers}, of this account alone"
    if max(named.values()) is Sure.PIECE:
        why += ", and its amount is what is asked"
    return Matched(account, tuple(item.debt for item in meant), why)


def _may_be_anothers(credit: Credit, account: int, named: Iterable[OpenItem], index: DebtIndex) -> bool:
    """Whether an invoice of somebody else asks just this amount and has nearly the number that is named: then the
    number has no check digits, and the amount speaks for the other."""
    others = [other for item in named for other in index.nearly(folded(item.number))]
    return any(item.account != account and item.open_minor == credit.amount_minor for item in others)


def near_keys(credit: Credit) -> list[str]:
    """The pieces of what the payer wrote that may be a damaged reference, the longest first."""
    keys = exact_keys(credit)
    found = {key for key in keys if NUMBER_MIN <= len(key) <= 25 and sum(one.isdigit() for one in key) >= 3}
    found |= {key[4:] for key in found if key.startswith("RF") and key[2:4].isdigit() and len(key) > 4 + NUMBER_MIN}
    return sorted(found, key=lambda key: (-len(key), key))[:NEAR_TOKENS_MAX]


def may_have_slips(key: str) -> bool:
    """Whether a piece is long enough that a slip in it still says something."""
    return len(key) > NUMBER_MIN


def last_digits(key: str) -> str:
    """The digits at the end of a piece, without zeros in front; empty where they are too few to say anything."""
    digits = key[len(key.rstrip("0123456789")) :].lstrip("0")
    return digits if len(digits) >= NUMBER_MIN - 1 else ""


def _by_payer(credit: Credit, account: int, index: DebtIndex) -> Matched | None:
    mine = [item for item in index.open_of(account) if item.currency == credit.currency and not item.held]
    late = [item for item in mine if item.past_due]
    if late and sum(item.open_minor for item in late) == credit.amount_minor:
        return Matched(account, tuple(i.debt for i in late), "its IBAN is known, and it is the whole past-due sum")
    equal = [item for item in mine if item.open_minor == credit.amount_minor]
    if len(equal) != 1:
        return None
    return Matched(account, (equal[0].debt,), f"its IBAN is known, and it is the amount of {equal[0].number} alone")


def _similar(credit: Credit, index: DebtIndex) -> list[tuple[OpenItem, str]]:
    """The open invoices that a damaged reference may mean, the nearest first, and how it differs."""
    slipped: list[tuple[OpenItem, str]] = []
    ending: list[tuple[OpenItem, str]] = []
    keys = exact_keys(credit)
    for key in near_keys(credit):
        near = [] if key in keys else [*index.numbered([key]).get(key, ())]
        near += index.nearly(key) if may_have_slips(key) else ()
        slipped += [(item, f"{key} is {item.number} but for one slip") for item in near if item.open_minor]
        if digits := last_digits(key):
            ending += [(item, f"{key} ends as {item.number} does") for item in index.ending(digits)]
    return slipped + ending


class _Case:
    """What speaks for one account: the strongest of each kind counts."""

    def __init__(self) -> None:
        self.reasons: dict[str, tuple[int, str]] = {}
        self.debts: dict[int, str] = {}

    def add(self, kind: str, score: int, reason: str, item: OpenItem | None = None) -> None:
        """One more reason of a kind: `reference`, `iban`, `amount` or `name`."""
        if score > self.reasons.get(kind, (0, ""))[0]:
            self.reasons[kind] = score, reason
        if item is not None:
            self.debts[item.debt] = item.number

    @property
    def score(self) -> int:
        """The strongest reason, and a part of each other: 99 at most, as a person decides."""
        scores = sorted((score for score, _ in self.reasons.values()), reverse=True)
        return min(scores[0] + sum(score // 5 for score in scores[1:]), 99)


def suggest(credit: Credit, index: DebtIndex) -> list[Suggestion]:
    """Whose a credit may be, the likeliest first: at most SUGGESTIONS_MAX whom a reference or the IBAN names, and by
    the amount alone at most BY_AMOUNT_MAX, or none where more owe just that."""
    if credit.amount_minor <= 0:
        return []
    cases: dict[int, _Case] = defaultdict(_Case)
    _by_what_it_says(credit, index, cases)
    for account in index.payers(credit.iban) if credit.iban else ():
        cases[account].add("iban", 75, "its IBAN has paid for this account before")
    equal = index.asking(credit.amount_minor, credit.currency)
    few = len({item.account for item in equal}) <= BY_AMOUNT_MAX
    for item in equal:
        if item.account in cases or few:
            cases[item.account].add("amount", 20, f"{item.number} asks just this amount", item)
    for account, case in cases.items():
        alike = _alike(credit.name, index.name_of(account)) if credit.name else 0
        if alike >= 60:
            case.add("name", alike // 3, f"the payer's name is like {index.name_of(account)}")
    ordered = sorted(cases.items(), key=lambda pair: (-pair[1].score, pair[0]))
    found: list[Suggestion] = []
    for account, case in ordered:
        doubt = "reference" in case.reasons or "iban" in case.reasons
        if len(found) < (SUGGESTIONS_MAX if doubt else BY_AMOUNT_MAX):
            reasons = tuple(reason for _, reason in sorted(case.reasons.values(), reverse=True))
            found.append(Suggestion(account, tuple(case.debts), case.score, reasons, doubt, tuple(case.debts.values())))
    return found


def _by_what_it_says(credit: Credit, index: DebtIndex, cases: dict[int, _Case]) -> None:
    """The accounts whose invoices are named, or nearly; of an amount that is right a little more."""
    keys = exact_keys(credit)

    def add(item: OpenItem, score: int, reason: str) -> None:
        right = item.open_minor == credit.amount_minor and item.currency == credit.currency
        cases[item.account].add("reference", score + (2 if right else 0), reason, item)

    sure = False
    for key, items in index.numbered(keys).items():
        sure = sure or keys[key] > Sure.PIECE
        for item in items:
            what = "it names" if item.open_minor else "it names what is paid,"
            add(item, 92 if keys[key] > Sure.PIECE else 40, f"{what} {item.number}")
    for item, why in _similar(credit, index) if not sure else ():
        add(item, 70 if "slip" in why else 50, why)


def _alike(one: str, other: str) -> int:
    """How alike two names are, 0 to 100."""
    return round(100 * SequenceMatcher(None, one.upper(), other.upper(), autojunk=False).ratio()) if other else 0
