"""The receivables that are there already (see ports.book)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Final, LiteralString

from psycopg import Cursor

from arrears.core.account import Mode
from arrears.core.facts import Fact, Recorded, decode_fact, kind_of_type
from arrears.core.receivables import NamedMethod
from arrears.ports import NewAccount
from arrears.ports.book import Alike, Place, Sums
from arrears.store.postgres.billing import PostgresBilling
from arrears.store.postgres.documents import PostgresDocuments
from arrears.store.postgres.invoice_links import PostgresInvoiceLinks
from arrears.store.postgres.named import NAME, named
from arrears.store.postgres.subscription_refs import PostgresSubscriptionRefs
from arrears.store.postgres.write import Db, DbRow, array_of, utc

FACTS_OF: Final[LiteralString] = """
SELECT account_id, seq, at, author, why, body FROM account_fact
WHERE account_id = ANY(%s) AND kind = ANY(%s) ORDER BY account_id, seq
"""

DESCRIBED: Final[LiteralString] = """
SELECT a.account_id, a.ref, a.name, a.country, a.zone, a.locale, a.mode, a.policy, a.contact,
    array(SELECT e.address FROM extra_recipient e WHERE e.account_id = a.account_id AND e.channel = 'email' ORDER BY 1),
    a.billing_address, a.tax_number, n.at_provider, n.customer_ref, n.ref
FROM account a LEFT JOIN named_method n USING (account_id) WHERE a.account_id = ANY(%s)
"""

ADMINISTERED: Final[LiteralString] = """
SELECT account_id FROM account_role WHERE role = 'administrator' AND account_id = ANY(%s)
"""

DESCRIBE: Final[LiteralString] = """
UPDATE account SET name = %s, country = %s, zone = %s, locale = %s, mode = %s, policy = %s, contact = %s,
    billing_address = %s, tax_number = %s
WHERE account_id = %s
"""

WARN_TOO: Final[LiteralString] = """
INSERT INTO extra_recipient (account_id, address, name, locale, channel)
SELECT account_id, address, '', '', 'email' FROM unnest(%s::bigint[], %s::text[]) AS v (account_id, address)
ON CONFLICT (account_id, channel, address) DO NOTHING
"""

INVOICE_PLACES: Final[LiteralString] = """
SELECT i.number, i.account_id, a.ref FROM invoice i JOIN account a USING (account_id) WHERE i.number = ANY(%s::text[])
"""

INVOICES_ALIKE: Final[LiteralString] = """
SELECT w.number, i.account_id, a.ref
FROM unnest(%s::text[], %s::text[], %s::date[], %s::date[], %s::text[], %s::bigint[])
    AS w (number, bare, issued_on, due_on, currency, total_minor)
JOIN invoice i ON i.issued_on = w.issued_on AND i.currency = w.currency
    AND (i.due_on = w.due_on OR i.total_minor = w.total_minor) AND right(i.number, length(w.bare) + 1) = '/' || w.bare
