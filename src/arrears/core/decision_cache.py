"""Deciding once for all accounts that differ in nothing a decision looks at.

Customers are billed on the same days, so at 09:00 thousands of accounts stand at the same rung with the same dates.
Their stored texts are the same but for the account's number, invoice numbers, amounts, and where their facts stand in
their streams. What is left is the *shape*. The second account of a shape in one run is decided twice more, as two
made-up accounts with nothing in common but the shape; if both come to the same, with each of those values in the same
places, then so does every account of that shape, and the others are written without being taken apart.

A deletion is never decided this way, nor anything that moves money: every such account is decided for itself. The same
holds wherever a policy looks at amounts, a promise to pay says some, or the networks' rules would compare those of
attempts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from msgspec.structs import astuple

from arrears.core import facts as f
from arrears.core.account import encode_account
from arrears.core.facts import ARREARS, kind_of
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.rows import Rows, rows_of
from arrears.core.unit import GENESIS, Unit, Written, stamp

SHARED: Final[frozenset[type[f.Fact]]] = frozenset({f.BecamePastDue, f.DateMoved, f.Noticed, f.Restricted, f.Disabled})
"""The facts that may be written from a shape. Nothing that moves money, and nothing of a deletion: what cannot be
undone is decided for each account by itself."""

LEARN_AT: Final = 2
"""At which account of a shape it is learnt: most shapes of a mixed book occur once, and are not worth it."""

_VALUES: Final = re.compile(r'r":(\d+|"[^"\\]*(?:\\.[^"\\]*)*")')
"""Invoice numbers and amounts: the only fields of an account whose names end in r (a test says so). Free text cannot
look like one: inside a text the quotation mark is escaped."""
_OPEN: Final = re.compile(r'"currency":"([A-Z]{3})","total_minor":\d+,"open_minor":(\d+)')
_SEQS: Final = re.compile(r'seq":(\d+)')

DecideUnit = Callable[[Unit, Guards], None]


class Hole(NamedTuple):
    """A place in a template. `value` from 0 on is one of the account's own values; NUMBER its number; SEQ a place in
    its stream, `ahead` of the end that the stream had."""

    value: int
    ahead: int = 0


NUMBER: Final = -1
SEQ: Final = -2


class RowTemplate(NamedTuple):
    """A row of the table `name` in Rows: its class, its values with None for holes, and the holes by position."""

    name: str
    row: type[Any]
    values: tuple[Any, ...]
    holes: tuple[tuple[int, Hole], ...]


class FactTemplate(NamedTuple):
    """A fact's kind, its stored text in pieces with the places of the account's own values between them, what stands
    before the text where it is hashed, and both together where there are no such values."""

    kind: str
    pieces: list[str]
    own: tuple[tuple[int, int], ...]
    begins: bytes
    hashed: bytes


class Template(NamedTuple):
    """What every account of a shape comes to. `text` is the new state in pieces, the account's number being the second,
    with the holes by position."""

    facts: tuple[FactTemplate, ...]
    text: list[str]
    own: tuple[tuple[int, int], ...]
    seqs: tuple[tuple[int, int], ...]
    rows: tuple[RowTemplate, ...]
    next_at: datetime | None
    waits: bool
    escalates: bool


class DecisionCache:
    """The shapes met in one run, at one instant. `decide` decides and records one unit under given guards."""

    def __init__(self, policies: Policies, decide: DecideUnit, learn_at: int = LEARN_AT) -> None:
        self._decide = decide
        self._learn_at = learn_at
        self._looking_at_amounts = [
            f'"policy":"{name}"' for name, p in policies.items() if p.tolerance_minor or p.minimum_minor
        ]
        self._known: dict[str, Template | int] = {}
        self._guards = Guards()

    def under(self, guards: Guards) -> None:
        """The guards as they now stand; what was learnt under others is forgotten."""
        if guards != self._guards:
            self._guards, self._known = guards, {}

    def take(self, unit: Unit) -> bool:
        """Write this unit from its shape; False where it must be decided for itself."""
        text = unit.text
        if not text or '"tried":' in text or '"arrangements":' in text:
            return False
        if any(policy in text for policy in self._looking_at_amounts):
            return False
        if self._guards.limits and self._looks_at_limits(text):
            return False
        shape, values = _take_apart(unit.text, unit.seq)
        known = self._known.get(shape, 0)
        if isinstance(known, int):
            if known == NEVER:
                return False
            if known + 1 < self._learn_at:
                self._known[shape] = known + 1
                return False
            learnt = self._learn(unit, values)
            if learnt is None:
                self._known[shape] = NEVER
                return False
            self._known[shape] = known = learnt
        _write(unit, known, values)
        return True

    def _looks_at_limits(self, text: str) -> bool:
        """Whether an account owes so little that what can be charged would matter. More than is taken at once changes
        no more than charges, which are never decided from a shape."""
        limits = self._guards.limits
        return any(
            currency in limits and (limits[currency].takes_nothing or int(minor) < limits[currency].minimum_minor)
            for currency, minor in _OPEN.findall(text)
        )

    def _learn(self, unit: Unit, values: list[str]) -> Template | None:
        """What two made-up accounts of this shape have in common; None if anything differs or may not be shared."""
        found = []
        for which in (1, 2):
            member, own = _made_up(unit, values, which)
            try:
                self._decide(member, self._guards)
            except Exception:  # whatever it is, the account itself will meet it too, and be parked
                return None
            found.append(_template(member, own))
        return found[0] if found[0] == found[1] else None


NEVER: Final = -1


def _take_apart(text: str, end: int) -> tuple[str, list[str]]:
    """The shape of a stored account whose stream ends at `end`, and its own values in order."""
    parts = _VALUES.split(text)
    last = _SEQS.split(parts[-1])
    behind = [str(end - int(s)) for s in last[1::2]]
    first = parts[0]
    shape = "\0".join((first.partition(",")[2], *parts[2:-1:2], *last[::2], *behind))
    return shape, parts[1::2]


def _made_up(unit: Unit, values: list[str], which: int) -> tuple[Unit, dict[str, int]]:
    """An account of the same shape with a number, amounts, invoice numbers and a stream that are nobody's; its own
    values by what they are, with their places."""
    own = [f'"{which}:{i}"' if v[0] == '"' else str(which * 10**12 + 10 * i) for i, v in enumerate(values)]
    later = which * 10**9
    parts = _VALUES.split(unit.text)
    parts[1::2] = own
    last = _SEQS.split(parts[-1])
    last[1::2] = [f'seq":{int(s) + later}' for s in last[1::2]]
    parts[-1] = "".join(last)
    texts = [f'r":{part}' if i % 2 else part for i, part in enumerate(parts)]
    number = which * 10**15 + 7
    text = f'{{"no":{number},' + "".join(texts).partition(",")[2]
    made_up = Unit(number, None, unit.seq + later, GENESIS, unit.now, unit.next_at, text)
    return made_up, {value: i for i, value in enumerate(own)}


def _template(unit: Unit, own: dict[str, int]) -> Template | None:
    """What a made-up account came to, with holes where its own values stand."""
    if any(type(s.recorded.fact) not in SHARED for s in unit.stored):
        return None
    end = unit.seq_before
    pieces = _VALUES.split(encode_account(unit.account))
    begins = f"{stamp(unit.now)}|{ARREARS}||".encode()
    bodies = [_VALUES.split(s.body) for s in unit.stored]
    if not own.keys() >= {*pieces[1::2], *(value for body in bodies for value in body[1::2])}:
        return None
    facts = tuple(
        _fact_template(kind_of(s.recorded.fact), b, own, begins) for s, b in zip(unit.stored, bodies, strict=True)
    )
    last = _SEQS.split(pieces[-1])
    text = ['{"no":', ""]
    pieces[0] = "," + pieces[0].partition(",")[2]
    for literal in pieces[:-1:2]:
        text += [f'{literal}r":', ""]
    seqs_from = len(text) + 1
    for literal in last[:-1:2]:
        text += [f'{literal}seq":', ""]
    rows = rows_of([unit])
    return Template(
        facts=facts,
        text=[*text, last[-1]],
        own=tuple((3 + 2 * i, own[value]) for i, value in enumerate(pieces[1::2])),
        seqs=tuple((seqs_from + 2 * i, int(seq) - end) for i, seq in enumerate(last[1::2])),
        rows=tuple(
            _row_template(name, row, unit.no, end, own)
            for name in Rows.__struct_fields__
            for row in getattr(rows, name)
        ),
        next_at=unit.next_at,
        waits=unit.account.waits,
        escalates=any(isinstance(s.recorded.fact, f.Restricted | f.Disabled) for s in unit.stored),
    )


def _fact_template(kind: str, body: list[str], own: dict[str, int], begins: bytes) -> FactTemplate:
    pieces = []
    for literal in body[:-1:2]:
        pieces += [f'{literal}r":', ""]
    pieces.append(body[-1])
    holes = tuple((1 + 2 * i, own[value]) for i, value in enumerate(body[1::2]))
    return FactTemplate(kind, pieces, holes, begins, begins + "".join(pieces).encode())


def _row_template(name: str, row: Any, number: int, end: int, own: dict[str, int]) -> RowTemplate:
    values = tuple(row) if isinstance(row, tuple) else astuple(row)
    holes = []
    for at, value in enumerate(values):
        if type(value) is int:
            if value == number:
                holes.append((at, Hole(NUMBER)))
            elif abs(value - end) < 10**6 <= end:
                holes.append((at, Hole(SEQ, value - end)))
            elif str(value) in own:
                holes.append((at, Hole(own[str(value)])))
    blank = [None if any(at == hole for hole, _ in holes) else v for at, v in enumerate(values)]
    return RowTemplate(name, type(row), tuple(blank), tuple(holes))


def _write(unit: Unit, template: Template, values: list[str]) -> None:
    no, end, digest = unit.no, unit.seq, unit.head
    facts = []
    seq = end
    for kind, pieces, own, begins, hashed in template.facts:
        seq += 1
        body = pieces[0]
        if own:
            filled = pieces.copy()
            for at, place in own:
                filled[at] = values[place]
            body = "".join(filled)
            hashed = begins + body.encode()
        digest = sha256(digest + b"%d|%d|" % (no, seq) + hashed).digest()
        facts.append((kind, body, digest))
    text = template.text.copy()
    text[1] = str(no)
    for at, place in template.own:
        text[at] = values[place]
    for at, ahead in template.seqs:
        text[at] = str(end + ahead)
    rows = []
    for name, row, blank, holes in template.rows:
        row_values = list(blank)
        for at, (value, ahead) in holes:
            row_values[at] = end + ahead if value == SEQ else no if value == NUMBER else int(values[value])
        rows.append((name, row(*row_values)))
    unit.write(Written(facts, "".join(text), template.waits, template.escalates, rows), digest, template.next_at)
