"""The rules of the payment networks as values, read from one dated data file that is checked completely.

A network changes its rules by a letter to its members, not by a release of ours: so they are data, each row with its
source and day. A misspelt row that was passed over would cost fees or burn a card, so every mistake is named.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from arrears.core.errors import Refused
from arrears.core.payments.values import Codes, MethodKind, Network
from arrears.core.value import Value

OTHER: Final = "*"
"""The row of every code that has none of its own."""

_Source = Annotated[
    str,
    msgspec.Meta(pattern=r"^([A-Z]{2}[0-9]+[a-z]?|inf|unsourced|spec-[0-9]+)( ([A-Z]{2}[0-9]+[a-z]?|inf|unsourced))*$"),
]
_Code = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_]{0,40}|\*)$")]
_Codes = Annotated[tuple[_Code, ...], msgspec.Meta(min_length=1)]
_Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]
_Alert = Literal["", "mandate_revoked", "configuration", "compliance", "technical"]
_Key = Literal["credential", "merchant", "amount", "currency", "initiator"]
_Hours = Annotated[int, msgspec.Meta(ge=0, le=24 * 366)]


class Category(StrEnum):
    """What a code means for the next attempt, strictest first."""

    NEVER = "never"
    AUTHENTICATE = "authenticate"
    FIX_DATA = "fix_data"
    GENERIC = "generic"
    LATER = "later"


STRICTEST_FIRST: Final = tuple(Category)


class AdviceAction(StrEnum):
    """What an advice code asks of us."""

    NOT_BEFORE = "not_before"
    STOP = "stop"
    UPDATER_THEN_ONCE = "updater_then_once"
    TECHNICAL = "technical"
    ASK_DURABLE_CARD = "ask_durable_card"
    NORMAL = "normal"


class Counts(StrEnum):
    """What a cap counts: every decline, only those after a first one, or the entries after the first of one debit."""

    DECLINES = "declines"
    REATTEMPTS = "reattempts"
    REPRESENTMENTS = "representments"


class CodeRow(Value, frozen=True, forbid_unknown_fields=True):
    """Some response codes, or some of our own decline words, and their category. With `countries` the row holds for
    issuers there alone."""

    category: Category
    codes: _Codes
    source: _Source
    as_of: date
    countries: tuple[_Country, ...] = ()
    alert: _Alert = ""


class Advice(Value, frozen=True, forbid_unknown_fields=True):
    """Some advice codes and what they ask. `hours` belong to not_before, `days` to stop (0 is for ever); `key` says
    what else than the credential must be the same for it to bind."""

    codes: _Codes
    action: AdviceAction
    source: _Source
    as_of: date
    hours: _Hours = 0
    days: Annotated[int, msgspec.Meta(ge=0, le=3660)] = 0
    key: tuple[_Key, ...] = ()
    alert: _Alert = ""


class Cap(Value, frozen=True, forbid_unknown_fields=True):
    """How often something may happen. `limit` (`default` in the file) is in force, `ceiling` the network's own; a
    window of 0 hours has no end; no `countries` means everywhere."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{2,39}$")]
    counts: Counts
    ceiling: Annotated[int, msgspec.Meta(ge=0, le=100)]
    key: Annotated[tuple[_Key, ...], msgspec.Meta(min_length=1)]
    source: _Source
    as_of: date
    limit: Annotated[int, msgspec.Meta(ge=0, le=100)] = msgspec.field(name="default")
    window_hours: _Hours = 0
    countries: tuple[_Country, ...] = ()

    @property
    def window(self) -> timedelta | None:
        """How long one attempt counts; None is for ever."""
        return timedelta(hours=self.window_hours) if self.window_hours else None


class General(Value, frozen=True, forbid_unknown_fields=True):
    """A rule that no code triggers."""

    rule: Literal["expired", "not_durable", "no_retry_country"]
    source: _Source
    as_of: date
    countries: tuple[_Country, ...] = ()


class NetworkRules(NamedTuple):
    """The rules of one network, by code."""

    codes: Mapping[str, CodeRow]
    advice: Mapping[str, Advice]
    caps: tuple[Cap, ...]


class Rules(NamedTuple):
    """All rules. `declines` are our own decline words."""

    networks: Mapping[Network, NetworkRules]
    declines: Mapping[str, CodeRow]
    general: Mapping[str, General]


