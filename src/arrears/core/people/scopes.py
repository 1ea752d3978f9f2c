"""What a program's token lets it do: a kind of thing and an act, `invoices:write`; `*` is every kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.errors import Refused


class ScopeKind(StrEnum):
    """A kind of thing that routes are about."""

    ACCOUNTS = "accounts"
    ALERTS = "alerts"
    BANK = "bank"
    CASES = "cases"
    EVENTS = "events"
    INVOICES = "invoices"
    PAYMENTS = "payments"
    PEOPLE = "people"
    POLICIES = "policies"
    SUBSCRIPTIONS = "subscriptions"
    TASKS = "tasks"


class ScopeAct(StrEnum):
    """What is done to it. `MONEY` moves money, or decides what is paid with; neither of the others includes it."""

    READ = "read"
    WRITE = "write"
    MONEY = "money"


class TokenScope(NamedTuple):
    """One thing that is allowed; `kind` None is every kind, those too that come later."""

    kind: ScopeKind | None
    act: ScopeAct

    def __str__(self) -> str:
        return f"{self.kind or EVERY}:{self.act}"


EVERY: Final = "*"
READS: Final = frozenset({TokenScope(None, ScopeAct.READ)})
EVERYTHING: Final = frozenset(TokenScope(None, act) for act in ScopeAct)

_SCOPE: Final = re.compile(r"([a-z*]{1,20}):([a-z]{1,20})", re.ASCII)


def scopes_of(texts: Iterable[str]) -> frozenset[TokenScope]:
    """The scopes with these names, `payments:money`; refuses `bad_scope`, naming those that there are."""
    return frozenset(_scope_of(text) for text in texts)


def scopes_text(scopes: Iterable[TokenScope]) -> str:
    """The scopes as they are kept and shown: in order, with blanks between."""
    return " ".join(sorted(str(one) for one in scopes))


def allows(scopes: frozenset[TokenScope], kind: ScopeKind, act: ScopeAct) -> bool:
    """Whether one of these scopes lets a program do that."""
    return TokenScope(kind, act) in scopes or TokenScope(None, act) in scopes


def _scope_of(text: str) -> TokenScope:
    found = _SCOPE.fullmatch(text)
    if found is not None and found[1] in (EVERY, *ScopeKind) and found[2] in tuple(ScopeAct):
        return TokenScope(None if found[1] == EVERY else ScopeKind(found[1]), ScopeAct(found[2]))
    kinds, acts = " ".join([EVERY, *ScopeKind]), " ".join(ScopeAct)
    raise Refused("bad_scope", f"{text[:40]!r} is no scope; one is KIND:ACT, of the kinds {kinds} and the acts {acts}")
