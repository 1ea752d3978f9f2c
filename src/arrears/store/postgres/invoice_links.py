"""Where the operator's own documents of invoices are (see ports.InvoiceLinks, SQL 0043)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from contextlib import AbstractContextManager
from typing import Final, LiteralString

from arrears.store.postgres.write import Db

_LINKS: Final[LiteralString] = "SELECT no, url FROM invoice_link WHERE account_id = %s"
_LINK: Final[LiteralString] = """
WITH said AS (
    SELECT i.account_id, i.no, i.number, v.url
    FROM unnest(%(numbers)s::text[], %(urls)s::text[]) AS v (number, url) JOIN invoice i USING (number)
), gone AS (
    DELETE FROM invoice_link l USING said s WHERE (l.account_id, l.no) = (s.account_id, s.no) AND s.url = ''
    RETURNING l.account_id, l.no
), kept AS (
    INSERT INTO invoice_link AS l (account_id, no, url) SELECT account_id, no, url FROM said WHERE url <> ''
    ORDER BY account_id, no
    ON CONFLICT (account_id, no) DO UPDATE SET url = excluded.url WHERE l.url <> excluded.url
    RETURNING l.account_id, l.no
)
SELECT s.number FROM said s JOIN (TABLE gone UNION ALL TABLE kept) c USING (account_id, no)
"""


class PostgresInvoiceLinks:
    """See ports.InvoiceLinks."""

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def invoice_links(self, account: int) -> Mapping[int, str]:
        """See ports.InvoiceLinks."""
        with self.reading() as db:
            return dict(db.execute(_LINKS, [account]))

    def link_invoices(self, links: Mapping[str, str]) -> Set[str]:
        """See ports.InvoiceLinks."""
        numbers = sorted(links)
        with self.reading() as db:
            found = db.execute(_LINK, {"numbers": numbers, "urls": [links[number] for number in numbers]})
            return {number for (number,) in found}
