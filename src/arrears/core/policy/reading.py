"""Reading a policy file key by key: every value checked, every mistake kept, nothing unknown let through.

A misspelt key that was ignored, or a blank that became zero, would change what happens to customers' data without
anybody having decided it. So the reader knows every key, and what is wrong with one never hides the next.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Final

from arrears.core.errors import Refused
from arrears.core.money import exponent
from arrears.core.policy.places import check_place
from arrears.core.policy.values import DAYS_MAX, HERE, KEYS, NEVER, KeyKind, PolicyKey

POLICY_CHARACTERS_MAX: Final = 64 * 1024
"""A policy is a page; more is another file."""

SUM_MINOR_MAX: Final = 10**15
_STEPS_MAX: Final = 50
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}", re.ASCII)
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_ADDRESS: Final = re.compile(r"https://[a-z0-9.-]+(:[0-9]+)?(/[^\s\"'<>\\]*)?", re.ASCII)
_YAML: Final = re.compile(r"^\s*(---|- |[\w\"'.-]+:(\s|$))|!!|^\s*%YAML", re.MULTILINE)

_SUMS: Final = tuple(key.path for key in KEYS.values() if key.kind is KeyKind.SUMS)
_BY_PATH: Final[Mapping[str, PolicyKey]] = {key.path: key for key in KEYS.values()}


def _by_table() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in _BY_PATH:
        if path not in _SUMS:
            table, _, last = path.rpartition(".")
            found[table] = (*found.get(table, ()), last)
    return found


_A_POLICY_EACH: Final = (
    "a policy is one ladder: write one for each, and let the import's map choose by that column "
    '(policy = { column = "...", words = { ... }, otherwise = "default" }), or `arrears policy assign`'
)
_SAID_ELSEWHERE: Final = {
    "plan": _A_POLICY_EACH,
    "country": _A_POLICY_EACH,
    "retry.then": "take it out: after the last try the ladder goes on, and disable.after_days says when it stops",
}
"""What people write for want of the right place, and where that is."""

_KEYS: Final[Mapping[str, Sequence[str]]] = _by_table()
_TABLES: Final = (*(table for table in _KEYS if table), *_SUMS)


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """The tables of a TOML text; refuses `bad_policy` with the line of the first thing that is not TOML."""
    if len(text) > POLICY_CHARACTERS_MAX:
        raise Refused("bad_policy", f"{where}: has more than {POLICY_CHARACTERS_MAX} characters; is it a policy?")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Refused("bad_policy", f"{where}: is nested too deeply; a policy has tables and lists of days") from None
    except ValueError as error:
        yaml = "it looks like YAML; " if _YAML.search(text) else ""
        # What is not the parser's own error is Python refusing an integer of thousands of digits.
        own = isinstance(error, tomllib.TOMLDecodeError)
        reason = " ".join(str(error).split())[:160] if own else "a number in it has thousands of digits"
        last_line = max(1, len(text.splitlines()))
        reason = reason.replace("at end of document", f"at the end, line {last_line}")
        raise Refused(
            "bad_policy",
            f"{where}: is not TOML: {reason}; {yaml}policies are TOML: write lines like retention_days = 90",
        ) from None


class Reading:
    """One policy file being read. Mistakes are lines like `disable.after_days: is 0; write ...`.

    A reading method answers with the value, or after a mistake with a harmless one of the same type.
    """

    def __init__(self, file: dict[str, Any], *, fallback: dict[str, Any]) -> None:
        self.mistakes: list[str] = []
        self._file = file
        self._fallback = fallback
        self._broken: set[str] = set()
        self._given: set[str] = set()
        for table in _TABLES:
            if table in file and not isinstance(file[table], dict):
                self.wrong(table, f"is {_shown(file[table])}, not a table; write [{table}] and its keys below")

    def wrong(self, key: str, text: str) -> None:
        """Keep a mistake of one key; what depends on the key is not checked any more."""
        self._broken.add(key)
        self.mistakes.append(f"{key}: {text}")

    def wrong_together(self, keys: Sequence[str], text: str) -> None:
        """Keep a mistake between keys, told at the first, unless one of them is wrong by itself."""
        if any(key in self._broken or key.partition(".")[0] in self._broken for key in keys):
            return
        default = "" if keys[0] in self._given else f" (the file has no {keys[0]}, so the default counts)"
        self.mistakes.append(f"{keys[0]}: {text}{default}")

    def has_table(self, table: str) -> bool:
        """Whether the file has this table."""
        return isinstance(self._file.get(table), dict)

    def says_never(self, key: str) -> bool:
        """Whether the stage that begins at this key never does."""
        return bool(self._value(key) == NEVER)

    def default(self, key: str) -> Any:
        """What a policy has that leaves the key out."""
        table, _, last = key.rpartition(".")
        return self._fallback[table][last]

    def refuse_beside(self, key: str, other: str) -> None:
        """Keep a mistake if the file gives this key a meaning that it cannot have beside another one."""
        table, _, last = key.rpartition(".")
        given = self._file[table].get(last, [])
        if given != []:
            self.wrong(key, f"is {_shown(given)}, and means nothing beside {other}; take it out")

    def name(self, key: str) -> str:
        """A short name in small letters, as accounts refer to it."""
        value = self._value(key)
        if value is None:
            self.wrong(key, f'is missing; write {key} = "..." in the first line')
        elif not isinstance(value, str) or not _NAME.fullmatch(value):
            self.wrong(key, f"is {_shown(value)}; write at most 60 of a-z, 0-9, - and _, in quotes")
        else:
            return value
        return ""

    def clock_time(self, key: str) -> time:
        """A local time in hours and minutes, as text or as a TOML time."""
        value = self._value(key)
        if isinstance(value, time) and not (value.second or value.microsecond):
            return value
        match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.wrong(key, f'is {_shown(value)}; write a time of day in hours and minutes like "09:00"')
            return time(9)
        return time(int(match[1]), int(match[2]))

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            self.wrong(key, f"is {_shown(value)}; write true or false, without quotes")
            return False
        return value

    def place(self, key: str) -> str:
        """A country, or a part of one, whose public holidays are known; empty where the file names none."""
        value = self._value(key)
        if value == "" and key not in self._given:
            return ""
        try:
            if not isinstance(value, str):
                raise Refused("unknown_place", "is not text")
            check_place(value)
        except Refused as refusal:
            self.wrong(key, f'is {_shown(value)}, which {refusal.message}; write a country like "NL", or "DE-BY"')
            return ""
        return value

    def way(self, key: str) -> str:
        """How a customer does something themselves: the word for the account centre, or an address of the operator;
        empty where the file does not say."""
        value = self._value(key)
        if value == "" and key not in self._given:
            return ""
        if isinstance(value, str) and (value == HERE or (_ADDRESS.fullmatch(value) and len(value) <= 500)):
            return value
        self.wrong(key, f'is {_shown(value)}; write "{HERE}", or an address of yours like "https://example.org/cancel"')
        return ""

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """One of a few words."""
        value = self._value(key)
        if isinstance(value, str) and value in allowed:
            return value
        quoted = " or ".join(f'"{word}"' for word in allowed)
        self.wrong(key, f"is {_shown(value)}; write {quoted}")
        return allowed[0]

    def whole(self, key: str) -> int:
        """A whole number inside the span of this key."""
        value, known = self._value(key), _BY_PATH[key]
        least, most = known.least, known.most
        never = f' or "{NEVER}"' if known.never else ""
        write = f"write a whole number of {known.unit} from {least} to {most}{never}{known.why}"
        table = key.partition(".")[0]
        if table in self._broken:
            pass
        elif value is None:
            self.wrong(key, f"is missing; under [{table}] {write}")
        elif not _is_whole(value) or not least <= value <= most:
            self.wrong(key, f"is {_shown(value)}; {write}")
        else:
            return int(value)
        return least

    def days(self, key: str) -> tuple[int, ...]:
        """A list of days, each later than the one before."""
        value, least = self._value(key), _BY_PATH[key].least
        write = f"write whole numbers from {least} to {DAYS_MAX}, each higher than the one before, like [3, 7, 14]"
        if not isinstance(value, list) or len(value) > _STEPS_MAX:
            few = f"a list of at most {_STEPS_MAX} days"
            self.wrong(key, f"is {_shown(value)}, not {few}; {write}")
            return ()
        if least == 1 and value[:1] == [0]:
            self.wrong(key, f"has 0, and day 0 is the first reminder's; {write}")
            return ()
        bad = [day for day in value if not _is_whole(day) or not least <= day <= DAYS_MAX]
        if bad:
            self.wrong(key, f"has {', '.join(_shown(day) for day in bad[:5])}; {write}")
            return ()
        for earlier, day in pairwise(value):
            if day <= earlier:
                self.wrong(key, f"has {day} after {earlier}; {write}")
                return ()
        return tuple(value)

    def sums(self, table: str) -> dict[str, int]:
        """Minor units per currency."""
        found: dict[str, int] = {}
        for code, value in (self._file[table] if self.has_table(table) else {}).items():
            key = f"{table}.{_key(code)}"
            try:
                exponent(code)
            except Refused as refusal:
                self.wrong(key, refusal.message)
                continue
            if _is_whole(value) and 0 <= value <= SUM_MINOR_MAX:
                found[code] = value
            else:
                write = f"write a whole number of minor units (cents) from 0 to {SUM_MINOR_MAX}"
                self.wrong(key, f"is {_shown(value)}; {write}{_in_minor_units(value, code)}")
        return found

    def refuse_unknown_keys(self) -> None:
        """Keep a mistake for every key that no policy has, with the nearest one that it has."""
        for key in self._file:
            if key not in _KEYS[""] and key not in _TABLES:
                self.wrong(_key(key), f"is unknown; {_nearest('', key)}")
        for table, keys in _KEYS.items():
            if table and self.has_table(table):
                for key in self._file[table]:
                    if key not in keys:
                        self.wrong(f"{table}.{_key(key)}", f"is unknown; {_nearest(table, key)}")

    def _value(self, key: str) -> Any:
        table, _, last = key.rpartition(".")
        for number, source in enumerate((self._file, self._fallback)):
            keys = source.get(table, {}) if table else source
            if isinstance(keys, dict) and last in keys:
                if number == 0:
                    self._given.add(key)
                return keys[last]
        return None


def _nearest(table: str, key: str) -> str:
    if (said := _SAID_ELSEWHERE.get(f"{table}.{key}" if table else key)) is not None:
        return said
    siblings: Iterable[str] = (*_KEYS[""], *_TABLES) if not table else _KEYS[table]
    near = get_close_matches(key[:100], siblings, n=1)
    if near:
        return f"did you mean {near[0]}?"
    places = {last: f"{place}.{last}" if place else last for place, keys in _KEYS.items() for last in keys}
    near = get_close_matches(key[:100], places, n=1, cutoff=0.8)
    if near:
        place = places[near[0]].rpartition(".")[0]
        return f"did you mean {near[0]} {f'under [{place}]' if place else 'above the first table'}?"
    return f"take it out, or write one of {', '.join(siblings)}"


def _in_minor_units(value: object, code: str) -> str:
    """What a sum in whole units is in minor ones."""
    if not isinstance(value, float):
        return ""
    minor = Decimal(str(value)).scaleb(exponent(code))
    whole = minor == minor.to_integral_value() and 0 <= minor <= SUM_MINOR_MAX
    return f": {code} {value} is {int(minor)}" if whole else ""


def _is_whole(value: object) -> bool:
    # bool is an int to Python; "true days" is a mistake to people.
    return isinstance(value, int) and not isinstance(value, bool)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", key) else ascii(key[:60])


def _shown(value: object) -> str:
    if value == "":
        return "blank"
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = value.isoformat() if isinstance(value, date | time) else ascii(value)
    except ValueError:
        # Python refuses to write out an integer of thousands of digits.
        return "a huge number"
    return text if len(text) <= 60 else text[:60] + "..."
