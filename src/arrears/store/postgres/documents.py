"""The documents of invoices, and the references that payers were told (see ports.DocumentBook, SQL 0033)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final, LiteralString

from arrears.core.invoice_document import DocumentKind
from arrears.ports.documents import StoredDocument
from arrears.store.postgres.write import Db, utc

_REFERENCE: Final[LiteralString] = "SELECT reference FROM invoice_reference WHERE account_id = %s AND no = %s"
_KEEP_REFERENCE: Final[LiteralString] = """
INSERT INTO invoice_reference (account_id, no, reference) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_DOCUMENT: Final[LiteralString] = """
SELECT number, made_at, digest, body FROM document
WHERE account_id = %s AND no = %s AND kind = %s AND of_fact = %s
"""
_KEEP_DOCUMENT: Final[LiteralString] = """
INSERT INTO document (account_id, no, kind, of_fact, number, made_at, digest, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (account_id, no, kind, of_fact) DO NOTHING
"""


class PostgresDocuments:
    """See ports.DocumentBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def keep_reference(self, account: int, no: int, wanted: Sequence[str]) -> str:
        """See ports.DocumentBook. Two who ask at once both try to insert, and read what is there then."""
        for reference in ("", *wanted):
            with self.transaction() as db:
                if reference:
                    db.execute(_KEEP_REFERENCE, [account, no, reference])
                row = db.execute(_REFERENCE, [account, no]).fetchone()
            if row is not None:
                return str(row[0])
        raise AssertionError("the last of the wanted references is nobody else's")

    def document(self, account: int, no: int, kind: DocumentKind, of_fact: int) -> StoredDocument | None:
        """See ports.DocumentBook."""
        with self.reading() as db:
            row = db.execute(_DOCUMENT, [account, no, kind.value, of_fact]).fetchone()
        if row is None:
            return None
        number, made_at, digest, body = row
        return StoredDocument(account, no, kind, of_fact, number, utc(made_at), bytes(digest), bytes(body))

    def keep_document(self, made: StoredDocument) -> StoredDocument:
        """See ports.DocumentBook."""
        with self.transaction() as db:
            db.execute(
                _KEEP_DOCUMENT,
                [made.account, made.no, made.kind.value, made.of_fact, *made[4:]],
            )
        kept = self.document(made.account, made.no, made.kind, made.of_fact)
        assert kept is not None, "it was kept now or before"
        return kept