JOIN account a USING (account_id)
ORDER BY w.number, i.account_id DESC
"""

OPEN_INVOICES: Final[LiteralString] = """
SELECT i.number, i.account_id, a.ref FROM invoice i JOIN account a USING (account_id) WHERE i.open_minor > 0
"""

PAYMENT_PLACES: Final[LiteralString] = """
SELECT p.ref, p.account_id, a.ref FROM payment p JOIN account a USING (account_id) WHERE p.ref = ANY(%s::text[])
"""

ENTRY_SUMS: Final[LiteralString] = "SELECT currency, ledger, sum(minor)::bigint FROM entry GROUP BY currency, ledger"

OVERDUE: Final[LiteralString] = """
SELECT currency, sum(open_minor)::bigint FROM invoice WHERE open_minor > 0 AND due_on < %s GROUP BY currency
"""

# An account's own word stands in its state, which may be newer than what was known when it was opened.
FOLLOWERS: Final[LiteralString] = """
SELECT state::json -> 'terms' ->> 'policy', count(*) FROM account_state GROUP BY 1
"""


class PostgresReceivables(PostgresDocuments, PostgresInvoiceLinks, PostgresSubscriptionRefs, PostgresBilling):
    """See ports.book.Receivables, and ports.DocumentBook of their documents."""

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def facts_of(self, numbers: Sequence[int], kinds: Sequence[type[Fact]]) -> Mapping[int, Sequence[Recorded]]:
        """See ports.book.Receivables."""
        found: dict[int, list[Recorded]] = defaultdict(list)
        with self.reading() as db:
            rows = db.execute(FACTS_OF, [list(numbers), [kind_of_type(kind) for kind in kinds]])
            for a, s, at, author, why, body in rows:
                found[a].append(Recorded(a, s, utc(at), author, why, decode_fact(body)))
        return found

    def stored_facts_of(
        self, numbers: Sequence[int], kinds: Sequence[type[Fact]]
    ) -> Mapping[int, Sequence[tuple[str, str]]]:
        """See ports.book.Receivables."""
        found: dict[int, list[tuple[str, str]]] = defaultdict(list)
        with self.reading() as db:
            rows = db.execute(FACTS_OF, [list(numbers), [kind_of_type(kind) for kind in kinds]]).fetchall()
        for account, _, _, author, _, body in rows:
            found[account].append((author, body))
        return found

    def described(self, numbers: Sequence[int]) -> Mapping[int, NewAccount]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return {
                number: NewAccount(
                    ref,
                    name,
                    country,
                    zone,
                    locale,
                    Mode(mode),
                    policy,
                    contact,
                    tuple(copies),
                    _method(method),
                    address or "",
                    tax_number or "",
                )
                for (
                    number,
                    ref,
                    name,
                    country,
                    zone,
                    locale,
                    mode,
                    policy,
                    contact,
                    copies,
                    address,
                    tax_number,
                    *method,
                ) in db.execute(DESCRIBED, [list(numbers)])
            }

    def administered(self, numbers: Sequence[int]) -> AbstractSet[int]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return {int(account) for (account,) in db.execute(ADMINISTERED, [list(numbers)])}

    def rename_ref(self, account: int, ref: str) -> None:
        """See ports.book.Receivables."""
        with self.reading() as db:
            db.execute("UPDATE account SET ref = %s WHERE account_id = %s", [ref, account])

    def invoice_places(self, numbers: Sequence[str]) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return _places(db.execute(INVOICE_PLACES, [array_of(numbers)]))

    def invoices_alike(self, asked: Sequence[Alike]) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return _places(db.execute(INVOICES_ALIKE, [list(column) for column in zip(*asked, strict=True)]))

    def payment_places(self, refs: Sequence[str]) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return _places(db.execute(PAYMENT_PLACES, [array_of(refs)]))

    def open_invoices(self) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return _places(db.execute(OPEN_INVOICES))

    def invoice_count(self) -> int:
        """See ports.book.Receivables."""
        with self.reading() as db:
            row = db.execute("SELECT count(*) FROM invoice").fetchone()
            assert row is not None
            return int(row[0])

    def payment_count(self) -> int:
        """See ports.book.Receivables."""
        with self.reading() as db:
            row = db.execute("SELECT count(*) FROM payment").fetchone()
            assert row is not None
            return int(row[0])

    def book_sums(self, today: date) -> Mapping[str, Sums]:
        """See ports.book.Receivables."""
        sums: dict[str, Sums] = defaultdict(Sums)
        with self.reading() as db:
            for currency, ledger, minor in db.execute(ENTRY_SUMS):
                one = sums[currency]
                if ledger == "revenue":
                    sums[currency] = one._replace(issued=-minor)
                elif ledger == "bad_debt":
                    sums[currency] = one._replace(given_up=minor)
                elif ledger == "receivable":
                    sums[currency] = one._replace(open=minor)
                elif ledger == "credit":
                    sums[currency] = one._replace(credit=-minor)
            for currency, minor in db.execute(OVERDUE, [today]):
                sums[currency] = sums[currency]._replace(overdue=minor)
        return sums

    def policy_followers(self) -> Mapping[str, int]:
        """See ports.book.Receivables."""
        with self.reading() as db:
            return dict(db.execute(FOLLOWERS).fetchall())


def _places(found: Cursor[DbRow]) -> dict[str, Place]:
    return {name: Place(account, ref) for name, account, ref in found.fetchall()}


def _method(said: Sequence[str | None]) -> NamedMethod | None:
    provider, customer, ref = said
    return None if provider is None else NamedMethod(provider, customer or "", ref or "")


def describe(db: Db, account: int, known: NewAccount, now: datetime) -> None:
    """See ports.AccountsInParts."""
    values = [known.name, known.country, known.zone, known.locale, known.mode.value, known.policy, known.contact]
    db.execute(DESCRIBE, [*values, known.billing_address or None, known.tax_number or None, account])
    warn_too(db, [(account, address) for address in known.copies])
    if known.method is not None:
        db.execute(NAME, [[value] for value in named(account, known.method, now)])


def warn_too(db: Db, copies: Sequence[tuple[int, str]]) -> None:
    """Further addresses that are warned: (account, address). One that is known stays as it is."""
    if copies:
        db.execute(WARN_TOO, [list(column) for column in zip(*copies, strict=True)])
