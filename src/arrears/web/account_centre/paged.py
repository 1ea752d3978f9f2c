"""Long lists in pages: a list is as long as the account is old, and a page of it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from django.http import QueryDict

from arrears.web.numbers import whole

One = TypeVar("One")


class Paged(NamedTuple, Generic[One]):
    """One page of a list; pages count from 1, the first has the newest."""

    items: Sequence[One]
    page: int
    pages: int
    name: str

    @property
    def newer(self) -> int:
        """The page with what is newer; 0 where there is none."""
        return self.page - 1

    @property
    def older(self) -> int:
        """The page with what is older; 0 where there is none."""
        return self.page + 1 if self.page < self.pages else 0


def page_of(items: Sequence[One], size: int, query: QueryDict, name: str = "page") -> Paged[One]:
    """The page that an address asks for with `?name=`; the first for what is no number, the last beyond the end."""
    pages = max(1, -(-len(items) // size))
    page = min(max(whole(query.get(name, ""), 6), 1), pages)
    return Paged(items[(page - 1) * size : page * size], page, pages, name)
