"""Where the operator's own documents of invoices are."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Protocol


class InvoiceLinks(Protocol):
    """The addresses of the operator's own documents, each of one invoice. In PostgreSQL alone: the simulator's
    operators have none."""

    def invoice_links(self, account: int) -> Mapping[int, str]:
        """Where the documents of this account's invoices are, by the invoice's number within it; absent where nobody
        has said."""

    def link_invoices(self, links: Mapping[str, str]) -> Set[str]:
        """The documents of the invoices with these numbers are there from now on, or nowhere where that is empty. The
        numbers of those that were elsewhere before; one that is not here is left out."""
