"""Documents of invoices: kept for good once they are made, and who makes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from arrears.core.invoice_document import DocumentKind, InvoiceContent


class StoredDocument(NamedTuple):
    """A document as it was made: of invoice `no` of an account; `of_fact` is the number of the fact that a credit note
    is of, 0 of any other. `number` is what it is called, `body` the PDF, `digest` its SHA-256."""

    account: int
    no: int
    kind: DocumentKind
    of_fact: int
    number: str
    made_at: datetime
    digest: bytes
    body: bytes


class DocumentBook(Protocol):
    """The documents that were made, and the references that payers were told. Nothing of it ever changes."""

    def keep_reference(self, account: int, no: int, wanted: Sequence[str]) -> str:
        """The reference of this invoice: the one that it has, else the first of `wanted` that no other has, which is
        its own from now on."""

    def document(self, account: int, no: int, kind: DocumentKind, of_fact: int) -> StoredDocument | None:
        """This document; None where nobody has asked for it yet."""

    def keep_document(self, made: StoredDocument) -> StoredDocument:
        """Keep this document, unless somebody else has kept it meanwhile; the one that is kept."""


class DocumentMaker(Protocol):
    """Makes a document of what it is to say."""

    def make(self, content: InvoiceContent, at: datetime) -> bytes:
        """The PDF, dated `at`; refuses `no_document` where it cannot be made."""
