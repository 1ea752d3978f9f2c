"""The payment providers of an installation, by name, and which of them an attempt was made at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from arrears.core.account import Attempt
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.ports import AccountsAndMoney, Processor


class BilledBeside(Protocol):
    """A billing system beside arrears, as far as payments meet it."""

    def sweep(self, now: datetime) -> object:
        """Read it, where it is connected and nobody just did."""

    def before_charge(self, account: int, now: datetime) -> str:
        """Look once more whether an account may be charged now: why not, or nothing. Refuses where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Providers:
    """The payment providers by name, and where a payer comes back to: `base_url` is the account centre's.

    `default` is the one that opens new pages; it must be said where there are several. What has been opened, or set
    up, stays with the provider that did it.
    """

    by_name: Mapping[str, Processor]
    base_url: str = "http://localhost:8000"
    default: str = ""
    billing: BilledBeside | None = None
    """The billing system beside, which charges some of the same invoices."""

    def __post_init__(self) -> None:
        if not self.default and len(self.by_name) == 1:
            object.__setattr__(self, "default", *self.by_name)
        assert not self.by_name or self.default in self.by_name, "say which of several providers opens new pages"
        assert all(re.fullmatch(r"[\w-]+", name) for name in self.by_name), "it stands before a reference's colon"

    def of(self, name: str) -> Processor:
        """The provider of this name; Refused `no_such_provider` where it is not set up."""
        if name not in self.by_name:
            which = f"payment provider {name!r} is not" if name else "no payment provider is"
            raise Refused("no_such_provider", f"{which} set up here")
        return self.by_name[name]

    def opening(self, method: Callable[..., object]) -> Processor:
        """The provider that opens new pages; refuses `no_such_provider`, and `not_supported` where it cannot do this:
        `opening(Processor.open_setup)`."""
        processor = self.of(self.default)
        processor.must_support(method)
        return processor

    def can_open(self, method: Callable[..., object]) -> bool:
        """Whether `opening` would give one."""
        return self.default in self.by_name and self.by_name[self.default].supports(method)

    def return_url(self, account: int, attempt: int = 0) -> str:
        """Where a payer comes back to from the bank or the provider's page: with `attempt` to what became of it."""
        return f"{self.base_url}/settle/{format_id(ACCOUNT, account)}{f'/{attempt}' if attempt else ''}"


NO_PROVIDERS: Final = Providers({})


def provider_of(store: AccountsAndMoney, otherwise: str, account: int, attempt: Attempt) -> str:
    """The provider at which an attempt was made: its method's, or the one that opened its page; `otherwise` for a page
    from before that was recorded."""
    if attempt.method:
        return store.method(account, attempt.method).at_provider
    return attempt.opened_by or otherwise