_NETWORKS: Final = (Network.VISA, Network.MASTERCARD, Network.ACH, Network.SEPA, Network.BACS)
_BY_KIND: Final = {
    MethodKind.ACH: (Network.ACH,),
    MethodKind.SEPA: (Network.SEPA,),
    MethodKind.BACS: (Network.BACS,),
}
_EITHER_CARD: Final = (Network.VISA, Network.MASTERCARD)


@lru_cache(maxsize=1)
def load_rules() -> Rules:
    """The rules of this release."""
    return read_rules((resources.files("arrears.core") / "data" / "networks.toml").read_text(encoding="utf-8"))


def networks_of(kind: MethodKind, network: Network) -> tuple[Network, ...]:
    """Whose rules bind a method: its own; for a card of an unknown network (Amex, Discover, Elo too) both that we
    know, of which the stricter wins."""
    if kind is not MethodKind.CARD:
        return _BY_KIND[kind]
    return (network,) if network in _EITHER_CARD else _EITHER_CARD


def code_row(rules: Rules, network: Network, code: str, country: str) -> CodeRow:
    """The row of a raw response code; `country` is the issuer's."""
    rows = rules.networks[network].codes
    row = rows.get(normal_code(code))
    if row is None or (row.countries and country not in row.countries):
        return rows[OTHER]
    return row


def advice_row(rules: Rules, code: str) -> Advice:
    """The row of an advice code; one that we do not know stops for ever."""
    rows = rules.networks[Network.MASTERCARD].advice
    return rows.get(normal_code(code)) or rows[OTHER]


def decline_row(rules: Rules, word: str) -> CodeRow:
    """The row of one of our decline words."""
    return rules.declines.get(word) or rules.declines[OTHER]


def alert_of(rules: Rules, kind: MethodKind, network: Network, codes: Codes, country: str = "") -> str:
    """What staff must hear after these codes: "mandate_revoked", "configuration", "compliance", "technical" or ""."""
    found = [advice_row(rules, codes.advice).alert] if codes.advice and kind is MethodKind.CARD else []
    found.append(decline_row(rules, codes.decline).alert)
    found += [code_row(rules, one, codes.network, country).alert for one in networks_of(kind, network)]
    return next(filter(None, found), "")


@lru_cache(maxsize=1024)
def normal_code(code: str) -> str:
    """A raw code as the file writes it: providers send "r0", " 51" and "5" for "R0", "51" and "05"."""
    code = code.strip().upper()
    return f"0{code}" if len(code) == 1 and code.isdigit() and code != "0" else code


def tightened(rules: Rules, limits: Mapping[str, int]) -> Rules:
    """The rules with the operator's own limits, by the name of the cap ({"visa_30d": 5}).

    Refuses `bad_cap`: an unknown name, a limit above the network's ceiling, or one that forbids a first attempt.
    """
    caps = {cap.name: cap for one in rules.networks.values() for cap in one.caps}
    mistakes = [f"{name}: is no cap; write one of {', '.join(caps)}" for name in limits if name not in caps]
    for name, limit in limits.items():
        if name in caps:
            least = _least(caps[name])
            if isinstance(limit, bool) or not isinstance(limit, int) or not least <= limit <= caps[name].ceiling:
                mistakes.append(f"{name}: is {limit!r}; write a whole number from {least} to {caps[name].ceiling}")
    if mistakes:
        raise Refused("bad_cap", "; ".join(mistakes))

    def with_limits(one: NetworkRules) -> NetworkRules:
        kept = (msgspec.structs.replace(cap, limit=limits.get(cap.name, cap.limit)) for cap in one.caps)
        return one._replace(caps=tuple(kept))

    return rules._replace(networks={network: with_limits(one) for network, one in rules.networks.items()})


def read_rules(text: str) -> Rules:
    """The rules in a TOML text of the form of `data/networks.toml`. Refuses `bad_rules`, naming every mistake."""
    try:
        file = tomllib.loads(text)
    except ValueError as error:
        raise Refused("bad_rules", f"the network rules are not TOML: {error}") from None
    reading = _Reading(file)
    rules = Rules(
        networks={network: reading.network(network.value) for network in _NETWORKS},
        declines=reading.codes("declines"),
        general=reading.general("general"),
    )
    reading.finish(rules)
    if reading.mistakes:
        raise Refused("bad_rules", "; ".join(reading.mistakes))
    return rules


def _least(cap: Cap) -> int:
    # A first attempt is a possible decline, but neither a reattempt nor a re-presentment.
    return 1 if cap.counts is Counts.DECLINES else 0


