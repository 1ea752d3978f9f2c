"""How each fact changes the account; one small function a kind of fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arrears.core.account import Account
from arrears.core.facts import Fact, Recorded

Folds = dict[type[Fact], Callable[[Account, Any, Recorded], Account]]
"""The account after a fact, by the kind of fact."""
