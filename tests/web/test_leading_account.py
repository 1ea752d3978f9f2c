"""Which tables lead with the account, so that a distributed PostgreSQL could put an account's rows on one host.

docs/scale.md has a row for every table that does not, and for every unique key that does not name the account.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, LiteralString

import psycopg
import pytest

SCALE: Final = Path(__file__).parents[2] / "docs/scale.md"
ROW: Final = re.compile(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|", re.MULTILINE)
TABLES: Final[LiteralString] = """
SELECT c.relname, EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'account_id' AND NOT a.attisdropped)
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""
UNIQUE_KEYS: Final[LiteralString] = """
SELECT c.relname, string_agg(coalesce(a.attname, 'an expression'), ', ' ORDER BY k.place)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname, i.indexrelid
"""


@pytest.fixture
def written() -> dict[str, set[str]]:
    """The tables that docs/scale.md names, each with the unique keys that it says are not the account's."""
    text = SCALE.read_text(encoding="utf-8")
    part = text.partition("<!-- tables -->")[2].partition("<!-- end -->")[0]
    return {table: {key.strip("` ") for key in keys.split(";") if key.strip()} for table, keys, _ in ROW.findall(part)}


def test_every_table_leads_with_the_account_or_docs_scale_says_what_it_is(
    site: str, written: dict[str, set[str]]
) -> None:
    with psycopg.connect(site) as db:
        tables = dict(db.execute(TABLES).fetchall())
    assert sorted(table for table, of_account in tables.items() if not of_account and table not in written) == []
    assert sorted(written.keys() - tables.keys()) == []


def test_every_unique_key_names_the_account_or_docs_scale_says_what_would_change(
    site: str, written: dict[str, set[str]]
) -> None:
    with psycopg.connect(site) as db:
        of_account = {table for table, leads in db.execute(TABLES) if leads}
        keys = [(table, key) for table, key in db.execute(UNIQUE_KEYS) if table in of_account]
    elsewhere = {f"{table} ({key})" for table, key in keys if "account_id" not in key.split(", ")}
    said = {f"{table} ({key})" for table, keys in written.items() if table in of_account for key in keys}
    assert sorted(elsewhere ^ said) == []