_Row = TypeVar("_Row", CodeRow, Advice, Cap, General)


class _Reading:
    """One file being read; what is wrong with one row hides no other's mistake."""

    def __init__(self, file: dict[str, Any]) -> None:
        self.mistakes: list[str] = []
        self._file = file
        known = {network.value for network in _NETWORKS} | {"declines", "general"}
        self.mistakes += [f"{name}: is unknown; take it out" for name in file if name not in known]

    def network(self, name: str) -> NetworkRules:
        table = self._file.get(name)
        if not isinstance(table, dict):
            self.mistakes.append(f"{name}: has no rules; write [[{name}.codes]]")
            table = {}
        allowed = ("codes", "advice", "caps") if name == Network.MASTERCARD else ("codes", "caps")
        self.mistakes += [f"{name}.{key}: is unknown; take it out" for key in table if key not in allowed]
        advice: dict[str, Advice] = {}
        if "advice" in allowed:
            advice = self._by_code(f"{name}.advice", self._rows(f"{name}.advice", table.get("advice"), Advice))
            self.mistakes += _wrong_advice(f"{name}.advice", advice)
        caps = self._rows(f"{name}.caps", table.get("caps", []), Cap)
        for cap in caps:
            self.mistakes += [f"{name}.caps {cap.name}: {what}" for what in _wrong_cap(cap)]
        codes = self._by_code(f"{name}.codes", self._rows(f"{name}.codes", table.get("codes"), CodeRow))
        return NetworkRules(codes, advice, tuple(caps))

    def codes(self, name: str) -> dict[str, CodeRow]:
        return self._by_code(name, self._rows(name, self._file.get(name), CodeRow))

    def general(self, name: str) -> dict[str, General]:
        rows = self._rows(name, self._file.get(name), General)
        for rule in ("expired", "not_durable", "no_retry_country"):
            if [row.rule for row in rows].count(rule) != 1:
                self.mistakes.append(f"{name}: must have {rule} once")
        return {row.rule: row for row in rows}

    def finish(self, rules: Rules) -> None:
        """Check what lies between tables."""
        names = Counter(cap.name for one in rules.networks.values() for cap in one.caps)
        self.mistakes += [f"caps: {name} is there {count} times" for name, count in names.items() if count > 1]
        india = rules.general.get("no_retry_country")
        if india is not None and not india.countries:
            self.mistakes.append("general no_retry_country: names no countries")

    def _rows(self, where: str, rows: object, row: type[_Row]) -> list[_Row]:
        if not isinstance(rows, list):
            self.mistakes.append(f"{where}: is missing; write [[{where}]]")
            return []
        found: list[_Row] = []
        for number, one in enumerate(rows, 1):
            try:
                found.append(msgspec.convert(one, row))
            except msgspec.ValidationError as error:
                self.mistakes.append(f"{where} row {number}: {error}")
        return found

    def _by_code(self, where: str, rows: Sequence[_Row]) -> dict[str, _Row]:
        pairs = [(code, row) for row in rows if isinstance(row, CodeRow | Advice) for code in row.codes]
        counted = Counter(code for code, _ in pairs)
        self.mistakes += [f"{where}: {code!r} is there {count} times" for code, count in counted.items() if count > 1]
        if OTHER not in counted:
            self.mistakes.append(f"{where}: has no row for {OTHER!r}, every other code")
        if where != "declines":
            odd = [code for code in counted if code != OTHER and code != normal_code(code)]
            self.mistakes += [
                f"{where}: {code!r} is not written as networks do ({normal_code(code)!r})" for code in odd
            ]
        return dict(pairs)


def _wrong_advice(where: str, rows: Mapping[str, Advice]) -> Iterator[str]:
    for code, row in rows.items():
        if (row.action is AdviceAction.NOT_BEFORE) != bool(row.hours):
            yield f"{where} {code}: hours belong to not_before, and to it alone"
        if row.days and row.action is not AdviceAction.STOP:
            yield f"{where} {code}: days belong to stop"


def _wrong_cap(cap: Cap) -> Iterator[str]:
    if cap.limit > cap.ceiling:
        yield f"default {cap.limit} is above the ceiling {cap.ceiling}"
    if cap.limit < _least(cap):
        yield "default 0 forbids the first attempt"
    if not cap.window_hours and cap.counts is not Counts.REPRESENTMENTS:
        yield "window_hours is missing"
    if "credential" not in cap.key:
        yield "key must hold credential: the book is read per credential"
